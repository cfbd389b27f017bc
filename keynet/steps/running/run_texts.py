"""What a run says to people: how it runs, what the host cannot do, why a program was killed."""

from math import ceil
from typing import Final

from keynet.events import Notice
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.workspace import container_run
from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.container_run import Outcome
from keynet.runtime.workspace.limits import Limits, shown_memory
from keynet.text import _, fill, ngettext, printable, stacked

__all__ = ["described", "ended", "not_started", "warnings"]

_KILLED: Final = 128 + 9


def described(shown: str, run: ContainerRun, missing: frozenset[str]) -> str:
    """Return the line that starts a run: what runs, its limits, and the flags that change them."""
    limits = run.limits
    parts = [printable(shown, 300)]
    if limits.cpus is not None and "cpus" not in missing:
        counted = ngettext("{number} CPU (--cpus)", "{number} CPUs (--cpus)", ceil(limits.cpus))
        parts.append(fill(counted, number=f"{limits.cpus:g}"))
    if limits.memory is not None and "memory" not in missing:
        parts.append(fill(_("{size} memory (--memory)"), size=shown_memory(limits.memory)))
    if limits.read_only:
        writable = ", ".join(run.volumes)
        parts.append(fill(_("read-only but {folders}"), folders=writable))
    parts.append(fill(_("network {name} (--network)"), name=run.network))
    if run.gpus:
        parts.append(fill(_("GPUs {which} (--gpus)"), which=run.gpus))
    return ", ".join(parts)


def warnings(engine: str, limits: Limits, missing: frozenset[str], facts: SystemFacts) -> list[str]:
    """Return what is unusual about a run: all rights, or limits that its host does not know."""
    found = []
    if limits.privileged:
        found.append(
            _("Privileged: the container can do on its host whatever root can. Use with care.")
        )
    if missing:
        flags = ", ".join(sorted(f"--{name}" for name in missing))
        old = facts.rootless and facts.cgroup_version == 1
        why = _("rootless on cgroups v1") if old else _("its host does not offer them")
        found.append(
            fill(
                _("{engine} cannot enforce these limits here ({why}): {flags}. Running without."),
                engine=engine,
                why=why,
                flags=flags,
            )
        )
    return found


def not_started(engine: str, within_s: float) -> str:
    """Return what is said of an engine that takes more than ``within_s`` for the start."""
    return fill(
        _(
            "{engine} has not started the container within {time} s. Still waiting; Ctrl-C gives "
            "up. Its state: keynet doctor"
        ),
        engine=engine,
        time=round(within_s),
    )


def ended(outcome: Outcome, limits: Limits, missing: frozenset[str]) -> list[Notice]:
    """Return what there is to say after a run besides its status.

    Args:
        missing: The limits that the host cannot enforce.
    """
    found, told = [], ""
    if outcome.unwritten:
        text = _("Not all of the program's output could be written: {why}.")
        found.append(fill(text, why=outcome.unwritten))
    if outcome.left is not None:
        told = outcome.left.hint
        found.append(stacked(outcome.left.message, told))
    if outcome.status != container_run.NOT_STARTED and outcome.hint not in told:
        found.append(outcome.hint)
    if outcome.out_of_memory:
        found.append(_out_of_memory(limits))
    elif outcome.status == _KILLED and not outcome.interrupted and "memory" not in missing:
        # podman before 5 does not always report it.
        found.append(_probably_out_of_memory(limits))
    return [Notice(each) for each in found]


def _out_of_memory(limits: Limits) -> str:
    if limits.memory is None:
        return _("A process was killed because the machine has no memory left.")
    return fill(
        _("Out of memory: a process was killed at the limit of {size}. Raise it: --memory {more}"),
        size=shown_memory(limits.memory),
        more=shown_memory(limits.memory * 2),
    )


def _probably_out_of_memory(limits: Limits) -> str:
    if limits.memory is None:
        return _("The program was killed (SIGKILL), probably because memory ran out.")
    return fill(
        _("Killed, probably at the limit of {size} memory. Raise it: --memory {more}"),
        size=shown_memory(limits.memory),
        more=shown_memory(limits.memory * 2),
    )
