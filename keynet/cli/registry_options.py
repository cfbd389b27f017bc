"""What the commands round registries share: where to, as whom, and how it is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keynet.text import _, fill, printable, size

if TYPE_CHECKING:
    from rich.text import Text

    from keynet.oci.reference import Reference
    from keynet.oci.summary import ImageInspect
    from keynet.registry.config import Auth, RegistryConfig
    from keynet.secret import Secret

__all__ = ["Access", "Place", "access_options", "print_table", "show_image"]

F = TypeVar("F", bound=Callable[..., Any])
_LONGEST_PASSWORD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """``[SCHEME://]REGISTRY[/REPOSITORY[:TAG][@DIGEST]]`` as the user wrote it.

    ``url`` is the registry with the scheme, where one was given.
    """

    text: str
    url: str
    rest: str

    @classmethod
    def parse(cls, text: str, flag: str) -> Place:
        """Read one; what is no registry's name is a usage error."""
        scheme, separator, bare = text.rpartition("://")
        registry, _slash, rest = bare.partition("/")
        named = "." in registry or ":" in registry or registry == "localhost" or bool(separator)
        if "@" in registry and "/" in bare:
            # What stands before the @ may be a password: it is not repeated.
            raise click.BadParameter(
                _("a registry's name has no user and password in it; use --username."),
                param_hint=flag,
            )
        if not registry or not named or "@" in registry:
            raise click.BadParameter(
                fill(
                    _("{text!r} does not start with a registry's name."),
                    text=printable(bare.rpartition("@")[2], 200),
                ),
                param_hint=flag,
            )
        return cls(text, f"{scheme}{separator}{registry}", rest.strip("/"))

    def with_parts(self, *parts: str | None) -> Place:
        """Add repository and tag or digest that stand apart: ``URL REPOSITORY TAG``.

        Where the URL names the repository already, a single further word is the tag.
        """
        repository, name = (*parts, None, None)[:2]
        if len(parts) > 1 and self.rest and name is None:
            repository, name = None, repository
        rest = "/".join(part for part in (self.rest, repository) if part)
        if name:
            rest += f"@{name}" if ":" in name else f":{name}"
        return Place(self.text, self.url, rest)

    def repository(self) -> str | None:
        """The repository, None where only a registry was named."""
        head, slash, last = self.rest.partition("@")[0].rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}" or None

    def identifier(self) -> str | None:
        """The tag or digest, None where none was named."""
        name, _at, digest = self.rest.partition("@")
        return digest or name.rpartition("/")[2].partition(":")[2] or None

    def reference(self, registry: str, default_tag: str | None = "latest") -> Reference:
        """Name the image in this registry.

        Raises:
            UsageError: No repository was named.
            ValidationError: A part breaks the grammar.
        """
        from keynet.errors import UsageError
        from keynet.registry.queries import reference_to

        repository = self.repository()
        if repository is None:
            raise UsageError(
                fill(_("{text} names no repository."), text=self.text),
                _("Write it as REGISTRY/REPOSITORY:TAG."),
            )
        return reference_to(registry, repository, self.identifier() or default_tag)


@dataclass(frozen=True, slots=True)
class Access:
    """Who we are to the registries of one command, read once."""

    username: str | None
    password: Secret | None
    ca_cert: Path | None
    insecure: bool

    @classmethod
    def given(
        cls, username: str | None, ca_cert: Path | None, *, password_stdin: bool, insecure: bool
    ) -> Access:
        """Read the flags, and the password where it is asked for.

        Raises:
            UsageError: A user without a password, or the other way round.
        """
        from keynet.errors import UsageError

        if bool(username) != password_stdin and (password_stdin or not sys.stdin.isatty()):
            raise UsageError(
                _("--username and --password-stdin belong together."),
                _("For example: … --username me --password-stdin < file"),
            )
        password = _password(stdin=password_stdin) if username else None
        return cls(username, password, ca_cert, insecure)

    def to(self, place: Place) -> RegistryConfig:
        """Say how to reach that registry: flags, keynet's login, then the engines' logins."""
        from keynet.registry.auth.sources import Credential
        from keynet.registry.config import RegistryConfig

        if self.username is not None and self.password is not None:
            auth: Auth | None = Credential(self.username, self.password)
            return RegistryConfig(place.url, 300, auth, self._ca_cert(), self.insecure)
        return RegistryConfig(place.url, 300, _own_sources(), self._ca_cert(), self.insecure)

    def _ca_cert(self) -> Path | None:
        return self.ca_cert if self.ca_cert is not None else _settings().ca_cert


def access_options(command: F) -> F:
    """Take ``--username``, ``--password-stdin``, ``--ca-cert`` and ``--insecure``."""
    for option in reversed(
        [
            click.option(
                "--username", "-u", metavar="NAME", help=_("In place of the stored logins.")
            ),
            click.option(
                "--password-stdin", is_flag=True, help=_("Read the password from standard input.")
            ),
            click.option(
                "--ca-cert",
                metavar="FILE",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                help=_("PEM file of a private CA."),
            ),
            click.option(
                "--insecure", is_flag=True, help=_("Allow plain http and unverified TLS.")
            ),
        ]
    ):
        command = option(command)
    return command


def show_image(image: ImageInspect) -> None:
    """Print an image for people: what it is, then its layers with sizes, base first."""
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    variant = f"/{image.variant}" if image.variant else ""
    config = image.config
    for title, value in (
        (_("Tags"), ", ".join(image.repo_tags)),
        (_("Digest"), ", ".join(image.repo_digests)),
        (_("Config"), image.id),
        (_("Platform"), f"{image.os}/{image.architecture}{variant}"),
        (_("Created"), image.created.strftime("%Y-%m-%d %H:%M:%S %Z") if image.created else ""),
        (_("Author"), image.author),
        (_("Entrypoint"), " ".join(config.entrypoint)),
        (_("Command"), " ".join(config.cmd)),
        (_("Environment"), " ".join(config.env)),
        (_("Working dir"), config.working_dir or ""),
        (_("User"), config.user),
        (_("Ports"), ", ".join(config.exposed_ports)),
        (_("Labels"), ", ".join(f"{key}={value}" for key, value in config.labels.items())),
        (_("Size"), size(image.size)),
    ):
        if value:
            facts.add_row(_plain(title), _plain(value))
    layers = Table(box=None, padding=(0, 2, 0, 0))
    layers.add_column(_("Layer"))
    layers.add_column(_("Size"), justify="right")
    layers.add_column(_("Kind"))
    layers.add_column(_("Made by"), no_wrap=True, overflow="ellipsis")
    for layer in image.layers:
        layers.add_row(
            layer.digest.rpartition(":")[2][:12],
            size(layer.size),
            _kind(layer.media_type),
            _plain(layer.created_by or ""),
        )
    print_table(facts)
    if image.layers:
        click.echo()
        print_table(layers)


def print_table(table: object) -> None:
    """Print a rich table on standard output; a pipe gets it unwrapped."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 10_000
    console = Console(width=width, soft_wrap=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _plain(text: str) -> Text:
    from rich.text import Text

    return Text(printable(text))


def _kind(media_type: str) -> str:
    for ending in ("gzip", "zstd", "tar"):
        if media_type.endswith(ending):
            return ending
    return printable(media_type, 60)


def _settings() -> Any:
    import os

    from keynet import credentials
    from keynet.settings import merge

    return merge({}, os.environ, {}, credentials.load())


def _own_sources() -> Auth:
    from keynet.registry.auth.sources import Credential, CredentialSource, FixedSource
    from keynet.registry.auth.stored_logins import default_sources

    sources: list[CredentialSource] = list(default_sources())
    settings = _settings()
    if settings.harbor_url and settings.harbor_username and settings.harbor_password:
        access = settings.registry_access()
        sources.insert(0, FixedSource(access.host, Credential(access.username, access.password)))
    return sources


def _password(*, stdin: bool) -> Secret:
    from keynet.errors import UsageError
    from keynet.secret import Secret

    if not stdin:
        return Secret(click.prompt(_("Password"), hide_input=True, err=True))
    password = sys.stdin.read(_LONGEST_PASSWORD).rstrip("\r\n")
    if not password:
        raise UsageError(
            _("Standard input holds no password."), _("For example: … --password-stdin < file")
        )
    return Secret(password)
