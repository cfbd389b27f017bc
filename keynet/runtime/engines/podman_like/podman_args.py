"""The argv that podman and buildah have in common. Pure.

Each function returns the arguments after the program's name and its global flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keynet.net.hosts import is_loopback
from keynet.oci.reference import Reference
from keynet.runtime.engines.podman_like.dialect import Invocation

if TYPE_CHECKING:
    from keynet.plan import BuildPlan, RegistryAccess
    from keynet.runtime.build.staging import Stage
    from keynet.runtime.engines.podman_like.podman_login import RegistryAuth

__all__ = [
    "auth_flags",
    "build_arguments",
    "login_arguments",
    "pull_arguments",
    "push_arguments",
    "remote_auth_flags",
    "save_arguments",
    "store_flags",
    "uses_registry",
]

_CA_IN_IMAGES: Final = "/etc/ssl/certs/ca-certificates.crt"


def store_flags(invocation: Invocation) -> tuple[str, ...]:
    """Return the flags that select keynet's own store; empty for the user's store."""
    if not invocation.root:
        return ()
    return (
        "--root",
        invocation.root,
        "--runroot",
        invocation.runroot,
        "--storage-driver",
        invocation.driver,
    )


def build_arguments(
    plan: BuildPlan,
    stage: Stage,
    invocation: Invocation,
    *,
    auth: RegistryAuth | None,
    name: str,
) -> tuple[str, ...]:
    """Return the arguments of ``build`` for the plan.

    No ``--iidfile``, because buildah then stops printing the images of the steps. The variables
    of ``plan.host_network`` are passed without values: the engine reads them from its
    environment.

    Args:
        auth: Credentials for base images; None uses the user's own logins.
        name: The image's name with a tag.
    """
    arguments = ["build", "--layers", "--force-rm", "--format", "docker"]
    arguments += ["--file", str(stage.containerfile), "--tag", name]
    arguments += ["--ignorefile", str(stage.ignorefile)]
    if invocation.isolation:
        arguments += ["--isolation", invocation.isolation]
    if invocation.network:
        arguments += ["--network", invocation.network]
    for limit in invocation.ulimits:
        arguments += ["--ulimit", limit]
    arguments += platform_flags(plan)
    if plan.no_cache:
        arguments.append("--no-cache")
    arguments += _pull_flags(plan, auth)
    arguments += [f"--label={key}={value}" for key, value in sorted(plan.labels.items())]
    arguments += [f"--build-arg={key}={value}" for key, value in sorted(plan.build_args.items())]
    arguments += [f"--build-arg={key}" for key in sorted(plan.host_network.proxies)]
    arguments += stage.secret_flags(plan.secrets)
    return (*arguments, str(stage.root))


def platform_flags(plan: BuildPlan) -> list[str]:
    """Return ``--platform`` if the plan has platforms."""
    return ["--platform", ",".join(map(str, plan.platforms))] if plan.platforms else []


def pull_arguments(
    plan: BuildPlan, auth: RegistryAuth | None, name: str | None = None
) -> tuple[str, ...]:
    """Return the arguments of ``pull`` for an image, by default the recipe's base."""
    # Here and below: a run imports this module, and needs no plan.
    from keynet.plan import Recipe

    if name is None:
        name = plan.recipe.from_name if isinstance(plan.recipe, Recipe) else ""
    return ("pull", *platform_flags(plan), *_pull_flags(plan, auth), name)


def push_arguments(
    image_id: str, target: Reference, auth: RegistryAuth, digestfile: Path | None
) -> tuple[str, ...]:
    """Return the arguments of ``push`` for an image id, which needs no tag.

    Args:
        digestfile: None for a remote podman, which has neither ``--digestfile`` nor
            ``--cert-dir``.
    """
    if digestfile is None:
        return ("push", *remote_auth_flags(auth), image_id, f"docker://{target}")
    flags = ("--digestfile", str(digestfile))
    return ("push", *auth_flags(auth), *flags, image_id, f"docker://{target}")


def save_arguments(
    invocation: Invocation,
    image_id: str,
    project: str,
    format: str,  # noqa: A002
    path: Path,
) -> tuple[str, ...]:
    """Return the arguments that write an image to a layout or an archive.

    Args:
        project: The image's name in the file, without a tag.
        format: ``oci``, ``oci-archive`` or ``docker-archive``.
    """
    if invocation.remote:
        # ``push`` would write to a file of the service's host.
        form = "oci-dir" if format == "oci" else format
        return ("save", "--format", form, "--output", str(path), image_id)
    name = f"{project}:latest" if format == "docker-archive" else "latest"
    return ("push", image_id, f"{format}:{path}:{name}")


def login_arguments(access: RegistryAccess, cert_dir: Path | None) -> tuple[str, ...]:
    """Return the arguments of ``login``; the password is read from stdin."""
    arguments = ["login", "--username", access.username, "--password-stdin"]
    if access.insecure or (access.ca_cert is None and is_loopback(access.host)):
        arguments.append("--tls-verify=false")
    if cert_dir is not None:
        arguments += ["--cert-dir", str(cert_dir)]
    return (*arguments, access.host)


def remote_auth_flags(auth: RegistryAuth) -> Iterable[str]:
    """Yield the flags for credentials; a remote service uses its own certificates."""
    yield from ("--authfile", str(auth.authfile))
    if auth.insecure:
        yield "--tls-verify=false"


def auth_flags(auth: RegistryAuth) -> Iterable[str]:
    """Yield the flags for credentials and CA."""
    yield from remote_auth_flags(auth)
    if auth.cert_dir is not None:
        yield from ("--cert-dir", str(auth.cert_dir))


def _pull_flags(plan: BuildPlan, auth: RegistryAuth | None) -> Iterable[str]:
    """Return the flags for a pull, with the CA only if a base needs this registry.

    ``--cert-dir`` would hide certificates that the user has configured for other hosts, and
    ``--tls-verify=false`` would apply to all hosts.
    """
    if auth is None:
        return ()
    if uses_registry(plan, auth.host):
        return auth_flags(auth)
    return ("--authfile", str(auth.authfile))


def uses_registry(plan: BuildPlan, host: str) -> bool:
    """Report whether a base image of the plan comes from this registry."""
    from keynet.plan import Recipe

    if isinstance(plan.recipe, Recipe):
        return plan.recipe.base.registry == host
    return f"{host}/" in plan.recipe.text
