"""How much memory the processes of a user take, each at its peak."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["peaks"]

_EVERY_S = 0.02


@contextlib.contextmanager
def peaks(uid: int) -> Iterator[dict[str, int]]:
    """Collect the most resident memory of each program of a user, in bytes, while the block runs.

    The kernel keeps each process's peak, so that none is missed between two looks but the last.
    """
    found: dict[str, int] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY_S):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError, ValueError, LookupError):
                    # Of root it is known without reading; others cannot be of this user.
                    if process.stat().st_uid == uid:
                        _note(process, found)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _note(process: Path, found: dict[str, int]) -> None:
    words = (process / "cmdline").read_bytes().split(b"\0")
    status = (process / "status").read_text(errors="replace")
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    name = b" ".join(words[:4]).decode(errors="replace")
    found[name] = max(peak, found.get(name, 0))
