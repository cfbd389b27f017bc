"""Requirements files and pyproject.toml become a set of files that refers to itself alone."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.plan import Dependencies
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.declared import Selection
from keynet.recipe.dependencies.finding import Search


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty context."""
    folder = tmp_path / "context"
    folder.mkdir()
    return folder


def _find(
    root: Path,
    text: str,
    environment: Mapping[str, str] | None = None,
) -> Dependencies:
    (root / "requirements.txt").write_text(text)
    return finding.find(Search(root, environment=environment or {}))[0]


def _text(found: Dependencies, name: str = "requirements.txt") -> str:
    content = found.files[name]
    assert isinstance(content, bytes)
    return content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "numpy==1.26.4\n",
        "numpy >= 1.26 ; python_version < '3.12'\n",
        "numpy[extra]~=1.0\nscipy\n",
        "--index-url https://example.com/simple\nnumpy\n",
        "--extra-index-url https://example.com/simple\nnumpy\n",
        "--find-links https://example.com/links.html\nnumpy\n",
        "--no-binary :all:\nnumpy\n",
        "numpy==1 --hash=sha256:0000 --hash=sha256:1111\n",
        "git+https://example.com/x.git@v1#egg=x\n",
        "-e git+https://example.com/x.git@v1#egg=x\n",
        "x @ https://example.com/x-1.0-py3-none-any.whl\n",
        "https://example.com/x-1.0-py3-none-any.whl\n",
        "-r https://example.com/more.txt\nnumpy\n",
    ],
)
def test_what_pip_can_read_inside_stays_as_it_is(root: Path, text: str) -> None:
    assert _text(_find(root, text)) == text


def test_no_dependencies_without_any_file(root: Path) -> None:
    assert finding.find(Search(root)) == (Dependencies(), ())


@pytest.mark.parametrize("text", ["", "\n# numpy\n", "--index-url https://example.com\n"])
def test_file_that_asks_for_nothing_installs_nothing(root: Path, text: str) -> None:
    found = _find(root, text)
    assert found == Dependencies()


def test_includes_travel_along_and_line_numbers_stay_true(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "base.txt").write_text("numpy\n-c ../limits.txt\n")
    (root / "limits.txt").write_text("numpy<2\n")
    found = _find(
        root, "\n-r sub/base.txt # base\n--requirement=\\\nsub/base.txt\n-climits.txt\nx\n"
    )
    assert found.files == {
        "requirements.txt": (b"\n-r requirements-1.txt\n\n\n\nx\n"),
        "requirements-1.txt": b"numpy\n-c requirements-2.txt\n",
        "requirements-2.txt": b"numpy<2\n",
    }


def test_missing_include_is_named_with_its_line(root: Path) -> None:
    with pytest.raises(
        ContextInvalid, match=r"requirements\.txt:2: .*absent\.txt \(.*does not exist"
    ):
        _find(root, "numpy\n-r absent.txt\n")


def test_include_outside_the_context_is_refused(root: Path) -> None:
    (root.parent / "other.txt").write_text("numpy\n")
    with pytest.raises(ContextInvalid, match="outside the build context"):
        _find(root, "-r ../other.txt\n")
    (root / "link.txt").symlink_to("../other.txt")
    with pytest.raises(ContextInvalid, match="outside the build context"):
        _find(root, "-r link.txt\n")


def test_file_that_includes_itself_is_refused(root: Path) -> None:
    (root / "more.txt").write_text("-r requirements.txt\n")
    with pytest.raises(ContextInvalid, match="includes itself"):
        _find(root, "-r more.txt\n")


def test_variables_are_replaced_as_pip_does(root: Path) -> None:
    text = "--index-url https://${MIRROR}/${lower}/${ABSENT}\nx\n"
    found = _find(root, text, {"MIRROR": "example.com", "lower": "no", "ABSENT": ""})
    assert _text(found) == text.replace("${MIRROR}", "example.com")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_understood(root: Path, encoding: str) -> None:
    (root / "requirements.txt").write_bytes("numpy # 수학\n".encode(encoding))
    assert _text(finding.find(Search(root))[0]) == "numpy\n"


def test_other_encodings_are_refused(root: Path) -> None:
    (root / "requirements.txt").write_bytes(b"numpy # caf\xe9\n")
    with pytest.raises(ContextInvalid, match="not UTF-8"):
        finding.find(Search(root))


@pytest.mark.parametrize(
    "line",
    ["./wheels/x-1.0-py3-none-any.whl", "wheels/x-1.0-py3-none-any.whl ; python_version > '3'"],
)
def test_archives_of_the_context_travel_along(root: Path, line: str) -> None:
    (root / "wheels").mkdir()
    (root / "wheels" / "x-1.0-py3-none-any.whl").write_bytes(b"wheel")
    found = _find(root, line + "\n")
    assert found.files["archives/x-1.0-py3-none-any.whl"] == b"wheel"
    assert _text(found).startswith("./archives/x-1.0-py3-none-any.whl")
    assert _text(found).endswith(line.partition(".whl")[2] + "\n")


def test_paths_are_found_beside_the_file_and_from_the_context(root: Path) -> None:
    for folder in ("deps", "wheels"):
        (root / folder).mkdir()
    (root / "wheels" / "x-1.0-py3-none-any.whl").write_bytes(b"x")
    (root / "deps" / "y-1.0-py3-none-any.whl").write_bytes(b"y")
    (root / "deps" / "all.txt").write_text(
        "./wheels/x-1.0-py3-none-any.whl\ny-1.0-py3-none-any.whl\n-f wheels\n"
    )
    found = _find(root, "-r deps/all.txt\n")
    assert found.files["requirements-1.txt"] == (
        b"./archives/x-1.0-py3-none-any.whl\n./archives/y-1.0-py3-none-any.whl\n"
        b"--find-links archives\n"
    )


def test_file_urls_inside_the_context_travel_along(root: Path) -> None:
    archive = root / "x-1.0.tar.gz"
    archive.write_bytes(b"sdist")
    found = _find(root, f"x @ file://{archive}\nfile://{archive}#egg=x\n")
    assert _text(found) == "./archives/x-1.0.tar.gz\n./archives/x-1.0.tar.gz\n"
    assert found.lines == ("x==1.0", "x==1.0")


def test_find_links_directory_travels_along(root: Path) -> None:
    (root / "wheels").mkdir()
    (root / "wheels" / "x-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (root / "wheels" / "README").write_bytes(b"")
    found = _find(root, "--find-links wheels\nx\n")
    assert sorted(found.files) == ["archives/x-1.0-py3-none-any.whl", "requirements.txt"]
    assert _text(found) == "--find-links archives\nx\n"


def test_two_archives_of_one_name_are_refused(root: Path) -> None:
    for folder in ("a", "b"):
        (root / folder).mkdir()
        (root / folder / "x.whl").write_text(folder)
    with pytest.raises(ContextInvalid, match="two different archives"):
        _find(root, "./a/x.whl\n./b/x.whl\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-e ../other", "outside the build context"),
        ("./absent", "does not exist"),
        ("-e ./absent", "does not exist"),
        ("/etc/hostname", "outside the build context"),
        ("file://far/away.whl", "does not exist"),
        ("-e .", "has no pyproject.toml"),
        ("./" + "x" * 5000, "does not exist"),
        ("./a\0b", "is not UTF-8: see line 2"),
        ("./README", "neither a project nor an archive"),
        ("-f absent", "does not exist"),
        ("-f README", "not a directory of the build context"),
        ("--extra-index-url file:///opt/simple", "exists on this machine only"),
    ],
)
def test_what_a_build_cannot_have_is_refused_with_its_line(
    root: Path, line: str, message: str
) -> None:
    (root.parent / "other").mkdir()
    (root / "README").write_text("")
    with pytest.raises(ContextInvalid, match=message):
        _find(root, f"numpy\n{line}\n")


def test_local_project_gives_its_dependencies_and_its_place(root: Path) -> None:
    package = root / "libs" / "mine"
    (package / "src").mkdir(parents=True)
    (package / "pyproject.toml").write_text(
        '[project]\nname = "mine"\ndependencies = ["numpy<2"]\n'
        '[project.optional-dependencies]\ntrain = ["torch"]\nall = ["mine[train]"]\n'
    )
    (root / "requirements.txt").write_text("-e ./libs/mine[all]\nscipy\n")
    found, notices = finding.find(Search(root))
    assert _text(found) == "./archives/mine-0-py3-none-any.whl[all]\nscipy\n"
    assert found.import_paths == ("libs/mine/src",)
    assert found.count == 2
    assert "requirements.txt:1: only its build backend knows the version" in notices[0].text


def test_pyproject_serves_without_a_requirements_file(root: Path) -> None:
    (root / "pyproject.toml").write_text('[project]\nname = "t"\ndependencies = ["numpy"]\n')
    found, _notices = finding.find(Search(root))
    assert found.source == root / "pyproject.toml"
    assert _text(found) == "numpy\n"
    assert found.import_paths == (".",)
    (root / "requirements.txt").write_text("scipy\n")
    assert _text(finding.find(Search(root))[0]) == "scipy\n"


def test_pyproject_of_tools_alone_declares_nothing(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert finding.find(Search(root)) == (Dependencies(), ())


def test_setuptools_dynamic_files_are_read(root: Path) -> None:
    (root / "deps.txt").write_text("numpy\n")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "t"\ndynamic = ["dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = {file = ["deps.txt"]}\n'
    )
    found, _notices = finding.find(Search(root))
    assert _text(found) == "-r requirements-1.txt\n"
    assert _text(found, "requirements-1.txt") == "numpy\n"


def test_the_files_of_hatchs_plugin_are_read(root: Path) -> None:
    hook = "[tool.hatch.metadata.hooks.requirements_txt"
    (root / "pyproject.toml").write_text(
        '[project]\nname = "t"\nversion = "1"\ndynamic = ["dependencies"]\n'
        f'{hook}]\nfiles = ["deps.txt"]\n{hook}.optional-dependencies]\ngpu = ["gpu.txt"]\n'
    )
    (root / "deps.txt").write_text("six\n")
    (root / "gpu.txt").write_text("attrs\n")
    found, notices = finding.find(Search(root, selection=Selection(("gpu",))))
    assert found.lines == ("six", "attrs")
    assert not notices


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ('a = [{include-group = "b"}]\nb = ["six", {include-group = "A"}]\n', "b includes a"),
        ('a = [{include-group = "a"}]\n', "a includes a, which includes it"),
        ('a = ["six", {include-group = "b"}]\n', "b, which is not there"),
    ],
)
@pytest.mark.parametrize("project", ["", '[project]\nname = "t"\nversion = "1"\n'])
def test_groups_that_include_what_they_cannot_are_refused_where_they_are_wanted(
    root: Path, groups: str, why: str, project: str
) -> None:
    text = f"{project}[dependency-groups]\nother = ['attrs']\n{groups}"
    (root / "pyproject.toml").write_text(text)
    with pytest.raises(ContextInvalid, match=why):
        finding.find(Search(root, selection=Selection(groups=("a",))))
    found, _notices = finding.find(Search(root, selection=Selection(groups=("other",))))
    assert "attrs" in found.lines


def test_an_override_of_uv_that_only_a_lock_has_is_named(root: Path) -> None:
    (root / "pyproject.toml").write_text(
        '[project]\nname = "t"\nversion = "1"\ndependencies = ["six"]\n'
        '[tool.uv]\npackage = false\noverride-dependencies = ["six==1.15.0"]\n'
    )
    _found, (notice,) = finding.find(Search(root))
    assert "six==1.15.0. Run: uv lock" in notice.text


def test_the_older_keys_of_uv_for_indexes_and_folders_count(root: Path) -> None:
    (root / "my wheels").mkdir()
    (root / "my wheels" / "own-1.0-py3-none-any.whl").write_bytes(b"own")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "t"\nversion = "1"\ndependencies = ["own"]\n'
        '[tool.uv]\npackage = false\nindex-url = "https://own.example/simple"\n'
        'extra-index-url = ["https://more.example/simple"]\nfind-links = ["./my wheels"]\n'
    )
    found, (notice,) = finding.find(Search(root))
    assert _text(found).splitlines() == [
        *("--index-url https://own.example/simple", "--find-links archives", "own")
    ]
    assert found.files["archives/own-1.0-py3-none-any.whl"] == b"own"
    assert "https://more.example/simple in [[tool.uv.index]]" in notice.text


def test_hatchs_path_of_the_project_is_a_local_project(root: Path) -> None:
    (root / "libs" / "a" / "src" / "a").mkdir(parents=True)
    (root / "libs" / "a" / "pyproject.toml").write_text(
        '[project]\nname = "a"\nversion = "1"\ndependencies = ["six"]\n'
        '[project.optional-dependencies]\nfast = ["attrs"]\n'
    )
    (root / "pyproject.toml").write_text(
        '[project]\nname = "t"\nversion = "1"\n'
        "dependencies = [\"a[fast] @ {root:uri}/libs/a ; sys_platform == 'linux'\"]\n"
    )
    found, _notices = finding.find(Search(root))
    assert set(found.lines) >= {"six", "attrs"}
    assert "libs/a/src" in found.import_paths


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        ("<<<<<<< HEAD\nsix==1\n=======\nsix==2\n>>>>>>> own\n", "a merge conflict"),
        ("\n<!DOCTYPE html>\n<html>\n", "a web page"),
    ],
)
def test_what_is_in_the_place_of_a_list_is_named(root: Path, text: str, message: str) -> None:
    (root / "requirements.txt").write_text(text)
    with pytest.raises(ContextInvalid, match=message):
        finding.find(Search(root))


def test_dynamic_dependencies_stay_an_error_where_uv_has_an_index(root: Path) -> None:
    (root / "pyproject.toml").write_text(
        '[project]\nname = "t"\nversion = "1"\ndynamic = ["dependencies"]\n'
        '[[tool.uv.index]]\nname = "own"\nurl = "https://own.example/simple"\n'
    )
    with pytest.raises(ContextInvalid, match="leaves its dependencies to its build backend"):
        finding.find(Search(root))


def test_the_lock_of_a_script_is_named(root: Path) -> None:
    script = root / "train.py"
    script.write_text('# /// script\n# dependencies = ["six"]\n# ///\n')
    search = Search(root, script, script.read_bytes())
    assert not finding.find(search)[1]
    (root / "train.py.lock").write_text("version = 1\n")
    _found, (notice,) = finding.find(search)
    assert "train.py.lock is not read" in notice.text
    assert "uv export --script" in notice.text


@pytest.mark.parametrize(
    "path", ["docker/requirements.txt", "deps/reqs-gpu.txt", "envs/environment.yml"]
)
def test_a_list_in_a_folder_for_the_environment_is_named(root: Path, path: str) -> None:
    (root / path).parent.mkdir()
    (root / path).write_text("six\n")
    (root / "docs").mkdir()
    (root / "docs" / "requirements.txt").write_text("sphinx\n")
    found, (notice,) = finding.find(Search(root))
    assert not found.files
    assert f"has {path}, which is not read" in notice.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project", "cannot be used"),
        ("project = 1", "is not a table"),
        ('[project]\nname = "t"\ndependencies = "numpy"', "not a list of strings"),
        ('[project]\nname = "t"\ndependencies = ["num py"]', "cannot be used"),
        ('[project]\nname = "t"\ndependencies = ["x @ file:///x.whl"]', "outside the build"),
        ('[project]\nname = "t"\ndynamic = ["dependencies"]', "build backend"),
        ('[project]\nname = "t"\noptional-dependencies = 1', "is not a table"),
        ('[tool.poetry.dependencies]\nnumpy = "^1 || ^2"', "poetry export"),
    ],
)
def test_unusable_pyproject_is_refused(root: Path, text: str, message: str) -> None:
    (root / "pyproject.toml").write_text(text)
    with pytest.raises(ContextInvalid) as caught:
        finding.find(Search(root))
    assert message in f"{caught.value.message} {caught.value.hint}"


def test_unknown_extra_is_refused(root: Path) -> None:
    (root / "pyproject.toml").write_text('[project]\nname = "t"\ndependencies = []\n')
    with pytest.raises(ContextInvalid, match="no extra 'gpu'"):
        _find(root, "-e .[gpu]\n")


def test_named_file_may_lie_outside_with_its_neighbours(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "requirements.txt").write_text("scipy\n")
    (root.parent / "gpu.txt").write_text("-r base.txt\n")
    (root.parent / "base.txt").write_text("numpy\n")
    monkeypatch.chdir(root)
    found, _notices = finding.find(Search(root, requirements=Path("../gpu.txt")))
    assert found.files["requirements-1.txt"] == b"numpy\n"


def test_named_file_that_is_missing_is_shown_as_given_and_as_resolved(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    with pytest.raises(ContextInvalid, match=rf"absent\.txt \({root}/absent\.txt\) does not exist"):
        finding.find(Search(root, requirements=Path("absent.txt")))
    with pytest.raises(ContextInvalid, match="is a directory"):
        finding.find(Search(root, requirements=root))


def test_unreadable_requirements_are_refused(root: Path) -> None:
    (root / "requirements.txt").symlink_to("absent")
    with pytest.raises(ContextInvalid, match="cannot be read"):
        finding.find(Search(root))
    (root / "requirements.txt").unlink()
    (root / "requirements.txt").write_text("#" * 5_000_001)
    with pytest.raises(ContextInvalid, match="too large"):
        finding.find(Search(root))


def test_a_project_is_found_from_where_pip_is_started(root: Path) -> None:
    (root / "pyproject.toml").write_text('[project]\nname = "t"\nversion = "1"\n')
    (root / "requirements").mkdir()
    (root / "requirements" / "dev.txt").write_text("-e .\n")
    (root / "requirements.txt").write_text("-r requirements/dev.txt\n")
    for named in (None, root / "requirements" / "dev.txt"):
        found, _notices = finding.find(Search(root, requirements=named))
        assert "archives/t-1-py3-none-any.whl" in found.files
        assert found.import_paths == (".",)


def test_a_named_file_of_the_context_may_name_a_project_next_to_it(root: Path) -> None:
    (root / "jobs" / "own").mkdir(parents=True)
    (root / "jobs" / "own" / "pyproject.toml").write_text('[project]\nname = "o"\nversion = "1"\n')
    (root / "jobs" / "gpu.txt").write_text("-e ./own\n-r ../base.txt\n")
    (root / "base.txt").write_text("numpy\n")
    found, _notices = finding.find(Search(root, requirements=root / "jobs" / "gpu.txt"))
    assert found.import_paths == ("jobs/own",)
    assert _text(found, "requirements-1.txt") == "numpy\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("numpy --config-settings=a=b", "--config-settings"),
        ("numpy --global-option=x", "--global-option"),
        ("--prefer-binary", "--prefer-binary"),
        ("--use-feature=fast-deps", "--use-feature"),
        ("-e git+https://example.com/x.git#egg=x", "--editable"),
        ("svn+https://example.com/x#egg=x", "svn+…"),
        ("--process-dependency-links", "--process-dependency-links"),
    ],
)
def test_what_only_pip_understands_is_named(root: Path, line: str, reason: str) -> None:
    assert _find(root, f"six\n{line}\n").pip_only == (f"{reason} in the requirements",)


@pytest.mark.parametrize(
    "line", ["--no-such-option", "-U", "--no-deps", "--platform any", "--user"]
)
def test_an_option_of_the_command_line_is_refused_with_its_line(root: Path, line: str) -> None:
    name = line.split(maxsplit=1)[0]
    with pytest.raises(ContextInvalid, match=rf"requirements\.txt:2: pip takes no option {name} "):
        _find(root, f"six\n{line}\n")


def test_a_name_with_a_path_is_that_archive(root: Path) -> None:
    (root / "x-1.0-py3-none-any.whl").write_bytes(b"PK")
    found = _find(root, "x[a] @ ./x-1.0-py3-none-any.whl ; python_version > '3'\n")
    assert _text(found) == "./archives/x-1.0-py3-none-any.whl[a] ; python_version > '3'\n"
    for path in ("./y-1.0.tar.gz", "libs/y", "/srv/y", "1.16"):
        with pytest.raises(ContextInvalid, match=f"{path} .*(does not exist|outside)"):
            _find(root, f"y @ {path}\n")


def test_what_others_understand_needs_no_pip(root: Path) -> None:
    digest = "0" * 64
    text = f"--pre\n--no-binary :all:\n--trusted-host x\n-i https://x\nsix --hash=sha256:{digest}\n"
    assert _find(root, text).pip_only == ()


@pytest.mark.parametrize("line", ["num py", "six=1", "six==", "six; python_version", "-", "[x]"])
def test_a_malformed_requirement_is_refused_with_its_line(root: Path, line: str) -> None:
    with pytest.raises(ContextInvalid, match=r"requirements\.txt:2: "):
        _find(root, f"numpy\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        *("numpy=1.21=py39_0", "_libgcc_mutex=0.1=main", "numpy=1.21"),
        *("x264=1!161.3030=h7f98852_1", "@EXPLICIT"),
    ],
)
def test_a_list_of_conda_is_refused_with_the_command_that_helps(root: Path, line: str) -> None:
    with pytest.raises(
        ContextInvalid, match=r"requirements\.txt:2: .* is how conda lists"
    ) as caught:
        _find(root, f"# platform: linux-64\n{line}\n")
    assert "pip list --format=freeze" in caught.value.hint


@pytest.mark.parametrize(
    "line",
    ["Package    Version", "numpy      1.26.4", "own 1.0 /home/me/own"],
)
def test_a_table_of_pip_is_refused_with_the_command_that_helps(root: Path, line: str) -> None:
    with pytest.raises(ContextInvalid, match=r"requirements\.txt:1: .* `pip list`") as caught:
        _find(root, f"{line}\n")
    assert "pip list --format=freeze" in caught.value.hint


def test_options_that_share_a_line_are_kept_apart(root: Path) -> None:
    found = _find(root, "-i https://a.example -f https://b.example\nsix\n")
    assert _text(found).splitlines() == [
        "--index-url https://a.example", "six", "--find-links https://b.example",
    ]  # fmt: skip


def test_requirements_are_counted_without_constraints(root: Path) -> None:
    (root / "c.txt").write_text("a<1\nb<2\n")
    (root / "more.txt").write_text("x\n# y\nz[e] ; python_version > '3'\n")
    found = _find(root, "-c c.txt\n-r more.txt\n-r more.txt\nown @ https://example.com/own.whl\n")
    assert found.count == 3
    assert found.lines == (
        "x", "z[e] ; python_version > '3'", "own @ https://example.com/own.whl",
    )  # fmt: skip


@pytest.mark.parametrize("environment", [{}, {"INDEX_TOKEN": ""}])
def test_a_variable_that_is_not_set_is_named(root: Path, environment: dict[str, str]) -> None:
    line = "--extra-index-url https://${INDEX_TOKEN}@index.example.com/simple"
    (root / "requirements.txt").write_text(f"{line}\nsix\n")
    _found, notices = finding.find(Search(root, environment=environment))
    (said,) = [each.text for each in notices]
    assert "requirements.txt:1: the variable INDEX_TOKEN is not set" in said
    _found, notices = finding.find(
        Search(root, environment={"INDEX_TOKEN": "user"}, hosts=frozenset({"index.example.com"}))
    )
    assert notices == ()
