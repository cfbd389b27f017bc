"""``keynet push``."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import TOKEN_HOST, build_options, output_options, script_argument
from keynet.text import _, fill


@click.command(
    help=help_page(
        _("Build the image of a training script, push it and attach its hyperparameters."),
        _("ENTRYPOINT is the path of the script."),
        examples=[
            "keynet push train.py",
            "keynet push src/train.py --builder buildah --project 12 --json",
        ],
    )
)
@script_argument
@click.option(
    "--project",
    "project_id",
    metavar="ID",
    help=_("Project of the platform.  [default: the selected one]"),
)
@click.option(
    "--model-name", metavar="NAME", help=_("Name of the model.  [default: the script's name]")
)
@build_options
@click.option(
    "--harbor-project",
    metavar="NAME",
    help=_("Project in the platform's registry.  [default: kitech-model]"),
)
@TOKEN_HOST
@click.option(
    "--no-sbom",
    is_flag=True,
    help=_("Attach neither lock nor bill of materials to an image built without an engine."),
)
@click.option("--dry-run", is_flag=True, help=_("Show the plan and check it, without building."))
@output_options
def push(
    entrypoint: Path,
    context: Path | None,
    build_args: tuple[str, ...],
    labels: tuple[str, ...],
    secrets: tuple[str, ...],
    no_cache: bool,
    strict: bool,
    no_sbom: bool,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    from keynet.cli.build_request import build_request, show_plan
    from keynet.cli.prompts import chooser
    from keynet.cli.render import Verbosity, show, summary
    from keynet.oci.platform import for_cluster
    from keynet.steps.preparing import harbor_project
    from keynet.steps.push import push as push_script

    verbosity = Verbosity.of(quiet=quiet, verbose=verbose)
    request = build_request(
        entrypoint, context, flags, build_args, labels, secrets, no_cache=no_cache, strict=strict
    )
    if dry_run:
        harbor_project.check(request.settings.harbor_project)
        show_plan(request, verbosity, as_json=as_json, default_platform=for_cluster(sys.platform))
        return
    with show(verbosity) as emit:
        result = push_script(request, choose=chooser(), emit=emit, sbom=not no_sbom)
    if verbosity is not Verbosity.QUIET:
        summary(
            fill(_("✨ Push completed in {seconds:.1f} s"), seconds=result.seconds["total"]),
            {
                _("Upload key"): result.upload_key,
                _("Image"): str(result.image.with_digest(result.digest)),
                _("Hyperparameters"): str(len(result.extraction.arguments)),
            },
        )
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False))
    elif verbosity is Verbosity.QUIET or not sys.stdout.isatty():
        # On a terminal it is in the summary.
        click.echo(str(result.image.with_digest(result.digest)))
