"""docker's argv and output, pure: legacy builder, BuildKit, buildx."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, UserContainerfile
from keynet.runtime.build.staging import Stage
from keynet.runtime.engines import docker_tar_context
from keynet.text import _, fill

__all__ = [
    "BUILDER",
    "BUILDKIT",
    "BUILDX",
    "LEGACY",
    "DockerFacts",
    "Invocation",
    "build_arguments",
    "builder_arguments",
    "environment",
    "network_flags",
    "only_buildkit",
    "pull_arguments",
    "read_info",
]

LEGACY: Final = "legacy"
BUILDKIT: Final = "buildkit"
BUILDX: Final = "buildx"
# A builder of buildx that is not the daemon's own.
BUILDER: Final = "builder"

# Features of Containerfiles that docker's legacy builder does not know: the instructions, what
# their arguments look like, and how to call the feature.
_ONLY_BUILDKIT: Final = (
    ({"RUN"}, re.compile(r"--(?:mount|network|security)\b", re.I), "RUN --mount"),
    ({"COPY", "ADD"}, re.compile(r"(?:--\w+=\S+\s+)*--(?:link|parents)\b", re.I), "--link"),
    ({"RUN", "COPY"}, re.compile(r".*<<-?[\"']?\w"), "<<EOF"),
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """How docker's argv has to look on this host: what probing found to work.

    ``mode`` is the builder (``LEGACY``, ``BUILDKIT``, ``BUILDX``, ``BUILDER``); ``network`` is ""
    for docker's default; ``remote`` means that the daemon sees none of this host's folders.
    """

    binary: str
    mode: str
    network: str = ""
    remote: bool = False


@dataclass(frozen=True, slots=True)
class DockerFacts:
    """What ``docker info`` says of the daemon and of the client's plugins."""

    version: str
    rootless: bool
    storage_driver: str
    architecture: str
    plugins: frozenset[str]
    errors: tuple[str, ...] = ()


def read_info(text: str) -> DockerFacts:
    """Read ``docker info --format '{{json .}}'`` of any version seen.

    Raises:
        ValueError: It is no such JSON.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("info is no object")  # noqa: TRY004
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
    )


def _plugin_names(plugins: Any) -> list[str]:
    listed = plugins if isinstance(plugins, list) else []
    return [
        str(each.get("Name")) for each in listed if isinstance(each, dict) and not each.get("Err")
    ]


def environment(invocation: Invocation, config: Path | None) -> Mapping[str, str]:
    """Return what makes the client take this builder and this push's credentials.

    Args:
        config: For DOCKER_CONFIG; None leaves the user's own.
    """
    chosen = {
        "DOCKER_BUILDKIT": "0" if invocation.mode == LEGACY else "1",
        "BUILDKIT_PROGRESS": "plain",
        # An index round the image, with a provenance that differs each time, is not wanted.
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "DOCKER_CLI_HINTS": "false",
    }
    if config is not None:
        chosen["DOCKER_CONFIG"] = str(config)
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
    """Give ``build`` with ``more`` flags; the legacy builder's context is standard input."""
    arguments = ["build", "--tag", name, "--iidfile", str(iidfile)]
    arguments += [
        *_builder_flags(invocation),
        *network_flags(network, invocation.mode),
        *_plan_flags(plan),
    ]
    arguments += more
    if invocation.mode == LEGACY:
        return (*arguments, "--file", docker_tar_context.containerfile_name(plan), "-")
    return (*arguments, "--file", str(stage.containerfile), str(stage.root))


def pull_arguments(plan: BuildPlan) -> tuple[str, ...]:
    """Give ``pull`` of the plan's base image."""
    return ("pull", *_platform_flags(plan), str(plan.base))


def builder_arguments(plan: BuildPlan, stage: Stage, invocation: Invocation) -> tuple[str, ...]:
    """Give ``buildx build`` for a builder elsewhere, up to the output and the context."""
    arguments = [
        "buildx",
        "build",
        "--progress",
        "plain",
        *network_flags(invocation.network, invocation.mode),
    ]
    return (*arguments, *_plan_flags(plan), "--file", str(stage.containerfile))


def network_flags(network: str, mode: str) -> list[str]:
    """Give ``--network``, with the permission that a builder elsewhere wants."""
    if not network:
        return []
    allowed = ["--allow", f"network.{network}"] if mode == BUILDER else []
    return ["--network", network, *allowed]


def _plan_flags(plan: BuildPlan) -> list[str]:
    arguments = _platform_flags(plan)
    if plan.no_cache:
        arguments.append("--no-cache")
    arguments += [f"--label={key}={value}" for key, value in sorted(plan.labels.items())]
    arguments += [f"--build-arg={key}={value}" for key, value in sorted(plan.build_args.items())]
    arguments += [f"--build-arg={key}" for key in sorted(plan.host_network.proxies)]
    arguments += [f"--secret=id={secret.id},src={secret.source}" for secret in plan.secrets]
    return arguments


def _platform_flags(plan: BuildPlan) -> list[str]:
    return ["--platform", ",".join(map(str, plan.platforms))] if plan.platforms else []


def _builder_flags(invocation: Invocation) -> list[str]:
    if invocation.mode == LEGACY:
        return ["--force-rm"]
    return ["--progress", "plain", *(["--load"] if invocation.mode == BUILDX else [])]


def only_buildkit(plan: BuildPlan) -> list[str]:
    """Name what of the plan the legacy builder cannot do."""
    recipe = plan.recipe
    instructions = recipe.instructions if isinstance(recipe, UserContainerfile) else ()
    found = [
        fill(_("docker's legacy builder does not know {feature}; BuildKit does"), feature=feature)
        for names, pattern, feature in _ONLY_BUILDKIT
        if any(each.name in names and pattern.match(each.arguments) for each in instructions)
    ]
    if plan.secrets:
        found.append(_("docker's legacy builder does not know --secret; BuildKit does"))
    return found
