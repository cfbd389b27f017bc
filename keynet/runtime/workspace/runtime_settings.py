"""Settings of runs and hosts as one value, merged from flags, variables and files. Pure.

Documented in docs/reference/settings.md.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, Final

from keynet.errors import InvalidRunSettings
from keynet.frozen import frozen
from keynet.runtime.workspace import setting_values
from keynet.runtime.workspace.limits import (
    NO_NEW_PRIVILEGES,
    Limits,
    parse_cpus,
    parse_memory,
)
from keynet.runtime.workspace.safe_names import BUILT_IN_NETWORKS, check_network_name
from keynet.text import _, fill, printable

__all__ = ["SETTINGS", "SPELLINGS", "VARIABLE_PREFIX", "RuntimeSettings", "merge_runtime"]

VARIABLE_PREFIX: Final = "KEYNET_RUNTIME_"
# Networks that a repository's file may choose: it must not join a container to somebody else's.
_OWN_NETWORKS: Final = "keynet-"

# What a service of that name sets in every pod.
_OF_KUBERNETES: Final = re.compile(r"SERVICE_(?:HOST|PORT.*)|PORT(?:_\d+_.*)?")

_Parse = Callable[[object, str], object]
SETTINGS: Final[Mapping[str, _Parse]] = {
    "timeout": setting_values.seconds,
    "ping_timeout": setting_values.seconds,
    "image": setting_values.image,
    "shell": setting_values.shell,
    "network": lambda value, source: check_network_name(setting_values.text(value, source), source),
    "cpus": parse_cpus,
    "memory": parse_memory,
    "privileged": setting_values.switch,
    "read_only": setting_values.switch,
    "security_options": setting_values.security_options,
}
SPELLINGS: Final[Mapping[str, str]] = {
    "cpu": "cpus",
    "cpu_limit": "cpus",
    "default_image": "image",
    "default_shell": "shell",
    "mem": "memory",
    "memory_limit": "memory",
    "network_name": "network",
    "readonly": "read_only",
    "security_opt": "security_options",
    "timeout_s": "timeout",
}


@frozen
class RuntimeSettings:
    """How long to wait for an engine, and how to run containers.

    ``sources`` has the place of each setting that is not the default (``--cpus``,
    ``KEYNET_RUNTIME_CPUS``): of ``timeout``, ``ping_timeout``, ``image``, ``shell``,
    ``network``, ``cpus``, ``memory``, ``privileged``, ``read_only``, ``security_options``.
    """

    timeout_s: float = 30.0
    ping_timeout_s: float = 5.0
    image: str = "alpine:latest"
    shell: str = "/bin/sh"
    network: str = "keynet-network"
    limits: Limits = field(default_factory=Limits)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)


@frozen
class _Given:
    value: object
    source: str


def merge_runtime(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    table: Mapping[str, Any] | None = None,
    saved: Mapping[str, Any] | None = None,
) -> RuntimeSettings:
    """Return every setting; the first source that sets it wins.

    Args:
        flags: By setting name (``cpus``, ``read_only``); None counts as not set.
        environment: KEYNET_RUNTIME_… variables are read; an empty one counts as not set.
        table: [tool.keynet.runtime] of a context, which may be somebody else's: it cannot
            weaken what separates a container from this host.
        saved: ``runtime`` of the user's own config file.

    Raises:
        InvalidRunSettings: An unknown setting or a wrong value, with the place it is from.
    """
    own = {**_from_environment(environment or {}), **_from_flags(flags or {})}
    mine = _from_table(saved or {}, _("config file: runtime {key}"))
    theirs = _from_table(table or {}, _("pyproject.toml: [tool.keynet.runtime] {key}"))
    for key, each in theirs.items():
        value = SETTINGS[key](each.value, each.source)
        if key not in own:
            _refuse_weaker(key, value, each.source)
    return _settings({**mine, **theirs, **own})


def _settings(given: Mapping[str, _Given]) -> RuntimeSettings:
    values = {key: SETTINGS[key](each.value, each.source) for key, each in given.items()}
    default, limits = RuntimeSettings(), Limits()

    def chosen(key: str, otherwise: object) -> Any:
        return values.get(key, otherwise)

    return RuntimeSettings(
        timeout_s=chosen("timeout", default.timeout_s),
        ping_timeout_s=chosen("ping_timeout", default.ping_timeout_s),
        image=chosen("image", default.image),
        shell=chosen("shell", default.shell),
        network=chosen("network", default.network),
        limits=Limits(
            cpus=chosen("cpus", limits.cpus),
            memory=chosen("memory", limits.memory),
            privileged=chosen("privileged", limits.privileged),
            read_only=chosen("read_only", limits.read_only),
            security_options=chosen("security_options", limits.security_options),
        ),
        sources={key: each.source for key, each in given.items()},
    )


def _refuse_weaker(key: str, value: object, source: str) -> None:
    """Refuse what a repository's file must not decide.

    Raises:
        InvalidRunSettings: The value gives a container more rights than the defaults.
    """
    match key, value:
        case "privileged", True:
            what = _("{source} = true is not taken from a repository's file.")
        case "network", str() as name if not _is_own_network(name):
            what = _("{source}: a repository's file may choose 'none' or a network 'keynet-…'.")
        case "security_options", tuple() as options if (
            any(
                each.replace(":", "=") not in {NO_NEW_PRIVILEGES, f"{NO_NEW_PRIVILEGES}=true"}
                for each in options
            )
            or not options
        ):
            what = _("{source}: a repository's file may choose no-new-privileges only.")
        case _:
            return
    raise InvalidRunSettings(
        fill(what, source=source),
        fill(
            _("Remove it. If you trust the repository, set {variable} or use the flag."),
            variable=f"{VARIABLE_PREFIX}{key.upper()}",
        ),
    )


def _is_own_network(name: str) -> bool:
    return name == "none" or (name.startswith(_OWN_NETWORKS) and name not in BUILT_IN_NETWORKS)


def _from_flags(flags: Mapping[str, object]) -> dict[str, _Given]:
    return {
        key: _Given(value, f"--{key.replace('_', '-')}")
        for key, value in flags.items()
        if value is not None and value != ()
    }


def _from_environment(environment: Mapping[str, str]) -> dict[str, _Given]:
    named = {
        variable: value.strip()
        for variable, value in environment.items()
        if variable.startswith(VARIABLE_PREFIX)
        and value.strip()
        and not _OF_KUBERNETES.fullmatch(variable.removeprefix(VARIABLE_PREFIX))
    }
    return dict(
        _known(
            (variable.removeprefix(VARIABLE_PREFIX).lower(), value, variable)
            for variable, value in sorted(named.items())
        )
    )


def _from_table(table: object, place: str) -> dict[str, _Given]:
    if not isinstance(table, Mapping):
        raise InvalidRunSettings(
            fill(_("{source} is not a table of settings."), source=fill(place, key="").strip()),
            _("Write settings into it, such as: cpus = 2"),
        )
    return dict(
        _known(
            (written.replace("-", "_"), value, fill(place, key=printable(written, 60)))
            for written, value in table.items()
        )
    )


def _known(found: Iterator[tuple[str, object, str]]) -> Iterator[tuple[str, _Given]]:
    seen: dict[str, str] = {}
    for written, value, source in found:
        key = SPELLINGS.get(written, written)
        if key not in SETTINGS:
            raise InvalidRunSettings(
                fill(_("{source} is not a known setting."), source=source),
                fill(
                    _("Known settings: {keys}."),
                    keys=", ".join(sorted(each.replace("_", "-") for each in SETTINGS)),
                ),
            )
        if key in seen:
            raise InvalidRunSettings(
                fill(_("{one} and {two} are the same setting."), one=seen[key], two=source),
                _("Remove one of them."),
            )
        seen[key] = source
        yield key, _Given(value, source)
