"""``keynet registry``: what a registry holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keynet.cli.registry_options import Access, Place, access_options, print_table, show_image
from keynet.text import _, fill, printable, size

if TYPE_CHECKING:
    from keynet.oci.reference import Reference
    from keynet.registry.config import RegistryConfig

__all__ = ["registry"]

_URL = click.argument("url")
_JSON = click.option("--json", "as_json", is_flag=True, help=_("Print one JSON value."))
_REPOSITORY = click.argument("repository", required=False)
_TAG = click.argument("tag", required=False)


@click.group()
def registry() -> None:
    """Look into a container registry.

    URL is a registry, with or without https:// in front. Repository and tag may follow in the
    same word (registry.example.com/team/app:1.0) or as words of their own.
    """


@registry.command()
@_URL
@access_options
@_JSON
def ping(
    url: str, *, username: str | None, password_stdin: bool, ca_cert: Path | None,
    insecure: bool, as_json: bool,
) -> None:  # fmt: skip
    """See that a registry answers and accepts the credentials."""
    import asyncio
    import json
    import time

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    config = access.to(Place.parse(url, "URL"))
    started = time.monotonic()
    asyncio.run(_ping(config))
    milliseconds = round((time.monotonic() - started) * 1000)
    if as_json:
        click.echo(json.dumps({"registry": config.host, "milliseconds": milliseconds}))
    else:
        click.echo(
            fill(
                _("{registry} answers in {milliseconds} ms."),
                registry=config.host,
                milliseconds=milliseconds,
            )
        )


@registry.command()
@_URL
@click.option("--long", "-l", "long_", is_flag=True, help=_("Show every tag, size and platform."))
@access_options
@_JSON
def repos(
    url: str, *, long_: bool, username: str | None, password_stdin: bool, ca_cert: Path | None,
    insecure: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the repositories of a registry."""
    import asyncio
    import json

    from keynet.registry.queries import inspect_repositories, list_repositories

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    config = access.to(Place.parse(url, "URL"))
    if not long_:
        found = asyncio.run(
            list_repositories(
                config.base_url, auth=config.auth, ca_cert=config.ca_cert, insecure=config.insecure
            )
        )
        _lines(found, as_json=as_json)
        return
    images = asyncio.run(
        inspect_repositories(
            config.base_url, auth=config.auth, ca_cert=config.ca_cert, insecure=config.insecure
        )
    )
    if as_json:
        listed = {
            name: {tag: image.to_json() for tag, image in tags.items()}
            for name, tags in images.items()
        }
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    rows = [
        (name, tag, f"{image.os}/{image.architecture}", size(image.size), _day(image.created))
        for name, tags in images.items()
        for tag, image in tags.items()
    ]
    _table((_("Repository"), _("Tag"), _("Platform"), _("Size"), _("Created")), rows)


@registry.command()
@_URL
@_REPOSITORY
@access_options
@_JSON
def tags(
    url: str, repository: str | None, *, username: str | None, password_stdin: bool,
    ca_cert: Path | None, insecure: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the tags of a repository."""
    import asyncio

    from keynet.registry.queries import list_tags

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    config, named = _named(access, url, repository)
    found = asyncio.run(
        list_tags(
            config.base_url,
            named.repository,
            auth=config.auth,
            ca_cert=config.ca_cert,
            insecure=config.insecure,
        )
    )
    _lines(found, as_json=as_json)


@registry.command()
@_URL
@_REPOSITORY
@_TAG
@access_options
@_JSON
def manifest(
    url: str, repository: str | None, tag: str | None, *, username: str | None,
    password_stdin: bool, ca_cert: Path | None, insecure: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show an image's manifest: its blobs and their sizes."""
    import asyncio
    import json
    from dataclasses import asdict

    from keynet.registry.queries import get_manifest

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    config, named = _named(access, url, repository, tag)
    found = asyncio.run(
        get_manifest(
            config.base_url,
            named.repository,
            named.identifier,
            auth=config.auth,
            ca_cert=config.ca_cert,
            insecure=config.insecure,
        )
    )
    if as_json:
        click.echo(json.dumps({**asdict(found), "total_size": found.total_size}))
        return
    click.echo(f"{found.digest}  {printable(found.media_type)}")
    rows = [
        *((b.digest, size(b.size), b.media_type) for b in (found.config, *found.layers)),
        (_("in all"), size(found.total_size), ""),
    ]
    _table((_("Blob"), _("Size"), _("Type")), rows)


@registry.command()
@_URL
@_REPOSITORY
@_TAG
@access_options
@_JSON
def info(
    url: str, repository: str | None, tag: str | None, *, username: str | None,
    password_stdin: bool, ca_cert: Path | None, insecure: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show all about an image: platform, created, how it starts, its layers."""
    import asyncio
    import json

    from keynet.registry.queries import get_image_info

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    config, named = _named(access, url, repository, tag)
    found = asyncio.run(
        get_image_info(
            config.base_url,
            named.repository,
            named.identifier,
            auth=config.auth,
            ca_cert=config.ca_cert,
            insecure=config.insecure,
        )
    )
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show_image(found)


@registry.command()
@_URL
@_REPOSITORY
@_TAG
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask."))
@access_options
@_JSON
def rm(
    url: str, repository: str | None, tag: str | None, *, yes: bool, username: str | None,
    password_stdin: bool, ca_cert: Path | None, insecure: bool, as_json: bool,
) -> None:  # fmt: skip
    """Delete an image: its manifest, and with it every tag that points there."""
    import asyncio
    import json

    from keynet.errors import NotFound
    from keynet.registry.queries import delete_image

    access = Access.given(username, ca_cert, password_stdin=password_stdin, insecure=insecure)
    config, named = _named(access, url, repository, tag, default_tag=None)
    if not yes:
        _confirm(named)
    deleted = asyncio.run(
        delete_image(
            config.base_url,
            named.repository,
            named.identifier,
            auth=config.auth,
            ca_cert=config.ca_cert,
            insecure=config.insecure,
        )
    )
    if as_json:
        click.echo(json.dumps({"image": str(named), "deleted": deleted}))
    elif deleted:
        click.echo(fill(_("Deleted {image}"), image=named))
    if not deleted:
        raise NotFound(
            fill(_("There is no {image} to delete."), image=named),
            _("keynet registry tags lists what there is."),
            status=404,
        )


async def _ping(config: RegistryConfig) -> None:
    async with config.client() as client:
        await client.ping()


def _named(
    access: Access, url: str, *parts: str | None, default_tag: str | None = "latest"
) -> tuple[RegistryConfig, Reference]:
    from keynet.errors import UsageError

    place = Place.parse(url, "URL").with_parts(*parts)
    config = access.to(place)
    if default_tag is None and place.repository() is not None and place.identifier() is None:
        raise UsageError(
            fill(_("Which tag or digest of {repository}?"), repository=place.repository()),
            _("Write it as REGISTRY/REPOSITORY:TAG; nothing is deleted without it."),
        )
    return config, place.reference(config.host, default_tag)


def _confirm(named: Reference) -> None:
    from keynet.cli.prompts import can_ask
    from keynet.errors import UsageError

    if not can_ask():
        raise UsageError(
            fill(_("{image} is not deleted without an answer."), image=named),
            _("There is no terminal to ask at: give --yes."),
        )
    click.confirm(
        fill(_("Delete {image} and every tag that points to the same manifest?"), image=named),
        abort=True,
        err=True,
    )


def _lines(found: list[str], *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        sys.stdout.writelines(f"{printable(name)}\n" for name in found)


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, justify="right" if title == _("Size") else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    print_table(table)


def _day(moment: object) -> str:
    from datetime import datetime

    return moment.strftime("%Y-%m-%d") if isinstance(moment, datetime) else ""
