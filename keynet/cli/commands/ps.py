"""``keynet ps``."""

import json

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import json_option, verbose_option
from keynet.text import _


@click.command(
    help=help_page(
        _("List what keynet has on this machine and in its engines."),
        _(
            "Running commands, what commands left that were killed, and caches. keynet "
            "clean removes what is not in use."
        ),
    )
)
@json_option
@verbose_option
def ps(as_json: bool, verbose: bool) -> None:
    from keynet.cli.leftovers import print_leftovers
    from keynet.cli.render import Verbosity, show
    from keynet.steps.cleaning import remnants

    with show(Verbosity.of(quiet=False, verbose=verbose)) as emit:
        # Who reads the list alone would take an engine that was not asked for an empty one.
        found = remnants.find(emit, all_notes=as_json)
    if as_json:
        click.echo(json.dumps([each.to_json() for each in found], ensure_ascii=False))
    elif found:
        print_leftovers(found)
    else:
        click.echo(_("keynet has left nothing on this machine."), err=True)
