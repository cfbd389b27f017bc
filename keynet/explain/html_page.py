"""An explanation as one HTML file: no scripts, nothing loaded, every name escaped."""

import html
from collections.abc import Iterator, Sequence
from typing import Final

from keynet.explain.explanation import Explanation, Part
from keynet.explain.treemap import Box, place
from keynet.text import _, fill, ngettext, printable, size

__all__ = ["render_page"]

_WIDTH: Final = 1200.0
_HEIGHT: Final = 640.0
_TITLE: Final = 18.0
_SMALLEST: Final = 3.0
_LETTER: Final = 6.6
_MOST_PARTS: Final = 200
_MOST_ROWS: Final = 100
_MOST_COPIES: Final = 10

_STYLE: Final = """\
body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem;
color:#1b1f24;background:#fff}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;
vertical-align:top;overflow-wrap:anywhere}th{border-bottom:1px solid #c8ccd1}
.n{text-align:right;white-space:nowrap}.bar{width:30%}.bar div{height:.8rem;margin-top:.3rem;
background:#3b6fb6}svg{width:100%;height:auto;display:block}svg text{font:11px sans-serif;
fill:#1b1f24;pointer-events:none}svg .layer{fill:#eef0f3;stroke:#8a929c}
svg .python{fill:#9cc3ec}svg .conda{fill:#a9d8a0}svg .debian{fill:#e9c69a}svg .files{fill:#d3d6db}
svg .part{stroke:#fff}.key span{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}
@media(prefers-color-scheme:dark){body{background:#16191d;color:#e4e7eb}th{border-color:#444b54}
svg .layer{fill:#23282e}svg .layer-name{fill:#e4e7eb}}
"""
_COLOURS: Final = {
    "python": "#9cc3ec", "conda": "#a9d8a0", "debian": "#e9c69a", "files": "#d3d6db",
}  # fmt: skip


def render_page(found: Explanation) -> str:
    """Return the page."""
    title = fill(_("What {image} is made of"), image=found.image.partition("@")[0])
    parts = [
        "<!doctype html>",
        '<html><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(_facts(found))}<br><code>{_text(found.digest)}</code></p>",
        *_key(),
        *_map(found),
        *_layers(found),
        *_packages(found),
        *_doubled(found),
        *_shared(found),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _facts(found: Explanation) -> str:
    text = fill(
        _("{platform}, {size} to pull, {unpacked} unpacked."),
        platform=found.platform,
        size=size(found.size),
        unpacked=size(found.unpacked),
    )
    change = found.code_change
    if change is None:
        return text
    again = fill(
        ngettext(
            "A change of the code sends {count} layer again ({size}).",
            "A change of the code sends {count} layers again ({size}).",
            change.layers,
        ),
        count=change.layers,
        size=size(change.size),
    )
    return f"{text} {again}"


def _key() -> Iterator[str]:
    yield '<p class="key">'
    for kind, name in (
        ("python", _("Python packages")),
        ("conda", _("conda packages")),
        ("debian", _("Debian packages")),
        ("files", _("files of no package")),
    ):
        yield f'<span style="background:{_COLOURS[kind]}"></span>{_text(name)}'
    yield "</p>"


def _map(found: Explanation) -> Iterator[str]:
    layers = [(number + 1, layer) for number, layer in enumerate(found.layers)]
    layers = sorted(
        ((number, layer) for number, layer in layers if any(part.size for part in layer.parts)),
        key=lambda each: -sum(part.size for part in each[1].parts),
    )
    sizes = [sum(part.size for part in layer.parts) for _number, layer in layers]
    yield f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img">'
    for (number, layer), box in zip(layers, place(sizes, Box(0, 0, _WIDTH, _HEIGHT)), strict=True):
        name = fill(_("layer {number}: {by}"), number=number, by=layer.created_by)
        seen = sum(part.size for part in layer.parts)
        yield _rectangle(box, "layer", f"{name} ({size(seen)})")
        yield _label(box, f"{number}  {size(seen)}  {layer.created_by}", "layer-name")
        yield from _parts(layer.parts, box.inner(2.0, _TITLE))
    yield "</svg>"


def _parts(parts: Sequence[Part], box: Box) -> Iterator[str]:
    shown = [part for part in parts if part.size][:_MOST_PARTS]
    left = sum(part.size for part in parts) - sum(part.size for part in shown)
    if left:
        shown = sorted([*shown, Part("files", _("others"), left)], key=lambda each: -each.size)
    for part, inner in zip(shown, place([part.size for part in shown], box), strict=True):
        if min(inner.width, inner.height) < _SMALLEST:
            continue
        kind = part.kind if part.kind in _COLOURS else "files"
        yield _rectangle(inner, f"part {kind}", f"{part.name} ({size(part.size)})")
        yield _label(inner, part.name, "")


def _rectangle(box: Box, style: str, title: str) -> str:
    return (
        f'<rect class="{style}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}"><title>{_text(title)}</title></rect>'
    )


def _label(box: Box, text: str, style: str) -> str:
    letters = int((box.width - 6) / _LETTER)
    if letters < 3 or box.height < _TITLE - 2:
        return ""
    shown = printable(text, letters)
    return f'<text class="{style}" x="{box.x + 4:.1f}" y="{box.y + 13:.1f}">{_text(shown)}</text>'


def _layers(found: Explanation) -> Iterator[str]:
    rows = [
        (
            str(number + 1), layer.digest.rpartition(":")[2][:12], size(layer.size),
            size(layer.unpacked), size(layer.hidden) if layer.hidden else "", layer.created_by,
        )
        for number, layer in enumerate(found.layers)
    ]  # fmt: skip
    titles = ("", _("Layer"), _("Size"), _("Unpacked"), _("Hidden"), _("Made by"))
    yield from _table(_("Layers"), titles, rows, numbers=(2, 3, 4))


def _packages(found: Explanation) -> Iterator[str]:
    most = max((each.size for each in found.packages), default=0) or 1
    title = _text(_("Packages"))
    yield f"<h2>{title}</h2><table><tr>"
    for name in (_("Package"), _("Version"), _("Kind"), _("Size"), "", _("Layers")):
        yield f"<th>{_text(name)}</th>"
    yield "</tr>"
    for each in found.packages[:_MOST_ROWS]:
        bar = f'<div style="width:{100 * each.size / most:.1f}%"></div>'
        layers = ", ".join(map(str, each.layers))
        yield (
            f"<tr><td>{_text(each.name)}</td><td>{_text(each.version)}</td><td>{each.kind}</td>"
            f'<td class="n">{_text(size(each.size))}</td><td class="bar">{bar}</td>'
            f"<td>{layers}</td></tr>"
        )
    yield "</table>"


def _doubled(found: Explanation) -> Iterator[str]:
    rows = [
        (each.name, copy.version, f"/{copy.place}", size(copy.size))
        for each in (*found.doubled_packages, *found.doubled_libraries)[:_MOST_ROWS]
        for copy in each.copies[:_MOST_COPIES]
    ]
    if rows:
        titles = (_("Name"), _("Version"), _("Place"), _("Size"))
        yield from _table(_("There several times"), titles, rows, numbers=(3,))
    hidden = [
        (each.path, size(each.size), str(each.layer + 1), str(each.by + 1))
        for each in found.hidden
        if each.size
    ]
    if hidden:
        name = fill(_("Sent, but hidden by a later layer ({size})"), size=size(found.hidden_bytes))
        titles = (_("File"), _("Size"), _("Layer"), _("Hidden by"))
        yield from _table(name, titles, hidden, numbers=(1,))


def _shared(found: Explanation) -> Iterator[str]:
    rows = [(each.image, str(each.layers), size(each.size)) for each in found.shared]
    if rows:
        titles = (_("Image"), _("Layers"), _("Size"))
        yield from _table(_("Shared with other images"), titles, rows, numbers=(1, 2))


def _table(
    name: str, titles: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int]
) -> Iterator[str]:
    def cell(kind: str, number: int, text: str) -> str:
        style = ' class="n"' if number in numbers else ""
        return f"<{kind}{style}>{_text(text)}</{kind}>"

    yield f"<h2>{_text(name)}</h2><table>"
    yield f"<tr>{''.join(cell('th', *each) for each in enumerate(titles))}</tr>"
    for row in rows:
        yield f"<tr>{''.join(cell('td', *each) for each in enumerate(row))}</tr>"
    yield "</table>"


def _text(foreign: object) -> str:
    return html.escape(printable(foreign, 500))
