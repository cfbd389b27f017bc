"""Remove what dead commands have left, before a command that builds does the same work."""

from keynet.events import ignore
from keynet.files import dead_folders, folder_parents, places

__all__ = ["sweep"]


def sweep() -> None:
    """Remove what dead commands have left; without any, do next to nothing.

    What cannot be removed stays, for ``keynet clean`` to report.
    """
    here = places.real(folder_parents.runtime())
    dead = [folder for folder in dead_folders.find() if not folder.alive]
    if not dead:
        return
    # What follows, and the engines that it imports, is needed after a sudden death alone.
    from keynet.files import owners
    from keynet.steps.cleaning import remnants, removing

    if any(folder.kind == owners.KIND and folder.path.parent == here for folder in dead):
        # Their programs may still run, and their containers are in an engine.
        removing.remove(remnants.of_dead(ignore))
    else:
        dead_folders.remove_dead()
