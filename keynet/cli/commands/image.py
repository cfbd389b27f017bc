"""``keynet image``: push, pull, copy and inspect images without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from keynet.cli.help_pages import help_page
from keynet.cli.image_copy import copy
from keynet.cli.options import json_option
from keynet.cli.registry_options import Access, Target, access_options, platform_option
from keynet.cli.tables import show_image
from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from keynet.archive.recompress import Policy
    from keynet.oci.platform import Platform

__all__ = ["image"]

_ARCHIVE = click.argument("archive", type=click.Path(path_type=Path))
_QUIET = click.option("--quiet", "-q", is_flag=True, help=_("Show only warnings and errors."))
_IMAGE = click.option(
    "--image", "tag", metavar="TAG", help=_("Image to choose, if the archive has several.")
)


@click.group(
    help=help_page(
        _("Push, pull, copy and inspect images and their archives."),
        _(
            "Supported are archives of docker save, podman save and skopeo (docker and OCI "
            "layouts), plain or compressed with gzip, zstd, xz or bzip2, and folders with "
            "an OCI layout. ARCHIVE can be - for standard input. No engine is needed."
        ),
    )
)
def image() -> None:
    """Group the commands."""


image.add_command(copy)


@image.command(
    help=help_page(
        _("Push an archive's image to one or more registries."),
        examples=[
            "keynet image push app.tar --to harbor.example.com/team/app:1.0",
            "keynet image push app.tar --to ghcr.io --to http://127.0.0.1:5000/app:1",
        ],
    )
)
@_ARCHIVE
@click.option(
    "--to",
    "targets",
    metavar="REGISTRY[/REPOSITORY[:TAG]]",
    multiple=True,
    help=_("Target; may be repeated. Missing parts are taken from the archive's first tag."),
)
@_IMAGE
@platform_option
@click.option(
    "--compress",
    type=click.Choice(["auto", "gzip", "none"]),
    default="auto",
    show_default=True,
    help=_("Uncompressed layers: compress those that shrink, all, or none (keeps digests)."),
)
@access_options
@json_option
@_QUIET
@click.pass_context
def push(
    context: click.Context,
    archive: Path,
    *,
    targets: tuple[str, ...],
    tag: str | None,
    platform: Platform | None,
    compress: Policy,
    access: Access,
    as_json: bool,
    quiet: bool,
) -> None:
    import asyncio
    import json
    from dataclasses import asdict

    from keynet.cli.image_push import push_to_all
    from keynet.cli.render import Verbosity, show

    parsed = [Target.parse(target, "--to") for target in targets]
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        results = asyncio.run(
            push_to_all(
                archive, parsed, access, tag=tag, platform=platform, compress=compress,
                emit=emit,
            )
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], ensure_ascii=False))
    error_title, hint_title = _("Error"), _("Hint")
    for result in results:
        if result.error is not None:
            click.echo(f"{error_title}: {printable(result.target)}: {result.error}", err=True)
            if result.hint:
                click.echo(f"{hint_title:>{len(error_title)}}: {result.hint}", err=True)
        elif not as_json:
            click.echo(f"{result.target}  {result.digest}")
    context.exit(max(result.exit_status for result in results))


@image.command(
    help=help_page(
        _("Pull an image from a registry into an archive."),
        _("The file appears only when it is complete and verified."),
        examples=["keynet image pull harbor.example.com/team/app:1.0 app.tar"],
    )
)
@click.argument("reference")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "layout",
    type=click.Choice(["docker", "oci"]),
    default="docker",
    show_default=True,
    help=_("docker, for docker load, or oci, which keeps all bytes and digests."),
)
@platform_option
@access_options
@json_option
@_QUIET
def pull(
    reference: str,
    file: Path,
    *,
    layout: Literal["docker", "oci"],
    platform: Platform | None,
    access: Access,
    as_json: bool,
    quiet: bool,
) -> None:
    import asyncio
    import json

    from keynet.cli.render import Verbosity, show
    from keynet.registry.functions import pull_image

    target = Target.parse(reference, "REFERENCE")
    config = access.to(target)
    source = target.reference(config.host)
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        digest = asyncio.run(
            pull_image(
                config.base_url,
                source.repository,
                source.identifier,
                file,
                format=layout,
                platform=platform,
                auth=config.auth,
                ca_cert=config.ca_cert,
                insecure=config.insecure,
                token_hosts=config.token_hosts,
                emit=emit,
            )
        )
    if as_json:
        result = {"image": str(source), "digest": digest, "file": str(file), "format": layout}
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo(f"{printable(file)}  {digest}")


@image.command(help=_("Show tags, platform, configuration and layers of an image."))
@_ARCHIVE
@_IMAGE
@platform_option
@json_option
def inspect(archive: Path, *, tag: str | None, platform: Platform | None, as_json: bool) -> None:
    import json

    from keynet.archive.docker_tar import inspect_docker_tar

    found = inspect_docker_tar(archive, tag=tag, platform=platform)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show_image(found)


@image.command(help=_("Verify that an archive is complete and its digests match."))
@_ARCHIVE
@json_option
@click.pass_context
def validate(context: click.Context, archive: Path, *, as_json: bool) -> None:
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
        title = _("Error")
        for problem in problems:
            click.echo(f"{title}: {printable(problem)}", err=True)
    else:
        name = _("standard input") if archive == Path("-") else archive
        click.echo(fill(_("{archive} is valid."), archive=name))
    context.exit(InvalidArchive.exit_status if problems else 0)


@image.command(help=_("List the tags in an archive, one per line."))
@_ARCHIVE
@json_option
def tags(archive: Path, *, as_json: bool) -> None:
    import json

    from keynet.archive.docker_tar import extract_original_tags

    found = extract_original_tags(archive)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for tag in found:
            click.echo(tag)
