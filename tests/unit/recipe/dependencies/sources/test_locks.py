"""Lock files: exactly what they pin, for every Python and machine that an image may have."""

import json
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import Selection
from tests.tables import table

from ..projects import find, lines, write

A, B = "a" * 64, "b" * 64
PROJECT = '[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.10"\n'
UV = 'version = 1\nrequires-python = ">=3.10"\n'
REGISTRY = 'source = { registry = "https://index.example/simple" }\n'
OWN = '[[package]]\nname = "own"\nversion = "1"\nsource = { virtual = "." }\n'


def _wheels(digest: str) -> str:
    return f'wheels = [{{ url = "https://x.example/x.whl", hash = "sha256:{digest}" }}]\n'


def _uv(root: Path, dependencies: str, lock: str) -> Path:
    return write(
        root, {"pyproject.toml": f"{PROJECT}dependencies = {dependencies}\n", "uv.lock": lock}
    )


def test_uv_lock_gives_versions_hashes_and_markers(tmp_path: Path) -> None:
    lock = (
        UV + OWN + 'dependencies = [{ name = "a", extra = ["x"] }, '
        "{ name = \"w\", marker = \"sys_platform == 'win32'\" }]\n"
        + '[[package]]\nname = "a"\nversion = "1.0"\n' + REGISTRY + _wheels(A)
        + "dependencies = [{ name = \"b\", marker = \"python_full_version < '3.12'\" }, "
        "{ name = \"m\", marker = \"platform_machine == 'x86_64'\" }]\n"
        'optional-dependencies.x = [{ name = "e" }]\n'
        + "".join(
            f'[[package]]\nname = "{n}"\nversion = "2.0"\n{REGISTRY}{_wheels(B)}' for n in "bemw"
        )
    )  # fmt: skip
    _uv(tmp_path, """["a[x]>=1", "w; sys_platform == 'win32'"]""", lock)
    found, _notices = find(tmp_path)
    assert lines(found) == [
        f"a==1.0 --hash=sha256:{A}",
        'b==2.0 ; python_version == "3.10" or python_version == "3.11" --hash=sha256:' + B,
        f"e==2.0 --hash=sha256:{B}",
        f'm==2.0 ; (platform_machine == "x86_64") --hash=sha256:{B}',
    ]
    assert found.count == 4


def test_uv_lock_gives_one_of_several_versions_to_each_python(tmp_path: Path) -> None:
    lock = (
        UV
        + OWN
        + (
            "dependencies = ["
            '{ name = "a", version = "1.0", marker = "python_version < \'3.12\'" }, '
            '{ name = "a", version = "2.0", marker = "python_version >= \'3.12\'" }]\n'
            + "".join(
                f'[[package]]\nname = "a"\nversion = "{v}"\n{REGISTRY}' for v in ("1.0", "2.0")
            )
        )
    )
    _uv(tmp_path, '["a"]', lock)
    [old, new] = lines(find(tmp_path)[0])
    assert old == 'a==1.0 ; python_version == "3.10" or python_version == "3.11"'
    assert new.startswith('a==2.0 ; python_version == "3.12" or')


def test_uv_lock_keeps_the_sources(tmp_path: Path) -> None:
    names = ("git", "url", "member", "path")
    listed = ", ".join(f'{{ name = "{name}" }}' for name in names)
    lock = (
        UV
        + OWN
        + f"dependencies = [{listed}]\n"
        + "".join(
            f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {source}\n'
            for name, source in (
                ("git", '{ git = "https://example.com/g?rev=v1&subdirectory=s#abc" }'),
                ("url", '{ url = "https://example.com/u-1.tar.gz" }'),
                ("member", '{ editable = "libs/member" }'),
                ("path", '{ path = "p-1.tar.gz" }'),
            )
        )
    )
    _uv(tmp_path, str(list(names)).replace("'", '"'), lock)
    member = '[project]\nname = "member"\nversion = "3"\n'
    write(tmp_path, {"libs/member/pyproject.toml": member, "p-1.tar.gz": ""})
    assert lines(find(tmp_path)[0]) == [
        "git @ git+https://example.com/g@abc#subdirectory=s",
        "./archives/member-3-py3-none-any.whl",
        "./archives/p-1.tar.gz",
        "url @ https://example.com/u-1.tar.gz",
    ]


def test_an_index_of_the_project_is_asked_where_hashes_tell_its_packages(tmp_path: Path) -> None:
    private = 'source = { registry = "https://private.example/simple" }\n'
    lock = UV + OWN + 'dependencies = [{ name = "a" }]\n[[package]]\nname = "a"\nversion = "1"\n'
    index = (
        '[[tool.uv.index]]\nname = "p"\nurl = "https://private.example/simple"\nexplicit = true\n'
    )
    source = '[tool.uv.sources]\na = { index = "p" }\n'
    _uv(tmp_path, f'["a"]\n{index}{source}', lock + private + _wheels(A))
    assert lines(find(tmp_path)[0]) == [
        "--extra-index-url https://private.example/simple",
        f"a==1 --hash=sha256:{A}",
    ]
    write(tmp_path, {"uv.lock": lock + private})
    found, _notices = find(tmp_path)
    assert lines(found) == ["a==1"]
    pinned = bytes(found.files["pinned/pyproject.toml"])
    assert b'url = "https://private.example/simple"' in pinned
    assert found.uv_only == ("a comes from an index of its own",)
    _uv(tmp_path, f'["a"]\n{index}format = "flat"\n{source}', lock + private)
    with pytest.raises(ContextInvalid, match="have no hashes"):
        find(tmp_path)


def test_an_index_for_other_systems_alone_is_not_asked(tmp_path: Path) -> None:
    cpu, cuda = "https://torch.example/cpu", "https://torch.example/cu128"
    git = '{ git = "https://example.com/g?rev=v1#abc" }'
    entries = [
        ("git", "1", git),
        ("torch", "2.9.0", f'{{ registry = "{cpu}" }}'),
        ("torch", "2.9.0+cu128", f'{{ registry = "{cuda}" }}'),
    ]
    other, linux = "sys_platform != 'linux'", "sys_platform == 'linux'"
    lock = (
        UV
        + OWN
        + 'dependencies = [{ name = "git" }, '
        + f'{{ name = "torch", version = "2.9.0", marker = "{other}" }}, '
        + f'{{ name = "torch", version = "2.9.0+cu128", marker = "{linux}" }}]\n'
        + "".join(
            f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {source}\n'
            for name, version, source in entries
        )
    )
    indexes = "".join(
        f'[[tool.uv.index]]\nname = "{name}"\nurl = "{url}"\nexplicit = true\n'
        for name, url in (("cpu", cpu), ("cuda", cuda))
    )
    sources = (
        '[tool.uv.sources]\ngit = { git = "https://example.com/g", rev = "v1" }\n'
        f'torch = [{{ index = "cpu", marker = "{other}" }}, '
        f'{{ index = "cuda", marker = "{linux}" }}]\n'
    )
    _uv(tmp_path, f'["git", "torch"]\n{indexes}{sources}', lock)
    found, _notices = find(tmp_path)
    assert lines(found) == ["git @ git+https://example.com/g@abc", "torch==2.9.0+cu128"]
    pinned = bytes(found.files["pinned/pyproject.toml"])
    assert cuda.encode() in pinned
    assert f'"{cpu}"'.encode() not in pinned


@table(
    ("name", "dependencies", "command"),
    [
        ("uv.lock", '["b"]', "uv lock"),
        ("uv.lock", '["a>=2"]', "uv lock"),
        ("poetry.lock", '["b"]', "poetry lock"),
        ("pdm.lock", '["a>=2"]', "pdm lock"),
    ],
)
def test_a_lock_that_does_not_fit_its_project_is_refused(
    tmp_path: Path, name: str, dependencies: str, command: str
) -> None:
    lock = UV + OWN + 'dependencies = [{ name = "a" }]\n'
    lock += f'[[package]]\nname = "a"\nversion = "1.0"\n{REGISTRY}'
    write(tmp_path, {"pyproject.toml": f"{PROJECT}dependencies = {dependencies}\n", name: lock})
    with pytest.raises(ContextInvalid, match=f"{name} does not fit the project") as caught:
        find(tmp_path)
    assert command in caught.value.hint


def test_the_lock_of_the_workspace_counts_for_its_members(tmp_path: Path) -> None:
    lock = UV + OWN.replace("own", "job").replace('virtual = "."', 'editable = "jobs/a"')
    lock += f'dependencies = [{{ name = "b" }}]\n[[package]]\nname = "b"\nversion = "2"\n{REGISTRY}'
    write(
        tmp_path,
        {
            "pyproject.toml": PROJECT + '[tool.uv.workspace]\nmembers = ["jobs/*"]\n',
            "uv.lock": lock,
            "jobs/a/pyproject.toml": PROJECT.replace("own", "job") + 'dependencies = ["b"]\n',
        },
    )
    found, _notices = find(tmp_path, script=tmp_path / "jobs" / "a" / "train.py")
    assert found.source is not None
    assert found.source.resolve() == tmp_path / "uv.lock"
    assert lines(found) == ["b==2", "./archives/job-1-py3-none-any.whl"]


def test_poetry_lock_gives_one_version_for_each_python_and_extras(tmp_path: Path) -> None:
    def package(name: str, version: str, marker: str, digest: str, more: str = "") -> str:
        return (
            f'[[package]]\nname = "{name}"\nversion = "{version}"\npython-versions = ">=3.8"\n'
            f"{marker}files = [{{file = \"f\", hash = \"sha256:{digest}\"}}]\n{more}"
        )  # fmt: skip

    write(
        tmp_path,
        {
            "pyproject.toml": '[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\n'
            'python = "^3.10"\na = {version = "^1", extras = ["x"]}\n'
            'g = {version = "*", optional = true}\n'
            '[tool.poetry.extras]\ngpu = ["g"]\n',
            "poetry.lock": package("a", "1.0", "", A,
                '[package.dependencies]\nb = "*"\ne = {version = "*", optional = true}\n'
                '[package.extras]\nx = ["e (>=1)"]\n')
            + package("b", "1.0", "markers = \"python_version < '3.11'\"\n", A)
            + package("b", "2.0", "markers = \"python_version >= '3.11'\"\n", B)
            + package("e", "1.5", "", B) + package("g", "1", "markers = \"extra == 'gpu'\"\n", B),
        },
    )  # fmt: skip
    assert lines(find(tmp_path)[0])[:2] == [
        f"a==1.0 --hash=sha256:{A}",
        f'b==1.0 ; python_version == "3.10" --hash=sha256:{A}',
    ]
    found, _notices = find(tmp_path, selection=Selection(("gpu",)))
    assert [line.split(" ")[0] for line in lines(found)] == [
        "a==1.0",
        "b==1.0",
        "b==2.0",
        "e==1.5",
        "g==1",
    ]


def test_pdm_lock_has_entries_for_extras(tmp_path: Path) -> None:
    lock = "".join(
        f'[[package]]\nname = "{name}"\nversion = "1.0"\n{more}\n'
        f'files = [{{hash = "sha256:{A}"}}]\n'
        for name, more in (
            ("a", "dependencies = [\"b>=1; python_version < '3.11'\"]"),
            ("a", 'extras = ["x"]\ndependencies = ["a==1.0", "c!=2"]'),
            ("b", "marker = \"python_version < '3.11'\""),
            ("c", ""),
            ("unused", 'groups = ["dev"]'),
        )
    )
    write(tmp_path, {"pyproject.toml": PROJECT + 'dependencies = ["a[x]"]\n', "pdm.lock": lock})
    assert lines(find(tmp_path)[0]) == [
        f"a==1.0 --hash=sha256:{A}",
        f'b==1.0 ; python_version == "3.10" --hash=sha256:{A}',
        f"c==1.0 --hash=sha256:{A}",
    ]


def test_pylock_is_read_with_extras_groups_and_sources(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "own-1.tar.gz": "",
            "pylock.toml": 'lock-version = "1.0"\nextras = ["x"]\ndependency-groups = ["dev"]\n'
            '[[packages]]\nname = "a"\nversion = "1"\n'
            f'wheels = [{{ hashes = {{ sha256 = "{A}" }} }}]\n'
            '[[packages]]\nname = "x"\nversion = "1"\nmarker = "\'x\' in extras"\n'
            '[[packages]]\nname = "d"\nversion = "1"\nmarker = "\'dev\' in dependency_groups"\n'
            '[[packages]]\nname = "w"\nversion = "1"\nmarker = "sys_platform == \'win32\'"\n'
            '[[packages]]\nname = "own"\narchive = { path = "own-1.tar.gz" }\n',
        },
    )
    assert lines(find(tmp_path)[0]) == ["a==1", "./archives/own-1.tar.gz"]
    found, _notices = find(tmp_path, selection=Selection(("x",), ("dev",)))
    assert lines(found) == ["a==1", "x==1", "d==1", "./archives/own-1.tar.gz"]


def test_pipfile_lock_pins_with_hashes_and_without_windows(tmp_path: Path) -> None:
    default = {
        "a": {"version": "==1", "hashes": [f"sha256:{A}"], "markers": "python_version > '3'"},
        "w": {"version": "*"},
    }
    write(
        tmp_path,
        {
            "Pipfile": '[packages]\na = "*"\n'
            "w = {version = \"*\", sys_platform = \"== 'win32'\"}\n",
            "Pipfile.lock": json.dumps({"default": default, "develop": {"d": {"version": "==3"}}}),
        },
    )  # fmt: skip
    assert lines(find(tmp_path)[0]) == [f"a==1 ; python_version > '3' --hash=sha256:{A}"]
    found, _notices = find(tmp_path, selection=Selection((), ("dev",)))
    assert lines(found) == ["a==1 ; python_version > '3'", "d==3"]
    write(tmp_path, {"Pipfile": '[packages]\nb = "*"\n'})
    with pytest.raises(ContextInvalid, match="does not fit") as caught:
        find(tmp_path)
    assert "pipenv lock" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [("uv.lock", "version = 9\n"), ("pylock.toml", 'lock-version = "2.0"\n')],
)
def test_a_lock_of_another_version_names_the_command(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, {"pyproject.toml": PROJECT, name: text})
    with pytest.raises(ContextInvalid, match=r"its version .* is not known") as caught:
        find(tmp_path)
    assert "uv export" in caught.value.hint


RYE = """\
# generated by rye
# use `rye lock` or `rye sync` to update this lockfile
#
# last locked with the following flags:
#   pre: false
#   universal: false

-e file:.
six==1.16.0
    # via own
"""


def test_the_lock_of_rye_pins_what_the_project_needs(tmp_path: Path) -> None:
    project = PROJECT + 'dependencies = ["six>=1.10"]\n[tool.rye]\ndev-dependencies = ["pytest"]\n'
    files = {
        "pyproject.toml": project,
        "requirements.lock": RYE,
        "requirements-dev.lock": RYE + "pytest==8.0.0\n",
    }
    write(tmp_path, files)
    found, notices = find(tmp_path)
    assert (found.source, notices) == (tmp_path / "requirements.lock", [])
    assert found.lines == ("six==1.16.0", "own==1")
    found, _notices = find(tmp_path, selection=Selection(groups=("dev",)))
    assert "pytest==8.0.0" in found.lines
    (tmp_path / "requirements.lock").unlink()
    found, notices = find(tmp_path)
    assert found.source == tmp_path / "pyproject.toml"
    found, _notices = find(tmp_path, selection=Selection(groups=("dev",)))
    assert "pytest" in found.lines


@pytest.mark.parametrize("dependency", ["numpy", "six>=2"])
def test_a_lock_of_rye_that_does_not_fit_is_refused(tmp_path: Path, dependency: str) -> None:
    project = PROJECT + f'dependencies = ["{dependency}"]\n'
    write(tmp_path, {"pyproject.toml": project, "requirements.lock": RYE})
    with pytest.raises(ContextInvalid) as caught:
        find(tmp_path)
    assert "does not fit the project" in caught.value.message
    assert caught.value.hint == "Update the lock: rye lock"


def test_members_in_a_lock_of_rye_are_local_projects(tmp_path: Path) -> None:
    member = '[project]\nname = "my-part"\nversion = "2"\ndependencies = ["six"]\n'
    files = {
        "pyproject.toml": PROJECT + 'dependencies = ["six", "my-part"]\n',
        "requirements.lock": RYE + "-e file:parts/my-part\n",
        "parts/my-part/pyproject.toml": member,
        "parts/my-part/src/my_part/__init__.py": "",
    }
    write(tmp_path, files)
    found, _notices = find(tmp_path)
    assert "my-part==2" in found.lines
    assert "parts/my-part/src" in found.import_paths


def test_a_lock_of_helm_is_none_of_python(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.lock": "dependencies:\n- name: redis\n  version: 1.0.0\n"})
    assert find(tmp_path)[0].count == 0
    write(tmp_path, {"requirements.lock": "dependencies: []\ndigest: sha256:0\n"})
    assert find(tmp_path)[0].count == 0


@pytest.mark.parametrize(
    "dependency",
    ["tomli; python_version<'3.11'", "foo; platform_machine=='aarch64'", "six===1.16.0"],
)
def test_a_lock_of_rye_lacks_what_is_for_other_machines(tmp_path: Path, dependency: str) -> None:
    project = PROJECT + f'dependencies = ["six", "{dependency}"]\n'
    write(tmp_path, {"pyproject.toml": project, "requirements.lock": RYE.replace("==", "===")})
    assert "six===1.16.0" in find(tmp_path)[0].lines


def test_the_indexes_of_rye_count_for_its_lock_that_names_none(tmp_path: Path) -> None:
    project = (
        PROJECT + 'dependencies = ["six"]\n'
        '[[tool.rye.sources]]\nname = "corp"\nurl = "https://corp.example/simple"\n'
    )
    option = "--extra-index-url https://corp.example/simple"
    write(tmp_path, {"pyproject.toml": project, "requirements.lock": RYE})
    assert lines(find(tmp_path)[0])[:2] == [option, "six==1.16.0"]
    named = "--index-url https://own.example/simple\n"
    write(tmp_path, {"requirements.lock": named + RYE})
    assert lines(find(tmp_path)[0])[:2] == [named.strip(), "six==1.16.0"]


def test_the_lock_of_poetry_has_the_places_of_what_project_lists(tmp_path: Path) -> None:
    project = (
        PROJECT + 'dependencies = ["lib (>=1)"]\n'
        '[tool.poetry.dependencies]\nlib = { path = "lib" }\n'
    )
    lock = (
        '[[package]]\nname = "lib"\nversion = "1"\n'
        '[package.dependencies]\nsix = "*"\n[package.source]\ntype = "directory"\nurl = "lib"\n'
        '[[package]]\nname = "six"\nversion = "1.16.0"\n'
    )
    lib = '[project]\nname = "lib"\nversion = "1"\n'
    write(tmp_path, {"pyproject.toml": project, "poetry.lock": lock, "lib/pyproject.toml": lib})
    assert find(tmp_path)[0].lines == ("lib==1", "six==1.16.0", "own==1")
