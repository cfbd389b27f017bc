"""Choose an engine that really works; say of the others why they do not."""

from collections.abc import Callable, Sequence
from typing import Final

from keynet.errors import EngineUnavailable, UsageError
from keynet.events import Emit
from keynet.runtime.buildah import BUILDAH
from keynet.runtime.driving import Engine
from keynet.runtime.engine import Builder, Unusable, Usable
from keynet.runtime.podman import PODMAN
from keynet.text import _, printable

__all__ = ["ORDER", "choose", "survey"]

_MAKERS: Final[dict[str, Callable[[Usable | None], Builder]]] = {
    "podman": lambda usable: Engine(PODMAN, usable),
    "buildah": lambda usable: Engine(BUILDAH, usable),
}
ORDER: Final = tuple(_MAKERS)


def choose(name: str, *, emit: Emit, needs_run: bool = True) -> tuple[Builder, Usable]:
    """Give the first engine that works, or the named one.

    Args:
        name: ``auto``, ``docker``, ``podman`` or ``buildah``.
        needs_run: False when the Containerfile has no RUN: COPY is then enough.

    Raises:
        EngineUnavailable: With each engine's reason and fix.
        UsageError: There is no engine of that name.
    """
    refused: list[Unusable] = []
    for candidate in _candidates(name):
        found = _MAKERS[candidate](None).probe()
        match found:
            case Usable() if found.can_run or not needs_run:
                return _MAKERS[candidate](found), found
            case Usable():
                refused.append(_cannot_run(found))
            case Unusable():
                refused.append(found)
    raise _none_usable(name, refused)


def survey() -> list[Usable | Unusable]:
    """Probe every engine anew, in the order of ``auto``."""
    return [make(None).probe() for make in _MAKERS.values()]


def _candidates(name: str) -> Sequence[str]:
    if name == "auto":
        return ORDER
    if name not in _MAKERS:
        raise UsageError(
            _("There is no engine {name}.").format(name=printable(name, 100)),
            _("Choose one of: auto, {names}.").format(names=", ".join(ORDER)),
        )
    return (name,)


def _cannot_run(usable: Usable) -> Unusable:
    return Unusable(
        usable.name,
        _("it can copy files but not run programs in a build ({tried})").format(
            tried=usable.facts.get("no_run", "")
        ),
        _(
            "Allow user namespaces or give the container CAP_SYS_ADMIN (--privileged), or use "
            "a Containerfile without RUN."
        ),
    )


def _none_usable(name: str, refused: list[Unusable]) -> EngineUnavailable:
    if name == "auto":
        what = _("No engine works here:")
    else:
        what = _("The engine {name} does not work here:").format(name=name)
    lines = [f"  {each.name}: {printable(each.reason, 600)}\n    → {each.fix}" for each in refused]
    return EngineUnavailable(
        "\n".join([what, *lines]),
        _("Mend one of them, or choose another with --builder; keynet doctor shows all."),
    )
