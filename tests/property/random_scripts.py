"""Random scripts with conditions that a reader cannot know, each made from its seed alone.

A script asks ``os.environ`` for CONDITIONS, so that it can be run in each of its worlds; the last
one is an option of its first parser.
"""

import random
from collections.abc import Callable

from .random_bindings import late_binding
from .random_turns import by_turns

__all__ = ["CONDITIONS", "made"]

CONDITIONS = ("C0", "C1", "known.stage")
HEAD = """\
import argparse
import asyncio
import contextlib
import dataclasses
import functools
import itertools
import os
import sys

T = True
F = False
NAMES = ["n1", "n2", "n3"]
TABLE = {"k1": 1, "k2": 2}
TEXTS = {"k1": "one", "k2": "two"}
LEVEL = 2


def asked():
    return bool(os.environ.get("C1"))


def fail(name):
    raise ValueError(name)


def find(table, key):
    return table[key]


class Settings:
    rate = 0.5
    names = ["s1", "s2"]

    def __init__(self, size=8):
        self.size = size
        self.extra = {}


class Wide(Settings):
    rate = 0.25

    def __init__(self):
        super().__init__(size=16)


@dataclasses.dataclass
class Options:
    depth: int = 3
    label: str = "x"
    ratio: float = 0.1


"""


class Maker:
    """Makes one script; ``names`` of arguments have a fixed width, so that none holds another."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.count = 0
        self.functions = 0
        self.variables: list[str] = []
        self.lists: list[str] = []
        self.dicts: list[str] = []
        self.defined: list[str] = []
        self.head: list[str] = []
        self.in_function = False
        self.loops = 0
        self.commands = False
        self.staged = False

    def pick(self, *options: str) -> str:
        return self.chance.choice(options)

    def some(self, share: float) -> bool:
        return self.chance.random() < share

    def name(self) -> str:
        self.count += 1
        return f"a{self.count:03d}"

    def variable(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count:03d}"

    # Expressions

    def unknown(self) -> str:
        if self.staged and not self.in_function and self.some(0.3):
            return self.pick("known.stage", "known.stage is None", "not known.stage")
        return self.pick(
            'os.environ.get("C0")',
            'os.environ.get("C1")',
            'os.getenv("C0", "") == "1"',
            '"C1" in os.environ',
            'not os.environ.get("C0")',
            "asked()",
            'os.environ.get("C0") and os.environ.get("C1")',
            'os.environ.get("C0") or F',
            "len(sys.argv) > 3",
        )

    def known(self) -> str:
        options = [
            "T", "F", "not F", "LEVEL > 1", "LEVEL == 3", '"n1" in NAMES', '"k9" in TABLE',
            "len(NAMES) == 3", "isinstance(LEVEL, int)", 'hasattr(Settings, "rate")',
            "not NAMES", 'TEXTS.get("k1") == "one"', "Settings().size > 10", "Wide().size > 10",
            "issubclass(Wide, Settings)", "any(n == 'n2' for n in NAMES)",
        ]  # fmt: skip
        options += [f"{name} is None" for name in self.variables[-2:]]
        return self.chance.choice(options)

    def condition(self) -> str:
        return self.unknown() if self.some(0.55) else self.known()

    def number(self) -> str:
        options = [
            "1", "7", "-2", "LEVEL", "LEVEL + 1", 'TABLE["k1"]', 'TABLE.get("k9", 5)',
            "len(NAMES)", "Settings().size", "Wide().size", 'getattr(Settings, "size", 4)',
            "max(TABLE.values())", "[1, 2, 3][-1]", "Options().depth", "sum(TABLE.values())",
            "(lambda v: v * 2)(3)", 'find(TABLE, "k2")', "functools.partial(max, 3)(2)",
            'dict(k=4)["k"]', "int('12')",
        ]  # fmt: skip
        if self.some(0.2):
            return f"({self.number()} if {self.condition()} else {self.number()})"
        if self.variables and self.some(0.4):
            return self.chance.choice(self.variables)
        return self.chance.choice(options)

    def text(self) -> str:
        options = [
            '"x"', "NAMES[0]", 'TEXTS["k2"]', "f'{NAMES[1]}-{LEVEL}'", '"-".join(NAMES)',
            "Options().label", '"%s" % LEVEL', "NAMES[-1].upper()", 'TEXTS.get("k9", "none")',
            "str(LEVEL)", "next(iter(TABLE))", "sorted(TEXTS.values())[0]", "Settings.names[1]",
            "Settings.__name__.lower()", '"a,b".split(",")[1]',
        ]  # fmt: skip
        if self.some(0.2):
            return f"({self.text()} if {self.condition()} else {self.text()})"
        return self.chance.choice(options)

    def sequence(self) -> str:
        options = [
            "NAMES", "list(TABLE)", "[n for n in NAMES if n != 'n2']", "Settings.names",
            "sorted(TEXTS.values())", "['c1', 'c2']", "NAMES + ['c3']", "NAMES[1:]",
            "[*NAMES, 'c4']", "list(TEXTS.keys())", "tuple(NAMES)", "[str(i) for i in range(2)]",
            "list(map(str, TABLE.values()))", "list(reversed(NAMES))", "'c5 c6'.split()",
        ]  # fmt: skip
        if self.lists and self.some(0.6):
            return self.chance.choice(self.lists)
        if self.some(0.15):
            return f"({self.sequence()} if {self.condition()} else {self.sequence()})"
        return self.chance.choice(options)

    # Declarations

    def keywords(self) -> str:
        kind = self.pick("int", "text", "choices", "flag", "required", "list", "bare", "open")
        if kind == "int":
            return f"type={self.pick('int', 'float')}, default={self.number()}"
        if kind == "text":
            return f"default={self.text()}"
        if kind == "choices":
            return f"choices={self.sequence()}"
        if kind == "flag":
            return self.pick('action="store_true"', 'action="store_false"', 'action="count"')
        if kind == "required":
            return f"required={self.pick('True', 'bool(' + self.condition() + ')')}"
        if kind == "list":
            return f'nargs="+", default={self.sequence()}'
        if kind == "open" and self.dicts:
            return f"**{self.chance.choice(self.dicts)}"
        return f"help={self.text()}"

    def declare(self, parser: str, name: str | None = None) -> str:
        option = f'"--{name or self.name()}"'
        if self.some(0.05):
            option = option.replace("--", "")
            return f"{parser}.add_argument({option}, {self.pick('type=int', 'type=str')})"
        return f"{parser}.add_argument({option}, {self.keywords()})"

    # Statements

    def block(self, parser: str, depth: int, indent: str) -> list[str]:
        saved = self.variables[:], self.lists[:], self.dicts[:]
        lines: list[str] = []
        for _count in range(self.chance.randint(1, 3 if depth else 6)):
            lines += [indent + line for line in self.statement(parser, depth)]
        self.variables, self.lists, self.dicts = saved
        return lines

    def statement(self, parser: str, depth: int) -> list[str]:
        makers: list[Callable[[str, int], list[str]]] = [
            self._declaration, self._declaration, self._declaration, self._assignment,
            self._assignment, self._list, self._dict, self._mutation, self._change,
        ]  # fmt: skip
        if depth < 3:
            makers += [
                self._if, self._if, self._if, self._either, self._for, self._for, self._while,
                self._try, self._try, self._function, self._function, self._group, self._match,
                self._with, self._class, self._registry, self._fields, self._closure,
                self._generator, self._subparsers, self._through, self._through,
                self._remembering, self._decorated, self._loop_of_loops, self._collecting,
                self._outliving, self._outliving,
            ]  # fmt: skip
        if not depth:
            # Deeper, what fails there for want of a name would not end the script.
            makers += [self._late_binding] * 4 + [self._by_turns] * 2
        if self.loops:
            makers += [self._leave_loop, self._leave_loop]
        if self.in_function:
            makers += [self._return]
        return self.chance.choice(makers)(parser, depth)

    def _declaration(self, parser: str, _depth: int) -> list[str]:
        return [self.declare(parser)]

    def _assignment(self, _parser: str, _depth: int) -> list[str]:
        if self.variables and self.some(0.5):
            name = self.chance.choice(self.variables)
            change = self.pick(f"{name} = {self.number()}", f"{name} += 1", f"{name} *= 2")
            if self.some(0.5):
                return [f"if {self.condition()}:", f"    {change}"]
            return [change]
        name = self.variable("v")
        line = f"{name} = {self.number()}"
        self.variables.append(name)
        return [line]

    def _list(self, _parser: str, _depth: int) -> list[str]:
        name = self.variable("l")
        line = f"{name} = {self.pick('list', 'sorted')}({self.sequence()})"
        if self.lists and self.some(0.3):
            line = f"{name} = {self.chance.choice(self.lists)}"
        self.lists.append(name)
        return [line]

    def _dict(self, _parser: str, _depth: int) -> list[str]:
        name = self.variable("d")
        line = self.pick(
            f'{name} = {{"type": int, "default": {self.number()}}}',
            f'{name} = dict(default={self.text()}, help="h")',
            f'{name} = {{"choices": {self.sequence()}}}',
            f'{name} = {{"required": {self.pick("True", "False", "bool(asked())")}}}',
        )
        self.dicts.append(name)
        return [line]

    def _mutation(self, _parser: str, _depth: int) -> list[str]:
        lines: list[str] = []
        if self.lists and self.some(0.6):
            name = self.chance.choice(self.lists)
            lines = [
                self.pick(
                    f"{name}.append('m{self.variable('')}')",
                    f"{name}.extend(['e1', 'e2'])",
                    f"{name} += ['p1']",
                    f"{name}.insert(0, 'i1')",
                    f"{name}[0:1] = ['z1']",
                    f"{name}.remove({name}[0])",
                    f"{name}.pop()",
                    f"{name}.sort()",
                    f"{name}.reverse()",
                    f"{name}[-1] = 'w1'",
                )
            ]
        elif self.dicts:
            name = self.chance.choice(self.dicts)
            lines = [
                self.pick(
                    f'{name}["help"] = "changed"',
                    f'{name}.update(help="updated")',
                    f'{name}.setdefault("default", None)',
                    f'{name}.pop("help", None)',
                    f'{name}.pop("choices", None)',
                    f'{name} = {{**{name}, "help": "copy"}}',
                    f"{name} = dict({name}, required={self.pick('True', 'False')})",
                    f'{name} |= {{"help": "merged"}}',
                )
            ]
        if lines and self.some(0.5):
            return [f"if {self.condition()}:", *("    " + line for line in lines)]
        return lines or ["pass"]

    def _change(self, parser: str, _depth: int) -> list[str]:
        """Change what was declared before."""
        name = self.name()
        after = self.pick(
            f"{parser}.set_defaults({name}={self.number()})",
            f"action_{name}.default = {self.number()}",
            f"action_{name}.required = True",
            f"action_{name}.choices = {self.sequence()}",
            f"action_{name}.type = int",
        )
        if self.some(0.6):
            after = f"if {self.condition()}:\n    {after}"
        return [f"action_{name} = {self.declare(parser, name)}", *after.split("\n")]

    def _if(self, parser: str, depth: int) -> list[str]:
        lines = [f"if {self.condition()}:", *self.block(parser, depth + 1, "    ")]
        if self.some(0.25):
            lines += [f"elif {self.condition()}:", *self.block(parser, depth + 1, "    ")]
        if self.some(0.5):
            lines += ["else:", *self.block(parser, depth + 1, "    ")]
        return lines

    def _either(self, parser: str, _depth: int) -> list[str]:
        """Declare one name in each branch, differently or not."""
        name = self.name()
        one, other = self.declare(parser, name), self.declare(parser, name)
        if self.some(0.3):
            other = one
        return [f"if {self.condition()}:", f"    {one}", "else:", f"    {other}"]

    def _for(self, parser: str, depth: int) -> list[str]:
        stem = self.name()
        head, option = self.chance.choice(
            [
                (f"for key in {self.sequence()}:", f'f"--{stem}-{{key}}"'),
                ("for key, value in TABLE.items():", f'f"--{stem}-{{key}}"'),
                ("for key, value in TEXTS.items():", f'"--{stem}-" + key'),
                ("for number, key in enumerate(NAMES):", f'f"--{stem}-{{number}}"'),
                ("for key, value in zip(NAMES, TABLE.values()):", f'f"--{stem}-{{key}}"'),
                ("for key in range(3):", f'"--{stem}-%d" % key'),
                ("for key, value in itertools.product('xy', '12'):",
                 f'"--{stem}-" + key + value'),
                ("for key in list(reversed(NAMES)):", f'"--{stem}-" + key'),
            ]
        )  # fmt: skip
        value = "value" if "key, value" in head else self.number()
        keywords = self.pick(f"default={value}", f"help=str({value})", "required=True")
        lines = [head]
        self.loops += 1
        if self.some(0.5):
            skip = self.condition() if self.some(0.6) else self.pick(
                "key == 'n2'", "str(key).endswith('1')", "key in ('k1', 1)"
            )  # fmt: skip
            lines += [f"    if {skip}:", f"        {self.pick('continue', 'break', 'pass')}"]
        lines += [f"    {parser}.add_argument({option}, {keywords})"]
        if self.some(0.3):
            lines += ["    if F:", *self.block(parser, depth + 1, "        ")]
        if self.some(0.3):
            lines += [f"    if {self.condition()}:", f"        {self.pick('continue', 'break')}"]
        self.loops -= 1
        if self.some(0.3):
            lines += ["else:", *self.block(parser, depth + 1, "    ")]
        return lines

    def _loop_of_loops(self, parser: str, _depth: int) -> list[str]:
        stem = self.name()
        leave = f"if {self.condition()}:\n            {self.pick('break', 'continue')}"
        return [
            "for outer in NAMES:",
            *(f"    {line}" for line in self._maybe_skip()),
            "    for inner in TABLE:",
            *(f"        {line}" for line in leave.replace("            ", "    ").split("\n")),
            f'        {parser}.add_argument(f"--{stem}-{{outer}}-{{inner}}")',
            "    else:",
            f'        {parser}.add_argument(f"--{stem}-{{outer}}-else")',
        ]

    def _collecting(self, parser: str, _depth: int) -> list[str]:
        """Fill a list in a loop that may be left."""
        name, count = self.variable("l"), self.variable("v")
        lines = [f"{name} = []", f"{count} = 0", f"for key in {self.sequence()}:"]
        lines += [f"    {line}" for line in self._maybe_skip()]
        lines += [f"    {name}.append(key)", f"    {count} += 1"]
        lines += [f"    {line}" for line in self._maybe_skip()]
        if self.some(0.4):
            lines += ["else:", f"    {count} = 9"]
        self.lists.append(name)
        self.variables.append(count)
        return [*lines, f"{parser}.add_argument('--{self.name()}', choices={name})"]

    def _outliving(self, parser: str, _depth: int) -> list[str]:
        """Make something in what may be left early, and change it afterwards."""
        name, stem = self.variable("o"), self.name()
        make, change, use = self.chance.choice(
            [
                ("['k0']", f"{name}.append(str(key))", f"choices={name}"),
                ("{'k0'}", f"{name}.add(str(key))", f"choices=sorted({name})"),
                ("{'k0': 1}", f"{name}[str(key)] = 2", f"choices=list({name})"),
                ("{'default': 1}", f"{name}['default'] = 'c' + str(key)", f"**{name}"),
                ("{'default': 1}", f"{name}.update(default='u' + str(key))", f"**{name}"),
                ("Settings()", f"{name}.size = 'c' + str(key)", f"default={name}.size"),
                ("Settings()", f"{name}.extra[str(key)] = 1", f"choices=[1, *{name}.extra]"),
                ("{'l': ['k0']}", f"{name}['l'].append(str(key))", f"choices={name}['l']"),
                ("(['k0'], 1)", f"{name}[0].append(str(key))", f"choices={name}[0]"),
                ("[['k0']]", f"{name}[0] += [str(key)]", f"choices={name}[0]"),
                ("(lambda x=['k0']: x)", f"{name}().append(str(key))", f"choices={name}()"),
                (f"{parser}.add_argument_group()", f"{name}.add_argument(f'--{stem}-{{key}}')", ""),
                (f"{parser}.add_argument('--{stem}-{{}}'.format(key))",
                 f"{name}.default = 'c' + str(key)", ""),
            ]
        )  # fmt: skip
        end = [f"{parser}.add_argument('--{self.name()}', {use})"] if use else []
        lists = f"H{name} = []" if self.some(0.4) else ""
        hold = [f"H{name}.append({name})"] if lists else []
        other = f"L{name} = {name}"
        body = [f"{name} = {make}", *hold, *([other] if self.some(0.2) else [])]
        end = [line.replace(name, f"H{name}[0]") if hold and self.some(0.5) else line
               for line in end]  # fmt: skip
        start = [f"key, {name} = 'z', None", *([lists] if lists else [])]
        shape = self.chance.randrange(4)
        if shape == 0:
            text = self._left_turns(body, change, name)
        elif shape == 1:
            text = self._left_call(body, change, name)
        elif shape == 2:
            text = self._left_try(body, change)
        else:
            text = self._left_call([*self._left_turns(body, change, name)], change, name)
        return [*start, *text, *end]

    def _late_binding(self, parser: str, _depth: int) -> list[str]:
        return late_binding(self, parser)

    def _by_turns(self, parser: str, _depth: int) -> list[str]:
        return by_turns(self, parser)

    def _left_turns(self, body: list[str], change: str, name: str) -> list[str]:
        once = self.some(0.6)
        inner = [f"if {name} is None:", *("    " + line for line in body)] if once else body
        lines = [*inner, *self._maybe_skip(), change, *self._maybe_skip()]
        if self.some(0.3):
            lines += ["for key in 'xy':", *("    " + line for line in self._maybe_skip()),
                      f"    {change}"]  # fmt: skip
        head = "for key in NAMES:"
        if self.some(0.3):
            head = f"while N{name} < {self.pick('2', '3')}:"
            lines = [f"N{name} += 1", f"key = str(N{name})", *lines]
        end = ["else:", f"    {change}"] if self.some(0.3) else []
        return [f"N{name} = 0", head, *("    " + line for line in lines), *end]

    def _left_call(self, body: list[str], change: str, name: str) -> list[str]:
        given = self.pick(name, name, f"[{name}, 1]", f"({name}, 1)", f"{{0: {name}}}",
                          f"(lambda: {name})")  # fmt: skip
        taken = "" if given == name else "()" if "lambda" in given else "[0]"
        leave = [f"if {self.condition()}:", f"    return {given}"]
        lines = [f"{name} = None", *body, *leave, change, f"return {given}"]
        if self.some(0.3):
            last = [change] if self.some(0.5) else ["pass"]
            lines = [f"{name} = None", "try:", *("    " + line for line in lines[1:]), "finally:",
                     *("    " + line for line in last)]  # fmt: skip
        made = [f"def make_{name}(key='y'):", *("    " + line for line in lines)]
        return [*made, f"{name} = make_{name}(){taken}"]

    def _left_try(self, body: list[str], change: str) -> list[str]:
        leave = self.pick("raise ValueError", "fail('x')", "TABLE['k9']")
        lines = [*body, f"if {self.condition()}:", f"    {leave}", change]
        after = ["finally:", f"    {change}"] if self.some(0.2) else []
        caught = self.pick("pass", change)
        return ["try:", *("    " + line for line in lines), "except Exception:", f"    {caught}",
                *after]  # fmt: skip

    def _maybe_skip(self) -> list[str]:
        if self.some(0.5):
            return []
        return [f"if {self.condition()}:", f"    {self.pick('continue', 'break')}"]

    def _while(self, parser: str, depth: int) -> list[str]:
        counter, stem = self.variable("w"), self.name()
        self.loops += 1
        inner = [f"    {parser}.add_argument('--{stem}-%d' % {counter}, default={counter})"]
        if self.some(0.4):
            inner += [f"    if {self.condition()}:", "        break"]
        self.loops -= 1
        lines = [f"{counter} = 0", f"while {counter} < {self.pick('2', 'LEVEL', '3')}:",
                 f"    {counter} += 1", *inner]  # fmt: skip
        if self.some(0.3):
            lines += ["else:", *self.block(parser, depth + 1, "    ")]
        if self.some(0.5):
            lines.append(f"{parser}.add_argument('--{self.name()}', default={counter})")
        return lines

    def _try(self, parser: str, depth: int) -> list[str]:
        failing = self.pick(
            "import missing_module_of_keynet", "import json", 'TABLE["k9"]', 'find(TABLE, "k1")',
            'fail("no")', "int('3')", "raise KeyError", "os.environ['C0']", "int(os.environ['C1'])",
            f"if {self.unknown()}:\n    raise RuntimeError", f"if {self.unknown()}:\n    fail('x')",
        )  # fmt: skip
        name = self.variable("v")
        caught = self.pick("Exception", "Exception as error",
                           "(ImportError, LookupError, ValueError, AttributeError, RuntimeError,"
                           " ArithmeticError, AssertionError)")  # fmt: skip
        lines = [f"{name} = 1", "try:"]
        if self.some(0.4):
            lines += self.block(parser, depth + 1, "    ")
        lines += ["    " + line for line in failing.split("\n")]
        lines += [f"    {name} = {self.number()}"] if self.some(0.7) else []
        lines += self.block(parser, depth + 1, "    ") if self.some(0.5) else []
        lines += [f"except {caught}:", f"    {self.pick('pass', name + ' = ' + self.number())}"]
        lines += self.block(parser, depth + 1, "    ") if self.some(0.4) else []
        if self.some(0.3):
            lines += ["else:", *self.block(parser, depth + 1, "    ")]
        if self.some(0.2):
            lines += ["finally:", *self.block(parser, depth + 1, "    ")]
        self.variables.append(name)
        return lines

    def _function(self, parser: str, depth: int) -> list[str]:
        """Define a function that takes a parser, and call it once or twice."""
        self.functions += 1
        name = f"f{self.functions:03d}"
        kept = (self.variables, self.lists, self.dicts, self.in_function, self.loops)
        self.variables, self.lists, self.dicts = ["given"], [], []
        self.in_function, self.loops = True, 0
        body = self.block("p", depth + 1, "    ")
        guard = [f"    if {self.condition()}:", "        return 3"] if self.some(0.3) else []
        self.variables, self.lists, self.dicts, self.in_function, self.loops = kept
        stem = self.name()
        result = self.pick("given", "given + 1", "p.add_argument and 5", "len(stem)")
        signature = self.pick("p, stem, given=1", "p, stem, *, given=2", "p, stem='st', given=3")
        text = [
            f"def {name}({signature}):",
            *body,
            *guard,
            f"    p.add_argument(f'--{stem}-{{stem}}', default=given)",
            f"    return {result}",
        ]
        self.head += [*text, "", ""]
        twice = f"{name}({parser}, 'two', given={self.number()})"
        value = self.variable("v")
        lines = [f"{value} = {name}({parser}, stem='one')"]
        if self.some(0.3) and not any('"--a' in line or "'--a" in line for line in body):
            lines += [f"if {self.condition()}:", f"    {twice}"] if self.some(0.5) else [twice]
        self.variables.append(value)
        return lines

    def _closure(self, parser: str, _depth: int) -> list[str]:
        name, total = self.name(), self.variable("v")
        call = self.pick(f"bump_{name}()", f"[bump_{name}() for _ in NAMES]", f"bump_{name}(by=3)")
        made = [
            f"def counter_{name}():",
            "    total = 0",
            "    def bump(by=1):",
            "        nonlocal total",
            *([f"        if {self.condition()}:", "            return total"]
              if self.some(0.4) else []),
            "        total += by",
            "        return total",
            "    return bump",
            f"bump_{name} = counter_{name}()",
        ]  # fmt: skip
        if self.some(0.4):
            call = f"if {self.condition()}:\n    {call}"
        self.variables.append(total)
        return [*made, *call.split("\n"), f"{total} = bump_{name}()",
                f"{parser}.add_argument('--{name}', type=int, default={total})"]  # fmt: skip

    def _generator(self, parser: str, _depth: int) -> list[str]:
        name = self.name()
        guard = self.pick(f"if {self.condition()}:\n        return",
                          f"if {self.condition()}:\n        yield 'g0'", "pass")  # fmt: skip
        return [
            f"def each_{name}():",
            "    yield 'g1'",
            *("    " + line.replace("        ", "    ") for line in guard.split("\n")),
            "    yield 'g2'",
            f"{parser}.add_argument('--{name}', choices=list(each_{name}()))",
        ]

    def _group(self, parser: str, depth: int) -> list[str]:
        group = self.variable("g")
        verb = self.pick("add_argument_group", "add_mutually_exclusive_group")
        lines = [f"{group} = {parser}.{verb}()"]
        for _count in range(2):
            lines += [f"{group}.add_argument('--{self.name()}', default={self.number()})"]
        if self.some(0.5):
            lines += [f"if {self.condition()}:", f"    {group}.add_argument('--{self.name()}')"]
        return lines

    def _match(self, parser: str, depth: int) -> list[str]:
        subject, cases = self.chance.choice(
            [
                ("LEVEL", ("1", "2", "3 | 4")),
                ("NAMES[0]", ("'n1'", "'n2'", "str()")),
                ("NAMES", ("[]", "[first, *rest]", "_")),
                ('os.environ.get("C0")', ('"1"', "None", "str()")),
                ("TABLE", ('{"k9": value}', '{"k1": value}', "dict()")),
            ]
        )
        lines = [f"match {subject}:"]
        for case in cases:
            if case == "_" and len(lines) == 1:
                continue
            guard = f" if {self.condition()}" if self.some(0.2) else ""
            lines += [f"    case {case}{guard}:", *self.block(parser, depth + 1, "        ")]
        return lines

    def _with(self, parser: str, depth: int) -> list[str]:
        failing = self.pick('TABLE["k9"]', "int('3')", "fail('s')", "pass",
                            "import missing_module_of_keynet", "os.environ['C1']")  # fmt: skip
        return [
            "with contextlib.suppress(Exception):",
            *self.block(parser, depth + 1, "    "),
            f"    {failing}",
            *self.block(parser, depth + 1, "    "),
        ]

    def _class(self, parser: str, depth: int) -> list[str]:
        name = self.variable("K")
        size, rate = self.name(), self.name()
        override = [
            "    def add(self, p):",
            *(["        super().add(p)"] if self.some(0.7) else []),
            *([f"        if {self.condition()}:", "            self.size = 99"]
              if self.some(0.4) else []),
            f"        p.add_argument('--{self.name()}', default=self.size)",
        ]  # fmt: skip
        made = [
            f"class {name}(Wide):",
            f"    limit = {self.number()}",
            "    def add(self, p):",
            f"        p.add_argument('--{size}', type=int, default=self.size)",
            f"        p.add_argument('--{rate}', default=self.{self.pick('rate', 'limit')})",
            f"class Sub{name}({name}):",
            f"    {self.pick('rate = 0.75', 'limit = 11', 'pass')}",
            *override,
        ]  # fmt: skip
        owner = self.pick(f"Sub{name}", name, f"(Sub{name} if {self.condition()} else {name})")
        return [*made, f"{owner}().add({parser})"]

    def _registry(self, parser: str, _depth: int) -> list[str]:
        name = self.variable("R")
        guard = f"if {self.condition()}:\n" if self.some(0.4) else ""
        entry = f"@register_{name}('r2')\ndef second_{name}(): pass"
        if guard:
            entry = guard + "\n".join("    " + line for line in entry.split("\n"))
        return [
            f"{name} = {{}}",
            f"def register_{name}(key):",
            "    def wrap(function):",
            f"        {name}[key] = function",
            "        return function",
            "    return wrap",
            f"@register_{name}('r1')",
            f"def first_{name}(): pass",
            *entry.split("\n"),
            f"{parser}.add_argument('--{self.name()}',"
            f" choices={self.pick('list', 'sorted')}({name}))",
        ]

    def _fields(self, parser: str, _depth: int) -> list[str]:
        stem = self.name()
        skip = self.pick("field.name == 'label'", "field.type is str", self.condition(), "False")
        owner = self.pick("Options", "Options(depth=9)")
        return [
            f"for field in dataclasses.fields({owner}):",
            f"    if {skip}:",
            f"        {self.pick('continue', 'pass', 'break')}",
            f"    {parser}.add_argument(f'--{stem}-{{field.name}}', type=field.type,"
            f" default={self.pick('field.default', f'getattr({owner}, field.name)')})",
        ]

    def _subparsers(self, parser: str, depth: int) -> list[str]:
        if depth or self.commands:
            return self._declaration(parser, depth)
        self.commands = True
        sub = self.variable("s")
        lines = [f"{sub} = {parser}.add_subparsers(dest='{sub}_dest')"]
        for command in ("train", "test"):
            guard = self.some(0.3)
            made = [f"{sub}_{command} = {sub}.add_parser('{command}')",
                    *self.block(f"{sub}_{command}", depth + 1, "")]  # fmt: skip
            lines += [f"if {self.condition()}:", *("    " + m for m in made)] if guard else made
        return lines

    def _through(self, parser: str, _depth: int) -> list[str]:
        """Pass keywords through a function, and change them on the way."""
        name = self.name()
        change = self.pick(
            "kwargs.setdefault('help', 'h')",
            f"kwargs['default'] = {self.number()}",
            "kwargs.pop('default', None)",
            "kwargs['required'] = True",
            "kwargs.update(type=int)",
            "kwargs = {'help': 'k', **kwargs}",
        )
        guard = [f"    if {self.condition()}:", f"        {change}"]
        return [
            f"def add_{name}(p, *names, **kwargs):",
            *(guard if self.some(0.6) else [f"    {change}"]),
            "    return p.add_argument(*names, **kwargs)",
            f"add_{name}({parser}, '--{name}', default={self.text()})",
            f"add_{name}({parser}, '--{self.name()}', default={self.number()})",
        ]

    def _remembering(self, parser: str, _depth: int) -> list[str]:
        """Keep state between calls: in a mutable default, a global or an attribute."""
        name = self.name()
        holder, keep = self.chance.choice(
            [
                (f"def keep_{name}(x, seen=[]):", "seen.append(x)\n    return list(seen)"),
                (f"def keep_{name}(x):", f"LOG_{name}.append(x)\n    return list(LOG_{name})"),
                (f"def keep_{name}(x):",
                 f"keep_{name}.seen = getattr(keep_{name}, 'seen', []) + [x]\n"
                 f"    return keep_{name}.seen"),
            ]
        )  # fmt: skip
        again = f"keep_{name}('b')"
        second = [f"if {self.condition()}:", f"    {again}"] if self.some(0.5) else [again]
        return [
            f"LOG_{name} = []",
            holder,
            *("    " + line.strip() for line in keep.split("\n")),
            f"keep_{name}('a')",
            *second,
            f"{parser}.add_argument('--{name}', choices=keep_{name}('c'))",
        ]

    def _decorated(self, parser: str, _depth: int) -> list[str]:
        name = self.name()
        return [
            f"def around_{name}(function):",
            "    @functools.wraps(function)",
            "    def inner(*args, **kwargs):",
            *([f"        if {self.condition()}:", "            kwargs['size'] = 77"]
              if self.some(0.5) else ["        kwargs.setdefault('size', 78)"]),
            "        return function(*args, **kwargs)",
            "    return inner",
            f"@around_{name}",
            f"def add_{name}(p, size=1):",
            f"    p.add_argument('--{name}', type=int, default=size)",
            f"add_{name}({parser}{self.pick('', ', size=5')})",
        ]  # fmt: skip

    def _leave_loop(self, _parser: str, _depth: int) -> list[str]:
        return [f"if {self.condition()}:", f"    {self.pick('break', 'continue')}"]

    def _return(self, _parser: str, _depth: int) -> list[str]:
        return [f"if {self.condition()}:", f"    return {self.number()}"]


def _stages(maker: Maker) -> tuple[list[str], str]:
    """Return a first parser that leaves its rest to the main one, and what that one parses."""
    lines = ["first = argparse.ArgumentParser(add_help=False)", "first.add_argument('--stage')"]
    for _count in range(2):
        lines += [f"first.add_argument('--{maker.name()}', default={maker.number()})"]
    if maker.some(0.4):
        lines += [f"if {maker.condition()}:", f"    first.add_argument('--{maker.name()}')"]
    if maker.some(0.4):
        return lines, ""
    lines += ["known, rest = first.parse_known_args()"]
    maker.staged = True
    return lines, maker.pick("rest", "rest", "")


def made(seed: int) -> str:
    """Return the script of a seed."""
    maker = Maker(seed)
    style = maker.chance.randrange(4)
    setup = maker.pick("", "", "conflict_handler='resolve'")
    first, parsed = _stages(maker) if maker.some(0.3) else ([], "")
    if first:
        setup = f"parents=[first]{', ' * bool(setup)}{setup}" if maker.some(0.6) else setup
    body = [*first, f"p = argparse.ArgumentParser({setup})", "p.add_argument('--a000')"]
    body += maker.block("p", 0, "")
    if style == 1:
        main = [
            "def main():",
            *("    " + line for line in body),
            f"    return p.parse_args({parsed})",
        ]
        end = ["", "", "if __name__ == '__main__':", "    main()"]
    elif style == 2:
        main = ["def build():", *("    " + line for line in body), "    return p"]
        end = ["", "", "if __name__ == '__main__':", "    args = build().parse_args()"]
    else:
        main, end = body, [f"args = p.parse_args({parsed})"]
    return HEAD + "\n".join([*maker.head, *main, *end]) + "\n"
