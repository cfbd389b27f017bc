"""Run one engine on a request from standard input and tell what happened as JSON.

A program of its own, so that a test can start it as another user, with another environment
or in another root, and send it signals.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from keynet.errors import KeynetError
from keynet.events import Event, LogLine
from keynet.oci.reference import Reference
from keynet.plan import (
    BuildPlan,
    Dependencies,
    HostNetwork,
    Recipe,
    RegistryAccess,
    UserContainerfile,
)
from keynet.recipe import containerfile, ignore
from keynet.recipe import context as contexts
from keynet.runtime.engine import Saver
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.engines.podman_like.podman_like import PodmanLike
from keynet.runtime.probing import choosing
from keynet.secret import Secret


def main() -> int:
    request = json.load(sys.stdin)
    answer: dict[str, Any] = {"events": []}

    def emit(event: Event) -> None:
        if isinstance(event, LogLine):
            print(event.text, file=sys.stderr, flush=True)
        else:
            answer["events"].append(type(event).__name__)

    status = 0
    try:
        _serve(request, answer, emit)
    except KeynetError as error:
        answer["error"] = {
            "type": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
            "status": getattr(error, "status", None),
        }
        status = error.exit_status
    print(json.dumps(answer))
    return status


def _serve(request: dict[str, Any], answer: dict[str, Any], emit: Any) -> None:
    builder = choosing.choose(
        request["builder"], engines(), emit=emit, needs_run=request.get("needs_run", True)
    )
    answer["how"] = builder.engine.how
    answer["driver"] = builder.engine.storage_driver
    answer["own_store"] = isinstance(builder, PodmanLike) and bool(builder.invocation.root)
    if "context" not in request:
        return
    plan = _plan(request)
    answer["unsupported"] = builder.unsupported(plan)
    access = _access(request.get("access"))
    target = Reference.parse(request["target"]) if "target" in request else None
    built = builder.build(plan, access, emit, target)
    assert isinstance(builder, Saver)
    answer["image_id"] = builder.local(built).id
    try:
        if target is not None:
            answer["digest"] = str(builder.push(built, target, access, emit).digest)
        if "save" in request:
            form, _colon, path = request["save"].partition(":")
            builder.save(built, form, Path(path), emit)
    finally:
        _pass(request.get("gate"))
        builder.release(built)


def _pass(gate: str | None) -> None:
    """Wait at the gate until it is opened for all who wait there."""
    if gate is None:
        return
    Path(gate, str(os.getpid())).touch()
    until = time.monotonic() + 600
    while not Path(gate, "open").exists() and time.monotonic() < until:
        time.sleep(0.001)


def _plan(request: dict[str, Any]) -> BuildPlan:
    context = Path(request["context"])
    named = request.get("containerfile")
    recipe: Recipe | UserContainerfile
    if named is not None:
        recipe = containerfile.read(Path(named))
    else:
        files = {"requirements.txt": request["requirements"].encode()}
        base = Reference.parse(request["base"])
        command = ("cat", "train.py")
        recipe = Recipe(base, command, dependencies=Dependencies(None, files))
    rules = ignore.load(context, Path(named) if named else None)
    network = HostNetwork(
        proxies={k: Secret(v) for k, v in request.get("proxies", {}).items()},
        ca_bundle=request["ca_bundle"].encode() if "ca_bundle" in request else None,
        pip_conf=Secret(request["pip_conf"]) if "pip_conf" in request else None,
    )
    return BuildPlan(
        context=context,
        files=contexts.scan(context, rules).files,
        recipe=recipe,
        labels=request.get("labels", {}),
        build_args=request.get("build_args", {}),
        no_cache=request.get("no_cache", False),
        host_network=network,
    )


def _access(wanted: dict[str, Any] | None) -> RegistryAccess:
    if wanted is None:
        return RegistryAccess("registry.invalid")
    return RegistryAccess(
        wanted["host"],
        username=wanted.get("username", ""),
        password=Secret(wanted["password"]) if wanted.get("password") else None,
        ca_cert=Path(wanted["ca_cert"]) if wanted.get("ca_cert") else None,
        insecure=wanted.get("insecure", False),
    )


if __name__ == "__main__":
    sys.exit(main())
