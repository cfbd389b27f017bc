"""docker's argv and output for legacy builder, BuildKit and buildx. Pure."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.runtime.build import authfiles
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.plan import BuildPlan
    from keynet.runtime.build.staging import Stage

__all__ = [
    "BUILDKIT",
    "BUILDX",
    "LEGACY",
    "NEVER",
    "REMOTE_BUILDER",
    "DockerFacts",
    "Invocation",
    "build_arguments",
    "environment",
    "heredocs_since",
    "network_flags",
    "pull_arguments",
    "read_info",
    "remote_build_arguments",
    "unsupported_by_legacy",
]

LEGACY: Final = "legacy"
BUILDKIT: Final = "buildkit"
BUILDX: Final = "buildx"
# A builder of buildx that is not the daemon's own one.
REMOTE_BUILDER: Final = "builder"

# No version that there is.
NEVER: Final = (1_000_000,)
# Releases of the frontend that do not know heredocs.
_WITHOUT_HEREDOCS: Final = re.compile(
    r"(?:docker\.io/)?docker/dockerfile:1\.(?:[0-2](?!\d)\S*|3(?:\.\d+)?)"
)

# Features of Containerfiles that docker's legacy builder lacks: instructions, pattern of their
# arguments, name of the feature.
_ONLY_BUILDKIT: Final = (
    ({"RUN"}, re.compile(r"--(?:mount|network|security)\b", re.I), "RUN --mount"),
    ({"COPY", "ADD"}, re.compile(r"(?:--\w+=\S+\s+)*--(?:link|parents)\b", re.I), "--link"),
)


@frozen
class Invocation:
    """How to invoke docker on this host: the settings that passed a trial build.

    ``mode`` is the builder: ``LEGACY``, ``BUILDKIT``, ``BUILDX`` or ``REMOTE_BUILDER``. ``network``
    is "" for docker's default. A ``remote`` daemon cannot access folders of this host.
    ``buildkit`` is the version of a ``REMOTE_BUILDER``, "" if it is not known.
    """

    binary: str
    mode: str
    network: str = ""
    remote: bool = False
    buildkit: str = ""


@frozen
class DockerFacts:
    """What ``docker info`` reports about the daemon and the client's plugins."""

    version: str
    rootless: bool
    storage_driver: str
    architecture: str
    plugins: frozenset[str]
    errors: tuple[str, ...] = ()
    store: str = ""


def read_info(text: str) -> DockerFacts:
    """Parse the output of ``docker info --format '{{json .}}'``.

    Raises:
        ValueError: The text is not JSON, or not an object.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("info is not an object")  # noqa: TRY004
    client = found.get("ClientInfo")
    plugins = client.get("Plugins") if isinstance(client, dict) else None
    architecture = str(found.get("Architecture") or "")
    return DockerFacts(
        version=str(found.get("ServerVersion") or ""),
        rootless=any("rootless" in str(each) for each in found.get("SecurityOptions") or ()),
        storage_driver=str(found.get("Driver") or ""),
        architecture=Platform("linux", architecture).architecture,
        plugins=frozenset(_plugin_names(plugins)),
        errors=tuple(str(each) for each in found.get("ServerErrors") or ()),
        store=str(found.get("DockerRootDir") or ""),
    )


def _plugin_names(plugins: Any) -> list[str]:
    listed = plugins if isinstance(plugins, list) else []
    return [
        str(each.get("Name")) for each in listed if isinstance(each, dict) and not each.get("Err")
    ]


def environment(invocation: Invocation, config: Path | None) -> Mapping[str, str]:
    """Return the variables that select the builder and the credentials.

    Args:
        config: The folder for DOCKER_CONFIG; None uses the user's own.
    """
    chosen = {
        "DOCKER_BUILDKIT": "0" if invocation.mode == LEGACY else "1",
        "BUILDKIT_PROGRESS": "plain",
        # Attestations would wrap the image into an index, with different bytes for each build.
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "DOCKER_CLI_HINTS": "false",
    }
    if config is not None:
        chosen["DOCKER_CONFIG"] = str(config)
        # The folder has these logins, too. Docker would prefer them to the push's own.
        chosen[authfiles.VARIABLE] = ""
    return chosen


def build_arguments(
    plan: BuildPlan,
    stage: Stage,
    invocation: Invocation,
    *,
    name: str,
    iidfile: Path,
    network: str,
    more: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the arguments of ``build``; the legacy builder's context is stdin.

    Args:
        name: The image's name with a tag.
        iidfile: The file to which docker writes the image's id.
        network: For RUN steps; "" uses docker's default.
        more: Further flags.
    """
    arguments = ["build", "--tag", name, "--iidfile", str(iidfile)]
    arguments += [
        *_builder_flags(invocation),
        *network_flags(network, invocation.mode),
        *_plan_flags(plan, stage),
    ]
    arguments += more
    if invocation.mode == LEGACY:
        # A run needs the values of this module only.
        from keynet.runtime.engines.docker import docker_tar_context

        return (*arguments, "--file", docker_tar_context.containerfile_name(plan), "-")
    return (*arguments, "--file", str(stage.containerfile), str(stage.root))


def pull_arguments(plan: BuildPlan, name: str | None = None) -> tuple[str, ...]:
    """Return the arguments of ``pull`` for an image, by default the recipe's base."""
    # Here and below: a run imports this module, and needs no plan.
    from keynet.plan import Recipe

    if name is None:
        name = plan.recipe.from_name if isinstance(plan.recipe, Recipe) else ""
    return ("pull", *_platform_flags(plan), name)


def remote_build_arguments(
    plan: BuildPlan, stage: Stage, invocation: Invocation
) -> tuple[str, ...]:
    """Return ``buildx build`` for a remote builder, without output and context."""
    arguments = [
        "buildx",
        "build",
        "--progress",
        "plain",
        *network_flags(invocation.network, invocation.mode),
    ]
    return (*arguments, *_plan_flags(plan, stage), "--file", str(stage.containerfile))


def network_flags(network: str, mode: str) -> list[str]:
    """Return ``--network``, with the ``--allow`` that a remote builder requires."""
    if not network:
        return []
    allowed = ["--allow", f"network.{network}"] if mode == REMOTE_BUILDER else []
    return ["--network", network, *allowed]


def build_network(invocation: Invocation, plan: BuildPlan) -> str:
    """Return "host" if there is no bridge network, or proxy or index is on loopback."""
    if invocation.network:
        return invocation.network
    network = plan.host_network
    addresses = [secret.reveal() for secret in network.proxies.values()]
    if network.pip_conf is not None:
        addresses.append(network.pip_conf.reveal())
    local = any(
        mark in address
        for address in addresses
        for mark in ("://127.", "://localhost", "://[::1]", "@127.", "@localhost")
    )
    return "host" if local else ""


def has_own_kernel(invocation: Invocation, endpoint: str) -> bool:
    """Report whether the daemon runs on this kernel; Docker Desktop has a virtual machine."""
    return sys.platform.startswith("linux") and not invocation.remote and "desktop" not in endpoint


def _plan_flags(plan: BuildPlan, stage: Stage) -> list[str]:
    arguments = _platform_flags(plan)
    if plan.no_cache:
        arguments.append("--no-cache")
    arguments += [f"--label={key}={value}" for key, value in sorted(plan.labels.items())]
    arguments += [f"--build-arg={key}={value}" for key, value in sorted(plan.build_args.items())]
    arguments += [f"--build-arg={key}" for key in sorted(plan.host_network.proxies)]
    arguments += stage.secret_flags(plan.secrets)
    return arguments


def _platform_flags(plan: BuildPlan) -> list[str]:
    return ["--platform", ",".join(map(str, plan.platforms))] if plan.platforms else []


def _builder_flags(invocation: Invocation) -> list[str]:
    if invocation.mode == LEGACY:
        return ["--force-rm"]
    return ["--progress", "plain", *(["--load"] if invocation.mode == BUILDX else [])]


def heredocs_since(plan: BuildPlan, built_in: tuple[int, ...]) -> tuple[int, ...]:
    """Return the first version of BuildKit or docker that knows the plan's heredocs.

    A frontend that the Containerfile names counts in place of the one that is ``built_in``.
    """
    from keynet.plan import UserContainerfile

    recipe = plan.recipe
    named = recipe.syntax if isinstance(recipe, UserContainerfile) else ""
    if not named:
        return built_in
    return NEVER if _WITHOUT_HEREDOCS.fullmatch(named) else ()


def unsupported_by_legacy(plan: BuildPlan) -> list[str]:
    """Explain which parts of the plan the legacy builder cannot do."""
    from keynet.plan import UserContainerfile

    recipe = plan.recipe
    instructions = recipe.instructions if isinstance(recipe, UserContainerfile) else ()
    found = [
        fill(_("{feature} requires BuildKit, but docker uses its legacy builder"), feature=feature)
        for names, pattern, feature in _ONLY_BUILDKIT
        if any(each.name in names and pattern.match(each.arguments) for each in instructions)
    ]
    if plan.secrets:
        found.append(_("--secret requires BuildKit, but docker uses its legacy builder"))
    return found
