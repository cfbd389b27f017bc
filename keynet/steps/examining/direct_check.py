"""Examine the builder without an engine: what it needs of this machine, and what it keeps."""

import sys
from functools import partial
from typing import Final

from keynet import __version__
from keynet.direct.direct_abilities import NAME
from keynet.direct.direct_builder import Direct
from keynet.errors import KeynetError
from keynet.files import places
from keynet.files.descent import disk_usage
from keynet.frozen import frozen
from keynet.process import programs
from keynet.runtime.build import uv_program
from keynet.runtime.engine import AnyBuilder, Unusable
from keynet.steps.examining.at_once import Examination, Show
from keynet.steps.examining.check import Check, Group
from keynet.steps.examining.engine_checks import EnginesFound
from keynet.text import _, fill, size

__all__ = ["DirectHere", "examination"]

_TIMEOUT_S: Final = 10.0
# Versions of Python for which packages have wheels today.
_MINORS: Final = range(9, 15)
_CACHE: Final = "direct"


@frozen
class DirectHere:
    """The builder as a candidate, whatever is to be built with it."""

    name: str = NAME
    installed: bool = False

    def remembered(self) -> None:
        """Return nothing: there is no trial to remember."""
        return

    def probe(self) -> AnyBuilder | Unusable:
        """Return the builder, or what it lacks here."""
        if uv_program.find() is None:
            return Unusable(
                NAME,
                _("uv, which chooses and fetches packages, is not installed for this machine"),
                _("Install keynet again, with its dependencies: pipx reinstall keynet-cli"),
            )
        return Direct()


def examination(candidate: DirectHere, found: EnginesFound) -> Examination:
    """Return what examines the builder.

    Args:
        found: Gets the result.
    """
    return Examination(
        NAME,
        Group.ENGINES,
        partial(_examine, candidate, found),
        _TIMEOUT_S,
        _("The disk of keynet's cache does not answer. Set XDG_CACHE_HOME to another folder."),
    )


def _examine(candidate: DirectHere, found: EnginesFound, show: Show) -> None:
    tried = candidate.probe()
    if isinstance(tried, Unusable):
        found.engines[NAME] = tried
        show(Check(NAME, Group.ENGINES, False, tried.reason, tried.fix))
        return
    try:
        kept = disk_usage(places.cache() / _CACHE)
    except KeynetError as error:
        found.engines[NAME] = Unusable(NAME, error.message, error.hint)
        show(Check(NAME, Group.ENGINES, False, error.message, error.hint))
        return
    found.engines[NAME], found.builders[NAME] = tried.engine, tried
    pythons = ", ".join(_pythons())
    text = fill(
        _(
            "no engine ({version}), for scripts without a Containerfile; byte code for Python "
            "{pythons}; cache {size}; auto takes it if no engine with a fast store works"
        ),
        version=__version__,
        pythons=pythons,
        size=size(kept),
    )
    show(Check(NAME, Group.ENGINES, True, text, measured=True))


def _pythons() -> list[str]:
    """Return the versions for which this machine can compile packages."""
    own = sys.version_info[1]
    return [
        f"3.{minor}"
        for minor in _MINORS
        if minor == own or programs.find(f"python3.{minor}") is not None
    ]
