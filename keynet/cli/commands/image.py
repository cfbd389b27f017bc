"""``keynet image``: archives of images, pushed, pulled and looked into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from keynet.cli.registry_options import Access, Place, access_options, show_image
from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from keynet.archive.recompress import Policy
    from keynet.oci.platform import Platform

__all__ = ["image"]

_ARCHIVE = click.argument("archive", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help=_("Print one JSON value."))
_QUIET = click.option("--quiet", "-q", is_flag=True, help=_("Show warnings and errors only."))
_PLATFORM = click.option(
    "--platform", metavar="OS/ARCH", help=_("Which of a multi-platform image.")
)
_IMAGE = click.option(
    "--image", "tag", metavar="TAG", help=_("Which image, where the archive has several.")
)


@click.group()
def image() -> None:
    """Push, pull and inspect image archives.

    Archives are what docker save, podman save and skopeo write: docker's or the OCI's layout,
    plain, gzip'd or zstd'd. No engine is needed.
    """


@image.command()
@_ARCHIVE
@click.option(
    "--to",
    "places",
    metavar="REGISTRY[/REPOSITORY[:TAG]]",
    multiple=True,
    help=_("Where to, any number of times; what is missing comes from the archive's first tag."),
)
@_IMAGE
@_PLATFORM
@click.option(
    "--compress",
    type=click.Choice(["auto", "gzip", "none"]),
    default="auto",
    show_default=True,
    help=_("Plain layers: gzip those that shrink, all, or none (digests stay as they are)."),
)
@access_options
@_JSON
@_QUIET
@click.pass_context
def push(
    context: click.Context,
    archive: Path,
    *,
    places: tuple[str, ...],
    tag: str | None,
    platform: str | None,
    compress: Policy,
    username: str | None,
    password_stdin: bool,
    ca_cert: Path | None,
    insecure: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Push an archive's image to one or several registries at once.

    \b
    keynet image push app.tar --to harbor.example.com/team/app:1.0
    keynet image push app.tar --to registry-a.example.com --to http://127.0.0.1:5000/app:1
    """
    import asyncio
    import json
    from dataclasses import asdict

    from keynet.cli.image_push import push_everywhere
    from keynet.cli.render import Verbosity, show

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    parsed = [Place.parse(place, "--to") for place in places]
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        results = asyncio.run(
            push_everywhere(
                archive, parsed, access, tag=tag, platform=_platform(platform), compress=compress,
                emit=emit,
            )
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], ensure_ascii=False))
    for result in results:
        if result.error is not None:
            click.echo(f"{_('Error')}: {printable(result.target)}: {result.error}", err=True)
            if result.hint:
                click.echo(f" {_('Hint')}: {result.hint}", err=True)
        elif not as_json:
            click.echo(f"{result.target}  {result.digest}")
    context.exit(max(result.exit_status for result in results))


@image.command()
@click.argument("reference")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "layout",
    type=click.Choice(["docker", "oci"]),
    default="docker",
    show_default=True,
    help=_("docker: for docker load; oci: keeps every byte and digest."),
)
@_PLATFORM
@access_options
@_JSON
@_QUIET
def pull(
    reference: str,
    file: Path,
    *,
    layout: Literal["docker", "oci"],
    platform: str | None,
    username: str | None,
    password_stdin: bool,
    ca_cert: Path | None,
    insecure: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a registry's image to an archive: verified and whole, or not at all.

    \b
    keynet image pull harbor.example.com/team/app:1.0 app.tar
    """
    import asyncio
    import json

    from keynet.cli.render import Verbosity, show
    from keynet.registry.functions import pull_image

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    place = Place.parse(reference, "REFERENCE")
    config = access.to(place)
    named = place.reference(config.host)
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        digest = asyncio.run(
            pull_image(
                config.base_url,
                named.repository,
                named.identifier,
                file,
                format=layout,
                platform=_platform(platform),
                auth=config.auth,
                ca_cert=config.ca_cert,
                insecure=config.insecure,
                emit=emit,
            )
        )
    if as_json:
        result = {"image": str(named), "digest": digest, "file": str(file), "format": layout}
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo(f"{printable(file)}  {digest}")


@image.command()
@_ARCHIVE
@_IMAGE
@_PLATFORM
@_JSON
def inspect(archive: Path, *, tag: str | None, platform: str | None, as_json: bool) -> None:
    """Show what is in an archive: tags, platform, how it starts, its layers."""
    import json

    from keynet.archive.docker_tar import inspect_docker_tar

    found = inspect_docker_tar(archive, tag=tag, platform=_platform(platform))
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show_image(found)


@image.command()
@_ARCHIVE
@_JSON
@click.pass_context
def validate(context: click.Context, archive: Path, *, as_json: bool) -> None:
    """Read every byte of an archive and say whether it is sound."""
    import json

    from keynet.archive.examine import check_archive
    from keynet.errors import ArchiveNotFound, InvalidArchive

    try:
        problems = check_archive(archive)
    except ArchiveNotFound:
        raise
    except InvalidArchive as error:
        if not as_json or isinstance(error.__cause__, OSError):
            raise
        problems = [error.message]
    if as_json:
        report = {"valid": not problems, "problems": problems}
        click.echo(json.dumps(report, ensure_ascii=False))
    elif problems:
        for problem in problems:
            click.echo(f"{_('Error')}: {printable(problem)}", err=True)
    else:
        click.echo(fill(_("{archive} is sound."), archive=archive))
    context.exit(InvalidArchive.exit_status if problems else 0)


@image.command()
@_ARCHIVE
@_JSON
def tags(archive: Path, *, as_json: bool) -> None:
    """List the tags of an archive's images, one a line."""
    import json

    from keynet.archive.docker_tar import extract_original_tags

    found = extract_original_tags(archive)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for tag in found:
            click.echo(tag)


def _platform(text: str | None) -> Platform | None:
    from keynet.oci.platform import Platform

    return Platform.parse(text) if text is not None else None
