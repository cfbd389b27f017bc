"""What podman and buildah have in common: argv, pure; they share their builder's code.

Each function gives the arguments after the program's name and its global flags.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from keynet.net.hosts import is_loopback
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Recipe, RegistryAccess
from keynet.runtime.build.staging import Stage
from keynet.runtime.engines.dialect import Invocation
from keynet.runtime.engines.podman_login import RegistryAuth

__all__ = [
    "auth_flags",
    "build_arguments",
    "login_arguments",
    "pull_arguments",
    "push_arguments",
    "remote_auth_flags",
    "store_flags",
    "uses_registry",
]

_CA_IN_IMAGES: Final = "/etc/ssl/certs/ca-certificates.crt"


def store_flags(invocation: Invocation) -> tuple[str, ...]:
    """Choose keynet's own store where the invocation names one; the user's stays as it is."""
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
    """Give ``build`` with everything of the plan.

    No ``--iidfile``: with it buildah no longer tells the images of the single steps. The
    variables of ``plan.host_network`` are named without their values, which the
    engine takes from its environment.
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
    arguments += [f"--secret=id={secret.id},src={secret.source}" for secret in plan.secrets]
    return (*arguments, str(stage.root))


def platform_flags(plan: BuildPlan) -> list[str]:
    """Return ``--platform`` for a plan that names one."""
    return ["--platform", ",".join(map(str, plan.platforms))] if plan.platforms else []


def pull_arguments(plan: BuildPlan, auth: RegistryAuth | None) -> tuple[str, ...]:
    """Give ``pull`` of the plan's base image."""
    return ("pull", *platform_flags(plan), *_pull_flags(plan, auth), str(plan.base))


def push_arguments(
    image_id: str, target: Reference, auth: RegistryAuth, digestfile: Path | None
) -> tuple[str, ...]:
    """Give ``push`` of an image by its id, so that nothing has to be tagged.

    A remote podman knows neither ``--digestfile`` nor ``--cert-dir``: None leaves both out.
    """
    if digestfile is None:
        return ("push", *remote_auth_flags(auth), image_id, f"docker://{target}")
    flags = ("--digestfile", str(digestfile))
    return ("push", *auth_flags(auth), *flags, image_id, f"docker://{target}")


def login_arguments(access: RegistryAccess, cert_dir: Path | None) -> tuple[str, ...]:
    """Give ``login``; the password comes on standard input, the registry last."""
    arguments = ["login", "--username", access.username, "--password-stdin"]
    if access.insecure or (access.ca_cert is None and is_loopback(access.host)):
        arguments.append("--tls-verify=false")
    if cert_dir is not None:
        arguments += ["--cert-dir", str(cert_dir)]
    return (*arguments, access.host)


def remote_auth_flags(auth: RegistryAuth) -> Iterable[str]:
    """Give the flags for a service elsewhere, which has certificates of its own."""
    yield from ("--authfile", str(auth.authfile))
    if auth.insecure:
        yield "--tls-verify=false"


def auth_flags(auth: RegistryAuth) -> Iterable[str]:
    """Give the flags that make the engine use this push's credentials and CA."""
    yield from remote_auth_flags(auth)
    if auth.cert_dir is not None:
        yield from ("--cert-dir", str(auth.cert_dir))


def _pull_flags(plan: BuildPlan, auth: RegistryAuth | None) -> Iterable[str]:
    """Trust the registry's CA for base images only when they come from that registry.

    ``--cert-dir`` hides the certificates that the user has set up for other hosts, and
    ``--tls-verify=false`` would hold for all of them.
    """
    if auth is None:
        return ()
    if uses_registry(plan, auth.host):
        return auth_flags(auth)
    return ("--authfile", str(auth.authfile))


def uses_registry(plan: BuildPlan, host: str) -> bool:
    """Tell whether a base image of the plan comes from this registry."""
    if isinstance(plan.recipe, Recipe):
        return plan.recipe.base.registry == host
    return f"{host}/" in plan.recipe.text
