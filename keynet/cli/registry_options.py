"""What the registry commands share: targets, and the options for access to them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from keynet.oci.reference import Reference
    from keynet.registry.config import Auth, RegistryConfig
    from keynet.secret import Secret

__all__ = ["Access", "Target", "access_options"]

R = TypeVar("R")
_LONGEST_PASSWORD = 64 * 1024
_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Target:
    """``[SCHEME://]REGISTRY[/REPOSITORY[:TAG][@DIGEST]]`` as the user wrote it.

    ``url`` is the registry, with the scheme if one was given.
    """

    text: str
    url: str
    rest: str

    @classmethod
    def parse(cls, text: str, flag: str) -> Target:
        """Parse a target; one that does not start with a registry is a usage error."""
        scheme, separator, bare = text.rpartition("://")
        registry, _slash, rest = bare.partition("/")
        named = "." in registry or ":" in registry or registry == "localhost" or bool(separator)
        port = registry.rpartition("]")[2].partition(":")[2]
        before, at, after = bare.rpartition("@")
        # A password may have a slash in it; what follows the @ of a digest has none.
        userinfo = "@" in registry or (
            at and ("/" in after or (not port.isdigit() and ":" in before.partition("/")[0]))
        )
        if userinfo and "/" in bare:
            # The part before the @ may be a password: it is not repeated.
            raise click.BadParameter(
                _("user and password cannot be part of the registry; use --username."),
                param_hint=flag,
            )
        if not registry or not named or "@" in registry:
            raise click.BadParameter(
                fill(
                    _("{text!r} does not start with the name of a registry."),
                    text=printable(bare.rpartition("@")[2], 200),
                ),
                param_hint=flag,
            )
        return cls(text, f"{scheme}{separator}{registry}", rest.strip("/"))

    def with_parts(self, *parts: str | None) -> Target:
        """Add what was given as separate arguments: ``URL REPOSITORY TAG``.

        If the URL already contains the repository, a single argument is the tag.
        """
        repository, name = (*parts, None, None)[:2]
        if len(parts) > 1 and self.rest and name is None:
            repository, name = None, repository
        rest = "/".join(part for part in (self.rest, repository) if part)
        if name:
            rest += f"@{name}" if ":" in name else f":{name}"
        return Target(self.text, self.url, rest)

    def repository(self) -> str | None:
        """Return the repository, None if only a registry was given."""
        head, slash, last = self.rest.partition("@")[0].rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}" or None

    def identifier(self) -> str | None:
        """Return the tag or digest, None if there is none."""
        name, _at, digest = self.rest.partition("@")
        return digest or name.rpartition("/")[2].partition(":")[2] or None

    def reference(self, registry: str, default_tag: str | None = "latest") -> Reference:
        """Return the reference of the image in this registry.

        Raises:
            UsageError: There is no repository.
            ValidationError: A part is not valid.
        """
        from keynet.errors import UsageError
        from keynet.registry.queries import reference_to

        repository = self.repository()
        if repository is None:
            raise UsageError(
                fill(_("{text} has no repository."), text=self.text),
                _("Use the form REGISTRY/REPOSITORY:TAG."),
            )
        return reference_to(registry, repository, self.identifier() or default_tag)


@dataclass(frozen=True, slots=True)
class Access:
    """Registry authentication and TLS: the options of one command, read once."""

    username: str | None
    password: Secret | None
    ca_cert: Path | None
    insecure: bool

    @classmethod
    def from_options(
        cls, username: str | None, ca_cert: Path | None, *, password_stdin: bool, insecure: bool
    ) -> Access:
        """Take the options, and read the password if there is a user name.

        Raises:
            UsageError: A user name without a password, or the other way round.
        """
        from keynet.errors import UsageError

        if bool(username) != password_stdin and (password_stdin or not sys.stdin.isatty()):
            raise UsageError(
                _("--username and --password-stdin must be used together."),
                _("For example: … --username me --password-stdin < file"),
            )
        password = _password(stdin=password_stdin) if username else None
        return cls(username, password, ca_cert, insecure)

    def to(self, target: Target) -> RegistryConfig:
        """Return the configuration for a target's registry.

        The credentials are those of the options, else keynet's login, else the engines' logins.
        """
        from keynet.registry.auth.credential_sources import Credential
        from keynet.registry.config import RegistryConfig

        auth: Auth | None
        if self.username is not None and self.password is not None:
            auth = Credential(self.username, self.password)
        else:
            auth = _own_sources()
        ca_cert = self.ca_cert if self.ca_cert is not None else _settings().ca_cert
        return RegistryConfig(target.url, _TIMEOUT_S, auth, ca_cert, self.insecure)


def access_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options for access to a registry; the command gets them as ``access``."""

    @functools.wraps(command)
    def with_access(
        *arguments: Any,
        username: str | None,
        password_stdin: bool,
        ca_cert: Path | None,
        insecure: bool,
        **others: Any,
    ) -> R:
        access = Access.from_options(
            username, ca_cert, password_stdin=password_stdin, insecure=insecure
        )
        return command(*arguments, access=access, **others)

    for option in reversed(
        [
            click.option(
                "--username",
                "-u",
                metavar="NAME",
                help=_("User name, instead of the stored logins."),
            ),
            click.option(
                "--password-stdin", is_flag=True, help=_("Read the password from standard input.")
            ),
            click.option(
                "--ca-cert",
                metavar="FILE",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                help=_("Certificate of a private CA (PEM file)."),
            ),
            click.option(
                "--insecure", is_flag=True, help=_("Allow plain http and unverified TLS.")
            ),
        ]
    ):
        with_access = option(with_access)
    return with_access


def _settings() -> Any:
    import os

    from keynet import credentials
    from keynet.settings import merge

    return merge({}, os.environ, {}, credentials.load())


def _own_sources() -> Auth:
    from keynet.registry.auth.credential_sources import Credential, CredentialSource, FixedSource
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
            _("There is no password on standard input."),
            _("For example: … --password-stdin < file"),
        )
    return Secret(password)
