"""Why an engine cannot be used, in words, with the fix: from what the engine itself said."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keynet.runtime.engine import Unusable
from keynet.text import N_, _, fill, printable

__all__ = [
    "Guide",
    "explain",
    "failure",
    "known_fix",
    "last_words",
    "lost_layer",
    "no_subids",
    "not_installed",
]

_NOISE = re.compile(r"level=(?:warning|info|debug)|^\s*$|^WARN|cgroups v1", re.IGNORECASE)
_LOST_LAYER = re.compile(r"Error: .*\blayer not known")
_PREFIX = re.compile(r'^(?:time="[^"]*" level=\w+ msg=|Error: |ERRO\[\d+\] |error: )')


@dataclass(frozen=True, slots=True)
class Guide:
    """What of the advice is one engine's own.

    ``package`` is its package on Debian; ``after_subids`` is the command that is due after new
    subordinate ids, "" for none; ``reset`` empties its store; ``known`` are its own reasons, as
    patterns with marked texts, before those that all engines share.
    """

    name: str
    package: str
    after_subids: str = ""
    reset: str = ""
    known: tuple[tuple[str, str], ...] = ()


def last_words(output: str) -> str:
    """Return the line of an engine's error output that says why, cut to a readable length."""
    return _telling(output)[0]


def failure(status: int, output: str) -> str:
    """Say why a trial ended with this status; never empty."""
    return last_words(output) or fill(_("exit status {status}, without a word"), status=status)


def lost_layer(output: str) -> bool:
    """Report whether a build failed only because another process removed a layer meanwhile.

    buildah before 1.43, and podman with it, ends where a layer goes that it has just listed
    or is about to use (containers/buildah issues 5615 and 5674); the same build then passes.
    """
    lines = output.strip().splitlines()
    return bool(lines and _LOST_LAYER.fullmatch(lines[-1]))


def not_installed(guide: Guide) -> Unusable:
    """Say that there is no such program on PATH."""
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
    """Say that the user has no subordinate ids, which rootless engines need."""
    return Unusable(
        guide.name,
        _("this user has no entry in /etc/subuid and /etc/subgid, so only one id can be mapped"),
        _subids(guide),
    )


def explain(guide: Guide, output: str) -> Unusable:
    """Find reason and fix in what the engine said; its own words when nothing fits.

    The first line that has a known reason counts: an engine's processes write at the same
    time, so that what follows from the reason may stand before it.
    """
    known = _known(guide, output)
    if known is not None:
        return known
    by_hand = fill(_("Try it by hand: {name} info"), name=guide.name)
    return Unusable(guide.name, last_words(output), by_hand)


def known_fix(guide: Guide, output: str) -> str:
    """Return the fix alone of a reason that is known; "" for others."""
    known = _known(guide, output)
    return known.fix if known is not None else ""


def _known(guide: Guide, output: str) -> Unusable | None:
    for said in _telling(output):
        for pattern, fix in guide.known:
            if re.search(pattern, said, re.IGNORECASE):
                return Unusable(guide.name, said, _(fix))
        for pattern, make in _SHARED:
            if re.search(pattern, said, re.IGNORECASE):
                return Unusable(guide.name, said, make(guide))
    return None


def _telling(output: str) -> list[str]:
    """Give the lines that may say why, the likeliest first; one is "" where there are none."""
    lines = [line for line in output.splitlines() if not _NOISE.search(line)]
    telling = [line for line in lines if re.search("error|cannot|denied|fail", line, re.IGNORECASE)]
    return [_shortened(printable(_PREFIX.sub("", line))) for line in telling or lines or [""]]


def _shortened(line: str) -> str:
    """Cut a long line in its middle: engines put what failed first and why last."""
    return line if len(line) <= 300 else f"{line[:100]} … {line[-197:]}"


def _storage(guide: Guide) -> str:
    return fill(
        _(
            "The storage driver does not fit the store: unset STORAGE_DRIVER or set it back in "
            "storage.conf, install fuse-overlayfs, or start afresh ({reset} of the store's folder)."
        ),
        reset=guide.reset,
    )


def _subids(guide: Guide) -> str:
    fix = _(
        "As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER "
        "(and install uidmap)"
    )
    if not guide.after_subids:
        return fix
    return fill(_("{fix}, then: {command}"), fix=fix, command=guide.after_subids)


def _shared(text: str) -> Callable[[Guide], str]:
    return lambda _guide: _(text)


# The first one that fits counts, so that the order matters.
_SHARED: Final[tuple[tuple[str, Callable[[Guide], str]], ...]] = (
    (r"no space left", _shared(N_("Make room on the disk that holds the engine's store."))),
    (
        r"homedir|home directory|unknown userid",
        _shared(
            N_(
                "Rootless engines want a line for this user in /etc/passwd, and subordinate ids; "
                "docker, or a remote engine (DOCKER_HOST, CONTAINER_HOST), does not."
            )
        ),
    ),
    (
        r"newuidmap|newgidmap",
        _shared(N_("Install newuidmap: apt-get install uidmap, or dnf install shadow-utils")),
    ),
    (r"subuid|subgid|mappings? for user|insufficient (?:uids|gids)", _subids),
    (r"graph ?driver|storage driver|driver not supported|overlay(?!@)|vfs", _storage),
    (
        r"user namespace|cannot clone|clone: |unshare|CLONE_NEWUSER",
        _shared(
            N_(
                "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 and "
                "user.max_user_namespaces=15000; in a container run it with --privileged or as "
                "a nested rootless image."
            )
        ),
    ),
)
