"""Will it train? What is said of a script, its packages and its base before the upload key."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.events import Event, Notice, ignore
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, ContextFile, Dependencies, Recipe
from keynet.script import training_script
from keynet.steps.checking import training_checks
from keynet.steps.checking.installable.package_trial import PackageTrial
from tests.tables import table

LINUX = Platform("linux", "amd64")


def _said(
    folder: Path,
    text: str,
    *lines: str,
    base: str = "python:3.10-slim",
    facts: BaseFacts | None = None,
    requires_python: str = "",
    also: tuple[str, ...] = (),
    strict: bool = False,
) -> list[str]:
    script = folder / "train.py"
    script.write_text(text)
    content = "".join(f"{line}\n" for line in lines).encode()
    dependencies = Dependencies(
        source=folder / "requirements.txt" if lines else None,
        files={"requirements.txt": content} if lines else {},
        lines=lines,
        requires_python=requires_python,
    )
    plan = BuildPlan(
        context=folder,
        files=tuple(ContextFile(path, 1) for path in ("train.py", *also)),
        recipe=Recipe(Reference.parse(base), ("python", "train.py"), dependencies=dependencies),
        platforms=(LINUX,),
        base_facts=facts,
    )
    events: list[Event] = []
    training_checks.check(
        plan, training_script.load(script), PackageTrial(), events.append, strict=strict
    )
    return [event.text for event in events if isinstance(event, Notice)]


def test_a_module_that_nothing_brings_is_named_with_the_package(tmp_path: Path) -> None:
    assert _said(tmp_path, "import os\nimport cv2\n") == [
        "train.py, line 2: no package of the image brings the module cv2.\n"
        "List opencv-python in a requirements.txt next to the script."
    ]


@pytest.mark.parametrize(
    "base", ["docker.io/library/python:3.10", "harbor.example.com/hub/library/python:3.10-slim"]
)
def test_mirrors_hold_what_the_hub_holds(tmp_path: Path, base: str) -> None:
    assert len(_said(tmp_path, "import cv2\n", base=base)) == 1


def test_a_listed_package_is_enough(tmp_path: Path) -> None:
    assert _said(tmp_path, "import cv2\n", "opencv-python-headless==4.10.0.84") == []


@table(
    ("base", "also"),
    [
        ("pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime", ()),
        ("registry.example.com/team/ours:1", ()),
        ("registry.example.com/team/python:3.10", ()),
        ("python:3.10-slim", ("libs/cv2/__init__.py",)),
        ("python:3.10-slim", ("vendored/cv2.cpython-310-x86_64-linux-gnu.so",)),
    ],
)
def test_what_may_come_from_elsewhere_is_not_named(
    tmp_path: Path, base: str, also: tuple[str, ...]
) -> None:
    assert _said(tmp_path, "import cv2\n", base=base, also=also) == []


def test_unknown_modules_are_not_named(tmp_path: Path) -> None:
    assert _said(tmp_path, "import ourlab_private_thing\nimport google.protobuf\n") == []


def test_strict_makes_errors(tmp_path: Path) -> None:
    with pytest.raises(ContextInvalid, match="cv2") as caught:
        _said(tmp_path, "import cv2\nimport yaml\n", strict=True)
    assert "2 reasons" in caught.value.message
    assert caught.value.exit_status == 3
    assert _said(tmp_path, "import os\n", strict=True) == []


def test_modules_of_other_pythons_are_named(tmp_path: Path) -> None:
    (said,) = _said(tmp_path, "import tomllib\n", base="python:3.10-slim")
    assert "Python 3.10 of the base image python:3.10-slim has no module tomllib" in said
    (said,) = _said(tmp_path, "import imp\n", base="python:3.12-slim")
    assert "Python is < 3.12" in said


def test_syntax_of_a_newer_python_is_named(tmp_path: Path) -> None:
    facts = BaseFacts(LINUX, python=(3, 8))
    text = "import sys\nmatch sys.argv:\n    case _: pass\n"
    (said,) = _said(tmp_path, text, base="ours:1", facts=facts)
    assert "needs Python 3.10; the base image ours:1 has 3.8" in said


def test_a_project_for_another_python_is_named(tmp_path: Path) -> None:
    facts = BaseFacts(LINUX, python=(3, 9))
    (said,) = _said(tmp_path, "pass\n", base="ours:1", facts=facts, requires_python=">=3.11")
    assert "The project requires Python >=3.11; the base image ours:1 has 3.9." in said
    for wanted, example in ((">=3.13", "python:3.14-slim"), ("~=3.10.2", "python:3.10-slim")):
        (said,) = _said(tmp_path, "pass\n", base="ours:1", facts=facts, requires_python=wanted)
        assert example in said


def test_packages_that_need_cuda_are_named_where_it_is_missing(tmp_path: Path) -> None:
    facts = BaseFacts(LINUX, python=(3, 10))
    (said,) = _said(tmp_path, "pass\n", "cupy-cuda12x", facts=facts)
    assert "requirements.txt: cupy-cuda12x needs CUDA" in said
    assert _said(tmp_path, "pass\n", "cupy-cuda12x", base="ours:1", facts=facts) == []


def test_builds_without_gpu_are_named_on_a_base_with_cuda(tmp_path: Path) -> None:
    facts = BaseFacts(LINUX, python=(3, 10), cuda="12.1.0")
    (said,) = _said(tmp_path, "pass\n", "torch==2.4.0+cpu", base="ours:1", facts=facts)
    assert "has CUDA 12.1.0, which would stay unused" in said
    lines = ("--extra-index-url https://download.pytorch.org/whl/cpu", "torch")
    assert len(_said(tmp_path, "pass\n", *lines, base="ours:1", facts=facts)) == 1
    assert _said(tmp_path, "pass\n", "torch", base="ours:1", facts=facts) == []


def test_a_containerfile_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    from keynet.plan import UserContainerfile

    (tmp_path / "train.py").write_text("import cv2\n")
    recipe = UserContainerfile(tmp_path / "Containerfile", "FROM x\n", ())
    plan = BuildPlan(context=tmp_path, files=(), recipe=recipe)
    script = training_script.load(tmp_path / "train.py")
    training_checks.check(plan, script, PackageTrial(), ignore, strict=True)


@table(
    "text",
    [
        "get_ipython().system('pip install torch')\n",
        "from IPython import get_ipython\nget_ipython().run_line_magic('matplotlib', 'inline')\n",
        "out = get_ipython().getoutput('ls')\n",
        f"get_ipython().system({' + '.join(['1'] * 1000)})\n",
        "x = 1\r\nget_ipython().system(\n    'ls',\n)\n",
        "é = '가'; get_ipython().system('" + "x" * 100_000 + "')\n",
    ],
)
def test_a_call_that_needs_a_notebook_is_named(tmp_path: Path, text: str) -> None:
    said = [each for each in _said(tmp_path, text) if "works in a notebook only" in each]
    assert len(said) == 1
    assert ": get_ipython()." in said[0]


@table(
    "text",
    [
        "try:\n    get_ipython().system('ls')\nexcept NameError:\n    pass\n",
        "def get_ipython():\n    return S()\nclass S:\n    system = print\n"
        "get_ipython().system('ls')\n",
        "def setup():\n    get_ipython().system('ls')\n",
        "if 'get_ipython' in globals():\n    get_ipython().system('ls')\n",
        "try:\n    get_ipython\nexcept NameError:\n    from stub import get_ipython\n"
        "get_ipython().system('ls')\n",
        "from .compat import get_ipython\nget_ipython().system('ls')\n",
        "from shim import *\nget_ipython().system('ls')\n",
        "get_ipython: object = print\nget_ipython().system('ls')\n",
        "import builtins\nbuiltins.get_ipython = print\nget_ipython().system('ls')\n",
    ],
)
def test_a_call_that_may_work_without_a_notebook_is_not_named(tmp_path: Path, text: str) -> None:
    assert [each for each in _said(tmp_path, text) if "notebook" in each] == []


def test_an_own_module_that_stays_out_of_the_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("import os\n")
    (tmp_path / "own" / "model.py").write_text("")
    text = "from own import model\n"
    (said,) = _said(tmp_path, text, also=("own/__init__.py",))
    assert said.startswith("own/model.py is imported when the script starts, but is not in the")
    assert "!own/model.py" in said
    assert _said(tmp_path, text, also=("own/__init__.py", "own/model.py")) == []
    # A link to a folder is one entry of the context.
    assert _said(tmp_path, text, also=("own",)) == []
    assert _said(tmp_path, "try:\n    import own\nexcept ImportError:\n    pass\n") == []


def test_a_package_without_an_own_file_lacks_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.py").write_text("V = 1\n")
    assert _said(tmp_path, "from data import x\nimport data.x\n", also=("data/x.py",)) == []
