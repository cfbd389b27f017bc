"""What pip would read, as uv gets it."""

import os
from pathlib import Path

import pytest

from keynet.runtime.build.inside import pip_options
from keynet.runtime.build.inside.pip_options import Options
from tests.tables import table


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)


def read(folder: Path, text: str, settings: dict[str, list[str]] | None = None) -> Options:
    """Read a requirements file of this text."""
    (folder / "requirements.txt").write_text(text)
    return pip_options.read(folder / "requirements.txt", settings or {})


def configured(folder: Path, text: str, **environment: str) -> dict[str, list[str]]:
    """Return the settings of a pip.conf and of variables."""
    file = folder / "pip.conf"
    file.write_text(text)
    quiet = {"HOME": str(folder / "home"), "XDG_CONFIG_DIRS": str(folder / "none")}
    variables = {**quiet, "PIP_CONFIG_FILE": str(file), **environment}
    return pip_options.configured(variables, folder / "none")


def test_settings_of_files_and_variables_are_merged_as_pip_does(tmp_path: Path) -> None:
    text = (
        "[global]\nindex-url = https://a.test/simple\ntimeout = 5.5\n"
        "extra-index-url =\n    https://b.test/simple\n    https://c.test/simple\n"
        "[install]\nindex-url = https://install.test/simple\ntrusted_host = b.test\n"
    )
    settings = configured(tmp_path, text, PIP_EXTRA_INDEX_URL="https://d.test/simple")
    options = read(tmp_path, "six\n", settings)
    assert options.variables() == {
        "UV_DEFAULT_INDEX": "https://install.test/simple",
        "UV_INDEX": "https://d.test/simple",
        "UV_INSECURE_HOST": "b.test",
        "UV_HTTP_TIMEOUT": "5",
    }
    assert options.indexes() == ["https://install.test/simple", "https://d.test/simple"]


def test_a_pip_conf_of_the_base_counts(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text("[global]\nindex-url = https://base.test/simple\n")
    variables = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "none")}
    settings = pip_options.configured(variables, tmp_path / "none")
    assert settings["index-url"] == ["https://base.test/simple"]
    silenced = pip_options.configured({**variables, "PIP_CONFIG_FILE": os.devnull}, tmp_path)
    assert silenced == {"config-file": [os.devnull]}


def test_a_broken_pip_conf_of_the_base_is_passed_over(tmp_path: Path) -> None:
    assert "index-url" not in configured(tmp_path, "index-url = x\n")


def test_an_index_of_the_file_replaces_those_of_the_settings(tmp_path: Path) -> None:
    settings = {"index-url": ["https://a.test"], "extra-index-url": ["https://b.test"]}
    options = read(tmp_path, "-i https://c.test\n--extra-index-url=https://d.test\nsix\n", settings)
    assert options.indexes() == ["https://c.test", "https://d.test"]
    more = read(tmp_path, "--extra-index-url https://d.test\nsix\n", settings)
    assert more.indexes() == ["https://a.test", "https://b.test", "https://d.test"]


def test_no_index_of_the_file_leaves_archives_alone(tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    options = read(
        tmp_path, "--no-index\n-f archives\nsix\n", {"index-url": ["https://a.test/simple"]}
    )
    assert options.flags() == ["--no-index"]
    assert options.variables() == {"UV_FIND_LINKS": str(tmp_path / "archives")}
    assert options.indexes() == []


def test_options_become_flags_and_the_lines_of_requirements_stay(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("--only-binary numpy,scipy\nnumpy\n")
    (tmp_path / "limits.txt").write_text("six<2\n")
    text = (
        "--pre\n--trusted-host a.test\n--no-binary=six\n-r more.txt\n-c limits.txt\n"
        "six>=1.0 ; python_version > '3' # a note\n"
        "attrs==1 \\\n    --hash=sha256:00\n"
    )
    options = read(tmp_path, text)
    assert options.flags() == [
        *("--prerelease", "allow", "--require-hashes"),
        *("--no-binary", "six", "--only-binary", "numpy", "--only-binary", "scipy"),
    ]
    assert options.variables() == {"UV_INSECURE_HOST": "a.test"}
    assert options.only_pip == []
    folder = options.write(tmp_path / "written")
    assert (folder / "requirements.txt").read_text().split("\n") == [
        "-r more.txt",
        "-c limits.txt",
        "six>=1.0 ; python_version > '3'",
        "attrs==1     --hash=sha256:00",
        "",
    ]
    assert (folder / "more.txt").read_text() == "numpy\n"


@table(
    ("text", "word"),
    [
        ("--prefer-binary\nsix\n", "--prefer-binary"),
        ("--use-feature=fast-deps\nsix\n", "--use-feature"),
        ('six --config-settings="a=b"\n', "--config-settings"),
        ("six --global-option=x\n", "--global-option"),
    ],
)
def test_what_only_pip_knows_is_a_reason_for_pip(tmp_path: Path, text: str, word: str) -> None:
    (reason,) = read(tmp_path, text).only_pip
    assert word in reason


def test_settings_that_only_pip_knows_are_a_reason_for_pip(tmp_path: Path) -> None:
    settings = configured(tmp_path, "[global]\nprefer-binary = true\nno-deps = false\n")
    (reason,) = read(tmp_path, "six\n", settings).only_pip
    assert "prefer-binary" in reason


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("-r requirements.txt\nattrs\n")
    options = read(tmp_path, "-r more.txt\nsix\n")
    assert sorted(path.name for path in options.texts) == ["more.txt", "requirements.txt"]


def test_links_lead_to_what_lies_next_to_the_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "archives").mkdir(parents=True)
    (source / "archives" / "a.whl").write_text("x")
    folder = read(source, "./archives/a.whl\n").write(tmp_path / "written")
    assert (folder / "archives" / "a.whl").read_text() == "x"


def test_a_proxy_of_pips_settings_is_uvs(tmp_path: Path) -> None:
    found = read(tmp_path, "six\n", {"proxy": ["http://p.test:1"]}).variables()
    assert found["https_proxy"] == found["HTTP_PROXY"] == "http://p.test:1"


def test_files_that_urls_name_are_left_to_uv(tmp_path: Path) -> None:
    text = "-c https://example.com/c.txt\n-r http://example.com/r.txt\nsix\n"
    (tmp_path / "requirements.txt").write_text(text)
    options = pip_options.read(tmp_path / "requirements.txt", {})
    assert options.texts[tmp_path / "requirements.txt"] == text
