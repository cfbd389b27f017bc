"""Why an engine cannot be used, in words, with the fix: from what the engine itself said."""

import re
from collections.abc import Callable
from typing import Final

from keynet.runtime.engine import Unusable
from keynet.text import _, fill, printable

__all__ = [
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


def last_words(output: str) -> str:
    """Give the line of an engine's error output that says why, cut to a readable length."""
    return _telling(output)[0]


def failure(status: int, output: str) -> str:
    """Say why a trial ended with this status; never empty."""
    return last_words(output) or fill(_("exit status {status}, without a word"), status=status)


def lost_layer(output: str) -> bool:
    """Tell whether a build failed only because another process removed a layer meanwhile.

    buildah before 1.43, and podman with it, ends where a layer goes that it has just listed
    or is about to use (containers/buildah issues 5615 and 5674); the same build then passes.
    """
    lines = output.strip().splitlines()
    return bool(lines and _LOST_LAYER.fullmatch(lines[-1]))


def not_installed(name: str) -> Unusable:
    """Say that there is no such program on PATH."""
    return Unusable(
        name,
        fill(_("{name} is not installed (no such program on PATH)"), name=name),
        fill(
            _("Install it: apt-get install {package}, or dnf install {name}"),
            package="docker.io" if name == "docker" else name,
            name=name,
        ),
    )


def no_subids(name: str) -> Unusable:
    """Say that the user has no subordinate ids, which rootless engines need."""
    return Unusable(
        name,
        _("this user has no entry in /etc/subuid and /etc/subgid, so only one id can be mapped"),
        fill(
            _(
                "As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER "
                "(and install uidmap), then: {name} system migrate"
            ),
            name="podman",
        )
        if name == "podman"
        else _(
            "As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER "
            "(and install uidmap)"
        ),
    )


def explain(name: str, output: str) -> Unusable:
    """Find reason and fix in what the engine said; its own words when nothing fits.

    The first line that has a known reason counts: an engine's processes write at the same
    time, so that what follows from the reason may stand before it.
    """
    known = _known(name, output)
    if known is not None:
        return known
    by_hand = fill(_("Try it by hand: {name} info"), name=name)
    return Unusable(name, last_words(output), by_hand)


def known_fix(name: str, output: str) -> str:
    """Give the fix alone of a reason that is known; "" for others."""
    known = _known(name, output)
    return known.fix if known is not None else ""


def _known(name: str, output: str) -> Unusable | None:
    for said in _telling(output):
        for pattern, fix in _KNOWN:
            if re.search(pattern, said, re.IGNORECASE):
                return Unusable(name, said, fix(name))
    return None


def _telling(output: str) -> list[str]:
    """Give the lines that may say why, the likeliest first; one is "" where there are none."""
    lines = [line for line in output.splitlines() if not _NOISE.search(line)]
    telling = [line for line in lines if re.search("error|cannot|denied|fail", line, re.IGNORECASE)]
    return [_shortened(printable(_PREFIX.sub("", line))) for line in telling or lines or [""]]


def _shortened(line: str) -> str:
    """Cut a long line in its middle: engines put what failed first and why last."""
    return line if len(line) <= 300 else f"{line[:100]} … {line[-197:]}"


def _storage(name: str) -> str:
    reset = "podman system reset" if name == "podman" else f"{name} unshare rm -rf"
    return fill(
        _(
            "The storage driver does not fit the store: unset STORAGE_DRIVER or set it back in "
            "storage.conf, install fuse-overlayfs, or start afresh ({reset} of the store's folder)."
        ),
        reset=reset,
    )


def _subids(name: str) -> str:
    return no_subids(name).fix


def _uidmap(name: str) -> str:
    return _("Install newuidmap: apt-get install uidmap, or dnf install shadow-utils")


def _service(name: str) -> str:
    return _(
        "Start the service (podman system service) that CONTAINER_HOST or the podman connection "
        "names, or unset it: podman system connection list"
    )


def _user(name: str) -> str:
    return _(
        "podman and buildah want a line for this user in /etc/passwd, and subordinate ids; "
        "docker, or an engine elsewhere (DOCKER_HOST, CONTAINER_HOST), does not."
    )


def _disk(name: str) -> str:
    return _("Make room on the disk that holds the engine's store.")


def _namespaces(name: str) -> str:
    return _(
        "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 and "
        "user.max_user_namespaces=15000; in a container run it with --privileged or as a nested "
        "rootless image."
    )


_Fix = Callable[[str], str]
# Compiled when something fails, as those of a failed push.
_KNOWN: Final[tuple[tuple[str, _Fix], ...]] = (
    (r"no space left", _disk),
    (r"homedir|home directory|unknown userid", _user),
    (r"newuidmap|newgidmap", _uidmap),
    (r"subuid|subgid|mappings? for user|insufficient (?:uids|gids)", _subids),
    (r"graph ?driver|storage driver|driver not supported|overlay(?!@)|vfs", _storage),
    (
        r"(?:unable to|cannot) connect to podman|podman socket|CONTAINER_HOST|dial (?:unix|tcp)",
        _service,
    ),
    (r"user namespace|cannot clone|clone: |unshare|CLONE_NEWUSER", _namespaces),
)
