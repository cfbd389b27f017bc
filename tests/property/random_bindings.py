"""Random statements in which a name is read later than it was bound, or in another place.

These are closures and what may be bound again after they were made, generators that are consumed
later, default arguments, loop variables, class bodies, ``del``, ``global`` and ``nonlocal``.
"""

import random
from collections.abc import Callable
from typing import Protocol

__all__ = ["Chooser", "bound", "indented", "late_binding", "maybe"]


class Chooser(Protocol):
    """What makes a script: it chooses expressions, and names that nothing else has."""

    chance: random.Random

    def pick(self, *options: str) -> str: ...
    def some(self, share: float) -> bool: ...
    def name(self) -> str: ...
    def variable(self, prefix: str) -> str: ...
    def number(self) -> str: ...
    def text(self) -> str: ...
    def sequence(self) -> str: ...
    def condition(self) -> str: ...
    def unknown(self) -> str: ...


def late_binding(make: Chooser, parser: str) -> list[str]:
    """Return statements that declare an argument with what they read."""
    return make.chance.choice(_SHAPES)(make, parser)


def indented(lines: list[str], by: str = "    ") -> list[str]:
    return [by + line for line in lines]


def maybe(make: Chooser, lines: list[str], share: float = 0.5) -> list[str]:
    """Put statements under a condition, or not."""
    return [f"if {make.condition()}:", *indented(lines)] if make.some(share) else lines


def bound(make: Chooser, name: str) -> list[str]:
    """Return statements that bind a name again, in one way or another."""
    value = make.number()
    ways = [
        f"{name} = {value}",
        f"{name} += 1",
        f"for {name} in (11, 12): pass",
        f"{name}, _ = {value}, 0",
        f"({name} := {value})",
        f"with contextlib.nullcontext({value}) as {name}: pass",
        f"def {name}(): return 13",
        f"del {name}; {name} = {value}",
        f"try: {name} = fail('b')\nexcept ValueError: {name} = {value}",
        f"if {make.unknown()}: {name} = {value}\nelse: {name} = {make.number()}",
    ]
    return make.pick(*ways[:2], *ways).split("\n")


def _leave(make: Chooser, what: str) -> list[str]:
    """Return statements that may leave a call."""
    return make.pick(
        f"if {make.condition()}: return {what}",
        f"if {make.unknown()}: return {what}",
        f"try:\n    if {make.unknown()}: fail('l')\nexcept ValueError: return {what}",
        f"for turn in NAMES:\n    if {make.unknown()}: return {what}",
        f"if {make.unknown()}: return {what}\nelif {make.unknown()}: return {what}",
        "pass",
    ).split("\n")


def _read(value: str) -> str:
    """Return an expression that a function or any other value becomes in a default."""
    return f"({value} if isinstance({value}, (int, float, str, type(None))) else 'other')"


def _closure(make: Chooser, parser: str) -> list[str]:
    """A closure whose variable is bound again after a return."""
    name, argument = make.variable("v"), make.name()
    form = make.pick("read", "(read,)[0]", "{'k': read}['k']", "functools.partial(read)",
                     "(lambda: read())", "held.append(read)")  # fmt: skip
    given = "None" if form.startswith("held") else form
    body = [
        f"{name} = {make.number()}",
        *make.pick(
            f"def read(): return {_read(name)}",
            f"read = lambda: {_read(name)}",
            f"def read():\n    return [{_read(name)} for _ in 'x'][0]",
            f"def read():\n    def deeper(): return {_read(name)}\n    return deeper()",
            f"class Kept:\n    def read(self): return {_read(name)}\nread = Kept().read",
            f"def read():\n    yield {_read(name)}\nread = functools.partial(next, read())",
        ).split("\n"),
        *([form] if given == "None" else []),
        *_leave(make, given),
        *maybe(make, bound(make, name)),
        *(_leave(make, given) if make.some(0.5) else []),
        *(maybe(make, bound(make, name)) if make.some(0.3) else []),
        f"return {given}",
    ]
    if make.some(0.2):
        body = ["try:", *indented(body), "finally:", *indented(bound(make, name))]
    call = f"make_{argument}({make.pick('', 'held=[]')})" if given != "None" else ""
    lines = [f"H{argument} = []", f"def make_{argument}(held=H{argument}):", *indented(body)]
    if call:
        return [*lines, f"kept_{argument} = {call}",
                f"{parser}.add_argument('--{argument}', default=kept_{argument}())"]  # fmt: skip
    return [*lines, f"make_{argument}()",
            f"{parser}.add_argument('--{argument}', default=H{argument}[0]())"]  # fmt: skip


def _raised(make: Chooser, parser: str) -> list[str]:
    """A closure whose variable is bound again after what may raise."""
    name, argument = make.variable("v"), make.name()
    fails = make.pick("fail('r')", "raise KeyError", "TABLE['k9']", "os.environ['C0']")
    return [
        f"H{argument} = []",
        f"def make_{argument}():",
        f"    {name} = {make.number()}",
        f"    H{argument}.append(lambda: {_read(name)})",
        f"    if {make.condition()}:",
        f"        {fails}",
        *indented(bound(make, name)),
        "try:",
        f"    make_{argument}()",
        "except (LookupError, ValueError):",
        f"    {make.pick('pass', f'H{argument}.append(0)')}",
        f"{parser}.add_argument('--{argument}', default=H{argument}[0]())",
    ]


def _pair(make: Chooser, parser: str) -> list[str]:
    """Two functions that share a variable."""
    argument = make.name()
    second = maybe(make, [f"bump_{argument}({make.pick('', '3')})"])
    return [
        f"def pair_{argument}():",
        f"    n = {make.number()}",
        "    def bump(k=1):",
        "        nonlocal n",
        *indented(maybe(make, [make.pick("return n", "k = 5", "n = 0")]), "        "),
        f"        {make.pick('n += k', 'n = n + k', 'n = k')}",
        "        return n",
        f"    def get(): return {_read('n')}",
        *indented(maybe(make, [make.pick("bump()", "n = 20", "pass")])),
        *indented(_leave(make, "bump, get")),
        f"    {make.pick('n = 30', 'bump(7)', 'pass', 'del n; n = 40')}",
        "    return bump, get",
        f"bump_{argument}, get_{argument} = pair_{argument}()",
        f"bump_{argument}()",
        *second,
        f"{parser}.add_argument('--{argument}', default=get_{argument}())",
    ]


def _defaults(make: Chooser, parser: str) -> list[str]:
    """Default arguments keep what a name was bound to."""
    name, argument = make.variable("v"), make.name()
    made = make.pick(
        f"def get_{argument}(v={name}): return {_read('v')}",
        f"get_{argument} = lambda v={name}: {_read('v')}",
        f"def get_{argument}(*, v={name}): return {_read('v')}",
        f"get_{argument} = functools.partial(lambda v: {_read('v')}, {name})",
        f"def get_{argument}(v={name}):\n    v = v if {make.condition()} else {name}\n"
        f"    return {_read('v')}",
        f"def get_{argument}(): return {_read(name)}",
    ).split("\n")
    again = maybe(make, made, 0.8) if make.some(0.3) else []
    return [
        f"{name} = {make.number()}",
        *made,
        *maybe(make, bound(make, name)),
        *again,
        *maybe(make, bound(make, name)),
        f"{parser}.add_argument('--{argument}', default=get_{argument}())",
    ]


def _comprehended(make: Chooser, parser: str) -> list[str]:
    """Variables of comprehensions, and functions made in them."""
    argument, name = make.name(), make.variable("v")
    made = make.pick(
        "[lambda: n for n in NAMES]",
        "[lambda n=n: n for n in NAMES]",
        "[(lambda: n) for n in NAMES if n != 'n3']",
        f"[lambda: str({_read(name)}) for _ in NAMES]",
        f"list(map(lambda n: (lambda: n + str({_read(name)})), NAMES))",
        f"[lambda: {name}x for n in NAMES if ({name}x := n)]",
        "[functools.partial(str, n) for n in NAMES]",
        "{n: (lambda: n) for n in NAMES}.values()",
    )
    return [
        f"{name} = {make.number()}",
        f"n = {make.text()}",
        f"made_{argument} = {made}",
        *maybe(make, bound(make, name)),
        *maybe(make, ["n = 'after'"], 0.5),
        f"{parser}.add_argument('--{argument}', choices=[f() for f in made_{argument}])",
        f"{parser}.add_argument('--{make.name()}', default=n)",
    ]


def _looped(make: Chooser, parser: str) -> list[str]:
    """Functions that are made in the turns of a loop."""
    argument = make.name()
    made = make.pick("lambda: key", "lambda key=key: key", "lambda: (key, key)[0] + 'x'",
                     "functools.partial(str, key)")  # fmt: skip
    lines = [
        f"made_{argument} = []",
        f"for key in {make.pick('NAMES', 'TABLE', 'sorted(TEXTS)')}:",
        *indented([f"if {make.condition()}:", f"    {make.pick('continue', 'break', 'pass')}"]),
        f"    made_{argument}.append({made})",
        *indented(maybe(make, [make.pick("key = 'z'", "break", "pass", "key += 'y'")])),
    ]
    if make.some(0.4):
        lines = [f"def loop_{argument}():", *indented(lines), f"    return made_{argument}",
                 "key = 'outside'", f"made_{argument} = loop_{argument}()"]  # fmt: skip
    return [
        *lines,
        *maybe(make, ["key = 'again'"], 0.6),
        f"{parser}.add_argument('--{argument}', choices=[f() for f in made_{argument}])",
    ]


def _class_body(make: Chooser, parser: str) -> list[str]:
    """Names of class bodies are not those of their methods."""
    argument, name = make.name(), make.variable("v")
    cls = f"K{argument}"
    return [
        f"{name} = {make.number()}",
        f"class {cls}:",
        f"    first = {_read(name)}",
        *indented(maybe(make, [f"{name} = {make.number()}"])),
        f"    second = {_read(name)}",
        f"    def read(self): return {_read(name)}",
        f"    late = staticmethod(lambda: {_read(name)})",
        "    names = [n for n in NAMES]",
        *indented(maybe(make, [make.pick("del first", "first = 9", "second = first", "pass")])),
        *maybe(make, bound(make, name)),
        *maybe(make, [make.pick(f"{cls}.second = 5", f"{cls}.read = lambda self: 6",
                                 f"setattr({cls}, 'second', 7)", f"del {cls}.second")]),
        f"{parser}.add_argument('--{argument}', default={cls}().read())",
        f"{parser}.add_argument('--{make.name()}', default=getattr({cls}, 'second', 1))",
        f"{parser}.add_argument('--{make.name()}', default=getattr({cls}, 'first', 2))",
        f"{parser}.add_argument('--{make.name()}', default={cls}.late())",
    ]  # fmt: skip


def _deleted(make: Chooser, parser: str) -> list[str]:
    """What was deleted is not there, or what lies behind it is."""
    argument, name = make.name(), make.variable("v")
    made, gone, use = make.pick(
        f"{name} = Settings()\n{name}.rate = 4|del {name}.rate|default={name}.rate",
        f"{name} = dict(a=1, b=2)|del {name}['a']|choices=list({name})",
        f"{name} = ['a', 'b']|del {name}[0]|choices={name}",
        f"{name} = ['a', 'b', 'c']|del {name}[1:]|choices={name}",
        f"{name} = 3|del {name}|default={name} if '{name}' in globals() else 4",
        f"{name} = 3|del {name}\n{name} = 5|default={name}",
        f"{name} = {{'a'}}|{name}.clear()|choices=sorted({name})",
        f"{name} = Settings()\n{name}.rate = 4|delattr({name}, 'rate')|default={name}.rate",
        f"{name} = dict(a=1, b=2)|{name}.popitem()|choices=list({name})",
    ).split("|")
    change = gone.split("\n")
    if make.some(0.4) and not gone.startswith(f"del {name}\n") and gone != f"del {name}":
        change = [f"def gone_{argument}():", *indented(maybe(make, ["return"], 1.0)),
                  *indented(change), f"gone_{argument}()"]  # fmt: skip
    return [
        *made.split("\n"),
        *maybe(make, change),
        f"{parser}.add_argument('--{argument}', {use})",
    ]


def _rebound_by_a_call(make: Chooser, parser: str) -> list[str]:
    """A function that binds a global name, called here or there."""
    argument = make.name()
    name = f"G{argument}"
    set_it = make.pick(
        f"{name} = {make.number()}", f"{name} += 1", f"globals()['{name}'] = 8",
        f"for {name} in (3, 4): pass", f"{name} = {name} if {make.condition()} else 2",
        f"globals().update({name}=6)",
    )  # fmt: skip
    call = make.pick(
        f"set_{argument}()", f"[set_{argument}() for _ in 'ab']", f"list(map(set_{argument}, 'a'))",
        f"{make.condition()} and set_{argument}()", f"call_{argument}(set_{argument})",
        f"for turn in NAMES: set_{argument}()", f"while {name} != {name} + 0: set_{argument}()",
        f"x = [1] if {make.condition()} else [set_{argument}()]", f"f = set_{argument}; f()",
        f"sorted([1], key=set_{argument})", f"max([1], key=lambda n: set_{argument}() or 1)",
    )  # fmt: skip
    return [
        f"globals()['{name}'] = 1" if make.some(0.05) else f"{name} = {make.number()}",
        f"def get_{argument}(): return {name}",
        f"def keep_{argument}(v={name}): return v",
        f"def set_{argument}(*_):",
        f"    global {name}",
        *indented(maybe(make, ["return"], 1.0) if make.some(0.5) else []),
        f"    {set_it}",
        f"def call_{argument}(function):",
        *indented(maybe(make, ["return"], 1.0) if make.some(0.3) else []),
        "    function()",
        *maybe(make, [call]),
        f"{parser}.add_argument('--{argument}', default=get_{argument}())",
        f"{parser}.add_argument('--{make.name()}', default={name})",
        f"{parser}.add_argument('--{make.name()}', default=keep_{argument}())",
    ]  # fmt: skip


def _decorated(make: Chooser, parser: str) -> list[str]:
    """Decorators that keep the function, or what it returned."""
    argument, name = make.name(), make.variable("v")
    body = make.pick(
        f"KEPT_{argument}.append(function)\nreturn function",
        f"KEPT_{argument}.append(function)\nreturn lambda: 'other'",
        "value = function()\nreturn lambda: value",
        "calls = 0\ndef inner():\n    nonlocal calls\n    calls += 1\n    return calls\n"
        "return inner",
        "seen = {}\ndef inner():\n    if 'r' not in seen: seen['r'] = function()\n"
        "    return seen['r']\nreturn inner",
        "function.kept = function\nreturn function.kept",
        f"if {make.condition()}: return lambda: 'one'\nreturn function",
        "class Called:\n    def __call__(self): return function()\nreturn Called()",
        f"@functools.wraps(function)\ndef inner():\n    function()\n    return {name}\n"
        "return inner",
        "return functools.lru_cache(maxsize=None)(function)",
        "return functools.cache(function)",
    ).split("\n")
    again = [f"@keep_{argument}", f"def read_{argument}(): return 'again'"]
    return [
        f"KEPT_{argument} = []",
        f"{name} = 1",
        f"def keep_{argument}(function):",
        *indented(body),
        f"@keep_{argument}",
        f"def read_{argument}(): return {name}",
        *maybe(make, [f"read_{argument}()"]),
        *maybe(make, [f"{name} = 2"]),
        *(maybe(make, again) if make.some(0.4) else []),
        *maybe(make, [f"KEPT_{argument}.append(lambda: 'late')"]),
        f"{parser}.add_argument('--{argument}', default=read_{argument}())",
        f"{parser}.add_argument('--{make.name()}', choices=[f() for f in KEPT_{argument}] or None)",
    ]


def _consumed_later(make: Chooser, parser: str) -> list[str]:
    """Generators and other iterators, whose items are made when they are asked for."""
    argument, name = make.name(), make.variable("v")
    made = make.pick(
        f"(n + str({_read(name)}) for n in NAMES)",
        f"map(lambda n: n + str({_read(name)}), NAMES)",
        f"each_{argument}()", f"each_{argument}()", f"each_{argument}()", f"each_{argument}()",
        f"filter(lambda n: {name} != 2 or n == 'n1', NAMES)",
        f"(n for n in each_{argument}())",
        "iter(NAMES)", "zip(NAMES, TABLE)", "reversed(NAMES)", "enumerate(NAMES)",
        f"itertools.chain(each_{argument}(), ['last'])",
    )  # fmt: skip
    take = make.pick(
        "pass", "pass", f"next(it_{argument})", f"list(it_{argument})",
        f"for one in it_{argument}: break", f"'n2' in it_{argument}", f"next(it_{argument}, None)",
        f"next(it_{argument}); next(it_{argument})",
    )  # fmt: skip
    loop = [
        f"for one in it_{argument}:",
        *indented(maybe(make, [make.pick(f"{name} = 7", f"{name} += 1", "break", "pass")])),
        f"    {parser}.add_argument('--{make.name()}-' + str(one).lower())",
    ]
    rest = f"str(one) for one in it_{argument}"
    last = loop if make.some(0.3) else [
        f"{parser}.add_argument('--{argument}', choices=[{rest}] or None)",
        f"{parser}.add_argument('--{make.name()}', choices=[{rest}] or None)",
    ]  # fmt: skip
    return [
        f"{name} = 1",
        f"LOG_{argument} = []",
        f"def each_{argument}():",
        f"    LOG_{argument}.append('l1')",
        f"    yield 'g%s' % {_read(name)}",
        *indented(maybe(make, ["return"], 1.0) if make.some(0.5) else []),
        *(["    yield from NAMES"] if make.some(0.3) else []),
        f"    LOG_{argument}.append('l2')",
        f"    yield 'h%s' % {_read(name)}",
        f"it_{argument} = {made}",
        *maybe(make, bound(make, name)),
        *maybe(make, [take]),
        *(maybe(make, bound(make, name)) if make.some(0.3) else []),
        *last,
        f"{parser}.add_argument('--{make.name()}', choices=LOG_{argument} or None)",
    ]


def _cached(make: Chooser, parser: str) -> list[str]:
    """A function that remembers what it returned, of names that change."""
    argument, name = make.name(), make.variable("v")
    return [
        f"{name} = 1",
        f"@functools.{make.pick('lru_cache', 'cache', 'lru_cache(maxsize=None)')}",
        f"def read_{argument}({make.pick('', 'k=1')}): return {_read(name)}",
        *maybe(make, [f"read_{argument}()"]),
        *maybe(make, bound(make, name)),
        *maybe(make, [f"read_{argument}()"], 0.3),
        *maybe(make, [f"{name} = 9"]),
        f"{parser}.add_argument('--{argument}', default=read_{argument}())",
    ]


def _aliased(make: Chooser, parser: str) -> list[str]:
    """Two names of one list, and what changes it or makes another."""
    argument = make.name()
    one, other = f"one_{argument}", f"other_{argument}"
    change = make.pick(
        f"{one} += ['x']",
        f"{one} = {one} + ['x']",
        f"{one}.append('x')",
        f"{one} = [*{one}, 'x']",
        f"{one}[:] = ['y']",
        f"{one} *= 2",
        f"{one}, {other} = {other}, {one}",
        f"{one} = {other} = ['q']",
        f"({one} := ['w']).append('v')",
        f"{other} = {one}[:]; {one}.append('t')",
    )
    return [
        f"{one} = {other} = ['a', 'b']",
        *maybe(make, [change]),
        *maybe(make, [f"{other}.append('z')"]),
        f"{parser}.add_argument('--{argument}', choices={one})",
        f"{parser}.add_argument('--{make.name()}', choices={other})",
    ]  # fmt: skip


def _viewed(make: Chooser, parser: str) -> list[str]:
    """A view of a dict, which has what is added later, and copies of it, which have not."""
    argument = make.name()
    table = f"table_{argument}"
    view = make.pick(f"{table}.keys()", f"{table}.values()", f"list({table})", f"[*{table}.keys()]",
                     f"list({table}.values())", f"sorted({table})")  # fmt: skip
    change = make.pick(f"{table}['c'] = 'x'", f"del {table}['a']", f"{table}.update(d='y')",
                       f"{table}.pop('b')", f"{table} = dict(e='z')",
                       f"{table}['a'] = 'w'")  # fmt: skip
    return [
        f"{table} = {{'a': 'p', 'b': 'q'}}",
        f"view_{argument} = {view}",
        *maybe(make, [change]),
        f"{parser}.add_argument('--{argument}', choices=list(view_{argument}))",
        f"{parser}.add_argument('--{make.name()}', default='x' if 'c' in view_{argument} else 'y')",
    ]


def _snapshot(make: Chooser, parser: str) -> list[str]:
    """The names of a scope as a dict."""
    argument, name = make.name(), make.variable("v")
    return [
        f"{name} = 1",
        f"def names_{argument}({name}={make.number()}, other=2):",
        *indented(maybe(make, [f"{name} = 5"])),
        f"    found = {make.pick('dict(locals())', 'dict(vars())', 'locals().copy()')}",
        *indented(maybe(make, [f"{name} = 6"])),
        "    return found",
        *maybe(make, [f"{name} = 3"]),
        f"{parser}.add_argument('--{argument}', default=names_{argument}()['{name}'])",
        f"{parser}.add_argument('--{make.name()}', default=globals().get('{name}', 0))",
    ]


def _managed(make: Chooser, parser: str) -> list[str]:
    """A context manager whose generator goes on after the body."""
    argument = make.name()
    name = f"G{argument}"
    leave = make.pick("pass", "return", "raise ValueError")
    body = [
        f"with around_{argument}() as held:",
        *indented(maybe(make, [f"{name} = 4"])),
        f"    {parser}.add_argument('--{argument}', default={name})",
        f"    {parser}.add_argument('--{make.name()}', choices=held)",
    ]
    if leave != "pass":
        body += [f"    if {make.condition()}:", f"        {leave}", f"    {name} = 5"]
        body = [f"def body_{argument}():", f"    global {name}", *indented(body),
                "try:", f"    body_{argument}()", "except ValueError:", "    pass"]  # fmt: skip
    return [
        f"{name} = 1",
        "@contextlib.contextmanager",
        f"def around_{argument}():",
        f"    global {name}",
        f"    kept = {name}",
        f"    {name} = 2",
        "    try:",
        "        yield ['in']",
        "    finally:",
        f"        {make.pick(f'{name} = kept', f'{name} += 10', 'pass')}",
        *body,
        f"{parser}.add_argument('--{make.name()}', default={name})",
    ]


_SHAPES: tuple[Callable[[Chooser, str], list[str]], ...] = (
    _closure, _closure, _closure, _raised, _pair, _pair, _defaults, _comprehended, _looped,
    _class_body, _deleted, _rebound_by_a_call, _decorated, _consumed_later, _consumed_later,
    _cached, _aliased, _snapshot, _managed, _viewed,
)  # fmt: skip
