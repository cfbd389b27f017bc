"""``keynet params``: the hyperparameters of a script or a pushed image, or of two compared."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import TOKEN_HOST, json_option
from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keynet.script.comparison import Comparison

__all__ = ["params"]

_PIPE_WIDTH: Final = 160
_DIFFERENT: Final = 1


@click.command(
    help=help_page(
        _("Show the hyperparameters of a script or a pushed image, or compare two."),
        _(
            "The script is parsed, never run. Notes on values that are not known go to "
            "standard error."
        ),
        _(
            "Given two, shows what was added, removed and changed from the first to the "
            "second; the exit status is 1 if they differ. With --schema, prints JSON Schema"
            " 2020-12."
        ),
    )
)
@click.argument("sources", metavar="SCRIPT_OR_IMAGE [SCRIPT_OR_IMAGE]", nargs=-1)
@TOKEN_HOST
@json_option
@click.option(
    "--schema",
    is_flag=True,
    help=_("Print JSON Schema: of the values of a script or image, or of the output of --json."),
)
@click.pass_context
def params(
    context: click.Context,
    sources: tuple[str, ...],
    *,
    token_hosts: tuple[str, ...],
    as_json: bool,
    schema: bool,
) -> None:
    if schema and len(sources) <= 1:
        _print_schema(sources, token_hosts)
        return
    if not 1 <= len(sources) <= 2 or schema:
        raise click.UsageError(_usage(sources, schema=schema))
    found = [_read(source, token_hosts) for source in sources]
    if len(found) == 2:
        context.exit(_compare(sources, found, as_json=as_json))
    [result] = found
    if as_json:
        _print_json(result)
        return
    arguments = result.get("arguments") or []
    if arguments:
        _show(arguments)
    else:
        click.echo(_("No hyperparameters were found."), err=True)
    _show_notes(sources[0], result)


def _usage(sources: tuple[str, ...], *, schema: bool) -> str:
    if not sources:
        return _("Pass a script or an image.")
    if schema:
        return _("--schema takes one script or image, or none.")
    return _("Pass one script or image to show, or two to compare.")


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _print_schema(sources: tuple[str, ...], token_hosts: tuple[str, ...]) -> None:
    from keynet.script import json_schema

    if not sources:
        _print_json(json_schema.of_output())
        return
    found = _read(sources[0], token_hosts)
    arguments, complete = found.get("arguments") or [], not found.get("notes")
    _print_json(json_schema.of_values(sources[0], arguments, complete=complete))
    _show_notes(sources[0], found)


def _compare(sources: tuple[str, ...], found: Sequence[Mapping[str, Any]], *, as_json: bool) -> int:
    """Show what differs; return the exit status."""
    from keynet.script import comparison

    result = comparison.compare(*(one.get("arguments") or [] for one in found))
    if as_json:
        _print_json(result.to_json())
    else:
        if result.equal:
            click.echo(_("The hyperparameters are equal."), err=True)
        _show_comparison(result)
        for source, one in zip(sources, found, strict=True):
            _show_notes(source, one)
    return 0 if result.equal else _DIFFERENT


def _show_comparison(result: Comparison) -> None:
    for argument in result.added:
        click.echo(fill("+ {name}  {what}", name=argument["name"], what=_described(argument)))
    for argument in result.removed:
        click.echo(fill("- {name}  {what}", name=argument["name"], what=_described(argument)))
    for change in result.changed:
        click.echo(
            fill(
                _("~ {name}  {field}: {old} -> {new}"),
                name=change.name,
                field=change.field,
                old=_value(change.old),
                new=_value(change.new),
            )
        )


def _described(argument: Mapping[str, Any]) -> str:
    parts = [str(argument.get("type") or "str")]
    if argument.get("default") is not None:
        parts.append(fill(_("default {value}"), value=_value(argument["default"])))
    if argument.get("required"):
        parts.append(_("required"))
    if argument.get("choices"):
        parts.append(fill(_("choices {value}"), value=_value(argument["choices"])))
    return ", ".join(parts)


def _value(value: object) -> str:
    import json

    return printable(json.dumps(value, ensure_ascii=False), 300)


def _show_notes(source: str, found: Mapping[str, Any]) -> None:
    for note in found.get("notes") or []:
        click.echo(
            fill(
                _("note: {file}, line {line}: {message}"),
                file=note.get("file") or source,
                line=note["line"],
                message=note["message"],
            ),
            err=True,
        )


def _read(source: str, token_hosts: tuple[str, ...]) -> dict[str, Any]:
    return _of_script(Path(source)) if _is_script(source) else _of_image(source, token_hosts)


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
