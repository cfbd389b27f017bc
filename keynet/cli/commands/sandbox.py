"""``keynet sandbox``: a training platform on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from keynet.cli.help_pages import help_page
from keynet.text import _, fill, padded

if TYPE_CHECKING:
    from keynet.sandbox.server import Sandbox

__all__ = ["print_json", "print_text", "sandbox"]


@click.command(
    help=help_page(
        _("Run a local training platform to try keynet."),
        _(
            "It serves the platform's API with a user and sample projects, and a registry, "
            "until Ctrl-C. The data folder is kept for the next run."
        ),
    )
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=0,
    help=_("Port of the platform.  [default: that of the last run, else any]"),
)
@click.option("--tls", is_flag=True, help=_("Serve https with a private CA."))
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help=_("Data folder.  [default: ~/.local/share/keynet/sandbox]"),
)
@click.option(
    "--address",
    metavar="IP",
    default="127.0.0.1",
    show_default=True,
    help=_("IP address to listen on."),
)
@click.option(
    "--allow-remote", is_flag=True, help=_("Allow an address that other machines can reach.")
)
@click.option(
    "--projects",
    metavar="N",
    type=click.IntRange(0, 1000),
    default=3,
    show_default=True,
    help=_("Minimum number of sample projects."),
)
@click.option(
    "--registry",
    type=click.Choice(["keynet", "docker-registry"]),
    default="keynet",
    show_default=True,
    help=_("Registry to serve: keynet's own, or the program docker-registry."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print the accounts as JSON when ready."))
def sandbox(
    *,
    port: int,
    tls: bool,
    data: Path | None,
    address: str,
    allow_remote: bool,
    projects: int,
    registry: Literal["keynet", "docker-registry"],
    as_json: bool,
) -> None:
    from keynet.errors import KeynetError

    try:
        from keynet.sandbox.server import Options, serve
    except ImportError as e:
        raise KeynetError(
            fill(
                _("The sandbox needs the Python package {name}, which is not installed."),
                name=e.name,
            ),
            _(
                "Install it with: pipx install --force 'keynet-cli[sandbox]'\n"
                "or: uv tool install 'keynet-cli[sandbox]'"
            ),
        ) from e

    options = Options(
        data=data or _default_data(),
        port=port,
        tls=tls,
        address=address,
        remote=allow_remote,
        projects=projects,
        registry=registry,
    )
    serve(options, print_json if as_json else print_text)


def _default_data() -> Path:
    from keynet.files import places

    return places.data() / "sandbox"


def print_json(running: Sandbox) -> None:
    """Print addresses and accounts as one line of JSON."""
    import os

    click.echo(
        json.dumps(
            {
                "server_url": running.server_url,
                "username": running.username,
                "password": running.password.reveal(),
                "password_file": str(running.password_file),
                "registry": running.registry,
                "registry_url": running.registry_url,
                "admin": {
                    "username": running.admin_username,
                    "password": running.admin_password.reveal(),
                },
                "ca_cert": str(running.ca_cert) if running.ca_cert else None,
                "data": str(running.data),
                "pid": os.getpid(),
            }
        )
    )


def print_text(running: Sandbox) -> None:
    """Print addresses, account and login command for people."""
    import shlex

    login = ["keynet", "login", running.server_url, "--username", running.username]
    if running.ca_cert:
        login += ["--ca-cert", str(running.ca_cert)]
    command = shlex.join(login)
    password_file = shlex.quote(str(running.password_file))
    rows = [
        (_("Platform"), running.server_url),
        (_("Registry"), running.registry_url),
        (_("Data"), str(running.data)),
        (_("User"), running.username),
        (_("Password"), running.password.reveal()),
    ]
    if running.ca_cert:
        rows.append((_("CA"), str(running.ca_cert)))
    for title, value in rows:
        click.echo(f"{padded(title, 12)}{value}")
    click.echo()
    click.echo(_("Log in with:"))
    click.echo(f"    {command}")
    click.echo(_("or, without a prompt for the password:"))
    click.echo(f"    {command} --password-stdin < {password_file}")
    click.echo()
    click.echo(_("Press Ctrl-C to stop the sandbox."))
