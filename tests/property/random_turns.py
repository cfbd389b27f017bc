"""Random statements that go on by turns: coroutines, tasks, generators in loops, managers."""

from collections.abc import Callable

from .random_bindings import Chooser, bound, indented, maybe

__all__ = ["by_turns"]


def by_turns(make: Chooser, parser: str) -> list[str]:
    """Return statements that declare an argument with what they read."""
    return make.chance.choice(_SHAPES)(make, parser)


def _change(make: Chooser, name: str) -> str:
    return make.pick(f"{name} = {make.number()}", f"{name} += 1", f"{name} *= 2")


def _awaited(make: Chooser, parser: str) -> list[str]:
    """A coroutine that is made, kept, and awaited after a name is bound again."""
    argument = make.name()
    name = f"G{argument}"
    run = make.pick(
        f"got_{argument} = asyncio.run(kept)",
        f"got_{argument} = asyncio.new_event_loop().run_until_complete(kept)",
        f"async def main(): return await kept\ngot_{argument} = asyncio.run(main())",
        f"async def main(): return [await one for one in [kept]][0]\n"
        f"got_{argument} = asyncio.run(main())",
        f"with asyncio.Runner() as runner: got_{argument} = runner.run(kept)",
        f"got_{argument} = asyncio.run(kept) if {make.condition()} else 0",
        f"got_{argument} = 5\nif {make.condition()}: got_{argument} = asyncio.run(kept)",
        "kept.close()",
    ).split("\n")
    return [
        f"{name} = 1",
        f"got_{argument} = 0",
        f"async def get_{argument}(k=3):",
        f"    global {name}",
        *indented(maybe(make, [_change(make, name)])),
        f"    return {name}",
        f"kept = get_{argument}()",
        *maybe(make, bound(make, name)),
        *run,
        *maybe(make, [f"{name} = 9"]),
        f"{parser}.add_argument('--{argument}', default=got_{argument})",
        f"{parser}.add_argument('--{make.name()}', default={name})",
    ]


def _tasks(make: Chooser, parser: str) -> list[str]:
    """Tasks that run while others wait."""
    argument = make.name()
    name = f"G{argument}"
    pause = make.pick("await asyncio.sleep(0)", "pass", "pass")
    start = make.pick(
        f"t = asyncio.create_task(work_{argument}(1))",
        f"t = asyncio.ensure_future(work_{argument}(1))",
        f"t = asyncio.gather(work_{argument}(1), work_{argument}(2))",
        f"t = asyncio.wait_for(work_{argument}(1), 9)",
        f"t = asyncio.gather(*[work_{argument}(n) for n in (3, 4)])",
        f"t = work_{argument}(1)",
        f"async with asyncio.TaskGroup() as g: t = g.create_task(work_{argument}(1))",
    )
    wait = make.pick("await t", "await t", "got = await t", "await asyncio.sleep(0); await t",
                     "await asyncio.gather(t)")  # fmt: skip
    main = [
        f"global {name}",
        "got = 0",
        start,
        *maybe(make, [_change(make, name)]),
        *maybe(make, ["await asyncio.sleep(0)"], 0.3),
        *maybe(make, [wait]),
        *maybe(make, [_change(make, name)]),
        f"LOG_{argument}.append('main')",
    ]
    return [
        f"{name} = 1",
        f"LOG_{argument} = []",
        f"async def work_{argument}(n):",
        f"    global {name}",
        f"    LOG_{argument}.append('w%s-%s' % (n, {name}))",
        f"    {pause}",
        *indented(maybe(make, [_change(make, name)])),
        f"    LOG_{argument}.append('x%s-%s' % (n, {name}))",
        f"    return {name}",
        f"async def main_{argument}():",
        *indented(main),
        "    return got if isinstance(got, int) else got and got[-1]",
        f"got_{argument} = asyncio.run(main_{argument}())",
        f"{parser}.add_argument('--{argument}', choices=LOG_{argument})",
        f"{parser}.add_argument('--{make.name()}', default={name})",
        f"{parser}.add_argument('--{make.name()}', default=got_{argument})",
    ]


def _turns(make: Chooser, parser: str) -> list[str]:
    """A loop whose turns change what the generator reads for the next item."""
    argument = make.name()
    name = f"G{argument}"
    change = [f"change_{argument}()"]
    source, target = make.pick(
        f"each_{argument}()|one",
        f"each_{argument}()|one",
        f"enumerate(each_{argument}(), 2)|(_, one)",
        f"zip(each_{argument}(), NAMES)|(one, _)",
        f"zip(NAMES, each_{argument}())|(_, one)",
        f"(o + 'z' for o in each_{argument}())|one",
        f"map(lambda o: o + str({name}), NAMES)|one",
        f"map(lambda o: o + str({name}), each_{argument}())|one",
        f"itertools.chain(each_{argument}(), NAMES)|one",
        f"filter(lambda o: {name} < 4, each_{argument}())|one",
        f"zip(each_{argument}(), each_{argument}())|(one, _)",
        f"Each_{argument}()|one",
        f"list(each_{argument}())|one",
        f"outer_{argument}()|one",
    ).split("|")
    loop = [
        f"for {target} in {source}:",
        *indented(maybe(make, [make.pick("continue", "break", "pass", "pass")], 1.0)),
        *indented(maybe(make, change, 0.3)),
        f"    OUT_{argument}.append(one)",
        f"    last = '%s' % {name}",
        *indented(maybe(make, [make.pick("break", f"{name} += 10", "continue", "one = 'q'")])),
        *(["else:", f"    OUT_{argument}.append('else')"] if make.some(0.2) else []),
    ]
    if make.some(0.3):
        loop = [f"def loop_{argument}(last='0'):", f"    global {name}", *indented(loop),
                "    return last", f"last = loop_{argument}()"]  # fmt: skip
    elif make.some(0.2):
        loop = [f"def read_{argument}():", f"    return [(o, change_{argument}())[0] for o in "
                f"each_{argument}()]", f"OUT_{argument} += read_{argument}()"]  # fmt: skip
    return [
        f"{name} = 1",
        "last = '0'",
        f"OUT_{argument} = []",
        f"def change_{argument}():",
        f"    global {name}",
        f"    {_change(make, name)}",
        "    Settings.rate += 1",
        f"def each_{argument}():",
        f"    global {name}",
        *indented(maybe(make, [make.pick("return", "yield 'e'", f"{name} += 3")], 0.6)),
        f"    yield 'a%s' % {name}",
        *indented(maybe(make, [_change(make, name)], 0.4)),
        *indented(maybe(make, [make.pick("return", "yield 'f'", "pass")], 0.6)),
        f"    for n in {make.pick('NAMES', '(1, 2)', 'TABLE')}:",
        *indented(maybe(make, [make.pick("continue", "break", "return")], 1.0), "        "),
        f"        yield 'b%s%s-%s' % (n, {name}, Settings.rate)",
        *indented(maybe(make, [f"OUT_{argument}.append('end')"], 0.3)),
        f"def outer_{argument}():",
        f"    yield from each_{argument}()",
        f"    yield 'c%s' % {name}",
        f"class Each_{argument}:",
        f"    def __iter__(self): return outer_{argument}()",
        *loop,
        f"{parser}.add_argument('--{argument}', choices=OUT_{argument} or None)",
        f"{parser}.add_argument('--{make.name()}', default=last)",
        f"{parser}.add_argument('--{make.name()}', default={name})",
    ]


def _managers(make: Chooser, parser: str) -> list[str]:
    """What the end of a manager sets, and what its body sets."""
    argument = make.name()
    place = f"Place_{argument}"
    before = [f"{place}.x = {make.number()}"]
    after = maybe(make, [make.pick(f"{place}.x = {make.number()}", f"{place}.x += 1",
                                   f"{place}.x = kept")], 0.4)  # fmt: skip
    fails = make.pick("pass", "pass", "except ValueError: pass", "except KeyError: pass",
                      f"except ValueError: {place}.x = 33")  # fmt: skip
    generator = [
        "@contextlib.contextmanager",
        f"def around_{argument}():",
        f"    kept = {place}.x",
        *indented(maybe(make, before, 0.3)),
        *indented(maybe(make, ["yield 5", *after, "return"], 0.6) if make.some(0.2) else []),
        *(["    try:", "        yield 6", f"    {fails}"] if fails.startswith("except")
          else ["    try:", "        yield 6", "    finally:", *indented(after, "        ")]),
    ]  # fmt: skip
    cls = [
        f"class around_{argument}(contextlib.ContextDecorator):",
        "    def __enter__(self):",
        f"        self.kept = {place}.x",
        *indented(maybe(make, before, 0.3), "        "),
        "        return 7",
        "    def __exit__(self, *reasons):",
        "        kept = self.kept",
        *indented(after, "        "),
        f"        return {make.pick('None', 'False', 'True', 'reasons[0] is ValueError')}",
    ]
    body = [
        *maybe(make, [f"{place}.x = {make.number()}"]),
        *maybe(make, [make.pick("raise ValueError", "fail('w')", "return", "pass")], 1.0),
        *maybe(make, [f"{place}.x += 100"], 0.3),
        f"OUT_{argument}.append('%s-%s' % (e, {place}.x))",
    ]
    form = make.pick(
        f"with around_{argument}() as e:",
        f"with around_{argument}() as e:",
        f"with contextlib.nullcontext(), around_{argument}() as e:",
        f"with contextlib.ExitStack() as stack:|e = stack.enter_context(around_{argument}())",
        f"with contextlib.ExitStack() as stack:|e = stack.callback(OUT_{argument}.append, 'cb') "
        "and 1",
        f"for e in 'ab':|with around_{argument}():",
        f"@around_{argument}()|def inner(e=1):",
    ).split("|")
    deep = len(form) == 2 and form[1].endswith(":")
    inner = indented(body) if deep else body
    lines = [form[0], *indented([*form[1:], *inner])]
    if form[0].startswith("@"):
        lines = [*form, *indented(body), "inner()"]
    return [
        f"class {place}:",
        f"    x = {make.number()}",
        f"OUT_{argument} = []",
        *(generator if make.some(0.6) else cls),
        f"def body_{argument}():",
        *indented(lines),
        f"    OUT_{argument}.append('z')",
        "try:",
        f"    body_{argument}()",
        "except ValueError:",
        f"    OUT_{argument}.append('caught')",
        f"{parser}.add_argument('--{argument}', default={place}.x)",
        f"{parser}.add_argument('--{make.name()}', choices=OUT_{argument} or None)",
    ]


_SHAPES: tuple[Callable[[Chooser, str], list[str]], ...] = (
    _awaited, _tasks, _turns, _turns, _managers, _managers,
)  # fmt: skip
