"""Poetry's table, Pipfile, setup files and conda's environments, without a lock."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import Selection
from keynet.recipe.dependencies.sources import constraints
from tests.tables import table

from ..projects import find, lines, pins, write

SETUP = "from setuptools import setup\n"


@table(
    ("text", "expected"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("~=1.4", "~=1.4"),
        ("1.16.0", "==1.16.0"),
        ("1.*", "==1.*"),
        ("*", ""),
        (">=1,<2", ">=1,<2"),
        (">= 1 <2", ">=1,<2"),
    ],
)
def test_constraints_are_translated(text: str, expected: str) -> None:
    assert constraints.version(text) == expected


def _poetry(root: Path, text: str) -> Path:
    return write(root, {"pyproject.toml": f"[tool.poetry.dependencies]\n{text}\n"})


@table(
    ("text", "expected"),
    [
        ('a = "^1"', "a>=1,<2"),
        ('a = {version = "1", extras = ["x", "y"]}', "a[x,y]==1"),
        ('a = {version = "*", python = "<3.11"}', 'a ; python_version < "3.11"'),
        ('a = {version = "*", markers = "os_name == \'posix\'"}', "a ; os_name == 'posix'"),
        ('a = {git = "https://h.example/a.git", rev = "v1"}', "a @ git+https://h.example/a.git@v1"),
        ('a = {url = "https://h.example/a.whl"}', "a @ https://h.example/a.whl"),
        ('a = {path = "./a-1.tar.gz"}', "./archives/a-1.tar.gz"),
        ('a = {path = "libs/a", develop = true}', "./archives/a-1-py3-none-any.whl"),
    ],
)
def test_poetrys_table_is_translated(tmp_path: Path, text: str, expected: str) -> None:
    member = '[tool.poetry]\nname = "a"\nversion = "1"\n'
    write(tmp_path, {"a-1.tar.gz": "", "libs/a/pyproject.toml": member})
    assert lines(find(_poetry(tmp_path, text))[0]) == [expected]


@pytest.mark.parametrize(
    "text", ['a = "^1 || ^3"', 'a = {version = "1", source = "private"}', "a = 1"]
)
def test_what_pip_cannot_express_names_the_export(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContextInvalid, match=r"\[tool.poetry.dependencies\] has a") as caught:
        find(_poetry(tmp_path, text))
    assert "poetry export" in caught.value.hint


def test_a_project_table_takes_places_from_poetrys(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "o"\ndependencies = ["a>=1", "b"]\n'
            '[tool.poetry.dependencies]\na = {git = "https://h.example/a.git"}\n'
        },
    )
    assert lines(find(tmp_path)[0]) == ["a @ git+https://h.example/a.git", "b"]


def test_a_pipfile_is_read_with_the_index_of_this_machine(tmp_path: Path) -> None:
    source = '[[source]]\nurl = "https://index.example/simple"\nname = "{}"\n'
    packages = '[packages]\nsix = "==1.16.0"\nb = {extras = ["x"]}\n[dev-packages]\nd = "*"\n'
    write(tmp_path, {"Pipfile": source.format("pypi") + packages})
    assert lines(find(tmp_path)[0]) == ["six==1.16.0", "b[x]"]
    assert "d" in lines(find(tmp_path, selection=Selection((), ("dev",)))[0])
    write(tmp_path, {"Pipfile": source.format("own") + packages})
    assert lines(find(tmp_path)[0])[0] == "--index-url https://index.example/simple"


SECOND_INDEX = """\
[[source]]
url = "https://pypi.example/simple"
name = "pypi"
[[source]]
url = "{url}"
name = "private"
[packages]
a = {{version = "*", index = "private"}}
b = "*"
"""


def test_a_package_of_a_second_index_comes_from_there_alone(tmp_path: Path) -> None:
    write(tmp_path, {"Pipfile": SECOND_INDEX.format(url="https://private.example/simple")})
    found, _notices = find(tmp_path)
    assert pins(found) == {"a": "https://private.example/simple"}
    assert lines(found) == ["a", "b"]


def test_a_package_of_an_index_with_a_variable_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"Pipfile": SECOND_INDEX.format(url="https://${TOKEN}@private.example/")})
    with pytest.raises(ContextInvalid, match="pip cannot express") as caught:
        find(tmp_path)
    assert "pipenv lock" in caught.value.hint


POETRY_SOURCE = """\
[tool.poetry]
name = "own"
version = "1"
[tool.poetry.dependencies]
python = "^3.10"
Torch_Like = {{version = "^2", source = "far"}}
six = "*"
[[tool.poetry.source]]
name = "{name}"
url = "{url}"
priority = "explicit"
"""


def test_a_package_of_one_of_poetrys_sources_comes_from_there_alone(tmp_path: Path) -> None:
    write(
        tmp_path, {"pyproject.toml": POETRY_SOURCE.format(name="far", url="https://far.example/")}
    )
    found, _notices = find(tmp_path)
    assert pins(found) == {"torch-like": "https://far.example/"}
    assert found.uv_only == ("torch-like comes from an index of its own",)


@pytest.mark.parametrize(("name", "url"), [("other", "https://x.example/"), ("far", "/srv/index")])
def test_a_source_of_poetry_that_is_not_known_is_refused(
    tmp_path: Path, name: str, url: str
) -> None:
    write(tmp_path, {"pyproject.toml": POETRY_SOURCE.format(name=name, url=url)})
    with pytest.raises(ContextInvalid, match="source = far"):
        find(tmp_path)


@table(
    ("name", "text", "expected"),
    [
        ("setup.py", SETUP + "setup(install_requires=['a', 'b>1'])\n", ["a", "b>1"]),
        ("setup.py", SETUP + "R = ['a']\nsetup(install_requires=R + ['b'])\n", ["a", "b"]),
        ("setup.py", SETUP + "R = {'x': ['a']}\nsetup(install_requires=R['x'])\n", ["a"]),
        ("setup.py", SETUP + "setup(install_requires='a\\nb')\n", ["a", "b"]),
        ("setup.py", "import setuptools as s\nif 1:\n s.setup(install_requires=('a',))\n", ["a"]),
        ("setup.cfg", "[options]\ninstall_requires =\n  a\n  b ; python_version > '3'  # c\n",
         ["a", "b ; python_version > '3'"]),
        ("setup.cfg", "[options]\ninstall_requires = a; b\n", ["a", "b"]),
    ],
)  # fmt: skip
def test_setup_files_are_read_where_they_are_static(
    tmp_path: Path, name: str, text: str, expected: list[str]
) -> None:
    assert lines(find(write(tmp_path, {name: text}))[0]) == expected


@table(
    "text",
    [
        SETUP + "setup(install_requires=open('r').read().splitlines())\n",
        SETUP + "R = []\nR += ['a']\nsetup(install_requires=R)\n",
        SETUP + "setup(**options)\n",
        "print 'python 2'\nsetup(install_requires=['a'])\n",
        "x = 1\n",
    ],
)
def test_a_setup_py_that_computes_is_named(tmp_path: Path, text: str) -> None:
    found, notices = find(write(tmp_path, {"setup.py": text}))
    assert found.lines == ()
    assert "setup.py is not read for dependencies" in notices[0]
    assert "requirements.txt" in notices[0]


@pytest.mark.medium
def test_the_environment_of_conda_is_translated(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "own.txt": "own\n",
            "environment.yml": "name: a\ndependencies:\n- python=3.11\n- pip\n- six=1.16\n"
            "- conda-forge::numpy==1.26.4\n- scipy=1.10.1=py311_0\n- 'pandas>=2,<3'\n"
            "- pytorch 2.1.0\n- six 1.*\n- cudatoolkit=11.8\n"
            "- libgcc-ng\n- 'a=1|2'\n- pip:\n  - -r own.txt\n  - Pandas==2.1\n",
        },
    )
    found, notices = find(tmp_path)
    assert lines(found) == [
        "six==1.16.*", "numpy==1.26.4", "scipy==1.10.1", "torch==2.1.0", "six==1.*",
        "-r requirements-1.txt", "Pandas==2.1",
    ]  # fmt: skip
    assert lines(found, "requirements-1.txt") == ["own"]
    assert "torch==2.1.0" in notices[0]
    assert "cudatoolkit=11.8, libgcc-ng, a=1|2" in notices[1]


@table("text", ["a: [", "dependencies: 1\n", "- x\n", "\xff"])
def test_an_environment_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "environment.yml").write_bytes(text.encode("latin-1"))
    try:
        _found, notices = find(tmp_path)
    except ContextInvalid as error:
        notices = [error.message]
    assert "environment.yml" in notices[0]


@table(
    ("source", "message"),
    [
        (b"# /// script\n# dependencies = [\n# ///\n", "cannot be used"),
        (b"# /// script\n# dependencies = ['a b']\n# ///\n", "cannot be used"),
        (b"# /// script\n# dependencies = []\n# ///\n\n" * 2, "two blocks"),
        (b"# /// script\n# dependencies = 'a'\n# ///\n", "not a list of strings"),
    ],
)
def test_inline_metadata_that_is_not_valid_is_refused(
    tmp_path: Path, source: bytes, message: str
) -> None:
    with pytest.raises(ContextInvalid, match=message):
        find(tmp_path, script=tmp_path / "train.py", source=source)


@pytest.mark.parametrize(
    "source", [b"# /// script\n# dependencies = ['a']\n", b"x = '# /// script'\n"]
)
def test_a_block_without_an_end_is_no_metadata(tmp_path: Path, source: bytes) -> None:
    write(tmp_path, {"requirements.txt": "b\n"})
    assert find(tmp_path, script=tmp_path / "train.py", source=source)[0].lines == ("b",)


def test_inline_metadata_takes_its_sources(tmp_path: Path) -> None:
    source = b'# /// script\n# dependencies = ["a"]\n# [tool.uv.sources]\n'
    source += b'# a = { path = "libs/a" }\n# ///\n'
    write(tmp_path, {"jobs/libs/a/setup.py": SETUP + "setup(name='a', version='4')\n"})
    found, _notices = find(tmp_path, script=tmp_path / "jobs" / "train.py", source=source)
    assert lines(found) == ["./archives/a-4-py3-none-any.whl"]
    assert found.import_paths == ("jobs/libs/a",)


def test_a_source_that_a_pipfile_lacks_is_not_replaced_by_another(tmp_path: Path) -> None:
    write(tmp_path, {"Pipfile": '[packages]\na = { version = "*", index = "private" }\n'})
    with pytest.raises(ContextInvalid, match="index = private"):
        find(tmp_path)
    write(tmp_path, {"Pipfile": '[packages]\na = { version = "*", index = "pypi" }\n'})
    assert lines(find(tmp_path)[0]) == ["a"]


@pytest.mark.parametrize(
    ("key", "usual"), [("tool.pdm.source", "pypi"), ("tool.rye.sources", "default")]
)
def test_the_indexes_of_pdm_and_rye_are_asked(tmp_path: Path, key: str, usual: str) -> None:
    project = '[project]\nname = "own"\nversion = "1"\ndependencies = ["a"]\n'
    more = f'[[{key}]]\nname = "more"\nurl = "https://more.example/simple"\n'
    own = f'[[{key}]]\nname = "{usual}"\nurl = "https://own.example/simple"\n'
    write(tmp_path, {"pyproject.toml": project + more + own})
    assert lines(find(tmp_path)[0])[:3] == [
        "--index-url https://own.example/simple",
        "--extra-index-url https://more.example/simple",
        "a",
    ]
    for refused in (
        'include_packages = ["a"]',
        'type = "find_links"',
        'url = "https://${TOKEN}@x.example/simple"',
    ):
        table = f'[[{key}]]\nname = "odd"\nurl = "https://x.example"\n'
        kept = table if not refused.startswith("url") else table.partition("url")[0]
        write(tmp_path, {"pyproject.toml": f"{project}{kept}{refused}\n"})
        with pytest.raises(ContextInvalid, match="the index odd in"):
            find(tmp_path)


def test_what_project_lists_comes_from_where_the_table_of_poetry_has_it(tmp_path: Path) -> None:
    project = (
        '[project]\nname = "own"\nversion = "1"\n'
        'dependencies = ["six>=1", "lib[x] (>=1) ; python_version >= \'3.9\'", "both>=2"]\n'
        'optional-dependencies.train = ["far"]\n'
        '[tool.poetry.dependencies]\nlib = { path = "libs/lib", develop = true }\n'
        'far = { git = "https://git.example/far.git", tag = "v1", optional = true }\n'
        'both = [{ url = "https://x.example/both-2-py3-none-any.whl", platform = "linux" }, '
        '{ platform = "darwin" }]\n'
    )
    lib = '[project]\nname = "lib"\nversion = "1"\noptional-dependencies.x = ["attrs"]\n'
    write(tmp_path, {"pyproject.toml": project, "libs/lib/pyproject.toml": lib})
    found, _notices = find(tmp_path, selection=Selection(extras=("train",)))
    assert found.lines == (
        "six>=1",
        'lib==1 ; python_version >= "3.9"',
        "attrs",
        'both @ https://x.example/both-2-py3-none-any.whl ; sys_platform == "linux"',
        'both>=2 ; sys_platform == "darwin"',
        "far @ git+https://git.example/far.git@v1",
        "own==1",
    )


def test_a_group_comes_from_where_the_table_of_poetry_has_it(tmp_path: Path) -> None:
    project = (
        '[project]\nname = "own"\nversion = "1"\n'
        '[dependency-groups]\ntrain = ["lib"]\n'
        '[tool.poetry.group.train.dependencies]\nlib = { path = "lib" }\n'
        '[tool.poetry.group.more.dependencies]\nsix = "*"\n'
    )
    lib = '[project]\nname = "lib"\nversion = "1"\n'
    write(tmp_path, {"pyproject.toml": project, "lib/pyproject.toml": lib})
    found, _notices = find(tmp_path, selection=Selection(groups=("train", "more")))
    assert sorted(found.lines) == ["lib==1", "six"]
