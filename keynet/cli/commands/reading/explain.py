"""``keynet explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import json_option
from keynet.cli.registry_options import Access, Target, access_options, platform_option
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.oci.platform import Platform
    from keynet.steps.explaining.shared_layers import Compared

__all__ = ["explain"]


@click.command(
    help=help_page(
        _("Show what an image is made of: layers, packages, what is there twice."),
        _(
            "IMAGE is HOST/REPOSITORY:TAG, an archive, a folder with an OCI layout, or - "
            "for standard input; without it the image that was pushed or built last. Its "
            "layers are read once and listed, not stored."
        ),
        examples=[
            "keynet explain harbor.example.com/team/app:1",
            "keynet explain app.tar --html app.html",
            "docker save app:1 | keynet explain -",
        ],
    )
)
@click.argument("source", metavar="[IMAGE]", required=False)
@click.option(
    "--compare",
    metavar="IMAGE|PROJECT/",
    multiple=True,
    help=_("Another image, or all of a project (HOST/PROJECT/). May be repeated."),
)
@click.option(
    "--recent", is_flag=True, help=_("Compare with the images that were pushed from here last.")
)
@click.option("--all", "-a", "everything", is_flag=True, help=_("Show all packages."))
@click.option(
    "--html", "page", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help=_("Also write a page with a map of the image, for a browser."),
)  # fmt: skip
@platform_option
@access_options
@json_option
@click.option("--quiet", "-q", is_flag=True, help=_("Show only warnings and errors."))
def explain(
    source: str | None,
    *,
    compare: tuple[str, ...],
    recent: bool,
    everything: bool,
    page: Path | None,
    platform: Platform | None,
    access: Access,
    as_json: bool,
    quiet: bool,
) -> None:
    import json

    from keynet.cli.explain_display import show_explanation
    from keynet.cli.render import Verbosity, show
    from keynet.explain.html_page import render_page
    from keynet.registry.copying.copy_ends import parse_place, url_of
    from keynet.steps.explaining.explain_image import Asked, explain_image
    from keynet.steps.explaining.last_image import last_image, recent_images

    if source is None:
        source = last_image()
    place = parse_place(source, reading=True, insecure=access.insecure)
    asked = Asked(source, place, access.to(Target(source, url_of(place), "")), platform)
    if recent:
        compare = (*compare, *(each for each in recent_images() if each != source))
    others = [_compared(each, access) for each in compare]
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        found = explain_image(asked, others, emit)
    if page is not None:
        _write(page, render_page(found))
    if as_json:
        click.echo(json.dumps(found.to_json()))
    else:
        show_explanation(found, everything=everything)


def _compared(text: str, access: Access) -> Compared:
    """Read an image, or a project with a slash at its end."""
    from keynet.errors import UsageError
    from keynet.registry.copying.copy_ends import Remote, parse_place, url_of
    from keynet.steps.explaining.shared_layers import Compared

    if text.endswith("/"):
        target = Target.parse(text, "--compare")
        prefix = f"{target.rest}/" if target.rest else ""
        return Compared(access.to(target), None, prefix)
    place = parse_place(text, reading=False, insecure=access.insecure)
    if not isinstance(place, Remote):
        raise UsageError(
            fill(_("--compare {text} is not an image in a registry."), text=text),
            _("Name images as HOST/REPOSITORY:TAG, or a project as HOST/PROJECT/."),
        )
    return Compared(access.to(Target(text, url_of(place), "")), place.reference)


def _write(page: Path, content: str) -> None:
    """Write the page as any program writes a file of the user's.

    Raises:
        KeynetError: It cannot be written.
    """
    from keynet.errors import KeynetError

    try:
        page.write_text(content, encoding="utf-8")
    except OSError as error:
        raise KeynetError(
            fill(
                _("--html {file} cannot be written: {why}."),
                file=page,
                why=error.strerror or str(error),
            ),
            _("Choose another path."),
        ) from error
