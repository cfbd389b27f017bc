"""The Python API: the options of the command line as arguments.

Nothing is printed and nothing is asked: progress goes to ``emit``, results are returned, errors
are raised.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keynet.backend.client import BackendClient
from keynet.backend.models import Project
from keynet.events import Emit, Notice, ignore
from keynet.plan import BuildSecret
from keynet.recipe import buildargs
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing import choosing
from keynet.script.arguments import Extraction
from keynet.secret import Secret
from keynet.steps import build as build_step
from keynet.steps import login as login_step
from keynet.steps import projects
from keynet.steps import push as push_step
from keynet.steps.build import BuildResult
from keynet.steps.login import SignedInUser
from keynet.steps.preparing.request import Request, make
from keynet.steps.push import PushResult

__all__ = ["build", "extract", "login", "push"]

_Path = str | os.PathLike[str]


def extract(script: _Path) -> Extraction:
    """Read the hyperparameters of a training script, without importing or running it.

    Raises:
        ScriptInvalid: The script is missing, not a file or not valid Python (with line and
            caret).
    """
    # Importing it takes 30 ms.
    from keynet.script import extraction

    return extraction.extract(Path(script))


def push(
    script: _Path,
    *,
    project: int | None = None,
    model_name: str | None = None,
    builder: str | None = None,
    base_image: str | None = None,
    dockerfile: _Path | None = None,
    context: _Path | None = None,
    requirements: _Path | None = None,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    installer: str | None = None,
    compression: str | None = None,
    cache_from: str | None = None,
    cache_to: str | None = None,
    build_sdist: bool = False,
    platform: str | None = None,
    harbor_project: str | None = None,
    build_args: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    secrets: Mapping[str, _Path] | None = None,
    no_cache: bool = False,
    strict: bool = False,
    token_hosts: Sequence[str] = (),
    sbom: bool = True,
    emit: Emit = ignore,
) -> PushResult:
    """Build the image of a training script, push it and attach its hyperparameters.

    Other settings come from the environment, [tool.keynet] of the context and the saved login,
    as with ``keynet push``. It can be called while an event loop is running.

    Args:
        build_sdist: Build packages that have no wheel on this machine, where their code runs.
        extras: Extras of the project to install too.
        groups: Its dependency groups to install too.
        project: The project's number; None uses the saved choice, or the only project there is.
        secrets: Files for ``RUN --mount=type=secret`` of your own Containerfile, by id.
        token_hosts: Further hosts that may see the registry's password, for tokens.
        sbom: Attach lock and bill of materials to an image that is built without an engine.
        emit: Takes progress as values of ``keynet.Event``; never blocks, never raises.

    Raises:
        KeynetError: A step failed.
        MetadataNotAttached: The image was pushed, but its hyperparameters were not attached.
    """
    request = _request(
        script,
        context,
        {
            "project_id": project,
            "model_name": model_name,
            "builder": builder,
            "base_image": base_image,
            "dockerfile": dockerfile,
            "requirements": requirements,
            "extras": tuple(extras),
            "groups": tuple(groups),
            "installer": installer,
            "compression": compression,
            "cache_from": cache_from,
            "cache_to": cache_to,
            "build_sdist": build_sdist or None,
            "platform": platform,
            "harbor_project": harbor_project,
            "token_hosts": tuple(token_hosts),
        },
        build_args,
        labels,
        secrets,
        no_cache=no_cache,
        strict=strict,
    )

    def choose(backend: BackendClient) -> Project:
        return projects.pick(backend, None, lambda text: emit(Notice(text, "note")))

    return push_step.push(request, choose=choose, emit=emit, sbom=sbom)


def build(
    script: _Path,
    *,
    output: str | None = None,
    builder: str | None = None,
    base_image: str | None = None,
    dockerfile: _Path | None = None,
    context: _Path | None = None,
    requirements: _Path | None = None,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    installer: str | None = None,
    compression: str | None = None,
    cache_from: str | None = None,
    cache_to: str | None = None,
    build_sdist: bool = False,
    platform: str | None = None,
    build_args: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    secrets: Mapping[str, _Path] | None = None,
    no_cache: bool = False,
    strict: bool = False,
    emit: Emit = ignore,
) -> BuildResult:
    """Build the image of a training script; this needs no login.

    Args:
        output: ``oci:DIR``, ``oci-archive:FILE`` or ``docker-archive:FILE``; None leaves the
            image in the engine's store.
        build_sdist: Build packages that have no wheel on this machine, where their code runs.
        extras: Extras of the project to install too.
        groups: Its dependency groups to install too.
        secrets: Files for ``RUN --mount=type=secret`` of your own Containerfile, by id.
        emit: Takes progress as values of ``keynet.Event``; never blocks, never raises.

    Raises:
        KeynetError: A step failed.
    """
    request = _request(
        script,
        context,
        {
            "builder": builder,
            "base_image": base_image,
            "dockerfile": dockerfile,
            "requirements": requirements,
            "extras": tuple(extras),
            "groups": tuple(groups),
            "installer": installer,
            "compression": compression,
            "cache_from": cache_from,
            "cache_to": cache_to,
            "build_sdist": build_sdist or None,
            "platform": platform,
        },
        build_args,
        labels,
        secrets,
        no_cache=no_cache,
        strict=strict,
    )
    return build_step.build(request, output, emit)


def login(
    server_url: str,
    *,
    username: str,
    password: str | Secret,
    ca_cert: _Path | None = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    emit: Emit = ignore,
) -> SignedInUser:
    """Sign in to a platform, save the login and log the engines in to its registry.

    Args:
        token_hosts: Further hosts that may see the registry's password, for tokens.

    Raises:
        NotAuthorised: The platform refuses user name or password.
        BackendError: The platform failed, or its answer is not valid; nothing is saved.
        KeynetError: The config file is broken or cannot be written.
    """
    wanted = login_step.Login(
        server_url=server_url,
        username=username,
        password=password if isinstance(password, Secret) else Secret(password),
        ca_cert=None if ca_cert is None else Path(ca_cert),
        insecure=insecure,
        token_hosts=tuple(token_hosts),
    )
    user = login_step.sign_in(wanted)
    login_step.log_in_engines(user.registry, choosing.find_working(engines(), emit), emit)
    return user


def _request(
    script: _Path,
    context: _Path | None,
    flags: Mapping[str, Any],
    build_args: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
    secrets: Mapping[str, _Path] | None,
    *,
    no_cache: bool,
    strict: bool,
) -> Request:
    pairs = (f"{name}={value}" for name, value in (build_args or {}).items())
    given = {
        **{
            name: Path(value) if isinstance(value, os.PathLike) else value
            for name, value in flags.items()
        },
        "build_args": buildargs.parse(pairs, os.environ),
        "labels": dict(labels or {}),
    }
    kept = tuple(BuildSecret(id_, Path(source)) for id_, source in (secrets or {}).items())
    folder = None if context is None else Path(context)
    return make(Path(script), folder, given, secrets=kept, no_cache=no_cache, strict=strict)
