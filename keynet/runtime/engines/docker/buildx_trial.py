"""Probe a remote builder of buildx: on a host, in a container or in Kubernetes.

``BUILDX_BUILDER`` names the builder, as for docker itself. No local daemon is needed.
"""

import re
from dataclasses import replace
from typing import Final

from keynet.files import places
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.process import shell
from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.engines.docker import docker_args
from keynet.runtime.engines.docker.docker_args import Invocation
from keynet.runtime.engines.docker.docker_host import ADVICE, NAME
from keynet.runtime.probing import endpoints, reasons
from keynet.runtime.probing.trial_program import write_context
from keynet.text import _, fill, printable

__all__ = ["BuilderFacts", "inspect", "probe", "read_inspection"]

# ``inspect --bootstrap`` starts a builder in a container or a cluster.
_START_S: Final = 600.0
_TRIAL_S: Final = 120.0
_LOCAL: Final = "docker"
_FIELD = re.compile(r"^\s*(?P<name>[A-Za-z][A-Za-z ]*?):\s+(?P<value>\S.*)$", re.MULTILINE)


@frozen
class BuilderFacts:
    """What ``docker buildx inspect`` reports about a builder.

    ``endpoint`` is the builder's address if it has one node and that node has an address, else
    "".
    """

    driver: str
    version: str = ""
    endpoint: str = ""
    architecture: str = ""

    @property
    def outside_daemon(self) -> bool:
        """Report whether this is not the daemon's own builder."""
        return self.driver != _LOCAL


def read_inspection(text: str) -> BuilderFacts:
    """Parse the output of ``docker buildx inspect``; a missing field is ""."""
    found: dict[str, list[str]] = {}
    for field in _FIELD.finditer(text):
        found.setdefault(field["name"].lower(), []).append(field["value"].strip())
    addresses = [each for each in found.get("endpoint", []) if "://" in each]
    platform = re.match(r"linux/(\w+)", found.get("platforms", [""])[0])
    versions = found.get("buildkit version") or found.get("buildkit") or [""]
    return BuilderFacts(
        driver=found.get("driver", [""])[0],
        version=versions[0],
        endpoint=addresses[0] if len(addresses) == len(found.get("endpoint", [])) == 1 else "",
        architecture=platform[1] if platform else "",
    )


def inspect(binary: str, builder: str) -> BuilderFacts | Unusable:
    """Return what buildx reports about the builder; start it if its driver can."""
    argv = (binary, "buildx", "inspect", "--bootstrap", builder)
    finished = shell.run(shell.Command(argv), timeout_s=_START_S)
    facts = read_inspection(finished.stdout)
    if finished.status == 0 and facts.driver:
        return facts
    output = finished.stderr or finished.stdout
    return _refused(builder, reasons.error_line(output), facts.endpoint)


def probe(
    binary: str, version: str, builder: str, facts: BuilderFacts
) -> tuple[WorkingEngine, Invocation] | Unusable:
    """Try the builder's own network, then its host's; see ``docker_trial.probe``."""
    refused = endpoints.refusal(facts.endpoint, NAME, ADVICE)
    if refused is not None:
        return _refused(builder, refused.reason, facts.endpoint)
    plain = Invocation(
        binary=binary, mode=docker_args.REMOTE_BUILDER, remote=True, buildkit=facts.version
    )
    failed: list[str] = []
    for invocation in (plain, replace(plain, network="host")):
        error = _trial(invocation, facts.architecture, run=True)
        if not error:
            return _usable(invocation, version, builder, facts)
        failed.append(error)
    if not _trial(plain, facts.architecture, run=False):
        return _usable(plain, version, builder, facts, no_run="; ".join(dict.fromkeys(failed)))
    return _refused(builder, failed[0], facts.endpoint)


def _trial(invocation: Invocation, architecture: str, *, run: bool) -> str:
    with living("probe", places.plain_temporary()) as folder:
        write_context(folder, architecture, run=run)
        argv = [
            invocation.binary,
            "buildx",
            "build",
            "--progress",
            "plain",
            "--no-cache",
            "--output",
            "type=cacheonly",
        ]
        argv += docker_args.network_flags(invocation.network, invocation.mode)
        argv += ["--file", f"{folder}/Containerfile", str(folder)]
        command = shell.Command(tuple(argv), environment=docker_args.environment(invocation, None))
        finished = shell.run(command, timeout_s=_TRIAL_S)
    return "" if finished.status == 0 else reasons.trial_error(finished.status, finished.stderr)


def _usable(
    invocation: Invocation, version: str, builder: str, facts: BuilderFacts, *, no_run: str = ""
) -> tuple[WorkingEngine, Invocation]:
    notes = [fill(_("builder {name}"), name=printable(builder, 60)), printable(facts.driver, 40)]
    notes.append(f"BuildKit {printable(facts.version, 40)}".rstrip())
    if no_run:
        notes.append(_("COPY only, no RUN"))
    engine = WorkingEngine(
        name=NAME,
        version=version,
        how=f"{NAME} {version} ({', '.join(notes)})",
        can_run=not no_run,
        no_run_reason=no_run,
        endpoint=facts.endpoint,
        architecture=facts.architecture,
    )
    return engine, invocation


def _refused(builder: str, reason: str, endpoint: str) -> Unusable:
    return Unusable(
        NAME,
        fill(
            _("the builder {name} (BUILDX_BUILDER) does not work: {reason}"),
            name=printable(builder, 100),
            reason=reason,
        ),
        fill(
            _("Run: docker buildx inspect {name} (or: docker buildx ls), or unset BUILDX_BUILDER"),
            name=printable(builder, 100),
        ),
        endpoint,
    )
