"""One answer to every setting: flag, environment, [tool.keynet], then the config file.

Source: SPEC 1.3, 2.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol
from urllib.parse import urlsplit

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from keynet.errors import NotAuthorised, UsageError
from keynet.errors import ValidationError as InvalidReference
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.secret import Secret
from keynet.text import _, printable

__all__ = ["BackendAccess", "Settings", "merge", "read_pyproject"]

_PYPROJECT_LIMIT: Final = 5_000_000
_EXAMPLE: Final = "keynet login https://api.example.com"

# Setting -> its flag and variable, for errors; "" where there is none.
_SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "server_url": ("", "KEYNET_SERVER_URL"),
    "api_token": ("", "KEYNET_API_TOKEN"),
    "harbor_url": ("", "KEYNET_HARBOR_URL"),
    "harbor_username": ("", "KEYNET_HARBOR_USERNAME"),
    "harbor_password": ("", "KEYNET_HARBOR_PASSWORD"),
    "project_id": ("--project", "KEYNET_PROJECT_ID"),
    "builder": ("--builder", "KEYNET_BUILDER"),
    "ca_cert": ("--ca-cert", "KEYNET_CA_CERT"),
    "model_name": ("--model-name", ""),
    "base_image": ("--base-image", ""),
    "dockerfile": ("--dockerfile", ""),
    "requirements": ("--requirements", ""),
    "platform": ("--platform", ""),
    "harbor_project": ("--harbor-project", ""),
    "labels": ("--label", ""),
    "build_args": ("--build-arg", ""),
}
# A context may come from somebody else: it says what to build, not whom to trust.
_NEVER_IN_PYPROJECT: Final = frozenset(
    {"api_token", "harbor_username", "harbor_password", "ca_cert"}
)
_PYPROJECT: Final = frozenset(_SOURCES) - _NEVER_IN_PYPROJECT


class _SavedHarbor(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def password(self) -> Secret: ...


class _SavedProject(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def server_url(self) -> str: ...


class _Saved(Protocol):
    """What ``keynet.credentials.Credentials`` offers."""

    @property
    def server_url(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def api_token(self) -> Secret | None: ...
    @property
    def api_token_expires_at(self) -> datetime | None: ...
    @property
    def harbor(self) -> _SavedHarbor | None: ...
    @property
    def project(self) -> _SavedProject | None: ...
    @property
    def ca_cert(self) -> Path | None: ...
    @property
    def insecure(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class BackendAccess:
    """How to reach the platform's backend, with a token that has not expired."""

    server_url: str
    token: Secret
    ca_cert: Path | None = None
    insecure: bool = False


class Settings(BaseModel):
    """Everything a command can be told, merged; None and empty mean: nobody said."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
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
    builder: Literal["auto", "docker", "podman", "buildah"] = "auto"
    ca_cert: Path | None = None
    insecure: bool = False
    model_name: str | None = None
    base_image: str | None = None
    dockerfile: Path | None = None
    requirements: Path | None = None
    platform: str | None = None
    harbor_project: str = "kitech-model"
    labels: dict[str, str] = Field(default_factory=dict)
    build_args: dict[str, str] = Field(default_factory=dict)

    def backend_access(self, now: datetime | None = None, *, config_path: Path) -> BackendAccess:
        """Give what a backend client needs, before any work is done.

        Raises:
            NotAuthorised: Nobody is logged in, or the token has expired.
        """
        login = _login_command(self.server_url)
        if not self.server_url or not self.api_token:
            missing = "KEYNET_API_TOKEN" if self.server_url else "KEYNET_SERVER_URL"
            raise NotAuthorised(
                _("Not logged in: there is no token for a platform."),
                _(
                    "Log in with: {login}\n"
                    "The credentials will be stored in {path}. Without a login, set {missing} "
                    "(and KEYNET_HARBOR_URL, KEYNET_HARBOR_USERNAME, KEYNET_HARBOR_PASSWORD)."
                ).format(login=login, path=printable(config_path), missing=missing),
            )
        expires = self.api_token_expires_at
        if expires is not None and expires <= (now or datetime.now(UTC)):
            raise NotAuthorised(
                _("The login at {server} expired at {moment}.").format(
                    server=printable(self.server_url),
                    moment=expires.astimezone().isoformat(sep=" ", timespec="minutes"),
                ),
                _("Log in again with: {login}").format(login=login),
            )
        return BackendAccess(self.server_url, self.api_token, self.ca_cert, self.insecure)

    def registry_access(self) -> RegistryAccess:
        """Give what reaches Harbor.

        Raises:
            NotAuthorised: The Harbor account is not known.
            UsageError: Its URL is none, or is plain http to another machine.
        """
        login = _login_command(self.server_url)
        for name, value in (
            ("KEYNET_HARBOR_URL", self.harbor_url),
            ("KEYNET_HARBOR_USERNAME", self.harbor_username),
            ("KEYNET_HARBOR_PASSWORD", self.harbor_password),
        ):
            if not value:
                raise NotAuthorised(
                    _("The account for the image registry is not known: {name} is missing.").format(
                        name=name
                    ),
                    _("Log in with: {login}\nWithout a login, set {name}.").format(
                        login=login, name=name
                    ),
                )
        assert self.harbor_url is not None
        scheme, host = _registry_host(self.harbor_url)
        plain = scheme == "http"
        if plain and not self.insecure and not _is_loopback(host):
            raise UsageError(
                _("The registry {url} is reached by plain http, which shows the password.").format(
                    url=printable(self.harbor_url)
                ),
                _("Use its https address, or accept it with: {login} --insecure").format(
                    login=login
                ),
            )
        return RegistryAccess(
            host=host,
            username=self.harbor_username or "",
            password=self.harbor_password,
            ca_cert=self.ca_cert,
            insecure=plain,
        )


def read_pyproject(context: Path) -> dict[str, Any]:
    """Read [tool.keynet] of the context's pyproject.toml; empty when there is none.

    Raises:
        UsageError: The file cannot be read, is no TOML, or [tool.keynet] is no table.
    """
    file = context / "pyproject.toml"
    try:
        with file.open("rb") as stream:
            content = stream.read(_PYPROJECT_LIMIT + 1)
        if len(content) > _PYPROJECT_LIMIT:
            raise _bad_pyproject(_("it is too large"), file)
        table = tomllib.loads(content.decode()).get("tool", {})
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as e:
        raise _bad_pyproject(e.strerror or str(e), file) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as e:
        raise _bad_pyproject(printable(e, 200), file) from e
    section = table.get("keynet", {}) if isinstance(table, dict) else {}
    if not isinstance(section, dict):
        raise _bad_pyproject(_("[tool.keynet] is no table"), file)
    return section


def merge(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    pyproject: Mapping[str, Any],
    saved: _Saved | None,
) -> Settings:
    """Decide every setting; the first source that says something wins.

    Args:
        flags: By setting name (``project_id``, ``model_name``); None counts as not given.
        environment: Only KEYNET_… variables are looked at; empty counts as not set.
        pyproject: The [tool.keynet] table; keys with ``-`` or ``_``.
        saved: The config file. Its secrets go to the servers they were saved for only.

    Raises:
        UsageError: An unknown key, a value of the wrong kind, or a table of the context that
            would send credentials elsewhere.
    """
    given = _from_flags(flags)
    variables = _from_environment(environment)
    table = _from_pyproject(pyproject)
    values = table | variables | given
    trusted = variables | given
    for key in ("server_url", "harbor_url"):
        _refuse_redirection(key, table, trusted, saved)
    if saved is not None:
        values = _from_saved(saved, values) | values
    return _validated(values, given, variables)


def _from_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in flags.items() if value not in (None, {}, ())}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, (_flag, variable) in _SOURCES.items():
        text = environment.get(variable, "").strip() if variable else ""
        if text:
            found[key] = Secret(text) if key in ("api_token", "harbor_password") else text
    return found


def _from_pyproject(pyproject: Mapping[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for written, value in pyproject.items():
        key = {"project": "project_id"}.get(written, written.replace("-", "_"))
        if key in _NEVER_IN_PYPROJECT:
            raise UsageError(
                _("pyproject.toml: [tool.keynet] must not set {key}.").format(
                    key=printable(written, 60)
                ),
                _("Remove it there and set {variable} instead, or log in.").format(
                    variable=_SOURCES[key][1]
                ),
            )
        if key not in _PYPROJECT:
            raise UsageError(
                _("pyproject.toml: [tool.keynet] has an unknown key: {key}.").format(
                    key=printable(written, 60)
                ),
                _("Known are: {keys}.").format(
                    keys=", ".join(sorted(k.replace("_", "-") for k in _PYPROJECT))
                ),
            )
        table[key] = value
    return table


def _from_saved(saved: _Saved, values: Mapping[str, Any]) -> dict[str, Any]:
    """Take from the file what belongs to the servers that were chosen."""
    found: dict[str, Any] = {"server_url": saved.server_url or None}
    server_url = values.get("server_url") or saved.server_url
    if _same_server(server_url, saved.server_url):
        found["username"] = saved.username or None
        found["insecure"] = saved.insecure
        if "api_token" not in values:
            found["api_token"] = saved.api_token
            found["api_token_expires_at"] = saved.api_token_expires_at
        if saved.harbor is not None:
            found["harbor_url"] = saved.harbor.url
            if _same_server(values.get("harbor_url") or saved.harbor.url, saved.harbor.url):
                found["harbor_username"] = saved.harbor.username
                if values.get("harbor_username") in (None, saved.harbor.username):
                    found["harbor_password"] = saved.harbor.password
    if saved.ca_cert is not None:
        found["ca_cert"] = saved.ca_cert
    project = saved.project
    if project is not None and _same_server(server_url, project.server_url):
        found["project_id"] = project.id
        if values.get("project_id") in (None, project.id, str(project.id)):
            found["project_title"] = project.title
    return {key: value for key, value in found.items() if value is not None}


def _refuse_redirection(
    key: str, table: Mapping[str, Any], trusted: Mapping[str, Any], saved: _Saved | None
) -> None:
    if key not in table or key in trusted:
        return
    saved_url = None
    if saved is not None:
        harbor_url = saved.harbor.url if saved.harbor is not None else ""
        saved_url = saved.server_url if key == "server_url" else harbor_url
    if saved_url and _same_server(str(table[key]), saved_url):
        return
    secret = "api_token" if key == "server_url" else "harbor_password"
    if not saved_url and secret not in trusted:
        return
    raise UsageError(
        _(
            "pyproject.toml: [tool.keynet] names {url} as {key}, but the credentials are for {own}."
        ).format(
            url=printable(table[key], 200),
            key=key.replace("_", "-"),
            own=printable(saved_url or _("another one")),
        ),
        _(
            "A folder cannot redirect your credentials. When you trust it, log in there or set "
            "{variable}."
        ).format(variable=_SOURCES[key][1]),
    )


def _validated(
    values: Mapping[str, Any], given: Mapping[str, Any], variables: Mapping[str, Any]
) -> Settings:
    try:
        return Settings.model_validate(values)
    # The cause would show every value, the foreign ones unchecked.
    except pydantic.ValidationError as e:
        problem = e.errors(include_url=False, include_context=False, include_input=False)[0]
        key = str(problem["loc"][0])
        raise UsageError(
            _("{source} cannot be used: {why}.").format(
                source=_source(key, given, variables), why=printable(problem["msg"], 200)
            )
        ) from None


def _source(key: str, given: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    flag, variable = _SOURCES.get(key, ("", ""))
    if key in given:
        return flag or key
    if key in variables:
        return variable
    return f"pyproject.toml: [tool.keynet] {key.replace('_', '-')}"


def _login_command(server_url: str | None) -> str:
    return f"keynet login {printable(server_url)}" if server_url else _EXAMPLE


def _registry_host(url: str) -> tuple[str, str]:
    """Take a URL, or a bare host, apart into scheme and host[:port]."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme in ("http", "https") and "@" not in parts.netloc:
            return parts.scheme, Reference(parts.netloc, "any").registry
    except (ValueError, InvalidReference) as e:
        raise _no_registry(url) from e
    raise _no_registry(url)


def _no_registry(url: str) -> UsageError:
    return UsageError(
        _("The registry's address {url!r} cannot be used.").format(url=printable(url, 200)),
        _("Set KEYNET_HARBOR_URL to an address such as https://harbor.example.com."),
    )


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _same_server(one: str | None, other: str | None) -> bool:
    return bool(one) and _normalised(one or "") == _normalised(other or "")


def _normalised(url: str) -> str:
    """Write one URL one way: lower-case host, no default port, no slash at the end."""
    try:
        parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
        port = parts.port
    except ValueError:
        return url
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "") + (f":{port}" if port and port != default else "")
    at = parts.netloc.rpartition("@")[0]
    return f"{parts.scheme}://{at}@{host}{parts.path.rstrip('/')}?{parts.query}#{parts.fragment}"


def _bad_pyproject(reason: str, file: Path) -> UsageError:
    return UsageError(
        _("{file} cannot be used: {why}.").format(file=printable(file), why=reason),
        _("keynet reads its settings from [tool.keynet] there."),
    )
