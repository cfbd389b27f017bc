"""``keynet clean``."""

import click

from keynet.text import _


@click.command()
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask."))
def clean(yes: bool) -> None:
    """Remove what keynet left on this machine, but for the login and your own images."""
    from keynet.cli.choose import can_ask
    from keynet.errors import UsageError
    from keynet.steps import clean as step
    from keynet.text import size

    found = step.find()
    if not found:
        click.echo(_("There is nothing to remove."), err=True)
        return
    for leftover in found:
        click.echo(f"{leftover.path}  {leftover.what}  {size(leftover.size)}", err=True)
    if not yes:
        if not can_ask():
            raise UsageError(
                _("Nobody can be asked: standard input is no terminal."),
                _("Say yes with: keynet clean --yes"),
            )
        click.confirm(_("Remove them?"), abort=True, err=True)
    for leftover in found:
        step.remove(leftover)
