"""Turn options into a build request, for ``push`` and ``build``."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keynet.cli.options import pairs
from keynet.errors import UsageError
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, BuildSecret, Recipe, UserContainerfile
from keynet.recipe import buildargs
from keynet.steps.preparing.request import Request, make
from keynet.text import _, fill, ngettext, printable, size

if TYPE_CHECKING:
    from keynet.cli.render import Verbosity
    from keynet.steps.preparing.script import Script

__all__ = ["build_request", "show_plan"]


def build_request(
    entrypoint: Path,
    context: Path | None,
    flags: Mapping[str, Any],
    build_args: tuple[str, ...],
    labels: tuple[str, ...],
    secrets: tuple[str, ...],
    *,
    no_cache: bool,
    strict: bool,
) -> Request:
    """Merge options, environment, [tool.keynet] of the context and the saved login.

    Raises:
        UsageError: An option or setting is not valid.
    """
    given = {
        **flags,
        "dockerfile": _containerfile(flags.get("dockerfile")),
        "build_args": buildargs.parse(build_args, os.environ),
        "labels": pairs(labels, "--label"),
    }
    kept = tuple(_secret(text) for text in secrets)
    return make(entrypoint, context, given, secrets=kept, no_cache=no_cache, strict=strict)


def _containerfile(path: Path | None) -> Path | None:
    """Read ``-`` as standard input, as docker, podman and buildah do."""
    return Path("/dev/stdin") if path == Path("-") else path


def show_plan(
    request: Request,
    verbosity: "Verbosity",
    *,
    as_json: bool,
    default_platform: Platform | None = None,
) -> None:
    """Print what would be built, then check it, without the platform and without a build."""
    from keynet.cli.render import show
    from keynet.steps import dry_run

    with show(verbosity) as emit:
        found = dry_run.plan(request, emit, default_platform)
    _print_plan(request, found.script, found.plan, as_json=as_json)
    sys.stdout.flush()
    with show(verbosity) as emit:
        dry_run.check(found, emit)


def _print_plan(request: Request, script: "Script", plan: BuildPlan, *, as_json: bool) -> None:
    model_name = request.settings.model_name or script.model_name or script.path.stem
    described = _described(request, model_name, plan)
    arguments = [argument.name for argument in script.extraction.arguments]
    text, one_stage = _containerfiles(plan)
    if as_json:
        described["hyperparameters"] = script.extraction.to_json()["arguments"]
        described["containerfile"] = text
        described["containerfile_one_stage"] = one_stage
        click.echo(json.dumps(described, ensure_ascii=False))
        return
    described["labels"] = [f"{name}={value}" for name, value in plan.labels.items()]
    described["hyperparameters"] = arguments or _("none found")
    width = max(len(name) for name in described) + 2
    for name, value in described.items():
        if value is not None:
            shown = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{name:{width}}{printable(shown)}")
    click.echo(f"\n{text}")
    if one_stage is not None:
        note = _("With engines whose RUN can mount files (BuildKit, podman, buildah):")
        click.echo(f"# {note}\n{one_stage}")


def _containerfiles(plan: BuildPlan) -> tuple[str, str | None]:
    """Return what engines build, and in one stage what most build; None where there is none."""
    if isinstance(plan.recipe, UserContainerfile):
        return plan.recipe.text, None
    # With what installs: 30 ms that only a dry run and an engine need.
    from keynet.runtime.build import rendering

    # The base's user is known only to the engine.
    one_stage = rendering.one_stage(plan.recipe, plan.host_network, "0")
    text = rendering.two_stages(plan.recipe, plan.host_network).text
    return text, one_stage.text if one_stage else None


def _described(request: Request, model_name: str, plan: BuildPlan) -> dict[str, Any]:
    configured = request.settings
    total = sum(file.size for file in plan.files)
    registry = configured.harbor_url or _("(not logged in)")
    return {
        "entrypoint": str(request.entrypoint),
        "context": fill(
            ngettext(
                "{folder} ({count} file, {size})",
                "{folder} ({count} files, {size})",
                len(plan.files),
            ),
            folder=plan.context.resolve(),
            count=len(plan.files),
            size=size(total),
        ),
        "model_name": model_name,
        "project_id": configured.project_id,
        "base_image": plan.recipe.from_name if isinstance(plan.recipe, Recipe) else None,
        "dependencies": _dependencies(plan),
        "dockerfile": str(configured.dockerfile) if configured.dockerfile else None,
        "builder": configured.builder,
        "platform": ",".join(map(str, plan.platforms)) or None,
        "registry": registry,
        "harbor_project": configured.harbor_project,
        "labels": dict(plan.labels),
    }


def _dependencies(plan: BuildPlan) -> str | None:
    if isinstance(plan.recipe, UserContainerfile):
        return None
    found = plan.recipe.dependencies
    return f"{found.source}, {found.count}" if found.source and found.files else _("none")


def _secret(text: str) -> BuildSecret:
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    source = fields.get("src") or fields.get("source")
    if not fields.get("id") or not source:
        raise UsageError(
            fill(
                _("--secret {text!r} is not of the form id=ID,src=FILE."), text=printable(text, 200)
            ),
            _("For example: --secret id=token,src=token.txt"),
        )
    path = Path(source)
    if not os.path.isfile(path):  # noqa: PTH113  False where it is hidden from this user
        raise UsageError(
            fill(_("The secret file {path} does not exist or is not readable."), path=path),
            _("Check src= of --secret."),
        )
    return BuildSecret(fields["id"], path)
