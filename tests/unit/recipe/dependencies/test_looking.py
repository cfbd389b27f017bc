"""Where dependencies are looked for, and what is said on the way."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid, UsageError
from keynet.plan import Dependencies
from keynet.recipe.dependencies.declared import Selection
from tests.tables import table

from .projects import OWN, find, lines, write

PROJECT = '[project]\nname = "own"\ndependencies = ["of-pyproject"]\n'
UV = (
    'version = 1\n[[package]]\nname = "of-pyproject"\nversion = "2.0"\n'
    'source = { registry = "https://index.example/simple" }\n'
)
# In the order in which they count.
SOURCES = {
    "requirements.txt": "of-requirements\n",
    "pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "of-pylock"\nversion = "1.0"\n',
    "uv.lock": UV,
    "requirements.lock": "of-lock==1.0\n",
    "pyproject.toml": PROJECT,
    "Pipfile": '[packages]\nof-pipfile = "*"\n',
    "setup.cfg": "[options]\ninstall_requires =\n  of-cfg\n",
    "setup.py": "from setuptools import setup\nsetup(install_requires=['of-setup'])\n",
    "environment.yml": "dependencies: [of-conda]\n",
    "conda.yaml": "dependencies: [of-conda-yaml]\n",
}


@table("first", range(len(SOURCES)))
def test_the_first_file_of_a_folder_counts(tmp_path: Path, first: int) -> None:
    names = list(SOURCES)[first:]
    if names[0] == "requirements.lock":
        # It belongs to the project next to it, as uv.lock does.
        names.remove("pyproject.toml")
    write(tmp_path, {name: SOURCES[name] for name in names})
    found, _notices = find(tmp_path)
    assert found.source == tmp_path / names[0]
    assert found.count == 1
    word = {"uv.lock": "of-pyproject==2.0", "pylock.toml": "of-pylock==1.0"}.get(names[0])
    assert word is None or word in lines(found)


def test_inline_metadata_counts_before_every_file(tmp_path: Path) -> None:
    write(tmp_path, SOURCES)
    script = b'# /// script\n# requires-python = ">=3.11"\n# dependencies = ["inline<2"]\n# ///\n'
    found, _notices = find(tmp_path, script=tmp_path / "train.py", source=script)
    assert found.source == tmp_path / "train.py"
    assert lines(found) == ["inline<2"]
    assert found.requires_python == ">=3.11"


def test_a_named_file_counts_before_inline_metadata(tmp_path: Path) -> None:
    write(tmp_path, {"gpu.txt": "named\n"})
    found, _notices = find(
        tmp_path,
        script=tmp_path / "train.py",
        source=b'# /// script\n# dependencies = ["inline"]\n# ///\n',
        requirements=tmp_path / "gpu.txt",
    )
    assert lines(found) == ["named"]


def test_the_nearest_folder_above_the_script_counts(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "far\n", "jobs/a/train.py": ""})
    script = tmp_path / "jobs" / "a" / "train.py"
    assert lines(find(tmp_path, script=script)[0]) == ["far"]
    write(tmp_path, {"jobs/environment.yml": "dependencies: [near]\n"})
    assert lines(find(tmp_path, script=script)[0]) == ["near"]


def test_above_the_context_the_repository_counts(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    write(
        repository,
        {".git/HEAD": "", "deps.txt": "x\n", "requirements.txt": "-r deps.txt\n", "a/train.py": ""},
    )
    found, _notices = find(repository / "a", script=repository / "a" / "train.py")
    assert found.source is not None
    assert found.source.resolve() == repository / "requirements.txt"
    assert lines(found, "requirements-1.txt") == ["x"]


def test_above_the_repository_nothing_counts(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "x\n", "repository/.git/HEAD": "", "repository/a/b": ""})
    assert find(tmp_path / "repository" / "a")[0] == Dependencies()


def test_without_a_repository_nothing_above_the_context_counts(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "x\n", "a/train.py": ""})
    assert find(tmp_path / "a")[0] == Dependencies()


def test_a_project_above_the_context_cannot_be_imported(tmp_path: Path) -> None:
    write(
        tmp_path,
        {".git/HEAD": "", "requirements.txt": "-e ./libs\n", "libs/setup.py": "", "a/train.py": ""},
    )
    with pytest.raises(ContextInvalid, match="is outside the build context") as caught:
        find(tmp_path / "a")
    assert "--context" in caught.value.hint


def test_a_file_that_lists_nothing_is_passed_over_with_a_note(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "# nothing\n", "Pipfile": '[packages]\nsix = "*"\n'})
    found, notices = find(tmp_path)
    assert lines(found) == ["six"]
    assert notices == [f"Skipping {tmp_path}/requirements.txt: it lists no package."]


@table(
    "name",
    [
        *("requirements-dev.txt", "dev-requirements.in", "reqs.txt", "req.txt", "deps.txt"),
        *("Requirements.txt", "uv.lock", "poetry.lock", "pdm.lock", "pylock.dev.toml"),
        *("requirements-dev.lock", "requirements.txt.lock", "env.yml", "conda_env.yaml"),
        *("environment-gpu.yml", "requirements/base.txt", "reqs/gpu.in"),
    ],
)
def test_what_looks_like_a_list_but_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: "six\n"})
    found, notices = find(tmp_path)
    assert found == Dependencies()
    assert len(notices) == 1
    assert name in notices[0]
    assert "--requirements" in notices[0]


@table(
    ("name", "command"),
    [
        *((name, "pixi workspace export") for name in ("pixi.toml", "pixi.lock")),
        *((name, "pip list") for name in ("conda-lock.yml", "conda-linux-64.lock")),
    ],
)
@table("used", ["", "pyproject.toml", "requirements.txt"])
def test_what_another_tool_has_to_convert_is_named_with_its_command(
    tmp_path: Path, name: str, command: str, used: str
) -> None:
    write(tmp_path, {name: "six\n", **({used: SOURCES[used]} if used else {})})
    _found, notices = find(tmp_path)
    assert len(notices) == 1
    assert f"has {name}" in notices[0] or f"not read: {name}. " in notices[0]
    assert command in notices[0]


@pytest.mark.parametrize(
    ("project", "lock", "command"),
    [
        ("[tool.black]\nline-length = 80\n", "poetry.lock", "--requirements"),
        ("[tool.black]\nline-length = 80\n", "pdm.lock", "pdm export"),
        ('[tool.uv.workspace]\nmembers = ["a"]\n', "uv.lock", "uv export --all-packages"),
    ],
)
def test_a_lock_of_a_file_without_a_project_is_named(
    tmp_path: Path, project: str, lock: str, command: str
) -> None:
    write(tmp_path, {"pyproject.toml": project, lock: "version = 1\n"})
    found, notices = find(tmp_path)
    assert found == Dependencies()
    assert lock in notices[0]
    assert command in notices[0]


@table(
    "name", ["requirements-gpu.txt", "requirements.in", "pylock.gpu.toml", "requirements/gpu.txt"]
)
def test_a_further_list_is_named_next_to_the_one_that_is_used(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"pyproject.toml": PROJECT, name: "torch\n"})
    found, notices = find(tmp_path)
    assert found.source == tmp_path / "pyproject.toml"
    assert len(notices) == 1
    assert f"not read: {name}. To install from it: --requirements" in notices[0]


@table(
    "files",
    [
        {"requirements.txt": "-r requirements/base.txt\n", "requirements/base.txt": "six\n"},
        {"requirements.txt": "six==1\n", "requirements.in": "six\n"},
        {"requirements.txt": "six\n", "requirements-dev.txt": "pytest\n"},
        {"requirements.txt": "six\n", "docs-requirements.txt": "sphinx\n"},
        {"requirements.txt": "six\n", "requirements_test.txt": "pytest\n"},
        {"requirements.txt": "six\n", "constraints.txt": "six<2\n"},
        {"pyproject.toml": PROJECT, "requirements/dev.txt": "pytest\n"},
        {
            "setup.cfg": "[metadata]\nname = own\nversion = 1\n"
            "[options]\ninstall_requires = file: reqs.txt\n",
            "reqs.txt": "six\n",
        },
    ],
)
def test_lists_for_other_work_and_parts_of_the_used_one_are_not_named(
    tmp_path: Path, files: dict[str, str]
) -> None:
    write(tmp_path, files)
    assert find(tmp_path)[1] == []


def test_extras_of_setup_files_are_named_where_nothing_else_is_listed(tmp_path: Path) -> None:
    text = "[metadata]\nname = own\nversion = 1\n[options.extras_require]\ntrain = torch\n"
    write(tmp_path, {"setup.cfg": text})
    _found, notices = find(tmp_path)
    assert "setup.cfg lists them in extras and groups only" in notices[0]
    assert "--extra train" in notices[0]


@table(
    ("name", "text"),
    [
        ("environment-gpu.yml", "dependencies: [{pip: [six]}]\n"),
        ("pylock.gpu.toml", 'lock-version = "1.0"\n[[packages]]\nname = "six"\nversion = "1"\n'),
        ("pyproject.toml", '[project]\nname = "own"\ndependencies = ["six"]\n'),
        ("Pipfile", '[packages]\nsix = "*"\n'),
    ],
)
@table("trusted", [True, False])
def test_a_named_file_may_be_of_another_kind(
    tmp_path: Path, name: str, text: str, trusted: bool
) -> None:
    write(tmp_path, {f"conf/{name}": text, "requirements.txt": "other\n"})
    named = tmp_path / "conf" / name if trusted else Path("conf", name)
    found, _notices = find(tmp_path, requirements=named, is_trusted=trusted)
    assert [line.partition("=")[0] for line in found.lines if "own" not in line] == ["six"]


def test_a_named_file_without_packages_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"config.yaml": "lr: 0.1\n"})
    with pytest.raises(ContextInvalid, match="lists no package"):
        find(tmp_path, requirements=tmp_path / "config.yaml")


@table(
    "text",
    [
        '[tool.flit.metadata]\nrequires = ["six"]\n',
        '[tool.pixi.dependencies]\nsix = "*"\n',
        '[tool.hatch.envs.default]\ndependencies = ["six"]\n',
        OWN + '[tool.pdm.dev-dependencies]\ntest = ["six"]\n',
    ],
)
def test_tables_of_other_tools_are_named(tmp_path: Path, text: str) -> None:
    found, notices = find(write(tmp_path, {"pyproject.toml": text}))
    assert found.count == 0
    assert "pyproject.toml ([tool." in notices[0]


def test_packages_of_rye_for_development_have_to_be_chosen(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": '[tool.rye]\ndev-dependencies = ["six"]\n'})
    assert "--group dev" in find(tmp_path)[1][0]
    assert find(tmp_path, selection=Selection(groups=("dev",)))[0].lines == ("six",)


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock"])
def test_a_lock_of_a_project_that_needs_nothing_is_not_named(tmp_path: Path, name: str) -> None:
    lock = 'version = 1\n[[package]]\nname = "own"\nversion = "1"\nsource = { virtual = "." }\n'
    text = lock if name == "uv.lock" else '[metadata]\nlock-version = "2.0"\n'
    _found, notices = find(write(tmp_path, {"pyproject.toml": OWN, name: text}))
    assert not [notice for notice in notices if "No package is installed" in notice]


@pytest.mark.parametrize(
    ("text", "flag", "selection"),
    [
        (OWN + '[project.optional-dependencies]\ntrain = ["six"]\n', "--extra train",
         Selection(("train",), ())),
        ('[dependency-groups]\ntrain = ["six"]\n', "--group train", Selection((), ("train",))),
        (OWN + '[dependency-groups]\ntrain = ["six"]\n', "--group train",
         Selection((), ("train",))),
    ],
)  # fmt: skip
def test_packages_in_extras_and_groups_alone_are_named_with_the_flag(
    tmp_path: Path, text: str, flag: str, selection: Selection
) -> None:
    write(tmp_path, {"pyproject.toml": text})
    _found, notices = find(tmp_path)
    assert flag in notices[-1]
    found, notices = find(tmp_path, selection=selection)
    assert lines(found) == ["six"]
    assert notices == []


def test_a_project_at_the_script_that_needs_nothing_is_not_installed(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": OWN, "jobs/train.py": ""})
    assert find(tmp_path, script=tmp_path / "train.py")[0].files == {}
    assert find(tmp_path, script=tmp_path / "jobs" / "train.py")[0].import_paths == (".",)


def test_extras_and_groups_are_left_out_unless_they_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": PROJECT + '[project.optional-dependencies]\ngpu = ["torch"]\n'
            'all = ["own[gpu]", "rich"]\n[dependency-groups]\n'
            'dev = ["pytest", {include-group = "Lint"}]\nlint = ["ruff"]\n'
        },
    )
    assert lines(find(tmp_path)[0]) == ["of-pyproject"]
    found, _notices = find(tmp_path, selection=Selection(("all",), ("DEV",)))
    assert lines(found) == ["of-pyproject", "rich", "torch", "pytest", "ruff"]


@pytest.mark.parametrize("files", [{"pyproject.toml": PROJECT}, {"requirements.txt": "x\n"}, {}])
def test_an_unknown_extra_or_group_is_a_usage_error(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, files)
    with pytest.raises(UsageError, match="--extra gpu, --group dev"):
        find(tmp_path, selection=Selection(("gpu",), ("dev",)))


@table(
    ("files", "expected"),
    [
        ({"pyproject.toml": OWN + 'requires-python = ">3.9"\n', "requirements.txt": "x\n"}, ">3.9"),
        ({"setup.cfg": "[options]\npython_requires = >=3.9\n"}, ">=3.9"),
        ({"setup.py": "import setuptools\nsetuptools.setup(python_requires='>=3.8')\n"}, ">=3.8"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'},
         ">=3.10,<4"),
        ({"Pipfile": '[requires]\npython_version = "3.11"\n[packages]\nx = "*"\n'}, "==3.11.*"),
        ({"environment.yml": "dependencies: ['python=3.12', x]\n"}, "==3.12.*"),
        ({"requirements.txt": "x\n"}, ""),
    ],
)  # fmt: skip
def test_the_python_that_a_project_needs_is_found(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    assert find(write(tmp_path, files))[0].requires_python == expected


def test_the_command_for_a_list_with_an_odd_name_can_be_copied(tmp_path: Path) -> None:
    name = "requirements-$(touch pwned) x.txt"
    write(tmp_path, {"pyproject.toml": PROJECT, name: "torch\n"})
    (said,) = find(tmp_path)[1]
    assert f"--requirements '{tmp_path}/{name}'" in said


def test_a_variable_that_is_not_set_is_named_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "requirements.txt": "six @ https://${ONE}/x.whl\n" * 3000
            + "six @ https://${TWO}/x.whl\n"
        },
    )
    said = find(tmp_path)[1]
    assert ["ONE" in each for each in said] == [True, False]


def test_an_environment_of_conda_in_a_folder_for_them_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"envs/cartpole.yml": "gravity: 9.8\n"})
    assert find(tmp_path)[1] == []
    write(tmp_path, {"envs/gpu.yml": "name: gpu\ndependencies:\n  - numpy\n"})
    (notice,) = find(tmp_path)[1]
    assert "envs/gpu.yml, which is not read" in notice
    assert "cartpole" not in notice


def test_a_script_that_lists_no_package_is_passed_over(tmp_path: Path) -> None:
    # As `uv init --script` writes it.
    source = '# /// script\n# requires-python = ">=3.11"\n# dependencies = []\n# ///\n'
    script = write(tmp_path, {"train.py": source, "requirements.txt": "six\n"}) / "train.py"
    found, notices = find(tmp_path, script=script, source=source.encode())
    assert (found.lines, found.requires_python) == (("six",), ">=3.11")
    assert notices == [f"Skipping {script}: it lists no package."]


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_lock_that_git_lfs_holds_is_named(tmp_path: Path, name: str) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"
    write(tmp_path, {"pyproject.toml": OWN + 'dependencies = ["six"]\n'})
    write(tmp_path, {name: pointer})
    with pytest.raises(ContextInvalid, match="Git LFS pointer") as caught:
        find(tmp_path)
    assert "git lfs pull" in caught.value.hint
