"""keynet's own uv, for installations inside builds for this machine's platform."""

from pathlib import Path
from typing import Final

from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.frozen import frozen
from keynet.oci import platform
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe

__all__ = ["UvProgram", "find", "for_plan"]

_ELF: Final = b"\x7fELF"
# Another version of keynet may use its own.
_MOST: Final = 2


@frozen
class UvProgram:
    """A copy of uv in keynet's cache, which may be linked to.

    ``key`` differs between different programs. ``image`` is an image of the engine that has the
    program as ``/uv``, "" if the program itself has to be sent with the build.
    """

    key: str
    path: Path
    image: str = ""


def for_plan(plan: BuildPlan, architecture: str) -> UvProgram | None:
    """Return uv if it may install in this build; None leaves that to pip.

    Args:
        architecture: That of the engine's host, as OCI spells it; "" if it is not known.
    """
    recipe = plan.recipe
    if not isinstance(recipe, Recipe) or not plan.needs_run:
        return None
    if recipe.installer == "pip" or recipe.dependencies.pip_only:
        return None
    here = platform.host()
    built = plan.platforms or (Platform("linux", architecture or here.architecture),)
    return _own(places.cache()) if all(here.matches(each) for each in built) else None


def find() -> Path | None:
    """Return the uv of keynet's own installation; None if there is none for this machine."""
    # Most commands need no uv.
    import uv

    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError:
        return None


def _own(folder: Path) -> UvProgram | None:
    file = find()
    if file is None:
        return None
    try:
        found = file.stat()
        cache = DiskCache(folder, "uv", _MOST)
        key = f"{found.st_size:x}-{found.st_mtime_ns:x}"
        path = cache.find(key)
        if path is None:
            content = file.read_bytes()
            if not content.startswith(_ELF):
                return None
            cache.put(key, content)
            path = cache.find(key)
    except OSError:
        # Not installed for this machine, or no place for a copy: pip installs, and says so.
        return None
    return UvProgram(key, path) if path is not None else None
