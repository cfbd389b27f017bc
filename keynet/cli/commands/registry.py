"""``keynet registry``: query registries and delete images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import json_option
from keynet.cli.registry_options import Access, Target, access_options, platform_option
from keynet.cli.tables import print_rows, show_image
from keynet.text import _, fill, printable, size

if TYPE_CHECKING:
    from keynet.oci.platform import Platform
    from keynet.oci.reference import Reference
    from keynet.registry.config import RegistryConfig

__all__ = ["registry"]

R = TypeVar("R")
_URL = click.argument("url")
_REPOSITORY = click.argument("repository", required=False)
_TAG = click.argument("tag", required=False)


@click.group(
    help=help_page(
        _("Query a container registry, or delete images from it."),
        _(
            "URL is the registry, with or without https://. Repository and tag can be part "
            "of it, as in registry.example.com/team/app:1.0, or separate arguments."
        ),
    )
)
def registry() -> None:
    """Group the commands."""


@registry.command(help=_("Check that a registry answers and accepts the credentials."))
@_URL
@access_options
@json_option
def ping(url: str, *, access: Access, as_json: bool) -> None:
    import asyncio
    import json
    import time

    config = access.to(Target.parse(url, "URL"))
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


@registry.command(help=_("List the repositories of a registry."))
@_URL
@click.option("--long", "-l", "long_", is_flag=True, help=_("Show tags, sizes and platforms too."))
@access_options
@json_option
def repos(url: str, *, long_: bool, access: Access, as_json: bool) -> None:
    import json

    from keynet.registry.queries import inspect_repositories, list_repositories

    config = access.to(Target.parse(url, "URL"))
    if not long_:
        _print_names(_run(list_repositories, config), as_json=as_json)
        return
    images = _run(inspect_repositories, config)
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
    print_rows((_("Repository"), _("Tag"), _("Platform"), _("Size"), _("Created")), rows)


@registry.command(help=_("List the tags of a repository."))
@_URL
@_REPOSITORY
@access_options
@json_option
def tags(url: str, repository: str | None, *, access: Access, as_json: bool) -> None:
    from keynet.registry.queries import list_tags

    config, reference = _resolve(access, url, repository)
    _print_names(_run(list_tags, config, reference.repository), as_json=as_json)


@registry.command(help=_("Show the manifest of an image: digests and sizes."))
@_URL
@_REPOSITORY
@_TAG
@platform_option
@access_options
@json_option
def manifest(
    url: str,
    repository: str | None,
    tag: str | None,
    *,
    platform: Platform | None,
    access: Access,
    as_json: bool,
) -> None:
    import json
    from dataclasses import asdict

    from keynet.registry.queries import get_manifest

    config, reference = _resolve(access, url, repository, tag)
    found = _run(
        get_manifest, config, reference.repository, reference.identifier, platform=platform
    )
    if as_json:
        click.echo(json.dumps({**asdict(found), "total_size": found.total_size}))
        return
    click.echo(f"{found.digest}  {printable(found.media_type)}")
    rows = [
        *((b.digest, size(b.size), b.media_type) for b in (found.config, *found.layers)),
        (_("Total"), size(found.total_size), ""),
    ]
    print_rows((_("Blob"), _("Size"), _("Type")), rows)


@registry.command(help=_("Show platform, configuration and layers of an image."))
@_URL
@_REPOSITORY
@_TAG
@platform_option
@access_options
@json_option
def info(
    url: str,
    repository: str | None,
    tag: str | None,
    *,
    platform: Platform | None,
    access: Access,
    as_json: bool,
) -> None:
    import json

    from keynet.registry.queries import get_image_info

    config, reference = _resolve(access, url, repository, tag)
    found = _run(
        get_image_info, config, reference.repository, reference.identifier, platform=platform
    )
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show_image(found)


@registry.command(help=_("Delete an image: its manifest and all tags that point to it."))
@_URL
@_REPOSITORY
@_TAG
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask for confirmation."))
@access_options
@json_option
def rm(
    url: str,
    repository: str | None,
    tag: str | None,
    *,
    yes: bool,
    access: Access,
    as_json: bool,
) -> None:
    import json

    from keynet.errors import NotFound
    from keynet.registry.queries import delete_image

    config, reference = _resolve(access, url, repository, tag, default_tag=None)
    if not yes:
        _confirm(reference)
    deleted = _run(delete_image, config, reference.repository, reference.identifier)
    if as_json:
        click.echo(json.dumps({"image": str(reference), "deleted": deleted}))
    elif deleted:
        click.echo(fill(_("Deleted {image}"), image=reference))
    if not deleted:
        raise NotFound(
            fill(_("There is no image {image}."), image=reference),
            _("List the tags with: keynet registry tags"),
            status=404,
        )


async def _ping(config: RegistryConfig) -> None:
    async with config.client() as client:
        await client.ping()


def _run(
    query: Callable[..., Coroutine[Any, Any, R]],
    config: RegistryConfig,
    *arguments: str,
    **keywords: object,
) -> R:
    import asyncio

    return asyncio.run(
        query(
            config.base_url,
            *arguments,
            auth=config.auth,
            ca_cert=config.ca_cert,
            insecure=config.insecure,
            **keywords,
            token_hosts=config.token_hosts,
        )
    )


def _resolve(
    access: Access, url: str, *parts: str | None, default_tag: str | None = "latest"
) -> tuple[RegistryConfig, Reference]:
    from keynet.errors import UsageError

    target = Target.parse(url, "URL").with_parts(*parts)
    config = access.to(target)
    if default_tag is None and target.repository() is not None and target.identifier() is None:
        raise UsageError(
            fill(_("No tag or digest of {repository} was given."), repository=target.repository()),
            _("Use the form REGISTRY/REPOSITORY:TAG. Deleting has no default tag."),
        )
    return config, target.reference(config.host, default_tag)


def _confirm(reference: Reference) -> None:
    from keynet.cli.prompts import can_ask
    from keynet.errors import UsageError

    if not can_ask():
        raise UsageError(
            _("Not deleted: confirmation is needed and there is no terminal."), _("Pass --yes.")
        )
    click.confirm(
        fill(_("Delete {image} and all tags that point to the same manifest?"), image=reference),
        abort=True,
        err=True,
    )


def _print_names(found: list[str], *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        sys.stdout.writelines(f"{printable(name)}\n" for name in found)


def _day(moment: object) -> str:
    from datetime import datetime

    return moment.strftime("%Y-%m-%d") if isinstance(moment, datetime) else ""
