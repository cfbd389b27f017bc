"""Make a run's writable folders for an image whose user is not root.

docker's new volumes belong to root where the image has no such folder, and the user could write
nothing; podman's belong to the user. They are made for a container that is never started, because
in it docker changes the rights of a folder, and the run takes them over.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import BinaryIO, Final

from keynet.errors import EngineError, EngineUnavailable
from keynet.process import shell
from keynet.runtime.engines.questions import Questions
from keynet.runtime.workspace.container_args import ContainerRun, label_flags

__all__ = ["opened"]

_ROOT: Final = frozenset({"", "0", "root"})
_MODE: Final = 0o1777
_REMOVE_TIMEOUT_S: Final = 60.0
# Of a daemon that has just failed to answer.
_SILENT_TIMEOUT_S: Final = 5.0


@contextlib.contextmanager
def opened(questions: Questions, run: ContainerRun) -> Iterator[ContainerRun]:
    """Yield the run with volumes that its user may write to; they go at the end of the block.

    Raises:
        EngineUnavailable: The daemon does not answer.
        EngineError: It refuses.
    """
    if run.user.partition(":")[0] in _ROOT or not (folders := _missing(run)):
        yield run
        return
    holder = f"{run.name}_volumes"
    timeout_s = _REMOVE_TIMEOUT_S
    try:
        volumes = [f"--volume={each}" for each in run.volumes]
        how = ("--name", holder, *label_flags(run), "--pull", "never", "--network", "none")
        created = questions.run("create", *how, *volumes, "--", run.image, "true")
        if created.status != 0:
            raise questions.failure(created, "create")
        _open(questions, holder, folders)
        yield replace(run, volumes_from=holder)
    except EngineUnavailable:
        timeout_s = _SILENT_TIMEOUT_S
        raise
    finally:
        # What stays has keynet's labels: ``keynet clean`` removes it.
        with contextlib.suppress(EngineError):
            argv = (*questions.prefix, "rm", "--force", "--volumes", holder)
            shell.run(shell.Command(argv, tidying=True), timeout_s=timeout_s)


def _missing(run: ContainerRun) -> list[str]:
    """Return the folders that the image lacks: its working folder is one that it has."""
    return [each for each in run.volumes if not f"{run.working_folder}/".startswith(f"{each}/")]


def _open(questions: Questions, holder: str, folders: Iterable[str]) -> None:
    argv = (*questions.prefix, "cp", "-", f"{holder}:/")
    command = shell.Command(argv, environment=questions.environment, stdin=partial(_write, folders))
    finished = shell.run(command, timeout_s=questions.timeout_s)
    if finished.status != 0:
        raise questions.failure(finished, "cp")


def _write(folders: Iterable[str], pipe: BinaryIO) -> None:
    """Write a tar of folders that everybody may write to."""
    # Most runs need none.
    import tarfile

    with tarfile.open(fileobj=pipe, mode="w|") as archive:
        for each in folders:
            member = tarfile.TarInfo(each.lstrip("/"))
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, _MODE, int(time.time())
            archive.addfile(member)
