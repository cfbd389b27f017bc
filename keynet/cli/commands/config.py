"""``keynet config``: the saved login."""

from __future__ import annotations

import click

from keynet.text import _, fill

__all__ = ["config"]


@click.group(help=_("Show or clear the saved login."))
def config() -> None:
    """Group the commands."""


@config.command(help=_("Print the saved login as JSON, with token and passwords masked."))
def show() -> None:
    import json

    from keynet import credentials
    from keynet.errors import NotAuthorised
    from keynet.text import printable

    saved = credentials.load()
    if saved is None:
        raise NotAuthorised(
            fill(_("Not logged in: there is no {path}."), path=credentials.path()),
            fill(_("Log in with: {login}"), login="keynet login https://api.example.com"),
        )
    # The file may contain control characters from a server: they must not reach the terminal.
    text = json.dumps(saved.shown(), ensure_ascii=False, indent=2)
    click.echo("\n".join(printable(line, indented=True) for line in text.splitlines()))


@config.command(help=_("Print the path of the config file, whether it exists or not."))
def path() -> None:
    from keynet import credentials

    click.echo(str(credentials.path()))


@config.command(help=_("Log out and remove the saved login; same as keynet logout."))
def clear() -> None:
    from keynet.cli.commands.login import forget_login

    forget_login()
