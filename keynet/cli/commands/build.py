"""``keynet build``."""

import json
from pathlib import Path
from typing import Any

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import build_options, output_options, script_argument
from keynet.text import _


@click.command(
    help=help_page(
        _("Build the image of a training script, without a login."),
        _("ENTRYPOINT is the path of the script."),
        examples=["keynet build train.py", "keynet build train.py --output oci-archive:train.tar"],
    )
)
@script_argument
@build_options
@click.option(
    "--output",
    "-o",
    metavar="DEST",
    help=_("oci:DIR, oci-archive:FILE or docker-archive:FILE.  [default: the engine's store]"),
)
@click.option("--dry-run", is_flag=True, help=_("Show the plan and check it, without building."))
@output_options
def build(
    entrypoint: Path,
    context: Path | None,
    build_args: tuple[str, ...],
    labels: tuple[str, ...],
    secrets: tuple[str, ...],
    no_cache: bool,
    strict: bool,
    output: str | None,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    from keynet.cli.build_request import build_request, show_plan
    from keynet.cli.render import Verbosity, show
    from keynet.steps import build as step

    verbosity = Verbosity.of(quiet=quiet, verbose=verbose)
    request = build_request(
        entrypoint, context, flags, build_args, labels, secrets, no_cache=no_cache, strict=strict
    )
    if dry_run:
        show_plan(step.writing_to(request, output), verbosity, as_json=as_json)
        return
    with show(verbosity) as emit:
        result = step.build(request, output, emit)
    click.echo(json.dumps(result.to_json(), ensure_ascii=False) if as_json else result.image)
