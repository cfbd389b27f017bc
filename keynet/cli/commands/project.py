"""``keynet project``: list and select the platform's projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keynet.cli.options import json_option
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.settings import Settings

__all__ = ["project"]


@click.group(help=_("List and select projects of the platform."))
def project() -> None:
    """Group the commands."""


@project.command("list", help=_("List the projects you can train for; * is the selected one."))
@json_option
def list_(*, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from keynet import credentials
    from keynet.steps import projects

    settings = _settings()
    access = settings.backend_access(config_path=credentials.path())
    with projects.client(access) as backend:
        if as_json:
            found = [
                asdict(each) | {"selected": each.id == settings.project_id}
                for each in backend.projects()
            ]
            click.echo(json.dumps(found, ensure_ascii=False))
            return
        count = 0
        for each in backend.projects():
            count += 1
            click.echo(f"{'*' if each.id == settings.project_id else ' '} {each}")
    if not count:
        click.echo(_("There are no projects you can train for."), err=True)


@project.command(help=_("Select the project for pushes; without ID, choose from a list."))
@click.argument("project_id", metavar="[ID]", type=click.IntRange(0), required=False)
def select(project_id: int | None) -> None:
    from keynet import credentials
    from keynet.cli.prompts import chooser
    from keynet.steps import projects

    access = _settings().backend_access(config_path=credentials.path())
    with projects.client(access) as backend:
        chosen = chooser()(backend) if project_id is None else projects.find(backend, project_id)
        projects.remember(chosen, backend.server_url)
    click.echo(fill(_("Selected {project}"), project=chosen), err=True)


@project.command(help=_("Clear the selection."))
def clear() -> None:
    from keynet.steps import projects

    former = projects.forget()
    if former is None:
        click.echo(_("No project was selected."), err=True)
    else:
        click.echo(
            fill(
                _("Project {id} is no longer selected: {title}"), id=former.id, title=former.title
            ),
            err=True,
        )


def _settings() -> Settings:
    import os
    from pathlib import Path

    from keynet import credentials
    from keynet.settings import merge, read_pyproject

    return merge({}, os.environ, read_pyproject(Path()), credentials.load())
