"""Sources of settings: flags, KEYNET_… variables and the context's [tool.keynet]."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keynet.errors import UsageError
from keynet.files.beneath import Beneath
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = [
    "SOURCES",
    "decided_by_pyproject",
    "from_environment",
    "from_flags",
    "from_pyproject",
    "read_pyproject",
    "runtime_table",
]

# The table of runs in [tool.keynet], which ``keynet.runtime`` reads.
RUNTIME: Final = "runtime"

_PYPROJECT_LIMIT: Final = 1_000_000

# Setting -> flag and variable, for errors; "" where there is none.
SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "server_url": ("", "KEYNET_SERVER_URL"),
    "api_token": ("", "KEYNET_API_TOKEN"),
    "harbor_url": ("", "KEYNET_HARBOR_URL"),
    "harbor_username": ("", "KEYNET_HARBOR_USERNAME"),
    "harbor_password": ("", "KEYNET_HARBOR_PASSWORD"),
    "project_id": ("--project", "KEYNET_PROJECT_ID"),
    "builder": ("--builder", "KEYNET_BUILDER"),
    "ca_cert": ("--ca-cert", "KEYNET_CA_CERT"),
    "token_hosts": ("--token-host", "KEYNET_TOKEN_HOSTS"),
    "model_name": ("--model-name", ""),
    "base_image": ("--base-image", ""),
    "dockerfile": ("--dockerfile", ""),
    "requirements": ("--requirements", ""),
    "extras": ("--extra", ""),
    "groups": ("--group", ""),
    "platform": ("--platform", "KEYNET_PLATFORM"),
    "installer": ("--installer", "KEYNET_INSTALLER"),
    "compression": ("--compression", "KEYNET_COMPRESSION"),
    "cache_from": ("--cache-from", "KEYNET_CACHE_FROM"),
    "cache_to": ("--cache-to", "KEYNET_CACHE_TO"),
    "build_sdist": ("--build-sdist", "KEYNET_BUILD_SDIST"),
    "harbor_project": ("--harbor-project", ""),
    "labels": ("--label", ""),
    "build_args": ("--build-arg", ""),
}
# A context may be somebody else's: it decides what to build, not whom to trust or what runs here.
_NEVER_IN_PYPROJECT: Final = frozenset(
    {
        *("api_token", "harbor_username", "harbor_password", "ca_cert", "token_hosts"),
        *("cache_from", "cache_to", "build_sdist"),
    }
)
_SPELLINGS: Final = {"project": "project_id", "token_host": "token_hosts"}
_PYPROJECT: Final = frozenset(SOURCES) - _NEVER_IN_PYPROJECT


def read_pyproject(context: Path) -> dict[str, Any]:
    """Return [tool.keynet] of the context's pyproject.toml; empty when there is none.

    Raises:
        UsageError: The file cannot be read, is not TOML, or [tool.keynet] is not a table.
    """
    file = context / "pyproject.toml"
    try:
        # A link out of the context would show lines of the user's own files in errors.
        with Beneath(context) as folder:
            content = folder.read(file.name, _PYPROJECT_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as e:
        raise _bad_pyproject(e.strerror or str(e), file) from e
    if content is None:
        raise _bad_pyproject(_("it is too large"), file)
    # Most contexts have no such file.
    from keynet.files import limited_toml

    try:
        table = limited_toml.loads(content).get("tool", {})
    except ValueError as e:
        raise _bad_pyproject(printable(e, 200), file) from e
    section = table.get("keynet", {}) if isinstance(table, dict) else {}
    if not isinstance(section, dict):
        raise _bad_pyproject(_("[tool.keynet] is not a table"), file)
    return section


def from_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that are set."""
    return {key: value for key, value in flags.items() if value not in (None, {}, ())}


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of KEYNET_… variables; an empty one is not set."""
    found: dict[str, Any] = {}
    for key, (_flag, variable) in SOURCES.items():
        text = environment.get(variable, "").strip() if variable else ""
        if text:
            found[key] = _value(key, text)
    return found


def _value(key: str, text: str) -> Any:
    if key in ("api_token", "harbor_password"):
        return Secret(text)
    if key == "token_hosts":
        return tuple(text.replace(",", " ").split())
    return text


def from_pyproject(pyproject: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of [tool.keynet]; keys with ``-`` or ``_``.

    Raises:
        UsageError: An unknown key, or one that a context must not set.
    """
    table: dict[str, Any] = {}
    for written, value in pyproject.items():
        if written == RUNTIME:
            continue
        key = _SPELLINGS.get(written.replace("-", "_"), written.replace("-", "_"))
        if key in _NEVER_IN_PYPROJECT:
            raise UsageError(
                fill(
                    _("pyproject.toml: [tool.keynet] must not set {key}."),
                    key=printable(written, 60),
                ),
                fill(
                    _("Remove it and use {flag} or {variable}.")
                    if key == "build_sdist"
                    else _("Remove it and set {variable} instead, or log in."),
                    flag=SOURCES[key][0],
                    variable=SOURCES[key][1],
                ),
            )
        if key not in _PYPROJECT:
            raise UsageError(
                fill(
                    _("pyproject.toml: [tool.keynet] has an unknown key: {key}."),
                    key=printable(written, 60),
                ),
                fill(
                    _("Known keys: {keys}."),
                    keys=", ".join(sorted(k.replace("_", "-") for k in {*_PYPROJECT, RUNTIME})),
                ),
            )
        table[key] = value
    return table


def decided_by_pyproject(
    flags: Mapping[str, Any], environment: Mapping[str, str], pyproject: Mapping[str, Any]
) -> frozenset[str]:
    """Return the settings of [tool.keynet] that neither a flag nor a variable overrides."""
    return frozenset(
        from_pyproject(pyproject).keys()
        - from_flags(flags).keys()
        - from_environment(environment).keys()
    )


def runtime_table(pyproject: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return [tool.keynet.runtime]; empty when there is none.

    Raises:
        UsageError: It is not a table.
    """
    table = pyproject.get(RUNTIME, {})
    if not isinstance(table, dict):
        raise UsageError(
            _("pyproject.toml: [tool.keynet.runtime] is not a table."),
            _("Write it as [tool.keynet.runtime] with its keys below, such as: cpus = 2"),
        )
    return table


def _bad_pyproject(reason: str, file: Path) -> UsageError:
    return UsageError(
        fill(_("{file} cannot be used: {why}."), file=file, why=reason),
        _("keynet reads [tool.keynet] in this file. Fix the file, or make it readable."),
    )
