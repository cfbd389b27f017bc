"""The program: ``keynet`` and ``python -m keynet``."""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # What is imported stays: to look through it again and again, and once more at the end,
    # takes a fifth of the time that importing takes.
    gc.set_threshold(100_000, 20, 20)
    leaving = _Leaving()
    # The first one registered is the last one called.
    atexit.register(leaving)
    from keynet.cli.main import run

    leaving.status = run()
    sys.exit(leaving.status)


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
