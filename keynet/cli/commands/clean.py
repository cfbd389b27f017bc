"""``keynet clean``."""

import click

from keynet.text import _, fill


@click.command()
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask for confirmation."))
@click.option(
    "--images", is_flag=True, help=_("Also remove images that builds left in the engines' stores.")
)
def clean(yes: bool, images: bool) -> None:
    """Remove caches and leftovers of keynet.

    The login and your own images are kept.
    """
    from keynet.cli.prompts import can_ask
    from keynet.cli.render import show
    from keynet.errors import UsageError
    from keynet.steps import clean as step
    from keynet.text import printable, size

    with show() as emit:
        in_stores = step.find_images(emit) if images else []
    found = step.find()
    if not found and not in_stores:
        click.echo(_("There is nothing to remove."), err=True)
        return
    for each in in_stores:
        for image in each.images:
            what = fill(_("image of {engine}"), engine=each.engine)
            click.echo(f"{printable(image.name)}  {what}  {printable(image.size)}", err=True)
    for leftover in found:
        click.echo(f"{leftover.path}  {leftover.what}  {size(leftover.size)}", err=True)
    if not yes:
        if not can_ask():
            raise UsageError(
                _("Not removed: confirmation is needed and there is no terminal."),
                _("Pass --yes."),
            )
        if not click.confirm(_("Remove them?"), err=True):
            click.echo(_("Nothing was removed."), err=True)
            return
    try:
        step.remove_images(in_stores)
    finally:
        for leftover in found:
            step.remove(leftover)
