"""Explain from an engine's output why it cannot be used, and how to fix it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keynet.runtime.engine import Unusable
from keynet.text import N_, _, fill, printable

__all__ = [
    "Guide",
    "error_line",
    "explain",
    "known_fix",
    "lost_layer",
    "no_subids",
    "not_installed",
    "trial_error",
]

_NOISE = re.compile(r"level=(?:warning|info|debug)|^\s*$|^WARN|cgroups v1", re.IGNORECASE)
_LOST_LAYER = re.compile(r"Error: .*\blayer not known")
_PREFIX = re.compile(r'^(?:time="[^"]*" level=\w+ msg=|Error: |ERRO\[\d+\] |error: )')


@dataclass(frozen=True, slots=True)
class Guide:
    """The parts of the advice that differ between engines.

    ``package`` is the engine's Debian package; ``after_subids`` is the command to run after
    subordinate ids have changed, "" for none; ``reset`` is the command that empties the store;
    ``known`` has patterns of the engine's own errors with fixes (marked texts), which are tried
    before the shared ones.
    """

    name: str
    package: str
    after_subids: str = ""
    reset: str = ""
    known: tuple[tuple[str, str], ...] = ()


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
    return bool(lines and _LOST_LAYER.fullmatch(lines[-1]))


def not_installed(guide: Guide) -> Unusable:
    """Explain that the program is not on PATH."""
    return Unusable(
        guide.name,
        fill(_("{name} is not installed (no such program on PATH)"), name=guide.name),
        fill(
            _("Install it: apt-get install {package}, or dnf install {name}"),
            package=guide.package,
            name=guide.name,
        ),
    )


def no_subids(guide: Guide) -> Unusable:
    """Explain that the user has no subordinate ids, which rootless engines need."""
    return Unusable(
        guide.name,
        _("this user has no entry in /etc/subuid and /etc/subgid, so only one id can be mapped"),
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
    lines = [line for line in output.splitlines() if not _NOISE.search(line)]
    likely = [line for line in lines if re.search("error|cannot|denied|fail", line, re.IGNORECASE)]
    return [_shortened(printable(_PREFIX.sub("", line))) for line in likely or lines or [""]]


def _shortened(line: str) -> str:
    """Shorten a long line in the middle: engines print what failed, then why."""
    return line if len(line) <= 300 else f"{line[:100]} … {line[-197:]}"


def _storage_fix(guide: Guide) -> str:
    return fill(
        _(
            "The storage driver does not match the store. Unset STORAGE_DRIVER or correct "
            "storage.conf, install fuse-overlayfs, or delete the store's content ({reset})."
        ),
        reset=guide.reset,
    )


def _subids_fix(guide: Guide) -> str:
    fix = _(
        "Install uidmap, then run as root: usermod --add-subuids 100000-165535 "
        "--add-subgids 100000-165535 USER"
    )
    if not guide.after_subids:
        return fix
    return fill(_("{fix}, then: {command}"), fix=fix, command=guide.after_subids)


def _constant_fix(text: str) -> Callable[[Guide], str]:
    return lambda _guide: _(text)


# The first match wins, so the order matters.
_SHARED_FIXES: Final[tuple[tuple[str, Callable[[Guide], str]], ...]] = (
    (r"no space left", _constant_fix(N_("Free some space on the disk of the engine's store."))),
    (
        r"homedir|home directory|unknown userid",
        _constant_fix(
            N_(
                "Add this user to /etc/passwd and give it subordinate ids, for rootless engines. "
                "Or use docker or a remote engine (DOCKER_HOST, CONTAINER_HOST)."
            )
        ),
    ),
    (
        r"newuidmap|newgidmap",
        _constant_fix(N_("Install newuidmap: apt-get install uidmap, or dnf install shadow-utils")),
    ),
    (r"subuid|subgid|mappings? for user|insufficient (?:uids|gids)", _subids_fix),
    (r"graph ?driver|storage driver|driver not supported|overlay(?!@)|vfs", _storage_fix),
    (
        r"user namespace|cannot clone|clone: |unshare|CLONE_NEWUSER",
        _constant_fix(
            N_(
                "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 and "
                "user.max_user_namespaces=15000. Start a container with --privileged, or use an "
                "image for nested rootless engines."
            )
        ),
    ),
)
