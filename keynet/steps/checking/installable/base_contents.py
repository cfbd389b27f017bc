"""The Python and the packages of a base image, as far as this machine knows them.

Python's own images are known by their layers or by their name. Of others keynet knows the list of
files where it has built on them without an engine.
"""

from typing import Final

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.base.target_python import TargetPython
from keynet.frozen import frozen
from keynet.oci.reference import DOCKER_HUB
from keynet.plan import BaseFacts, Recipe
from keynet.steps.checking import plain_base

__all__ = ["BaseContents", "known"]

# glibc of the newest bases: a wheel that this one does not run is for none of them.
_NEWEST_GLIBC: Final = 40
_NOTHING: Final = BasePackages()


@frozen
class BaseContents:
    """What packages are chosen for.

    ``decides`` if what cannot be installed on it is an error: a mirror's image may have been
    extended, and a base may import from folders that are not in its list. ``is_sure`` if its C
    library is known.
    """

    python: TargetPython
    packages: BasePackages = _NOTHING
    decides: bool = False
    is_sure: bool = True


def known(recipe: Recipe, facts: BaseFacts | None) -> BaseContents | None:
    """Return what is known of a base image; None if its packages are not known."""
    if not plain_base.is_plain(recipe.base, facts):
        return _listed(facts)
    python = plain_base.python(recipe, facts)
    if python is None:
        return None
    is_musl = plain_base.is_musl(recipe.base, facts)
    return BaseContents(
        TargetPython(python, "", "", None if is_musl else _NEWEST_GLIBC),
        decides=recipe.base.registry == DOCKER_HUB or (facts is not None and bool(facts.plain)),
        is_sure=is_musl is not None,
    )


def _listed(facts: BaseFacts | None) -> BaseContents | None:
    if facts is None or facts.digest is None:
        return None
    # Rarely needed: most bases are Python's own.
    from keynet.direct.base.python_cache import kept_packages, kept_python
    from keynet.registry.kept_documents import KeptDocuments

    manifest = KeptDocuments.here().manifest(facts.digest)
    if manifest is None or manifest.config is None:
        return None
    config = manifest.config.digest
    python, packages = kept_python(config), kept_packages(config)
    if python is None or packages is None:
        return None
    return BaseContents(python, packages)
