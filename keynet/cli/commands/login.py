"""``keynet login`` and ``keynet logout``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import TOKEN_HOST
from keynet.cli.prompts import can_ask
from keynet.text import _, fill

if TYPE_CHECKING:
    from datetime import datetime

    from keynet.saved_login import SavedLogin
    from keynet.secret import Secret

__all__ = ["forget_login", "login", "logout", "validity"]

_LONGEST_PASSWORD: Final = 10_000


@click.command(
    help=help_page(
        _("Log in to a training platform."),
        _(
            "Missing values are asked for. The login is saved, and docker, podman and "
            "buildah are logged in to the platform's registry."
        ),
        examples=[
            "keynet login https://api.example.com",
            "keynet login https://api.example.com --username me --password-stdin < file",
        ],
    )
)
@click.argument("server_url", required=False)
@click.option("--username", "-u", metavar="EMAIL", help=_("E-mail address of your account."))
@click.option("--password-stdin", is_flag=True, help=_("Read the password from standard input."))
@click.option(
    "--ca-cert",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=_("Certificate of a private CA (PEM file), for platform and registry."),
)
@TOKEN_HOST
@click.option("--insecure", is_flag=True, help=_("Allow plain http to other machines."))
def login(
    server_url: str | None,
    *,
    username: str | None,
    password_stdin: bool,
    ca_cert: Path | None,
    token_hosts: tuple[str, ...],
    insecure: bool,
) -> None:
    from datetime import UTC, datetime

    from keynet import credentials
    from keynet.cli.render import show
    from keynet.net.addresses import normalised_url
    from keynet.runtime.engines.engine_candidates import engines
    from keynet.runtime.probing import choosing
    from keynet.steps import login as step
    from keynet.steps.stages import Stages
    from keynet.text import printable

    saved = credentials.load()
    text = server_url or _server_url(saved, may_ask=not password_stdin)
    same = saved if saved is not None and _is_saved(text, saved) else None
    insecure = insecure or (same is not None and same.insecure)
    server = normalised_url(text, insecure=insecure)
    username = username or _username(same, may_ask=not password_stdin)
    request = step.Login(
        server_url=server,
        username=username,
        password=_password(server, username, from_stdin=password_stdin),
        ca_cert=ca_cert or _ca_cert(same),
        insecure=insecure,
        token_hosts=token_hosts or _token_hosts(same),
    )
    with show() as emit:
        stages = Stages(emit)
        with stages.stage("sign_in", _("Logging in"), printable(server)):
            user = step.sign_in(request)
        with stages.stage("engines", _("Logging in engines"), user.registry.host) as stage:
            done = step.log_in_engines(user.registry, choosing.find_working(engines(), emit), emit)
            stage.detail = ", ".join(done)
    click.echo(fill(_("Logged in as {name}."), name=user.name or printable(username)), err=True)
    until = user.saved.api_token_expires_at
    if until is not None:
        click.echo(validity(until, datetime.now(UTC)), err=True)
    click.echo(fill(_("Credentials saved in {path}."), path=credentials.path()), err=True)


@click.command(
    help=help_page(
        _("Log out and remove the saved login."),
        _("The engines are logged out of the platform's registry too."),
    )
)
def logout() -> None:
    forget_login()


def forget_login() -> None:
    """Remove the config file and log the engines out."""
    from keynet import credentials
    from keynet.cli.render import show
    from keynet.runtime.engines.engine_candidates import engines
    from keynet.runtime.probing import choosing
    from keynet.steps import login as step
    from keynet.text import printable

    existed, host = step.forget()
    path = printable(credentials.path())
    if not existed:
        click.echo(fill(_("Not logged in: there is no {path}."), path=path), err=True)
        return
    click.echo(fill(_("Removed {path}."), path=path), err=True)
    if host is not None:
        with show() as emit:
            done = step.log_out_engines(host, choosing.find_working(engines(), emit), emit)
            files = step.forget_stored(host, emit)
        if done:
            click.echo(
                fill(_("Logged out of {host}: {engines}."), host=host, engines=", ".join(done)),
                err=True,
            )
        for file in files:
            click.echo(
                fill(_("Removed the login for {host} from {file}."), host=host, file=file), err=True
            )


def validity(until: datetime, now: datetime) -> str:
    """Return a line on how long a login is valid: ``… 00:39 tomorrow (12 h).``"""
    from keynet.moments import local

    there = local(until)
    days = (there.date() - local(now).date()).days
    clock = f"{there:%H:%M}"
    if days == 0:
        moment = fill(_("{clock} today"), clock=clock)
    elif days == 1:
        moment = fill(_("{clock} tomorrow"), clock=clock)
    else:
        moment = f"{there:%Y-%m-%d} {clock}"
    left_s = (until - now).total_seconds()
    if left_s >= 48 * 3600:
        span = fill(_("{days:.0f} days"), days=left_s / 86400)
    elif left_s >= 3600:
        span = fill(_("{hours:.0f} h"), hours=left_s / 3600)
    else:
        span = fill(_("{minutes:.0f} min"), minutes=left_s / 60)
    return fill(_("Login valid until {moment} ({span})."), moment=moment, span=span)


def _server_url(saved: SavedLogin | None, *, may_ask: bool) -> str:
    from keynet.errors import UsageError

    named = os.environ.get("KEYNET_SERVER_URL", "").strip()
    known = saved.server_url if saved is not None else ""
    if named:
        return named
    if may_ask and can_ask():
        return _asked(_("Platform URL"), known)
    if known:
        return known
    raise UsageError(
        _("The platform's URL is missing, and keynet cannot ask for it here."),
        _("Use keynet login https://api.example.com, or set KEYNET_SERVER_URL."),
    )


def _username(saved: SavedLogin | None, *, may_ask: bool) -> str:
    from keynet.errors import UsageError

    named = os.environ.get("KEYNET_USERNAME", "").strip()
    known = saved.username if saved is not None else ""
    if named:
        return named
    if may_ask and can_ask():
        return _asked(_("E-mail"), known)
    if known:
        return known
    raise UsageError(
        _("Your e-mail address is missing, and keynet cannot ask for it here."),
        _("Pass --username, or set KEYNET_USERNAME."),
    )


def _asked(title: str, known: str) -> str:
    answer = click.prompt(title, default=known or None, err=True)
    assert isinstance(answer, str)
    return answer.strip()


def _password(server: str, username: str, *, from_stdin: bool) -> Secret:
    from keynet.errors import UsageError
    from keynet.secret import Secret

    if from_stdin:
        try:
            text = sys.stdin.read(_LONGEST_PASSWORD + 1)
        # The cause would show bytes of the password.
        except UnicodeDecodeError:
            raise UsageError(_("The password on standard input is not valid UTF-8.")) from None
        password = text.removesuffix("\n").removesuffix("\r")
        if not password or len(password) > _LONGEST_PASSWORD:
            raise UsageError(
                _("There is no password on standard input, or it is too long."),
                _("For example: keynet login … --password-stdin < FILE"),
            )
        return Secret(password)
    if not can_ask():
        raise UsageError(
            _("The password is missing, and keynet cannot ask: standard input is not a terminal."),
            _(
                "Pass it on standard input with --password-stdin. To work without a login, set "
                "KEYNET_SERVER_URL, KEYNET_API_TOKEN, KEYNET_HARBOR_URL, KEYNET_HARBOR_USERNAME "
                "and KEYNET_HARBOR_PASSWORD."
            ),
        )
    title = fill(_("Password of {user} at {server}"), user=username, server=server)
    return Secret(click.prompt(title, hide_input=True, err=True))


def _is_saved(text: str, saved: SavedLogin) -> bool:
    from keynet.net.addresses import normalised_url

    return normalised_url(text, insecure=True) == saved.server_url


def _ca_cert(saved: SavedLogin | None) -> Path | None:
    named = os.environ.get("KEYNET_CA_CERT", "").strip()
    if named:
        return Path(named)
    return saved.ca_cert if saved is not None else None


def _token_hosts(saved: SavedLogin | None) -> tuple[str, ...]:
    named = os.environ.get("KEYNET_TOKEN_HOSTS", "").replace(",", " ").split()
    if named:
        return tuple(named)
    return saved.token_hosts if saved is not None else ()
