"""Show an explained image on standard output: tables, and bars for packages."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from keynet.text import _, fill, ngettext, printable, size

if TYPE_CHECKING:
    from keynet.explain.doubled import Doubled
    from keynet.explain.explanation import Explanation

__all__ = ["show_explanation"]

_PIPE_WIDTH = 100
_NARROWEST = 60
_MOST = 15
_MOST_COPIES = 4
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show_explanation(found: Explanation, *, everything: bool = False) -> None:
    """Print what an image is made of.

    Args:
        everything: All packages, not only the largest.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    width = max(width, _NARROWEST)
    most = len(found.packages) if everything else _MOST
    click.echo(printable(found.image.partition("@")[0]))
    click.echo(
        fill(
            ngettext(
                "{platform}, {size} to pull, {unpacked} unpacked, {count} layer",
                "{platform}, {size} to pull, {unpacked} unpacked, {count} layers",
                len(found.layers),
            ),
            platform=found.platform,
            size=size(found.size),
            unpacked=size(found.unpacked),
            count=len(found.layers),
        )
    )
    click.echo(found.digest)
    _layers(found, width)
    _packages(found, width, most)
    _doubled(_("Packages that are there several times"), found.doubled_packages)
    _doubled(_("CUDA libraries that are there several times"), found.doubled_libraries)
    _hidden(found, width)
    _code_change(found)
    _shared(found)


def _layers(found: Explanation, width: int) -> None:
    _title(_("Layers"))
    for number, layer in enumerate(found.layers):
        line = fill(
            _("  {number}  {digest}  {size}  {unpacked} unpacked  {by}"),
            number=f"{number + 1:3}",
            digest=layer.digest.rpartition(":")[2][:12],
            size=f"{size(layer.size):>8}",
            unpacked=f"{size(layer.unpacked):>8}",
            by=layer.created_by,
        )
        click.echo(_cut(line, width))


def _packages(found: Explanation, width: int, most: int) -> None:
    if not found.packages:
        return
    shown = found.packages[:most]
    names = [printable(f"{each.name} {each.version}", 36) for each in shown]
    longest = max(map(_cells, names))
    room = max(width - longest - 22, 10)
    largest = shown[0].size or 1
    whole = sum(each.size for each in found.packages)
    _title(
        fill(
            ngettext("{count} package, {size}", "{count} packages, {size}", len(found.packages)),
            count=len(found.packages),
            size=size(whole),
        )
    )
    for name, each in zip(names, shown, strict=True):
        bar = _bar(each.size / largest, room)
        padding = " " * (longest - _cells(name))
        click.echo(f"  {name}{padding}  {each.kind:6}  {size(each.size):>8}  {bar}".rstrip())
    left = found.packages[most:]
    if left:
        text = fill(
            ngettext("{count} more (--all)", "{count} more (--all)", len(left)), count=len(left)
        )
        padding = " " * max(longest - _cells(text), 0)
        click.echo(f"  {text}{padding}          {size(sum(each.size for each in left)):>8}")
    if found.rest:
        largest_rest = ", ".join(
            f"{printable(each.name, 60)} {size(each.size)}" for each in found.rest[:2]
        )
        click.echo(
            fill(
                _("  Files of no package: {size} ({largest})"),
                size=size(sum(each.size for each in found.rest)),
                largest=largest_rest,
            )
        )


def _doubled(title: str, doubled: tuple[Doubled, ...]) -> None:
    if not doubled:
        return
    extra = sum(each.extra for each in doubled)
    _title(fill(_("{title}: {size} more than once"), title=title, size=size(extra)))
    for each in doubled[:_MOST]:
        click.echo(f"  {printable(each.name, 60)}")
        for copy in each.copies[:_MOST_COPIES]:
            version = f"  {printable(copy.version, 30)}" if copy.version else ""
            click.echo(f"    {size(copy.size):>8}  /{printable(copy.place, 200)}{version}")
    if len(doubled) > _MOST:
        _more(len(doubled) - _MOST)


def _hidden(found: Explanation, width: int) -> None:
    files = [each for each in found.hidden if each.size]
    if not files:
        return
    _title(
        fill(
            _("Sent, but replaced or deleted by a later layer: {size}"),
            size=size(found.hidden_bytes),
        )
    )
    for each in files[:5]:
        click.echo(
            fill(
                _("  {size}  {path} (layer {layer}, hidden by {by})"),
                size=f"{size(each.size):>8}",
                path=f"/{printable(each.path, max(width - 40, 30))}",
                layer=each.layer + 1,
                by=each.by + 1,
            )
        )


def _code_change(found: Explanation) -> None:
    change = found.code_change
    if change is None:
        return
    _title(_("A change of the code"))
    click.echo(
        fill(
            ngettext(
                "  sends layer {first} again: {size}",
                "  sends the layers from {first} on again: {size}",
                change.layers,
            ),
            first=change.first,
            size=size(change.size),
        )
    )


def _shared(found: Explanation) -> None:
    if not found.shared:
        return
    _title(_("Shared with other images"))
    for each in found.shared:
        click.echo(
            fill(
                _("  {size}  {layers} of {all} layers: {image}"),
                size=f"{size(each.size):>8}",
                layers=each.layers,
                all=len(found.layers),
                image=_short(each.image),
            )
        )


def _short(image: str) -> str:
    """Return a name with the first digits of its digest."""
    name, at, digest = image.partition("@")
    return f"{name}{at}{digest[: len('sha256:') + 12]}"


def _title(text: str) -> None:
    click.echo()
    click.secho(text, bold=True)


def _more(count: int) -> None:
    click.echo(fill(ngettext("  and {count} more", "  and {count} more", count), count=count))


def _bar(share: float, cells: int) -> str:
    eighths = round(share * cells * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _cut(text: str, width: int) -> str:
    """Return the text, not wider than this many cells."""
    from rich.cells import set_cell_size

    return text if _cells(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
