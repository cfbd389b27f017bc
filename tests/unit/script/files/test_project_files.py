"""Which files next to a script belong to its project, and which are not read."""

from pathlib import Path

from keynet.script.arguments import Argument as A
from keynet.script.extraction import extract
from keynet.script.files.project_files import Project
from keynet.script.interpreter.machine import Limits
from tests.tables import table

ADD = "def add(p):\n    p.add_argument('--width', type=int, default=64)\n"
SCRIPT = (
    "import argparse\nfrom {module} import add\n"
    "parser = argparse.ArgumentParser()\nadd(parser)\n"
    "parser.add_argument('--lr', type=float, default=0.1)\nargs = parser.parse_args()\n"
)
WIDTH, LR = A("width", "int", 64), A("lr", "float", 0.1)


def read(folder: Path, script: str, module: str, files: dict[str, str]) -> list[A]:
    for name, text in {**files, script: SCRIPT.format(module=module)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(extract(folder / script).arguments)


@table(
    ("script", "module", "files"),
    [
        ("train.py", "options", {"options.py": ADD}),
        ("train.py", "tools.options", {"tools/options.py": ADD}),
        ("train.py", "tools", {"tools/__init__.py": ADD}),
        ("train.py", "tools", {"tools/__init__.py": "from .a import *\n", "tools/a.py": ADD}),
        ("scripts/train.py", "options", {"setup.py": "", "options.py": ADD}),
        ("examples/x/train.py", "package.options", {
            ".git/HEAD": "", "examples/x/requirements.txt": "", "package/options.py": ADD,
        }),
        ("a/b/train.py", "options", {
            "a/requirements.txt": "", "a/b/requirements.txt": "", "a/b/options.py": ADD,
        }),
        ("scripts/train.py", "package.options", {".git/HEAD": "", "src/package/options.py": ADD}),
        ("pkg/train.py", ".options", {"pkg/__init__.py": "", "pkg/options.py": ADD}),
        ("pkg/run/train.py", "..options", {
            "pkg/__init__.py": "", "pkg/run/__init__.py": "", "pkg/options.py": ADD,
        }),
        ("pkg/run/train.py", "pkg.options", {
            "pkg/__init__.py": "", "pkg/run/__init__.py": "", "pkg/options.py": ADD,
        }),
        ("pkg/train.py", ".", {"pkg/__init__.py": ADD}),
        # Python finds what is next to a script before what is installed.
        ("train.py", "click", {"click.py": ADD}),
        ("train.py", "torch", {"torch/__init__.py": ADD}),
        ("site-packages/mine/train.py", "mine_options", {
            "site-packages/mine/__init__.py": "", "site-packages/mine_options.py": ADD,
            "site-packages/mine-1.dist-info/RECORD": "mine/train.py,,\nmine_options.py,,\n",
        }),
    ],
)  # fmt: skip
def test_a_file_of_the_project_is_read(
    script: str, module: str, files: dict[str, str], tmp_path: Path
) -> None:
    assert read(tmp_path, script, module, files) == [WIDTH, LR]


@table(
    ("script", "module", "files"),
    [
        ("scripts/train.py", "torch", {".git/HEAD": "", "torch.py": ADD}),
        ("train.py", "torch", {"torch/options.py": "", "torch/add.py": ADD}),
        ("pkg/train.py", "click", {"pkg/__init__.py": "", "pkg/click.py": ADD}),
        ("train.py", "enum", {"enum.py": ADD}),
        ("train.py", "options", {"other.py": ADD}),
        ("train.py", "options", {"options.py": "def broken(:\n"}),
        ("train.py", "...options", {"options.py": ADD}),
        ("pkg/train.py", "others", {"pkg/__init__.py": "", "others/__init__.py": ADD}),
        ("site-packages/mine/train.py", "yours", {
            "site-packages/mine/__init__.py": "", "site-packages/yours.py": ADD,
            "site-packages/mine-1.dist-info/RECORD": "mine/train.py,,\n",
            "site-packages/yours-1.dist-info/RECORD": "yours.py,,\n",
        }),
    ],
)  # fmt: skip
def test_a_file_of_others_is_left_alone(
    script: str, module: str, files: dict[str, str], tmp_path: Path
) -> None:
    assert read(tmp_path, script, module, files) == [LR]


def test_a_link_that_leads_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(ADD)
    project = tmp_path / "project"
    project.mkdir()
    (project / "options.py").symlink_to(outside)
    assert read(project, "train.py", "options", {}) == [LR]


def test_a_module_that_became_a_link_after_it_was_found_is_not_read(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "tools").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (project / "train.py").touch()
    for folder in (project / "tools", tmp_path / "outside"):
        (folder / "options.py").write_text(ADD)
    files = Project(project / "train.py")
    module = files.find("tools.options", files.entry())
    assert module is not None
    assert files.mentions(module, "width")
    (project / "tools").rename(project / "old")
    (project / "tools").symlink_to("../outside")
    assert not files.mentions(module, "width")
    assert files.read(module, Limits()) is None


def test_what_a_module_imports_comes_with_its_names(tmp_path: Path) -> None:
    (tmp_path / "common.py").write_text("import argparse\nfrom torch import *\n")
    script = tmp_path / "train.py"
    script.write_text(
        "from common import *\np = argparse.ArgumentParser()\np.add_argument('--lr')\n"
    )
    assert [each.name for each in extract(script).arguments] == ["lr"]


def test_the_last_import_of_all_names_counts(tmp_path: Path) -> None:
    files = {
        "a.py": "from argparse import *\nLR = 2\nSIZE = 1\n_HIDDEN = 1\n",
        "b.py": "from c import *\n__all__ = ['SIZE']\nSIZE = 2\nLR = 9\n",
        "c.py": "from b import *\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    script = tmp_path / "train.py"
    script.write_text(
        "LR, _HIDDEN = 1, 0\nfrom a import *\nfrom b import *\np = ArgumentParser()\n"
        "for name, value in {'LR': LR, 'SIZE': SIZE, '_HIDDEN': _HIDDEN}.items():\n"
        "    p.add_argument('--' + name, default=value)\np.parse_args()\n"
    )
    found = extract(script)
    assert [(one.name, one.default) for one in found.arguments] == [
        ("LR", 2), ("SIZE", 2), ("_HIDDEN", 0)
    ]  # fmt: skip
    assert found.notes == ()


def test_names_of_an_import_on_a_condition_are_either(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("SIZE = 1\n")
    (tmp_path / "b.py").write_text("SIZE = 2\n")
    script = tmp_path / "train.py"
    script.write_text(
        "import argparse, os\nif os.environ.get('X'):\n    from a import *\n"
        "else:\n    from b import *\np = argparse.ArgumentParser()\n"
        "p.add_argument('--size', default=SIZE)\np.parse_args()\n"
    )
    found = extract(script)
    assert [one.default for one in found.arguments] == [None]
    (note,) = found.notes
    assert note.message == "The default of size is unknown: it depends on a condition."
