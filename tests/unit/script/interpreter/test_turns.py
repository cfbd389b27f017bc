"""Coroutines, generators in loops, and context managers: what goes on by turns.

Each script is also run, with and without ``C0`` in its environment.
"""

from pathlib import Path

import pytest

from keynet.script.extraction import extract

from .test_late_binding import END, UNKNOWN, read

# Scripts keep coroutines that they do not await, and leave event loops open.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine"),
    pytest.mark.filterwarnings("ignore:unclosed event loop"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
GET = "import asyncio\nasync def get():\n    return value\n"
MAIN = "async def main():\n    global value\n    {0}\nmade = asyncio.run(main())\n"
WORK = """\
import asyncio


async def work(first, then):
    global value
    value = first
    {0}
    value = then


"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("kept = get()\nvalue = 2\nmade = asyncio.run(kept)", 2),
        ("kept = get()\nvalue = 2\nmade = asyncio.new_event_loop().run_until_complete(kept)", 2),
        ("kept = get()\nvalue = 2\nwith asyncio.Runner() as run: made = run.run(kept)", 2),
        ("made = [asyncio.run(one) for one in [get()]][0]", 1),
        ("kept = get()\nif C0: value = 2\nmade = asyncio.run(kept)", None),
        ("kept = get()\nvalue = 2\nmade = asyncio.run(kept) if C0 else 0", None),
        (MAIN.format("kept = get(); value = 2; return await kept"), 2),
        (MAIN.format("kept = asyncio.create_task(get()); value = 2; return await kept"), 2),
        (MAIN.format("kept = asyncio.gather(get()); value = 2; return (await kept)[0]"), 2),
        (MAIN.format("kept = asyncio.wait_for(get(), 1); value = 2; return await kept"), 2),
        (
            MAIN.format(
                "kept = asyncio.ensure_future(get()); await asyncio.sleep(0); value = 2\n"
                "    return await kept"
            ),
            1,
        ),
        (
            MAIN.format(
                "kept = asyncio.create_task(get())\n    if C0: await asyncio.sleep(0)\n"
                "    value = 2; return await kept"
            ),
            None,
        ),
        (
            MAIN.format(
                "async with asyncio.TaskGroup() as group:\n"
                "        kept = group.create_task(get()); value = 2\n    return kept.result()"
            ),
            None,
        ),
    ],
)
def test_a_coroutine_reads_names_as_they_are_where_it_is_awaited(
    tmp_path: Path, script: str, expected: object
) -> None:
    script = GET + script + "\n" + END.format("default=made")
    assert read(tmp_path, script) == (expected, None, expected is None)


@pytest.mark.parametrize(
    ("pause", "main", "expected"),
    [
        ("pass", "work(2, 3)", 1),
        ("pass", "asyncio.run(work(2, 3))", 3),
        ("await asyncio.sleep(0)", "asyncio.run(work(2, 3))", 3),
        ("pass", MAIN.format("await asyncio.gather(work(2, 3), work(4, 5))"), 5),
        (
            "await asyncio.sleep(0)",
            MAIN.format("await asyncio.gather(work(2, 3), work(4, 5))"),
            None,
        ),
        ("pass", MAIN.format("asyncio.create_task(work(2, 3)); value = 7"), 3),
        ("await asyncio.sleep(0)", MAIN.format("asyncio.create_task(work(2, 3))"), None),
        (
            "await asyncio.sleep(0)",
            MAIN.format(
                "kept = asyncio.create_task(work(2, 3)); await asyncio.sleep(0); value = 7\n"
                "    await kept"
            ),
            None,
        ),
    ],
)
def test_what_a_coroutine_changes_is_changed_while_it_is_awaited(
    tmp_path: Path, pause: str, main: str, expected: object
) -> None:
    script = WORK.format(pause) + main + "\n" + END.format("default=value")
    assert read(tmp_path, script) == (expected, None, expected is None)


@pytest.mark.parametrize(
    "start",
    [
        "asyncio.run(main())",
        "asyncio.get_event_loop().run_until_complete(main())",
        "library.loop().run_until_complete(main())",
    ],
)
def test_a_command_line_in_a_coroutine_is_certain(tmp_path: Path, start: str) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        "import argparse, asyncio, library\n"
        "async def main():\n    p = argparse.ArgumentParser()\n"
        "    p.add_argument('--a', required=True)\n    p.parse_args()\n" + start + "\n"
    )
    found = extract(path)
    assert [(one.name, one.required) for one in found.arguments] == [("a", True)]
    assert found.notes == ()


EACH = """
def change():
    global value
    value += 1
    HELD.append("n%d" % value)
def each():
    yield "a%s" % value
    yield "b%s-%s" % (value, len(HELD))
out = []
{0}
"""


@pytest.mark.parametrize(
    ("loop", "choices"),
    [
        ("for one in each():\n    out.append(one); change()", ["a1", "b2-1"]),
        ("for one in each():\n    change(); out.append(one)", ["a1", "b2-1"]),
        ("for n, one in enumerate(each()):\n    out.append(one); change()", ["a1", "b2-1"]),
        ("for n, one in zip('xy', each()):\n    out.append(one); change()", ["a1", "b2-1"]),
        ("for one in (o + 'z' for o in each()):\n    out.append(one); change()", ["a1z", "b2-1z"]),
        ("for one in map(lambda o: o + str(value), 'ab'):\n    out.append(one); change()",
         ["a1", "b2"]),
        ("for one in filter(lambda o: value < 2, 'ab'):\n    out.append(one); change()", ["a"]),
        ("for one in itertools.chain(each(), 'c'):\n    out.append(one); change()",
         ["a1", "b2-1", "c"]),
        ("out = [(one, change())[0] for one in each()]", ["a1", "b2-1"]),
        ("def outer():\n    yield from each()\n    yield 'c%d' % value\n"
         "for one in outer():\n    out.append(one); change()", ["a1", "b2-1", "c3"]),
        ("class Each:\n    def __iter__(self): return each()\n"
         "for one in Each():\n    out.append(one); change()", ["a1", "b2-1"]),
        ("for one in each():\n    out.append(one)\n    if one == 'a1': continue\n    change()",
         ["a1", "b1-0"]),
        ("for one in each():\n    out.append(one); break", ["a1"]),
        ("for one in each():\n    out.append(one)\n    if C0: change()", None),
        ("for one in each():\n    out.append(one)\n    if C0: break", None),
        ("for one, _ in zip(each(), each()):\n    out.append(one); change()", None),
    ],
)  # fmt: skip
def test_a_generator_sees_what_the_turns_before_have_changed(
    tmp_path: Path, loop: str, choices: list[str] | None
) -> None:
    script = EACH.format(loop) + END.format("choices=out")
    assert read(tmp_path, script) == (None, choices, choices is None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    if C0: yield 2\n    yield 3", None),
        ("    if C0: return\n    yield 3", None),
        ("    for n in os.listdir(): yield n", None),
        ("    yield 2\n    yield 3", 3),
    ],
)
def test_turns_that_a_generator_may_not_make_are_uncertain(
    tmp_path: Path, body: str, expected: object
) -> None:
    script = f"def each():\n{body}\nlast = 1\nfor one in each():\n    last += 1\n"
    assert read(tmp_path, script + END.format("default=last")) == (
        expected,
        None,
        expected is None,
    )


GENERATED = """
@contextlib.contextmanager
def around():
    kept, Settings.rate = Settings.rate, 2
    {0}
"""
WRITTEN = """
class around(contextlib.ContextDecorator):
    def __enter__(self):
        Settings.rate = 2
        return self
    def __exit__(self, *reasons):
        Settings.rate = 3
        {0}
"""
END_SETS = "try: yield\n    finally: Settings.rate = 3"


@pytest.mark.parametrize(
    "manager", [GENERATED.format(END_SETS), WRITTEN.format("return None")], ids=["yield", "class"]
)
@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("with around(): Settings.rate = 9", 3),
        ("with around(): value = Settings.rate\nSettings.rate = value", 2),
        ("with contextlib.nullcontext(), around(): Settings.rate = 9", 3),
        ("def f():\n    with around(): return Settings.rate\nSettings.rate = f()", 2),
        ("def f():\n    with around(): return Settings.rate\nf()", 3),
        ("@around()\ndef f(): Settings.rate = 9\nf()", 3),
        ("@around()\ndef f(): return Settings.rate\nSettings.rate = f()", 2),
        ("if C0:\n    with around(): pass", None),
    ],
)
def test_the_end_of_a_manager_comes_after_its_body(
    tmp_path: Path, manager: str, use: str, expected: object
) -> None:
    script = manager + use + "\n" + END.format("default=Settings.rate")
    assert read(tmp_path, script) == (expected, None, expected is None)


def test_what_an_exit_stack_has_entered_ends_with_it(tmp_path: Path) -> None:
    stack = "with contextlib.ExitStack() as stack:\n    "
    entered = WRITTEN.format("") + stack + "stack.enter_context(around()); Settings.rate = 9\n"
    assert read(tmp_path, entered + END.format("default=Settings.rate"))[0] == 3
    generated = GENERATED.format(END_SETS)
    entered = generated + stack + "stack.enter_context(around()); Settings.rate = 9\n"
    assert read(tmp_path, entered + END.format("default=Settings.rate")) == UNKNOWN
    called = stack + "stack.callback(HELD.append, 'b'); HELD.append('a')\n"
    assert read(tmp_path, called + END.format("choices=HELD")) == (None, ["a", "b"], False)


@pytest.mark.parametrize(
    "manager",
    [
        GENERATED.format("try: yield\n    except ValueError: pass"),
        WRITTEN.format("return reasons[0] is ValueError"),
    ],
    ids=["yield", "class"],
)
def test_a_manager_may_pass_over_what_its_body_raises(tmp_path: Path, manager: str) -> None:
    body = "with around():\n    value = 4\n    if C0: raise ValueError\n    value = 5\n"
    assert read(tmp_path, manager + body + END.format("default=value")) == UNKNOWN
    body = "with around():\n    value = 4\n    raise ValueError\nvalue += 1\n"
    found = read(tmp_path, manager + body + END.format("default=value"))
    assert found in ((5, None, False), UNKNOWN)


def test_only_one_of_several_places_yields_to_a_body(tmp_path: Path) -> None:
    script = """
@contextlib.contextmanager
def around():
    if C0:
        yield 2
        Settings.rate = 7
    else:
        yield 3
with around() as one:
    Settings.rate = 5
"""
    assert read(tmp_path, script + END.format("default=Settings.rate")) == UNKNOWN
    assert read(tmp_path, script + END.format("default=one")) == UNKNOWN
