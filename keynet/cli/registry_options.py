"""What the registry commands share: targets, and the options for access to them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keynet.cli.options import TOKEN_HOST
from keynet.frozen import frozen
from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from keynet.oci.platform import Platform
    from keynet.oci.reference import Reference
    from keynet.registry.config import Auth, RegistryConfig
    from keynet.secret import Secret
    from keynet.settings import Settings

__all__ = ["Access", "Target", "access_options", "platform_option"]

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
_LONGEST_PASSWORD = 64 * 1024
_TIMEOUT_S = 300


@frozen
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
        from keynet.net.addresses import has_userinfo

        scheme, separator, bare = text.rpartition("://")
        registry, _slash, rest = bare.partition("/")
        named = "." in registry or ":" in registry or registry == "localhost" or bool(separator)
        if "/" in bare and has_userinfo(bare):
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


@frozen
class Access:
    """Registry authentication and TLS: the options of one command, read once."""

    username: str | None
    password: Secret | None
    ca_cert: Path | None
    insecure: bool
    token_hosts: tuple[str, ...] = ()

    @classmethod
    def from_options(
        cls,
        username: str | None,
        ca_cert: Path | None,
        *,
        password_stdin: bool,
        insecure: bool,
        token_hosts: tuple[str, ...] = (),
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
        return cls(username, password, ca_cert, insecure, token_hosts)

    def to(self, target: Target) -> RegistryConfig:
        """Return the configuration for a target's registry.

        The credentials are those of the options, else keynet's login, else the engines' logins.
        """
        from keynet.registry.auth.credential_sources import Credential
        from keynet.registry.config import RegistryConfig

        settings = _settings()
        auth: Auth | None
        if self.username is not None and self.password is not None:
            auth = Credential(self.username, self.password)
        else:
            auth = _own_sources(settings)
        ca_cert = self.ca_cert if self.ca_cert is not None else settings.ca_cert
        config = RegistryConfig(target.url, _TIMEOUT_S, auth, ca_cert, self.insecure)
        token_hosts = self.token_hosts or settings.token_hosts
        platform = _platform_token_host(settings, config)
        return replace(config, token_hosts=(*token_hosts, *platform))


def platform_option(command: F) -> F:
    """Add --platform; the command gets a ``Platform`` or None as ``platform``."""
    return click.option(
        "--platform",
        metavar="OS/ARCH",
        callback=_platform,
        help=_("Platform to choose from a multi-platform image.  [default: linux/amd64]"),
    )(command)


def _platform(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> Platform | None:
    from keynet.errors import UsageError, ValidationError
    from keynet.oci.platform import Platform

    try:
        return Platform.parse(text) if text is not None else None
    except ValidationError as error:
        raise UsageError(error.message, error.hint) from error


def access_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options for access to a registry; the command gets them as ``access``."""

    @functools.wraps(command)
    def with_access(
        *arguments: Any,
        username: str | None,
        password_stdin: bool,
        ca_cert: Path | None,
        insecure: bool,
        token_hosts: tuple[str, ...],
        **others: Any,
    ) -> R:
        if password_stdin and Path("-") in (
            others.get("archive"),
            Path(others.get("source") or ""),
        ):
            from keynet.errors import UsageError

            raise UsageError(
                _("Standard input cannot have both the archive and the password."),
                _("Pass the archive as a file, or log in first: docker login, podman login."),
            )
        access = Access.from_options(
            username,
            ca_cert,
            password_stdin=password_stdin,
            insecure=insecure,
            token_hosts=token_hosts,
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
            TOKEN_HOST,
            click.option(
                "--insecure", is_flag=True, help=_("Allow plain http and unverified TLS.")
            ),
        ]
    ):
        with_access = option(with_access)
    return with_access


def _settings() -> Settings:
    import os

    from keynet import credentials
    from keynet.settings import merge

    return merge({}, os.environ, {}, credentials.load())


def _platform_token_host(settings: Settings, config: RegistryConfig) -> tuple[str, ...]:
    """Return the platform as a token server of its own registry, and of no other."""
    from keynet.errors import UsageError
    from keynet.net.addresses import registry_host, same_host

    if not settings.harbor_url or not settings.platform_token_host:
        return ()
    try:
        own = same_host(registry_host(settings.harbor_url)[1], config.host)
    except UsageError:
        # The address is reported where it is used.
        own = False
    return (settings.platform_token_host,) if own else ()


def _own_sources(settings: Settings) -> Auth:
    from keynet.registry.auth.credential_sources import Credential, CredentialSource, FixedSource
    from keynet.registry.auth.stored_logins import default_sources

    sources: list[CredentialSource] = list(default_sources())
    if settings.harbor_url and settings.harbor_username and settings.harbor_password:
        access = settings.registry_access()
        own = Credential(access.username, settings.harbor_password)
        sources.insert(0, FixedSource(access.host, own))
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
