"""``[tool.uv.sources]`` is honoured or refused, never taken from an index instead."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from tests.tables import table

from ..projects import find, lines, pins, write

HEAD = '[project]\nname = "own"\ndynamic = ["version"]\ndependencies = ["six>=1"]\n'
SIX = '[project]\nname = "six"\nversion = "0.1"\n'
OWN_WHEEL = "./archives/six-0.1-py3-none-any.whl"


def _project(root: Path, source: str, more: str = "") -> Path:
    text = f"{HEAD}[tool.uv.sources]\nsix = {source}\n{more}"
    return write(
        root, {"pyproject.toml": text, "libs/six/pyproject.toml": SIX, "w/six-1.tar.gz": ""}
    )


@table(
    ("source", "expected"),
    [
        ("{ workspace = true }", OWN_WHEEL),
        ('{ path = "libs/six" }', OWN_WHEEL),
        ('{ path = "./libs/six", editable = true }', OWN_WHEEL),
        ('{ path = "w/six-1.tar.gz" }', "./archives/six-1.tar.gz"),
        ('{ git = "https://example.com/six", tag = "v1" }', "six @ git+https://example.com/six@v1"),
        ('{ git = "https://example.com/m", rev = "a1", subdirectory = "six" }',
         "six @ git+https://example.com/m@a1#subdirectory=six"),
        ('{ url = "https://example.com/six.whl" }', "six @ https://example.com/six.whl"),
        ('[{ path = "libs/six", marker = "sys_platform == \'linux\'" },'
         ' { index = "x", marker = "sys_platform == \'win32\'" }]', OWN_WHEEL),
        ("[{ path = \"libs/six\", marker = \"sys_platform == 'darwin'\" }]", "six>=1"),
    ],
)  # fmt: skip
def test_a_source_is_taken(tmp_path: Path, source: str, expected: str) -> None:
    members = '[tool.uv.workspace]\nmembers = ["libs/*"]\n'
    assert lines(find(_project(tmp_path, source, members))[0]) == [expected]


@table(
    "source",
    [
        "{ workspace = true }",
        '{ index = "private" }',
        '{ git = "../six" }',
        '{ git = "file:///srv/six" }',
        '{ path = "libs/six", marker = "python_version > \'3.11\'" }',
        '{ hg = "https://example.com/six" }',
    ],
)
def test_a_source_that_cannot_be_taken_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(ContextInvalid, match=r"\[tool.uv.sources\] names six") as caught:
        find(_project(tmp_path, source))
    assert "uv lock" in caught.value.hint


def test_a_name_that_no_member_has_is_refused(tmp_path: Path) -> None:
    more = '[tool.uv.workspace]\nmembers = ["libs/*"]\nexclude = ["libs/six"]\n'
    with pytest.raises(ContextInvalid, match="no member of the workspace has this name"):
        find(_project(tmp_path, "{ workspace = true }", more))


def test_the_default_index_of_the_project_is_asked(tmp_path: Path) -> None:
    more = '[[tool.uv.index]]\nname = "x"\nurl = "https://x.example/simple"\ndefault = true\n'
    found, notices = find(_project(tmp_path, '{ index = "x" }', more))
    assert lines(found) == ["--index-url https://x.example/simple", "six>=1"]
    assert notices == []


def test_another_index_of_the_project_is_named(tmp_path: Path) -> None:
    more = '[[tool.uv.index]]\nname = "x"\nurl = "https://x.example/simple"\n'
    found, notices = find(_project(tmp_path, '{ path = "libs/six" }', more))
    assert lines(found) == [OWN_WHEEL]
    assert "https://x.example/simple" in notices[0]
    assert "uv lock" in notices[0]


def test_a_member_takes_the_sources_of_its_workspace(tmp_path: Path) -> None:
    _project(tmp_path, '{ path = "libs/six" }', '[tool.uv.workspace]\nmembers = ["jobs/*"]\n')
    write(
        tmp_path,
        {"jobs/a/pyproject.toml": '[project]\nname = "a"\ndependencies = ["six"]\n'},
    )
    found, _notices = find(tmp_path, script=tmp_path / "jobs" / "a" / "train.py")
    assert found.source == tmp_path / "jobs" / "a" / "pyproject.toml"
    assert lines(found) == [OWN_WHEEL]


def test_sources_of_local_projects_count_too(tmp_path: Path) -> None:
    _project(tmp_path, '{ path = "libs/six" }')
    write(tmp_path, {"requirements.txt": "-e .\n"})
    assert lines(find(tmp_path)[0]) == ["./archives/own-0-py3-none-any.whl", OWN_WHEEL]


def test_constraints_of_the_project_are_kept(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": HEAD + '[tool.uv]\nconstraint-dependencies = ["a<2"]\n'})
    found, _notices = find(tmp_path)
    assert lines(found) == ["six>=1", "-c requirements-1.txt"]
    assert lines(found, "requirements-1.txt") == ["a<2"]
    assert found.count == 1


FAR = '[[tool.uv.index]]\nname = "far"\nurl = "https://far.example/simple"\nexplicit = true\n'
NEAR = '[[tool.uv.index]]\nname = "near"\nurl = "https://near.example/x"\n'


@pytest.mark.parametrize(
    "source",
    [
        '{ index = "far" }',
        '[{ index = "far" }]',
        '[{ index = "far", marker = "sys_platform == \'linux\'" },'
        ' { index = "near", marker = "sys_platform == \'darwin\'" }]',
    ],
)
def test_a_package_of_one_index_comes_from_there_alone(tmp_path: Path, source: str) -> None:
    found, notices = find(_project(tmp_path, source, FAR + NEAR))
    assert pins(found) == {"six": "https://far.example/simple"}
    assert found.uv_only == ("six comes from an index of its own",)
    assert lines(found) == ["six>=1"]
    assert not any("far.example" in notice for notice in notices)


def test_only_what_is_required_is_installed_from_an_index_of_its_own(tmp_path: Path) -> None:
    more = f'other = {{ index = "far" }}\n{FAR}'
    found, _notices = find(_project(tmp_path, '{ index = "far" }', more))
    assert pins(found) == {"six": "https://far.example/simple"}
    unused, _notices = find(_project(tmp_path, '{ path = "libs/six" }', more))
    assert "pinned/pyproject.toml" not in unused.files
    assert unused.uv_only == ()


@table(
    ("source", "index"),
    [
        ('{ index = "far" }', ""),
        ('{ index = "far" }', FAR.replace("https://far.example", "https://${TOKEN}@far.example")),
        ('{ index = "far" }', FAR.replace("https://far.example/simple", "./index")),
        ('{ index = "far" }', FAR.replace("https://far.example/simple", "https://a b/")),
        ('{ index = "far" }', FAR + 'format = "flat"\n'),
        ('[{ index = "far" }, { index = "near" }]', FAR + NEAR),
        ('[{ index = "far", extra = "a" }, { index = "near", extra = "b" }]', FAR + NEAR),
        ('[{ index = "far", marker = "python_version < \'3.12\'" }]', FAR),
        ('[{ index = "far" }, { git = "file:///x" }]', FAR),
    ],
)
def test_an_index_that_is_not_known_or_not_the_only_one_is_refused(
    tmp_path: Path, source: str, index: str
) -> None:
    with pytest.raises(ContextInvalid, match=r"\[tool.uv.sources\] names six"):
        find(_project(tmp_path, source, index))


def test_a_local_projects_package_comes_from_its_own_index(tmp_path: Path) -> None:
    _project(tmp_path, '{ index = "far" }', FAR)
    write(tmp_path, {"requirements.txt": "-e .\nnumpy\n"})
    assert pins(find(tmp_path)[0]) == {"six": "https://far.example/simple"}


def test_two_projects_with_different_indexes_are_refused(tmp_path: Path) -> None:
    for name, index in (("a", FAR), ("b", FAR.replace("far.example", "other.example"))):
        text = HEAD.replace("own", name) + f'[tool.uv.sources]\nsix = {{ index = "far" }}\n{index}'
        write(tmp_path, {f"{name}/pyproject.toml": text})
    write(tmp_path, {"requirements.txt": "-e ./a\n-e ./b\n"})
    with pytest.raises(ContextInvalid, match="six comes from another index"):
        find(tmp_path)


def test_a_scripts_inline_metadata_names_an_index(tmp_path: Path) -> None:
    block = '# /// script\n# dependencies = ["six>=1"]\n# [tool.uv.sources]\n'
    block += '# six = { index = "far" }\n'
    block += "".join(f"# {line}\n" for line in FAR.splitlines()) + "# ///\n"
    script = write(tmp_path, {"train.py": block}) / "train.py"
    found, _notices = find(tmp_path, script=script, source=block.encode())
    assert pins(found) == {"six": "https://far.example/simple"}


def test_an_index_of_its_own_and_hashes_are_refused(tmp_path: Path) -> None:
    _project(tmp_path, '{ index = "far" }', FAR)
    write(tmp_path, {"requirements.txt": f"-e .\nnumpy==2 --hash=sha256:{'a' * 64}\n"})
    with pytest.raises(ContextInvalid, match="six comes from an index of its own, but"):
        find(tmp_path)


def test_the_indexes_of_a_uv_toml_count(tmp_path: Path) -> None:
    corp = "https://corp.example/simple"
    _project(tmp_path, '{ index = "corp" }')
    config = f'[[index]]\nname = "corp"\nurl = "{corp}"\nexplicit = true\n'
    write(tmp_path, {"uv.toml": config})
    assert pins(find(tmp_path)[0]) == {"six": corp}
    write(tmp_path, {"pyproject.toml": HEAD, "uv.toml": f'index-url = "{corp}"\n'})
    assert lines(find(tmp_path)[0]) == [f"--index-url {corp}", "six>=1"]
    write(tmp_path, {"uv.toml": f'extra-index-url = ["{corp}"]\n'})
    assert f"the package index {corp}" in find(tmp_path)[1][0]
    package = 'version = "1"\nsource = { registry = "https://pypi.org/simple" }\n'
    lock = (
        'version = 1\n[[package]]\nname = "own"\nsource = { virtual = "." }\n'
        f'dependencies = [{{ name = "six" }}]\n[[package]]\nname = "six"\n{package}'
    )
    write(tmp_path, {"uv.lock": lock})
    found, notices = find(tmp_path)
    assert found.source == tmp_path / "uv.lock"
    assert notices == []
