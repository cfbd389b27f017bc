"""What this machine offers: kernel, control groups, subordinate ids, disks, GPU."""

import os
import platform
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from keynet.files import places
from keynet.process import programs
from keynet.runtime.engines.podman_like import own_store
from keynet.runtime.probing import reasons, subordinate_ids
from keynet.runtime.probing.privileges import as_root, user_name
from keynet.runtime.probing.reasons import Guide
from keynet.steps.examining.at_once import Examination, Show
from keynet.steps.examining.check import Check, Group, Repair
from keynet.steps.examining.disks import folder_check
from keynet.text import _, fill, ngettext, size

__all__ = ["OwnStores", "cgroup_version", "examinations", "subids"]

_TIMEOUT_S: Final = 5.0
_CGROUPS: Final = Path("/sys/fs/cgroup")
_KERNEL: Final = Path("/proc/sys")
_GPUS: Final = ("nvidia0", "nvidiactl", "kfd", "dxg")
_ROOTLESS: Final = Guide("rootless", package="uidmap")
# Needed to stage a context; a full disk ends every push.
_LEAST_TEMPORARY: Final = 100_000_000
_FEWEST_IDS: Final = 65_536

OwnStores = list[own_store.OwnStore]


def examinations(stores: OwnStores) -> list[Examination]:
    """Return what examines this machine.

    Args:
        stores: Gets keynet's own store, if there is one.
    """

    def measure(show: Show) -> None:
        found = own_store.find()
        if found is None:
            return
        stores.append(found)
        text = fill(_("{path} ({size})"), path=found.path, size=size(found.size))
        show(Check("own store", Group.MACHINE, True, text, measured=True))

    return [
        Examination("system", Group.MACHINE, _show_all(_system), _TIMEOUT_S),
        Examination("rootless", Group.MACHINE, _show_all(_rootless), _TIMEOUT_S),
        Examination(
            "temporary",
            Group.MACHINE,
            _show_all(_temporary),
            _TIMEOUT_S,
            _("The disk of this folder does not answer. Set TMPDIR to a folder of another disk."),
        ),
        Examination("GPU", Group.MACHINE, _show_all(_gpu), _TIMEOUT_S),
        Examination("own store", Group.MACHINE, measure, _TIMEOUT_S, "keynet clean"),
    ]


def cgroup_version(root: Path = _CGROUPS) -> str:
    """Return ``2``, ``1``, ``1 (hybrid)``, or "" where control groups are not mounted."""
    if (root / "cgroup.controllers").exists():
        return "2"
    if (root / "unified/cgroup.controllers").exists():
        return "1 (hybrid)"
    return "1" if (root / "memory").exists() or (root / "cpu").exists() else ""


def subids(files: tuple[Path, ...] = subordinate_ids.FILES) -> Check | None:
    """Return the check of this user's subordinate ids if there are none or too few.

    Args:
        files: The tables of user ids and of group ids.
    """
    if subordinate_ids.source():
        return None
    owners = {user_name(), str(os.geteuid())}
    lacking = subordinate_ids.missing(owners, files)
    if lacking:
        found = fill(
            _("user {name} has no entry in {files}: rootless engines can map one id only"),
            name=user_name(),
            files=", ".join(str(file) for file in lacking),
        )
        return Check("subids", Group.MACHINE, False, found, subordinate_ids.advice(files))
    counts = [sum(entry.count for entry in subordinate_ids.own(file, owners)) for file in files]
    fewest = min(counts)
    if fewest >= _FEWEST_IDS:
        return None
    found = fill(
        ngettext(
            "user {name} has {count} subordinate id: files of other users in a base image need "
            "{needed}",
            "user {name} has {count} subordinate ids: files of other users in a base image need "
            "{needed}",
            fewest,
        ),
        name=user_name(),
        count=fewest,
        needed=_FEWEST_IDS,
    )
    return Check("subids", Group.MACHINE, False, found, subordinate_ids.advice(files))


def _show_all(find: Callable[[], Iterator[Check]]) -> Callable[[Show], None]:
    def examine(show: Show) -> None:
        for check in find():
            show(check)

    return examine


def _system() -> Iterator[Check]:
    version = cgroup_version()
    control_groups = fill(_("cgroups v{version}"), version=version) if version else _("no cgroups")
    found = fill(
        _("{system} {release}, {machine}, {cgroups}, user {user}"),
        system=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
        cgroups=control_groups,
        user=user_name(),
    )
    yield Check("system", Group.MACHINE, True, found)


def _rootless() -> Iterator[Check]:
    """Examine what rootless engines need; each missing part is a check of its own."""
    if os.geteuid() == 0 or platform.system() != "Linux":
        return
    problems = [each for each in (subids(), _newuidmap(), _namespaces()) if each is not None]
    if problems:
        yield from problems
        return
    owners = {user_name(), str(os.geteuid())}
    source = subordinate_ids.source()
    if source:
        text = fill(
            _("subordinate ids of {user} come from {source}"), user=user_name(), source=source
        )
    else:
        ranges = ", ".join(
            f"{entry.first}-{entry.last}"
            for entry in subordinate_ids.own(subordinate_ids.FILES[0], owners)
        )
        text = fill(_("subordinate ids of {user}: {ranges}"), user=user_name(), ranges=ranges)
    yield Check("rootless", Group.MACHINE, True, text)


def _newuidmap() -> Check | None:
    for name in ("newuidmap", "newgidmap"):
        program = programs.find(name)
        if program is None:
            found = fill(_("{program} is not installed: rootless engines need it"), program=name)
            fix = reasons.known_fix(_ROOTLESS, f"error: {name}")
            return Check("newuidmap", Group.MACHINE, False, found, fix)
        if not _may_map(program):
            found = fill(
                _("{program} has neither the setuid bit nor a capability, so it cannot map ids"),
                program=program,
            )
            fix = as_root(f"chmod u+s {program}")
            return Check("newuidmap", Group.MACHINE, False, found, fix)
    return None


def _may_map(program: str) -> bool:
    try:
        if os.stat(program).st_mode & stat.S_ISUID:  # noqa: PTH116
            return True
        return bool(os.getxattr(program, "security.capability"))
    except OSError:
        return False


def _namespaces() -> Check | None:
    for setting, value in (
        ("kernel/unprivileged_userns_clone", 1),
        ("user/max_user_namespaces", 15_000),
    ):
        try:
            forbidden = int((_KERNEL / setting).read_text()) == 0
        except (OSError, ValueError):
            continue
        if forbidden:
            name = setting.replace("/", ".")
            found = fill(
                _("{setting} is 0: users may not make the namespaces of rootless engines"),
                setting=name,
            )
            return Check(
                "namespaces", Group.MACHINE, False, found, as_root(f"sysctl -w {name}={value}")
            )
    return None


def _temporary() -> Iterator[Check]:
    wanted = os.environ.get("TMPDIR", "")
    if wanted and not Path(wanted).is_dir():
        folder = Path(wanted)
        found = fill(_("TMPDIR names {folder}, which is not a folder"), folder=folder)
        fix = fill(_("Create it, or unset TMPDIR: mkdir -p {folder}"), folder=folder)
        creatable = not os.path.lexists(folder) and places.is_writable(folder)
        repair = Repair(f"mkdir -p {folder}", lambda: places.make_private(folder))
        yield Check(
            "temporary", Group.MACHINE, False, found, fix, repair=repair if creatable else None
        )
        return
    yield folder_check(
        "temporary",
        Group.MACHINE,
        Path(wanted or places.plain_temporary()),
        least=_LEAST_TEMPORARY,
        fix=_(
            "Free some space there, or set TMPDIR to a folder of another disk. keynet's own "
            "leftovers: keynet clean"
        ),
    )


def _gpu() -> Iterator[Check]:
    own = [name for name in _GPUS if Path("/dev", name).exists()]
    has = (
        fill(_("this machine has one (/dev/{name})"), name=own[0])
        if own
        else _("this machine has none")
    )
    found = fill(_("{has}; the platform trains on its own GPU, and no build needs one"), has=has)
    yield Check("GPU", Group.MACHINE, True, found)
