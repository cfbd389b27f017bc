"""Every bound that is met is named."""

from pathlib import Path

import pytest

from keynet.script.arguments import Note
from keynet.script.bounds import summarised
from keynet.script.extraction import extract
from tests.unit.script.reading import read, write

ADD = "def add(p):\n    p.add_argument('--{name}')\n"


@pytest.mark.medium
def test_modules_that_are_not_read_are_counted(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(405)]
    files = {f"p/{name}.py": ADD.format(name=name) for name in names} | {"p/__init__.py": ""}
    script = "import argparse\np = argparse.ArgumentParser()\n" + "".join(
        f"from p import {name}\n{name}.add(p)\n" for name in names
    )
    found = extract(write(tmp_path, script + "p.parse_args()\n", files))
    assert len(found.arguments) >= 390
    assert any("modules of the project are not read: there are too many" in n.message
               for n in found.notes)  # fmt: skip


def test_a_module_that_is_not_python_is_noted(tmp_path: Path) -> None:
    script = "import argparse\nimport m\np = argparse.ArgumentParser()\nm.add(p)\np.parse_args()\n"
    found = extract(write(tmp_path, script, {"m.py": "def add(:\n"}))
    assert any("cannot be read or are not valid Python" in n.message for n in found.notes)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("i = 0\nwhile i < 300:\n    p.add_argument(f'--a{i}')\n    i += 1\n", "too many turns"),
        ("def f(n):\n    if n:\n        f(n - 1)\n    else:\n"
         "        p.add_argument('--a')\nf(99)\n",
         "nested too deeply"),
        ("".join(f"p.add_argument('--a{i}')\n" for i in range(2_001)), "too many arguments"),
    ],
)  # fmt: skip
def test_what_may_be_missing_is_said(tmp_path: Path, body: str, part: str) -> None:
    script = f"import argparse\np = argparse.ArgumentParser()\n{body}p.parse_args()\n"
    found = read(tmp_path, script)
    assert any(part in note.message for note in found.notes)
    lines = script.count("\n")
    assert all(1 <= note.line <= lines for note in found.notes)


def test_notes_of_a_kind_that_repeats_are_one() -> None:
    many = [Note(line, "the same") for line in range(3, 20)]
    few = [Note(line, "another") for line in (1, 2)]
    assert summarised([*few, *many]) == [*few, Note(3, "the same (17 places)")]


def test_one_note_names_all_arguments_that_it_is_about(tmp_path: Path) -> None:
    adding = "".join(f"    p.add_argument('--a{i}', required=True)\n" for i in range(7))
    script = (
        "import argparse, os\np = argparse.ArgumentParser()\nif os.environ.get('X'):\n"
        f"{adding}p.parse_args()\n"
    )
    names = ", ".join(f"a{i}" for i in range(7))
    assert [note.message for note in read(tmp_path, script).notes] == [
        f"It depends on a condition whether the script has {names}. (7 places)",
        f"It is unknown whether the script requires {names}. (7 places)",
    ]


def test_notes_of_one_line_on_several_arguments_are_all_kept(tmp_path: Path) -> None:
    script = (
        "import argparse, os\np = argparse.ArgumentParser()\n"
        "def add(name): p.add_argument(name, required='X' in os.environ)\n"
        "add('--a')\nadd('--b')\np.parse_args()\n"
    )
    assert [(note.line, note.message) for note in read(tmp_path, script).notes] == [
        (3, "It is unknown whether the script requires a."),
        (3, "It is unknown whether the script requires b."),
    ]


def test_a_note_on_a_parser_of_another_file_names_the_file(tmp_path: Path) -> None:
    other = "\n" * 40 + "import argparse\nq = argparse.ArgumentParser()\nq.add_argument('--b')\n"
    script = (
        "import argparse\nfrom other import q\nprint(q)\np = argparse.ArgumentParser()\n"
        "p.add_argument('--a')\np.parse_args()\n"
    )
    found = extract(write(tmp_path, script, {"other.py": other}))
    assert [(note.file, note.line) for note in found.notes] == [("other.py", 42)]
