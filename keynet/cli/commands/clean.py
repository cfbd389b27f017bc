"""``keynet clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import verbose_option
from keynet.text import _, fill, ngettext, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keynet.steps.cleaning.leftover import Leftover
    from keynet.steps.cleaning.removing import Removed


@click.command(
    help=help_page(
        _("Remove what keynet left behind: on this machine and in its engines."),
        _(
            "That is what commands left that were killed: folders, programs, containers, "
            "networks and images. What a running command uses, your own images and the "
            "login are kept."
        ),
    )
)
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask for confirmation."))
@click.option("--dry-run", is_flag=True, help=_("Only list what would be removed."))
@click.option(
    "--images", is_flag=True, help=_("Also remove the layer caches of builds: images and store.")
)
@click.option(
    "--all", "everything", is_flag=True, help=_("Also remove layer caches and all other caches.")
)
@verbose_option
def clean(yes: bool, dry_run: bool, images: bool, everything: bool, verbose: bool) -> int:
    from keynet.cli.leftovers import print_leftovers
    from keynet.cli.prompts import can_ask
    from keynet.cli.render import Verbosity, show
    from keynet.errors import UsageError
    from keynet.steps.cleaning import remnants, removing
    from keynet.steps.cleaning.leftover import State

    with show(Verbosity.of(quiet=False, verbose=verbose)) as emit:
        found = remnants.find(emit)
    chosen = removing.select(found, images=images, everything=everything)
    if spared := [each for each in found if each.state is State.IN_USE]:
        click.echo(_spared(len(spared)), err=True)
    if not chosen:
        click.echo(_("There is nothing to remove."), err=True)
        _mention_kept(found)
        return 0
    print_leftovers(chosen, err=True)
    if dry_run:
        click.echo(_would_free(chosen), err=True)
        return 0
    if not yes:
        if not can_ask():
            raise UsageError(
                _("Not removed: confirmation is needed and there is no terminal."),
                _("Pass --yes."),
            )
        if not click.confirm(_("Remove them?"), err=True):
            click.echo(_("Nothing was removed."), err=True)
            return 0
    return _report(removing.remove(chosen))


def _report(removed: Removed) -> int:
    from keynet.cli.render import show
    from keynet.events import Notice

    count = len(removed.leftovers)
    click.echo(
        fill(
            ngettext("Removed {count} item, {size}.", "Removed {count} items, {size}.", count),
            count=count,
            size=size(removed.size),
        ),
        err=True,
    )
    if not removed.failures:
        return 0
    with show() as emit:
        for error in removed.failures[1:]:
            emit(Notice(error.message))
    raise removed.failures[0]


def _spared(count: int) -> str:
    return fill(
        ngettext(
            "{count} item is in use and stays; keynet ps shows it.",
            "{count} items are in use and stay; keynet ps shows them.",
            count,
        ),
        count=count,
    )


def _would_free(chosen: Sequence[Leftover]) -> str:
    return fill(
        ngettext(
            "Nothing was removed: {count} item would be, {size}.",
            "Nothing was removed: {count} items would be, {size}.",
            len(chosen),
        ),
        count=len(chosen),
        size=size(sum(each.size or 0 for each in chosen)),
    )


def _mention_kept(found: Sequence[Leftover]) -> None:
    from keynet.steps.cleaning.leftover import State

    kept = sum(each.size or 0 for each in found if each.state is State.KEPT)
    if kept:
        click.echo(
            fill(
                _("Caches take up to {size}: keynet clean --images or --all removes them."),
                size=size(kept),
            ),
            err=True,
        )
