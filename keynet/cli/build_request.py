"""Turn options into a build request, for ``push`` and ``build``."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keynet import credentials, settings
from keynet.cli.options import pairs
from keynet.errors import UsageError
from keynet.events import Event, Notice
from keynet.files import places
from keynet.plan import BuildPlan, BuildSecret, GeneratedContainerfile
from keynet.recipe import buildargs
from keynet.steps.prepare import Request, plan_build, read_script
from keynet.steps.script import Reading
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext, printable, size

__all__ = ["build_request", "show_plan"]


def build_request(
    reading: Reading,
    context: Path | None,
    flags: Mapping[str, Any],
    build_args: tuple[str, ...],
    labels: tuple[str, ...],
    secrets: tuple[str, ...],
    *,
    no_cache: bool,
) -> Request:
    """Merge options, environment, [tool.keynet] of the context and the saved login.

    Raises:
        UsageError: An option or setting is not valid.
    """
    folder = context or default_context(reading.path)
    given = {
        **flags,
        "dockerfile": _containerfile(flags.get("dockerfile")),
        "build_args": buildargs.parse(build_args, os.environ),
        "labels": pairs(labels, "--label"),
    }
    merged = settings.merge(given, os.environ, settings.read_pyproject(folder), credentials.load())
    return Request(
        reading=reading,
        context=folder,
        settings=merged,
        secrets=tuple(_secret(text) for text in secrets),
        no_cache=no_cache,
    )


def _containerfile(path: Path | None) -> Path | None:
    """Read ``-`` as standard input, as docker, podman and buildah do."""
    return Path("/dev/stdin") if path == Path("-") else path


def default_context(entrypoint: Path) -> Path:
    """Return the current folder if the script is inside it, else the script's folder."""
    if places.real(entrypoint).is_relative_to(Path.cwd()):
        return Path()
    return entrypoint.parent


def show_plan(request: Request, *, as_json: bool) -> None:
    """Print what would be built, without using an engine or the platform."""
    script = read_script(request, Stages(_only_notices), _only_notices)
    plan = plan_build(request, script, _only_notices)
    described = _described(request, script.model_name, plan)
    arguments = [argument.name for argument in script.extraction.arguments]
    if as_json:
        described["hyperparameters"] = script.extraction.to_json()["arguments"]
        described["containerfile"] = plan.recipe.text
        described["containerfile_one_stage"] = _one_stage(plan) or None
        click.echo(json.dumps(described, ensure_ascii=False))
        return
    described["labels"] = [f"{name}={value}" for name, value in plan.labels.items()]
    described["hyperparameters"] = arguments or _("none found")
    width = max(len(name) for name in described) + 2
    for name, value in described.items():
        if value is not None:
            shown = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{name:{width}}{printable(shown)}")
    click.echo(f"\n{plan.recipe.text}")
    if one_stage := _one_stage(plan):
        note = _("With engines whose RUN can mount files (BuildKit, podman, buildah):")
        click.echo(f"# {note}\n{one_stage}")


def _one_stage(plan: BuildPlan) -> str:
    """Return the one-stage form of keynet's own recipe, "" if there is none."""
    return plan.recipe.mounting if isinstance(plan.recipe, GeneratedContainerfile) else ""


def _only_notices(event: Event) -> None:
    if isinstance(event, Notice):
        click.echo(f"{_('Warning')}: {printable(event.text)}", err=True)


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
        "base_image": str(plan.base) if plan.base else None,
        "dockerfile": str(configured.dockerfile) if configured.dockerfile else None,
        "builder": configured.builder,
        "platform": str(plan.platform) if plan.platform else None,
        "registry": registry,
        "harbor_project": configured.harbor_project,
        "labels": dict(plan.labels),
    }


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
