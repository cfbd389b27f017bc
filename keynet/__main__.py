"""The program: ``keynet`` and ``python -m keynet``."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # What is imported stays: to look through it again and again, and once more at the end,
    # takes a fifth of the time that importing takes.
    gc.set_threshold(100_000, 20, 20)
    # As much again: httpx's own command line with rich and pygments, which it does without where
    # they are missing, and pydantic's look at every installed package for plugins.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from keynet.cli.main import run

    status = run()
    gc.freeze()
    sys.exit(status)


if __name__ == "__main__":
    main()
