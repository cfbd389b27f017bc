"""The manual against the program: pages, links, and tables that say what the code says."""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from keynet import errors
from keynet.backend.models import Wire, WireProjects, WireUploadKey
from keynet.backend.sign_in_answer import WireSignIn
from keynet.cli.main import BUG, INTERRUPTED, cli
from keynet.errors import KeynetError, UsageError
from keynet.oci.descriptor import Digest
from keynet.registry.artifact import ARTIFACT_TYPE
from keynet.registry.lists import referrers
from keynet.runtime.workspace import runtime_settings
from keynet.script.arguments import Argument, Extraction
from keynet.settings import sources
from keynet.settings.model import Settings
from keynet.steps import metadata
from tests.fakes.profiles import PRODUCTS

CHECKOUT = Path(__file__).parent.parent
REFERENCE = CHECKOUT / "docs" / "reference"
PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


def _commands() -> list[str]:
    return sorted(cli.list_commands(click.Context(cli)))


def _command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("command", _commands())
def test_every_command_has_a_page_that_names_it(command: str) -> None:
    page = CHECKOUT / "docs" / "commands" / f"{command}.md"
    assert page.is_file()
    assert f"keynet {command}" in page.read_text()


@pytest.mark.parametrize("command", _commands())
def test_every_option_is_on_the_page_of_its_command(command: str) -> None:
    page = CHECKOUT / "docs" / "commands" / f"{command}.md"
    text = page.read_text() if page.is_file() else ""
    missing = [option for option in _long_options(_command(command)) if option not in text]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        target, _hash, part = link.partition("#")
        if ":" in target:
            continue
        file = page.parent / target if target else page
        if not file.exists() or (part and part not in _parts(file)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", sorted(CHECKOUT.glob("docs/**/*.md")), ids=lambda page: page.stem)
def test_every_page_of_the_manual_can_be_reached_from_the_readme(page: Path) -> None:
    assert page.resolve() in _reached(CHECKOUT / "README.md")


# docs/architecture.md


def test_the_tree_of_the_architecture_has_every_room_and_wing_once() -> None:
    package = CHECKOUT / "keynet"
    rooms = {f"{path.parent.relative_to(package)}/" for path in package.rglob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py")}
    shown = list(_tree(CHECKOUT / "docs" / "architecture.md"))
    assert sorted(shown) == sorted(rooms | modules | {"locale/"})


def test_the_places_that_the_architecture_names_exist() -> None:
    page = (CHECKOUT / "docs" / "architecture.md").read_text()
    missing = []
    for row in _rows(CHECKOUT / "docs" / "architecture.md", "change"):
        for name in re.findall(r"`([\w/]+(?:/|\.\w+))`", row[1]):
            if not any((base / name).exists() for base in (CHECKOUT, CHECKOUT / "keynet")):
                missing += [] if any(CHECKOUT.glob(f"keynet/**/{name}")) else [name]
    assert not missing
    assert page.count("\n| a new ") >= 10


def _tree(page: Path) -> Iterator[str]:
    """Read the tree: four spaces a level, a name, what it holds."""
    [block] = FENCED.findall(page.read_text())
    above: list[str] = []
    for line in block.splitlines()[1:-1]:
        if line:
            name, purpose = line.split(maxsplit=1)
            assert purpose
            depth = (len(line) - len(line.lstrip())) // 4
            above = [*above[:depth], name]
            yield "".join(above)


# docs/reference/settings.md


def _settings() -> dict[str, list[str]]:
    """Return the table of settings: the key of [tool.keynet] -> flag, variable, context, …"""
    return {
        CODE.findall(row[0])[0].replace("-", "_"): row[1:]
        for row in _rows(REFERENCE / "settings.md", "setting")
        if CODE.findall(row[0])
    }


def _names_of_settings() -> list[str]:
    inner = {"api_token_expires_at", "platform_token_host", "project_title"}
    return sorted(name.removesuffix("_id") for name in set(Settings.model_fields) - inner)


def test_the_table_of_settings_has_each_setting() -> None:
    assert sorted(_settings()) == _names_of_settings()


@pytest.mark.parametrize("key", sorted(sources.SOURCES))
def test_the_table_of_settings_names_flag_and_variable(key: str) -> None:
    flag, variable = sources.SOURCES[key]
    row = _settings()[key.removesuffix("_id")]
    assert not flag or flag in CODE.findall(row[0])
    assert CODE.findall(row[1]) == ([variable] if variable else [])


@pytest.mark.parametrize("key", _names_of_settings())
def test_the_table_of_settings_says_what_a_repository_may_set(key: str) -> None:
    refused = _settings()[key][2] == "never"
    for written in (key, key.replace("_", "-")):
        try:
            sources.from_pyproject({written: "x"})
        except UsageError:
            assert refused, f"{written} is refused"
        else:
            assert not refused, f"{written} is accepted"


def test_every_variable_of_keynet_is_in_the_table_of_settings() -> None:
    used = {
        name
        for module in (CHECKOUT / "keynet").rglob("*.py")
        for name in re.findall(r"\bKEYNET_[A-Z_]+\b", module.read_text("utf-8"))
    }
    # An argument of the generated Containerfile, not a variable of the user's.
    used -= {"KEYNET_USER", runtime_settings.VARIABLE_PREFIX}
    # Given by keynet to its own children.
    used -= {"KEYNET_OWNER"}
    used |= {
        f"{runtime_settings.VARIABLE_PREFIX}{key.upper()}" for key in runtime_settings.SETTINGS
    }
    tables = ("setting", "setting of runs")
    rows = [row for first in tables for row in _rows(REFERENCE / "settings.md", first)]
    documented = {cell for row in rows for cell in row}
    assert used == set(re.findall(r"KEYNET_[A-Z_]+", " ".join(documented)))


def test_the_table_of_runs_has_each_setting_with_its_variable() -> None:
    rows = _rows(REFERENCE / "settings.md", "setting of runs")
    named = {CODE.findall(row[0])[0].replace("-", "_"): CODE.findall(row[2])[0] for row in rows}
    prefix = runtime_settings.VARIABLE_PREFIX
    assert named == {key: f"{prefix}{key.upper()}" for key in runtime_settings.SETTINGS}


@pytest.mark.parametrize("command", ["build", "login", "push"])
def test_every_option_that_sets_something_is_in_the_table_of_settings(command: str) -> None:
    page = (REFERENCE / "settings.md").read_text()
    # The password is read, not set.
    missing = set(_long_options(_command(command))) - set(_flags(page)) - {"--password-stdin"}
    assert not missing


def test_the_variables_of_other_programs_are_those_that_the_code_reads() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (CHECKOUT / "keynet").rglob("*.py"))
    rows = _rows(REFERENCE / "settings.md", "variable")
    named = {name for row in rows for name in CODE.findall(row[0])}
    # Read by pip, platformdirs and the standard library; proxies' names are made from schemes.
    by_libraries = {"PIP_INDEX_URL", "HOME", "XDG_CACHE_HOME", "NO_PROXY"}
    by_libraries |= {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
    assert len(named) > 30
    assert [name for name in sorted(named - by_libraries) if f'"{name}"' not in code] == []


# docs/reference/command-line.md


def test_the_command_line_page_has_every_command_with_its_page() -> None:
    rows = _rows(REFERENCE / "command-line.md", "command")
    assert [CODE.findall(row[0])[0] for row in rows] == _commands()
    assert [LINK.findall(row[0])[0] for row in rows] == [
        f"../commands/{name}.md" for name in _commands()
    ]


def test_the_command_line_page_has_the_options_of_the_program() -> None:
    rows = _rows(REFERENCE / "command-line.md", "option")
    named = {name for row in rows for name in CODE.findall(row[0])}
    own = {name for parameter in cli.params for name in parameter.opts}
    assert own | {"--help", "-h"} <= named


# docs/reference/exit-statuses.md


def _statuses() -> dict[int, set[str]]:
    rows = _rows(REFERENCE / "exit-statuses.md", "status")
    return {int(row[0]): set(CODE.findall(row[2])) for row in rows}


def test_the_table_of_exit_statuses_has_each_error_where_it_belongs() -> None:
    expected: dict[int, set[str]] = {0: set(), BUG: set()}
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, KeynetError):
            expected.setdefault(value.exit_status, set()).add(name)
    assert expected[INTERRUPTED] == {"Interrupted"}
    assert _statuses() == expected


def test_the_page_of_push_has_the_same_exit_statuses() -> None:
    page = CHECKOUT / "docs" / "commands" / "push.md"
    assert [int(row[0]) for row in _rows(page, "status")] == sorted(_statuses().keys() - {125})


# docs/reference/backend.md, metadata.md


@pytest.mark.parametrize("model", [WireSignIn, WireProjects, WireUploadKey], ids=str)
def test_the_examples_of_the_backends_answers_are_read(model: type[Wire]) -> None:
    read = []
    for example in _examples(REFERENCE / "backend.md"):
        try:
            read.append(model.model_validate(example))
        except ValueError:
            continue
    assert len(read) == (2 if model.__name__ == "WireUploadKey" else 1)


def test_the_page_of_the_metadata_has_the_types_and_fields_of_the_code() -> None:
    page = (REFERENCE / "metadata.md").read_text()
    digest = Digest.of(b"image")
    content = json.loads(metadata.payload("train.py", digest, Extraction("argparse")))
    [example] = [each for each in _examples(REFERENCE / "metadata.md") if "script" in each]
    assert example.keys() == content.keys()
    assert example["script"].keys() == content["script"].keys()
    assert list(example["arguments"][0]) == [field.name for field in fields(Argument)]
    assert page.count(f'"{ARTIFACT_TYPE}"') == 3
    assert referrers.fallback_tag(digest) == f"sha256-{digest.hex}"
    assert "`sha256-<digest of the image>`" in page


def _rows(page: Path, first: str) -> list[list[str]]:
    """Read the rows of the tables whose first column has this heading."""
    found, inside = [], False
    for line in page.read_text().splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells[0] == first:
            inside = True
        elif inside and set(cells[0]) != {"-"}:
            found.append(cells)
    return found


def _examples(page: Path) -> list[dict[str, Any]]:
    """Read the JSON objects that stand in blocks of their own."""
    blocks = [block.strip() for block in INDENTED.findall(page.read_text())]
    return [json.loads(block) for block in blocks if block.startswith("{")]


def _parts(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = HEADING.findall(INDENTED.sub("", FENCED.sub("", page.read_text())))
    kept = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.replace(" ", "-") for title in kept}


def _reached(page: Path) -> set[Path]:
    """Follow the links between pages from this one."""
    found: set[Path] = set()
    waiting = [page.resolve()]
    while waiting:
        here = waiting.pop()
        if here in found:
            continue
        found.add(here)
        targets = [link.partition("#")[0] for link in LINK.findall(here.read_text())]
        waiting += [
            (here.parent / target).resolve()
            for target in targets
            if target.endswith(".md") and ":" not in target
        ]
    return found


def _flags(text: str) -> list[str]:
    return [word for code in CODE.findall(text) for word in code.split() if word.startswith("-")]


def _long_options(command: click.Command) -> list[str]:
    own = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for option in parameter.opts
        if option.startswith("--")
    }
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            own.update(_long_options(inner))
    return sorted(own)


def test_the_table_of_registries_has_every_profile_of_a_product() -> None:
    text = (CHECKOUT / "docs" / "registry.md").read_text()
    table = text.partition("## Registries in the field")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    by_name = {row[0].removeprefix("| ").partition(" (")[0]: row for row in rows}
    assert list(by_name) == [profile.name for profile in PRODUCTS]
    for profile in PRODUCTS:
        _name, uploads, signing, absent, referrers_, deletion, catalog = by_name[profile.name]
        assert ("no chunks" in uploads) == (profile.patch is not None)
        assert ("4 MiB" in uploads) == (profile.chunk_most is not None)
        assert ("5 MiB" in uploads) == (profile.chunk_least > 0)
        assert ("basic" in signing) == (profile.auth == "basic")
        assert str(profile.absent_head) in absent
        assert ("API" in referrers_) == (profile.referrers == 200)
        assert deletion.startswith("yes") == profile.deletion
        assert (catalog.startswith("yes")) == (profile.catalog == 200)
