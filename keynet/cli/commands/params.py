"""``keynet params``: the hyperparameters of a script or a pushed image."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keynet.cli.options import TOKEN_HOST
from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["params"]

_PIPE_WIDTH: Final = 160


@click.command()
@click.argument("source", metavar="SCRIPT_OR_IMAGE")
@TOKEN_HOST
@click.option("--json", "as_json", is_flag=True, help=_("Print the result as JSON."))
def params(source: str, *, token_hosts: tuple[str, ...], as_json: bool) -> None:
    """Show the hyperparameters of a script or a pushed image.

    The script is parsed, never run. Notes on values that are not known go to standard error.
    """
    import json

    found = _of_script(Path(source)) if _is_script(source) else _of_image(source, token_hosts)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    arguments = found.get("arguments") or []
    if arguments:
        _show(arguments)
    else:
        click.echo(_("No hyperparameters were found."), err=True)
    for note in found.get("notes") or []:
        where = note.get("file") or source
        click.echo(
            fill(
                _("note: {file}, line {line}: {message}"),
                file=where,
                line=note["line"],
                message=note["message"],
            ),
            err=True,
        )


def _is_script(source: str) -> bool:
    return source.endswith(".py") or os.path.exists(source)  # noqa: PTH110  False for any name


def _of_script(path: Path) -> dict[str, Any]:
    from keynet.script.extraction import extract

    return dict(extract(path).to_json())


def _of_image(reference: str, token_hosts: tuple[str, ...]) -> dict[str, Any]:
    from keynet.steps.params import read_image

    return read_image(reference, token_hosts)


def _show(arguments: Sequence[Mapping[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in (_("name"), _("type"), _("default"), _("required"), _("choices"), _("help")):
        table.add_column(title, overflow="fold")
    for argument in arguments:
        cells = (
            str(argument["name"]),
            str(argument["type"]),
            _default(argument.get("default")),
            _("yes") if argument.get("required") else "",
            ", ".join(str(choice) for choice in argument.get("choices") or ()),
            str(argument.get("help") or ""),
        )
        table.add_row(*(Text(printable(cell, 300)) for cell in cells))
    console.print(table)


def _default(value: object) -> str:
    import json

    if value is None:
        return ""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
