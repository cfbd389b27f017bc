"""The merged settings, and the access to backend and registry that follows from them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from keynet.errors import NotAuthorised, UsageError
from keynet.frozen import frozen
from keynet.moments import local
from keynet.net.addresses import registry_host
from keynet.net.hosts import is_loopback
from keynet.net.token_hosts import declared
from keynet.plan import RegistryAccess
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["BackendAccess", "Settings"]

_EXAMPLE: Final = "keynet login https://api.example.com"


@frozen
class BackendAccess:
    """Address and token of the platform's backend; the token has not expired."""

    server_url: str
    token: Secret
    ca_cert: Path | None = None
    insecure: bool = False


class Settings(BaseModel):
    """All settings of a command, merged; None and empty values are not set."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        # Older pydantic reserves names that begin with model_.
        protected_namespaces=(),
    )

    server_url: str | None = None
    api_token: Secret | None = None
    api_token_expires_at: datetime | None = None
    username: str | None = None
    harbor_url: str | None = None
    harbor_username: str | None = None
    harbor_password: Secret | None = None
    project_id: Annotated[int, Field(ge=0)] | None = None
    project_title: str = ""
    builder: Literal["auto", "docker", "podman", "buildah", "direct"] = "auto"
    ca_cert: Path | None = None
    insecure: bool = False
    token_hosts: tuple[str, ...] = ()
    # The platform gave the registry's account: it may exchange its password for tokens.
    platform_token_host: str = ""
    model_name: str | None = None
    base_image: str | None = None
    dockerfile: Path | None = None
    requirements: Path | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    platform: str | None = None
    installer: Literal["auto", "uv", "pip"] = "auto"
    compression: Literal["gzip", "zstd"] = "gzip"
    cache_from: str | None = None
    cache_to: str | None = None
    build_sdist: bool = False
    harbor_project: str = "kitech-model"
    labels: dict[str, str] = Field(default_factory=dict)
    build_args: dict[str, str] = Field(default_factory=dict)

    @field_validator("token_hosts")
    @classmethod
    def _check_token_hosts(cls, token_hosts: tuple[str, ...]) -> tuple[str, ...]:
        # Before an image is built, not when the registry first names its token server.
        declared(token_hosts)
        return token_hosts

    def backend_access(self, now: datetime | None = None, *, config_path: Path) -> BackendAccess:
        """Return what a backend client needs.

        Raises:
            NotAuthorised: There is no login, or its token has expired.
        """
        login = _login_command(self.server_url)
        if not self.server_url or not self.api_token:
            needed = {"KEYNET_SERVER_URL": self.server_url, "KEYNET_API_TOKEN": self.api_token}
            missing = ", ".join(name for name, value in needed.items() if not value)
            raise NotAuthorised(
                _("Not logged in: there is no token for a platform."),
                fill(
                    _(
                        "Log in with: {login}\n"
                        "The credentials will be stored in {path}. Without a login, set {missing} "
                        "(and KEYNET_HARBOR_URL, KEYNET_HARBOR_USERNAME, KEYNET_HARBOR_PASSWORD)."
                    ),
                    login=login,
                    path=config_path,
                    missing=missing,
                ),
            )
        expires = self.api_token_expires_at
        if expires is not None and expires <= (now or datetime.now(UTC)):
            raise NotAuthorised(
                fill(
                    _("The login at {server} expired at {moment}."),
                    server=self.server_url,
                    moment=local(expires).isoformat(sep=" ", timespec="minutes"),
                ),
                fill(_("Log in again with: {login}"), login=login),
            )
        return BackendAccess(self.server_url, self.api_token, self.ca_cert, self.insecure)

    def registry_access(self) -> RegistryAccess:
        """Return what a client of the Harbor registry needs.

        Raises:
            NotAuthorised: The Harbor account is not known.
            UsageError: Its URL is not valid, or is plain http to another machine.
        """
        login = _login_command(self.server_url)
        for name, value in (
            ("KEYNET_HARBOR_URL", self.harbor_url),
            ("KEYNET_HARBOR_USERNAME", self.harbor_username),
            ("KEYNET_HARBOR_PASSWORD", self.harbor_password),
        ):
            if not value:
                raise NotAuthorised(
                    fill(
                        _("The account for the image registry is not known: {name} is missing."),
                        name=name,
                    ),
                    fill(
                        _("Log in with: {login}\nWithout a login, set {name}."),
                        login=login,
                        name=name,
                    ),
                )
        assert self.harbor_url is not None
        scheme, host = registry_host(self.harbor_url)
        plain = scheme == "http"
        if plain and not self.insecure and not is_loopback(host):
            raise UsageError(
                fill(
                    _("The registry {url} uses plain http, which exposes the password."),
                    url=self.harbor_url,
                ),
                fill(
                    _("Use its https address, or accept plain http with: {login} --insecure"),
                    login=login,
                ),
            )
        return RegistryAccess(
            host=host,
            username=self.harbor_username or "",
            password=self.harbor_password,
            ca_cert=self.ca_cert,
            insecure=plain,
            token_hosts=(
                *self.token_hosts,
                *([self.platform_token_host] if self.platform_token_host else ()),
            ),
        )


def _login_command(server_url: str | None) -> str:
    return f"keynet login {printable(server_url)}" if server_url else _EXAMPLE
