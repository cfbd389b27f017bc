"""Leave out what the base brings, as an installation in an engine does.

uv chooses for the folder of an environment; what is installed there is used where it fits. So it
plans an installation into a folder that has the metadata of the base's packages. What the plan
keeps of them takes no part in the lock, and what it adds gets the version that it has there.

Without a plan, what is chosen is the same as long as the base brings none of it.

Source: uv, "Command-line reference" (``--dry-run``, ``--override``).
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from keynet.direct.base.base_packages import BasePackages
from keynet.frozen import frozen
from keynet.process.shell import Finished
from keynet.runtime.build.inside import base_metadata
from keynet.runtime.build.inside.made_environment import Made

__all__ = ["Plan", "names_in", "plan_on_base"]

# " + name==1.0 (from file:///…)"; "~" is the same version installed again.
_LINE: Final = re.compile(
    r"[ \t]*([-+~]) ([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s()]+)(?: \(from (.+)\))?[ \t]*"
)
# Of METADATA and PKG-INFO; one in their descriptions costs no more than a plan.
_NAME: Final = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)


@frozen
class Plan:
    """What an installation on the base would do: requirements to add, names that are used.

    ``refused`` is what uv has written if there is no plan, else "".
    """

    added: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    refused: str = ""

    def arguments(self, folder: Path) -> list[str]:
        """Write the plan to a new folder, as arguments for the lock of what is to be added."""
        folder.mkdir()
        nowhere = (f'{name} ; python_version < "0"\n' for name in sorted(self.kept))
        (folder / "kept.txt").write_text("".join(nowhere), encoding="utf-8")
        (folder / "added.txt").write_text("".join(f"{each}\n" for each in self.added), "utf-8")
        added = str(folder / "added.txt")
        return ["--override", str(folder / "kept.txt"), "--constraint", added, added]


def names_in(base: BasePackages) -> set[str]:
    """Return the names of the packages that a base brings, normalised."""
    found = (_NAME.search(text) for text in base.files.values())
    return {_normalised(each[1]) for each in found if each}


def plan_on_base(
    run: Callable[..., Finished], base: BasePackages, sources: Sequence[str], folder: Path
) -> Plan:
    """Return what an installation of these requirements files on the base would do.

    Args:
        run: Runs uv's pip with arguments.
        folder: A new one.
    """
    target = folder / "target"
    target.mkdir(parents=True)
    inherited = base.write(folder / "base")
    base_metadata.show(Made(folder, target, inherited))
    shown = {_normalised(each.name.partition("-")[0]) for each in target.glob("*.dist-info")}
    if not shown:
        return Plan()
    requirements = [word for source in sources for word in ("--requirement", source)]
    done = run("install", "--dry-run", "--target", str(target), *requirements)
    if done.status != 0:
        return Plan(refused=done.stderr)
    return _read(done.stderr, shown)


def _read(text: str, shown: set[str]) -> Plan:
    added, gone = [], set()
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        sign, name, version, url = found.groups()
        if sign != "+":
            gone.add(_normalised(name))
        if sign != "-":
            added.append(f"{name} @ {url}" if url else f"{name}=={version}")
    return Plan(tuple(added), frozenset(shown - gone))


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
