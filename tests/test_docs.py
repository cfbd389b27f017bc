"""The manual against the program: a page for each command, links that lead somewhere."""

import re
from pathlib import Path

import click
import pytest

from keynet.cli.main import cli

CHECKOUT = Path(__file__).parent.parent
PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _commands() -> list[str]:
    return sorted(cli.list_commands(click.Context(cli)))


@pytest.mark.parametrize("command", _commands())
def test_every_command_has_a_page_that_names_it(command: str) -> None:
    page = CHECKOUT / "docs" / "commands" / f"{command}.md"
    assert page.is_file()
    assert f"keynet {command}" in page.read_text()


@pytest.mark.parametrize("command", _commands())
def test_every_option_is_on_the_page_of_its_command(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    page = CHECKOUT / "docs" / "commands" / f"{command}.md"
    text = page.read_text() if page.is_file() else ""
    missing = [option for option in _long_options(found) if option not in text]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    targets = [target.split("#")[0] for target in LINK.findall(page.read_text())]
    local = [target for target in targets if target and ":" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


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
