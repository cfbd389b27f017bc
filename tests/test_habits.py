"""What people who join rely on: pins, workflows, names and addresses that say the same."""

import configparser
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import keynet

CHECKOUT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
DECISIONS = sorted((CHECKOUT / "docs" / "decisions").glob("[0-9]*.md"))

INSTALLING = re.compile(
    r"\b(?:pipx?|pip3|uvx?)\b[^\n`|]*\b(?:install|reinstall|upgrade|run|inject)\b[^\n`|]*?"
    r"(?<![\w./-])keynet(?!-cli)(?![\w/-])"
)
URL = re.compile(r"https?://(?:[^\s/@'\"`]*@)?([\w.-]+)")
EMAIL = re.compile(r"[\w.+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})\b")
# Owned by those whose registry or manual it is.
OWNED = {
    "index.docker.io",
    "docs.docker.com",
    "json-schema.org",
    "git-lfs.github.com",
    "pypi.org",
    "github.com",
}


def _tox() -> configparser.ConfigParser:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(CHECKOUT / "tox.ini")
    return settings


def _environments() -> set[str]:
    sections = (section for section in _tox() if section.startswith("testenv:"))
    return {section.removeprefix("testenv:") for section in sections}


def _listed() -> set[str]:
    return {name.strip() for name in _tox()["tox"]["env_list"].split(",")}


def _requirements(section: str) -> list[str]:
    """Return what an environment of tox installs, without what it takes from another section."""
    lines = _tox()[section]["deps"].splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("{")]


def _texts() -> Iterator[tuple[str, str]]:
    """Read what users and contributors see: program, manual, scripts, examples, workflows."""
    patterns = (
        *("*.md", "*.toml", "*.ini", "*.template", "keynet/**/*.py", "keynet/**/*.po*"),
        *(
            "docs/**/*.md",
            "scripts/**/*",
            "examples/**/*",
            ".github/**/*",
            ".ci/*",
            ".pre-commit-config.yaml",
        ),
    )
    for path in sorted({path for pattern in patterns for path in CHECKOUT.glob(pattern)}):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(CHECKOUT)), path.read_text("utf-8")


# The distribution


def test_no_text_installs_the_strangers_package() -> None:
    found = [(name, match[0]) for name, text in _texts() for match in INSTALLING.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["pip install keynet", "pip install --force-reinstall keynet", "pipx install 'keynet[sandbox]'",
     "uv tool install keynet", "uv pip install -U keynet", "pip3 install keynet==0.1"],
)  # fmt: skip
def test_the_strangers_package_is_recognised(text: str) -> None:
    assert INSTALLING.search(text)
    assert not INSTALLING.search(text.replace("keynet", "keynet-cli"))


def test_the_distribution_is_keynet_cli_and_the_programs_are_not() -> None:
    project = PROJECT["project"]
    assert project["name"] == "keynet-cli"
    assert set(project["scripts"]) == {"keynet", "keynet-train"}
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["keynet"]


def test_the_guide_installs_it_with_pipx_and_uv() -> None:
    guide = (CHECKOUT / "README.md").read_text()
    assert "pipx install keynet-cli" in guide
    assert "uv tool install keynet-cli" in guide


def test_the_version_is_said_once_more_and_equal() -> None:
    assert PROJECT["project"]["version"] == keynet.__version__


# Addresses


def test_every_address_belongs_to_somebody_or_is_an_example() -> None:
    foreign = {
        (name, host)
        for name, text in _texts()
        for host in _hosts(text)
        if host not in OWNED and not _is_example(host)
    }
    assert foreign == set()


def test_an_invented_address_is_found() -> None:
    assert list(_hosts(r"https://docs\.docker\.com/go, me@example.com")) == [
        "docs.docker.com",
        "example.com",
    ]
    assert [host for host in _hosts("see https://tracker.invented.dev/x") if not _is_example(host)]


def _hosts(text: str) -> Iterator[str]:
    for pattern in (URL, EMAIL):
        # A regular expression of an address is one, too.
        for match in pattern.finditer(text.replace("\\.", ".")):
            yield match[1].strip(".-")


def _is_example(host: str) -> bool:
    """Report whether nobody can own the name: examples (RFC 2606), loopback, no domain at all."""
    ends = (".example", "example.com", "example.org", ".test", ".invalid", ".localhost")
    return "." not in host or host.startswith("127.") or host.endswith(ends)


# Pins


def _hooks() -> dict[str, dict[str, Any]]:
    repositories = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    return {hook["id"]: hook for repository in repositories for hook in repository["hooks"]}


@pytest.mark.parametrize(
    ("hook", "environment"), [("ruff-check", "lint"), ("ruff-format", "lint"), ("mypy", "type")]
)
def test_the_pins_of_the_hooks_are_those_of_tox(hook: str, environment: str) -> None:
    tool = hook.partition("-")[0]
    pins = [
        [name for name in names if name.startswith(f"{tool}==")]
        for names in (
            _hooks()[hook]["additional_dependencies"],
            _requirements(f"testenv:{environment}"),
        )
    ]
    assert len(pins[0]) == 1
    assert pins[0] == pins[1]


def test_mypys_hook_installs_what_tox_installs() -> None:
    project = PROJECT["project"]
    expected = [
        *_requirements("testenv"),
        *_requirements("testenv:type"),
        *project["dependencies"],
        *project["optional-dependencies"]["sandbox"],
    ]
    assert sorted(_hooks()["mypy"]["additional_dependencies"]) == sorted(expected)


def test_mypy_checks_the_tests_too() -> None:
    settings = PROJECT["tool"]["mypy"]
    assert settings["strict"]
    assert set(settings["packages"]) == {"keynet", "tests"}


# What CI runs


def _steps() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            matrix = job.get("strategy", {}).get("matrix", {})
            for step in job["steps"]:
                yield path.name, matrix, step


def _called(text: str) -> list[str]:
    """Return the environments that a call of tox names."""
    words = shlex.split(text)
    assert words[:3] == ["tox", "run", "-e"], text
    assert len(words) == 4, text
    return words[3].split(",")


def _commands(step: dict[str, Any], matrix: dict[str, Any]) -> list[str]:
    """Write a step's command out for each value of the matrix."""
    values = re.findall(r"\$\{\{ matrix\.(\w+) \}\}", step["run"])
    if not values:
        return [step["run"]]
    [name] = values
    return [step["run"].replace(f"${{{{ matrix.{name} }}}}", value) for value in matrix[name]]


def test_workflows_run_environments_of_tox_and_the_test_script_alone() -> None:
    named: set[str] = set()
    scripts = set()
    for _file, matrix, step in _steps():
        if "uses" in step:
            assert re.fullmatch(r"actions/(checkout|setup-python)@v\d+", step["uses"])
            continue
        for command in _commands(step, matrix):
            if command == 'python -m pip install "tox>=4.20"':
                continue
            if command == "scripts/test":
                scripts.add(command)
            else:
                named.update(_called(command))
    assert scripts == {"scripts/test"}
    assert named
    assert named <= _environments()


def test_the_test_script_runs_every_environment_of_the_list() -> None:
    script = (CHECKOUT / "scripts" / "test").read_text()
    calls = re.findall(r"\$tox\" run -e ([\w,-]+)", script)
    run = {name for call in calls for name in call.split(",")}
    assert run <= _environments()
    # What is quick is part of what is measured.
    assert run == _listed() - {"unit"}


def test_ci_of_this_project_is_the_test_script() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'exec "$(dirname "$0")/../scripts/test"'
    ]


def test_the_medium_and_the_slow_tests_run_in_ci() -> None:
    quick, whole = (_tox()[f"testenv:{name}"]["commands"] for name in ("unit", "coverage"))
    measured, others, slow = [line for line in whole.splitlines() if line and line[0] != "#"]
    assert '-m "not slow and not medium" ' in quick
    assert '-m "not slow" --cov ' in measured
    assert '-m "not slow" {' in others
    assert "-m slow " in slow
    for command in (quick, slow):
        assert "{[suite]paths}" in command
    suite = _tox()["suite"]
    assert suite["paths"] == f"{suite['measured']} {suite['others']}"
    assert "{[suite]measured}" in measured
    assert "{[suite]others}" in others


def test_every_environment_says_what_it_is_for() -> None:
    assert [name for name in _environments() if not _tox()[f"testenv:{name}"]["description"]] == []


def test_contributors_are_told_of_every_environment() -> None:
    guide = (CHECKOUT / "CONTRIBUTING.md").read_text()
    assert [name for name in sorted(_environments()) if f"`{name}`" not in guide] == []


# Decisions, security, supported versions


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_a_date_its_context_and_its_price(page: Path) -> None:
    text = page.read_text()
    assert re.match(r"# .+\n\nDate: \d{4}-\d{2}-\d{2}\b", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Price"]


def test_every_decision_is_listed_by_date_and_title() -> None:
    index = (CHECKOUT / "docs" / "decisions" / "README.md").read_text()
    rows = []
    for page in DECISIONS:
        title, _empty, dated = page.read_text().splitlines()[:3]
        rows.append(f"| {dated[6:16]} | [{title[2:]}]({page.name}) |")
    assert len(rows) >= 10
    assert re.findall(r"^\| \d{4}.*$", index, re.MULTILINE) == rows
    assert rows == sorted(rows, key=lambda row: row[:12])


def test_the_supported_pythons_are_the_same_everywhere() -> None:
    project = PROJECT["project"]
    versions = [
        text.rpartition(" ")[2] for text in project["classifiers"] if re.search(r":: 3\.\d+$", text)
    ]
    assert project["requires-python"] == f">={versions[0]}"
    policy = (CHECKOUT / "SECURITY.md").read_text()
    assert f"Python {versions[0]} to {versions[-1]}" in policy
