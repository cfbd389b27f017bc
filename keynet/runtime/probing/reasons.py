"""Explain from an engine's output why it cannot be used, and how to fix it."""

import os
import re
from collections.abc import Callable
from typing import Final

from keynet.errors import EngineError, EngineTimeout
from keynet.frozen import frozen
from keynet.process import programs
from keynet.runtime.engine import Unusable
from keynet.runtime.probing import subordinate_ids
from keynet.runtime.probing.privileges import as_root, installing, user_name
from keynet.text import N_, Block, _, fill, printable, stacked

__all__ = [
    "Guide",
    "error_line",
    "explain",
    "hanging",
    "known_fix",
    "lost_layer",
    "no_subids",
    "not_installed",
    "refused",
    "run_fix",
    "trial_error",
]

# The rollback is what podman 5 says of a database on a full disk, before it says that.
_NOISE: Final = (
    r"(?i)level=(?:warning|info|debug)|^\s*$|^WARN|cgroups v1|Rolling back transaction to "
    # What is above several errors of buildah.
    r"|^(?:Error: )?\d+ errors? occurred:$"
)
_LOST_LAYER: Final = r"Error: .*\blayer not known"
_PREFIX: Final = r'^(?:time="[^"]*" level=\w+ msg=|Error: |ERRO\[\d+\] |error: |\s+\* )'


@frozen
class Guide:
    """The parts of the advice that differ between engines.

    ``package`` is the engine's Debian package; ``after_subids`` is the command to run after
    subordinate ids have changed, "" for none; ``reset`` is the command that empties the store;
    ``known`` has patterns of the engine's own errors with fixes (marked texts), which are tried
    before the shared ones; ``restart`` words what to do with an engine that does not answer.
    """

    name: str
    package: str
    after_subids: str = ""
    reset: str = ""
    known: tuple[tuple[str, str], ...] = ()
    restart: Callable[[], str] | None = None


def error_line(output: str) -> str:
    """Return the line of an engine's output that explains an error, or "".

    A long line is shortened.
    """
    return _error_lines(output)[0]


def trial_error(status: int, output: str) -> str:
    """Explain why a trial ended with this status; never empty."""
    return error_line(output) or fill(_("exit status {status}, no output"), status=status)


def lost_layer(output: str) -> bool:
    """Report whether a build failed because another process removed a layer.

    buildah before 1.43, and podman that contains it, fails if a layer disappears that it has just
    listed or is about to use (containers/buildah issues 5615 and 5674). The same build then
    passes.
    """
    lines = output.strip().splitlines()
    return bool(lines and re.fullmatch(_LOST_LAYER, lines[-1]))


def not_installed(guide: Guide) -> Unusable:
    """Explain that the program is not on PATH."""
    return Unusable(
        guide.name,
        fill(_("{name} is not installed (no such program on PATH)"), name=guide.name),
        installing(guide.package, guide.name),
    )


def hanging(guide: Guide, timeout_s: float) -> Unusable:
    """Explain that the engine has not answered within this time."""
    return Unusable(
        guide.name,
        fill(_("{name} did not answer within {time} s"), name=guide.name, time=round(timeout_s)),
        guide.restart() if guide.restart is not None else _by_hand(guide),
    )


def refused(guide: Guide, error: EngineError) -> Unusable:
    """Explain that a program of the engine could not be run to its end."""
    if isinstance(error, EngineTimeout):
        return hanging(guide, error.timeout_s)
    return Unusable(guide.name, error.message, error.hint)


def no_subids(guide: Guide) -> Unusable:
    """Explain that one id only is mapped for this user, while rootless engines need many."""
    lacking = subordinate_ids.missing({user_name(), str(os.geteuid())})
    if not lacking:
        return _unmapped(guide)
    return Unusable(
        guide.name,
        fill(
            _("user {name} has no entry in {files}, so only one id can be mapped"),
            name=user_name(),
            files=", ".join(str(file) for file in lacking),
        ),
        _subids_fix(guide),
    )


def explain(guide: Guide, output: str) -> Unusable:
    """Return reason and fix for an engine's output; an unknown error as it is.

    The first line with a known reason counts, whatever is printed before it: the processes of an
    engine write at the same time, so a consequence may be printed before its cause.
    """
    known = _known(guide, output)
    if known is not None:
        return known
    by_hand = fill(_("Run this to see the whole error: {name} info"), name=guide.name)
    return Unusable(guide.name, error_line(output), by_hand)


def run_fix(tried: str) -> str:
    """Word how to make RUN work where only COPY does, from the errors of the trials."""
    if re.search(r"cgroups?\b.*(?:not supported|hybrid)", tried, re.IGNORECASE):
        install = installing("runc", "runc")
        return fill(_("{install}\nrunc works with cgroups v1, crun does not."), install=install)
    if re.search(r"permission denied|not permitted|exec format", tried, re.IGNORECASE):
        return _(
            "Check that the store's disk is not mounted noexec. In a container: start it with "
            "--privileged, or with CAP_SYS_ADMIN and without seccomp's profile."
        )
    return _(
        "Allow user namespaces, start the container with CAP_SYS_ADMIN (--privileged), or use a "
        "Containerfile without RUN."
    )


def known_fix(guide: Guide, output: str) -> str:
    """Return only the fix, "" if the reason is unknown."""
    known = _known(guide, output)
    return known.fix if known is not None else ""


def _known(guide: Guide, output: str) -> Unusable | None:
    for said in _error_lines(output):
        for pattern, fix in guide.known:
            if re.search(pattern, said, re.IGNORECASE):
                return Unusable(guide.name, said, _(fix))
        for pattern, make in _SHARED_FIXES:
            if re.search(pattern, said, re.IGNORECASE):
                return Unusable(guide.name, said, make(guide))
    return None


def _error_lines(output: str) -> list[str]:
    """Return lines that may explain the error, most likely first; [""] without any."""
    lines = [line for line in output.splitlines() if not re.search(_NOISE, line)]
    likely = [line for line in lines if re.search("error|cannot|denied|fail", line, re.IGNORECASE)]
    return [_shortened(printable(re.sub(_PREFIX, "", line))) for line in likely or lines or [""]]


def _shortened(line: str) -> str:
    """Shorten a long line in the middle: engines print what failed, then why."""
    return line if len(line) <= 300 else f"{line[:100]} … {line[-197:]}"


def _by_hand(guide: Guide) -> str:
    return fill(
        _(
            "Run {name} info by hand. If it hangs, another process may hold the store's lock, or "
            "the disk of the home or the store does not answer."
        ),
        name=guide.name,
    )


def _storage_fix(guide: Guide) -> str:
    return fill(
        _(
            "The storage driver does not match the store. Unset STORAGE_DRIVER or correct "
            "storage.conf, install fuse-overlayfs, or delete the store's content ({reset})."
        ),
        reset=guide.reset,
    )


def _subids_fix(guide: Guide) -> str:
    fix = subordinate_ids.advice()
    if not guide.after_subids:
        return fix
    return fill(_("{fix}\nThen run: {command}"), fix=Block(fix), command=guide.after_subids)


def _unmapped(guide: Guide) -> Unusable:
    """Explain a namespace without the subordinate ids that this user has."""
    reason = _("only one id is mapped for this user, although it has subordinate ids")
    if programs.find("newuidmap") is None:
        return Unusable(guide.name, reason, _newuidmap_fix(guide))
    if not guide.after_subids:
        return Unusable(guide.name, reason, _setuid_fix(guide))
    fix = _("A user namespace from before the user had them may still be in use. Run: {command}")
    return Unusable(
        guide.name,
        reason,
        fill(fix, command=guide.after_subids),
        repair=tuple(guide.after_subids.split()),
        repair_effect=_("stops this user's containers"),
    )


def _setuid_fix(guide: Guide) -> str:
    del guide
    return as_root("chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap")


def _newuidmap_fix(guide: Guide) -> str:
    del guide
    return installing("uidmap", "shadow-utils")


def _namespaces_fix(guide: Guide) -> str:
    del guide
    command = "sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000"
    return stacked(
        _("Allow user namespaces for ordinary users."),
        as_root(command),
        _("In a container: start it with --privileged, or use an image for nested engines."),
    )


def _constant_fix(text: str) -> Callable[[Guide], str]:
    return lambda _guide: _(text)


# The first match wins, so the order matters.
_SHARED_FIXES: Final[tuple[tuple[str, Callable[[Guide], str]], ...]] = (
    (
        r"no space left|disk is full|quota exceeded|inconsistent layer size",
        _constant_fix(N_("Free some space on the disk of the engine's store, and of TMPDIR.")),
    ),
    (
        r"homedir|home directory|unknown userid",
        _constant_fix(
            N_(
                "Add this user to /etc/passwd and give it subordinate ids, for rootless engines. "
                "Or use docker or a remote engine (DOCKER_HOST, CONTAINER_HOST)."
            )
        ),
    ),
    (r"new[ug]idmap.*(?:not permitted|permission denied)", _setuid_fix),
    (
        r"newuidmap|newgidmap",
        _newuidmap_fix,
    ),
    (r"subuid|subgid|mappings? for user|insufficient (?:uids|gids)", _subids_fix),
    (
        # Not where a path of the store has that name.
        r"graph ?driver|storage driver|driver not supported|prerequisites for driver"
        r"|(?<![/\w-])(?:overlay|vfs)(?![@/])",
        _storage_fix,
    ),
    (
        r"user namespace|cannot clone|clone: |unshare|CLONE_NEWUSER",
        _namespaces_fix,
    ),
)
