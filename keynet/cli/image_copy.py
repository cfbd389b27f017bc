"""``keynet image copy``: the command, and the logins of its two ends."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import json_option
from keynet.cli.registry_options import Access, Target, access_options, platform_option
from keynet.text import _, fill, ngettext, printable

if TYPE_CHECKING:
    from keynet.archive.location import Location
    from keynet.oci.platform import Platform
    from keynet.registry.copying.copy_between import CopiedImage
    from keynet.registry.copying.copy_ends import Remote
    from keynet.secret import Secret

__all__ = ["copy"]

_LONGEST_PASSWORD = 64 * 1024


@click.command(
    help=help_page(
        _("Copy an image between registries, archives and OCI folders."),
        _(
            "SOURCE and DESTINATION are HOST/REPOSITORY:TAG, oci:DIR[:TAG], "
            "oci-archive:FILE[:TAG] or docker-archive:FILE[:REFERENCE]; SOURCE may be the bare "
            "path of an archive or folder, or - for standard input. Digests stay as they "
            "are. Of several platforms one is copied, unless --all is given."
        ),
        examples=[
            "keynet image copy quay.io/team/app:1 harbor.example.com/team/app:1 --all",
            "keynet image copy harbor.example.com/team/app:1 oci:app --referrers",
            "keynet image copy app.tar http://127.0.0.1:5000/team/app:1",
        ],
    )
)
@click.argument("source")
@click.argument("destination")
@platform_option
@click.option(
    "--all", "-a", "everything", is_flag=True, help=_("Copy an index with all its platforms.")
)
@click.option(
    "--referrers",
    is_flag=True,
    help=_("Copy what refers to the image too: signatures, SBOMs, hyperparameters."),
)
@click.option("--src-username", metavar="NAME", help=_("User name at the source's registry."))
@click.option(
    "--src-password-stdin",
    is_flag=True,
    help=_("Read its password from standard input, the first line."),
)
@click.option("--dest-username", metavar="NAME", help=_("User name at the destination's registry."))
@click.option(
    "--dest-password-stdin",
    is_flag=True,
    help=_("Read its password from standard input, the next line."),
)
@access_options
@json_option
@click.option("--quiet", "-q", is_flag=True, help=_("Show only warnings and errors."))
def copy(
    source: str,
    destination: str,
    *,
    platform: Platform | None,
    everything: bool,
    referrers: bool,
    src_username: str | None,
    src_password_stdin: bool,
    dest_username: str | None,
    dest_password_stdin: bool,
    access: Access,
    as_json: bool,
    quiet: bool,
) -> None:
    import asyncio
    import json
    import time
    from dataclasses import asdict

    from keynet.cli.render import Verbosity, show
    from keynet.errors import UsageError
    from keynet.events import StepFinished, StepStarted
    from keynet.registry.copying.copy_between import copy_between
    from keynet.registry.copying.copy_ends import parse_place, url_of

    origin = parse_place(source, reading=True, insecure=access.insecure)
    target = parse_place(destination, reading=False, insecure=access.insecure)
    _check_single(access, origin, target)
    if source == "-" and (src_password_stdin or dest_password_stdin):
        raise UsageError(
            _("Standard input cannot have both the archive and the password."),
            _("Pass the archive as a file, or log in first: docker login, podman login."),
        )
    reading = _with_login(access, "--src", src_username, stdin=src_password_stdin)
    writing = _with_login(access, "--dest", dest_username, stdin=dest_password_stdin)
    with show(Verbosity.of(quiet=quiet or as_json, verbose=False)) as emit:
        started = time.monotonic()
        emit(StepStarted("copy", _("Copying"), ""))
        copied = asyncio.run(
            copy_between(
                origin,
                target,
                reading=reading.to(Target(source, url_of(origin), "")),
                writing=writing.to(Target(destination, url_of(target), "")),
                platform=platform,
                all_platforms=everything,
                referrers=referrers,
                emit=emit,
            )
        )
        emit(StepFinished("copy", _detail(copied), time.monotonic() - started))
    if as_json:
        click.echo(json.dumps(asdict(copied), ensure_ascii=False))
    else:
        click.echo(f"{printable(copied.destination)}  {copied.digest}")


def _check_single(access: Access, *ends: Remote | Location) -> None:
    """Refuse one login for two registries: a password goes to the host that it is for.

    Raises:
        UsageError: Both ends are registries, and not the same one.
    """
    from keynet.errors import UsageError
    from keynet.registry.copying.copy_ends import Remote

    registries = {end.reference.registry for end in ends if isinstance(end, Remote)}
    if access.username is not None and len(registries) > 1:
        raise UsageError(
            _("--username is for one registry, but source and destination are two."),
            _("Use --src-username and --dest-username."),
        )


def _with_login(access: Access, end: str, username: str | None, *, stdin: bool) -> Access:
    """Return the access with the login of one end, if that has its own.

    Raises:
        UsageError: A user name without a password, or the other way round.
    """
    from keynet.errors import UsageError

    if username is None and not stdin:
        return access
    if username is None or not (stdin or sys.stdin.isatty()):
        raise UsageError(
            fill(
                _("{end}-username and {end}-password-stdin must be used together."),
                end=end,
            ),
            fill(_("For example: … {end}-username me {end}-password-stdin < file"), end=end),
        )
    return replace(access, username=username, password=_password(username, stdin=stdin))


def _password(username: str, *, stdin: bool) -> Secret:
    from keynet.errors import UsageError
    from keynet.secret import Secret

    if not stdin:
        prompt = fill(_("Password of {username}"), username=username)
        return Secret(click.prompt(prompt, hide_input=True, err=True))
    password = sys.stdin.readline(_LONGEST_PASSWORD).rstrip("\r\n")
    if not password:
        raise UsageError(
            fill(_("There is no password for {username} on standard input."), username=username),
            _("Write one line for each; the source's comes first."),
        )
    return Secret(password)


def _detail(copied: CopiedImage) -> str:
    if copied.manifests == 1 and not copied.referrers:
        return copied.platform or ""
    images = fill(
        ngettext("{count} manifest", "{count} manifests", copied.manifests),
        count=copied.manifests,
    )
    referrers = fill(
        ngettext("{count} referrer", "{count} referrers", copied.referrers),
        count=copied.referrers,
    )
    return f"{images}, {referrers}" if copied.referrers else images
