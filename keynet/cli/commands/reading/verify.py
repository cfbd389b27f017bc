"""``keynet verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import json_option
from keynet.cli.registry_options import Access, Target, access_options, platform_option
from keynet.text import _, fill, ngettext, printable

if TYPE_CHECKING:
    from keynet.oci.platform import Platform
    from keynet.steps.preparing.request import Request
    from keynet.steps.verifying.verified import Verified

__all__ = ["verify"]

_DIFFERENT = 1
_MOST_FILES = 20


@click.command(
    help=help_page(
        _("Build an image again from its lock, and say which file differs."),
        _(
            "For images that were built without an engine (--builder direct). IMAGE is "
            "HOST/REPOSITORY:TAG. With SCRIPT the project's files are compared, too. The "
            "exit status is 1 if something differs."
        ),
        examples=[
            "keynet verify harbor.example.com/kitech-model/abc123:latest",
            "keynet verify harbor.example.com/kitech-model/abc123:latest train.py",
        ],
    )
)
@click.argument("image", metavar="IMAGE")
@click.argument("script", required=False, type=click.Path(path_type=Path))
@click.option(
    "--context", metavar="DIR", type=click.Path(path_type=Path),
    help=_("Folder to copy into the image.  [default: the project around the script]"),
)  # fmt: skip
@platform_option
@access_options
@json_option
@click.option("--quiet", "-q", is_flag=True, help=_("Show only warnings and errors."))
@click.pass_context
def verify(
    command: click.Context,
    image: str,
    script: Path | None,
    *,
    context: Path | None,
    platform: Platform | None,
    access: Access,
    as_json: bool,
    quiet: bool,
) -> None:
    import json

    from keynet import credentials, settings
    from keynet.cli.render import Verbosity, show
    from keynet.errors import KeynetError, UsageError
    from keynet.registry.copying.copy_ends import Remote, parse_place, url_of
    from keynet.steps.verifying.verify_image import Asked, verify_image

    place = parse_place(image, reading=False, insecure=access.insecure)
    if not isinstance(place, Remote):
        raise UsageError(
            fill(_("{text} is not an image in a registry."), text=printable(image)),
            _("Its lock is in the registry: name the image as HOST/REPOSITORY:TAG."),
        )
    try:
        own = settings.merge({}, os.environ, {}, credentials.load()).registry_access()
    except KeynetError:
        own = None
    config = access.to(Target(image, url_of(place), ""))
    asked = Asked(place.reference, config, platform, own)
    request = None if script is None else _request(script, context)
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        found = verify_image(asked, request, emit)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        _show(found)
    if not found.equal:
        command.exit(_DIFFERENT)


def _request(script: Path, context: Path | None) -> Request:
    from keynet.steps.preparing.request import make

    flags: dict[str, Any] = {}
    return make(script, context, flags)


def _show(found: Verified) -> None:
    click.echo(printable(found.image))
    click.echo(
        fill(
            ngettext(
                "{count} layer of the base {base}: the same",
                "{count} layers of the base {base}: the same",
                found.base_layers,
            ),
            count=found.base_layers,
            base=printable(found.base),
        )
    )
    words = {
        "equal": _("the same"),
        "differs": _("DIFFERS"),
        "unknown": _("not compared"),
    }
    for layer in found.layers:
        verdict = words[layer.verdict]
        why = f": {printable(layer.why)}" if layer.why else ""
        click.echo(f"{layer.number:>3}  {printable(layer.names)}: {verdict}{why}")
        for each in layer.differences[:_MOST_FILES]:
            click.echo(f"       {_kinds()[each.kind]:20} {printable(each.path)}")
        more = len(layer.differences) - _MOST_FILES
        if more > 0:
            text = ngettext("… and {count} more", "… and {count} more", more)
            click.echo(f"       {fill(text, count=more)}")
    click.echo(_verdict(found))


def _kinds() -> dict[str, str]:
    return {
        "added": _("only in the image"),
        "missing": _("not in the image"),
        "content": _("other content"),
        "attributes": _("other mode or time"),
    }


def _verdict(found: Verified) -> str:
    if not found.equal:
        return _("The image differs from what its lock, its base and this project give.")
    unknown = sum(layer.verdict == "unknown" for layer in found.layers)
    if unknown:
        return fill(
            ngettext(
                "What was compared is the same; {count} layer was not compared.",
                "What was compared is the same; {count} layers were not compared.",
                unknown,
            ),
            count=unknown,
        )
    return _("The image is what its lock, its base and this project give, byte for byte.")
