"""The program: ``keynet`` and ``python -m keynet``."""

import atexit
import gc
import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its status."""
    _open_closed_streams()
    # What is imported stays: to look through it again and again, and once more at the end,
    # takes a fifth of the time that importing takes.
    gc.set_threshold(1_000_000, 20, 20)
    leaving = _Leaving()
    # The first one registered is the last one called.
    atexit.register(leaving)
    try:
        from keynet.cli.main import run
    except KeyboardInterrupt:
        # Nothing has begun.
        sys.exit(_INTERRUPTED)
    leaving.status = run()
    sys.exit(leaving.status)


def _open_closed_streams() -> None:
    """Open the null device in place of closed standard streams (``keynet push <&- >&-``).

    The next file or connection would become standard output otherwise, and what a program
    prints would end there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


class _Leaving:
    """End the process instead of taking every module apart first, 25 ms at the end of a push."""

    status: int | None = None

    def __call__(self) -> None:
        if self.status is None:
            return
        try:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except (OSError, ValueError, AttributeError):
            # Closed, or nobody reads: Python has its own words and status for that.
            return
        os._exit(self.status)


if __name__ == "__main__":
    main()
