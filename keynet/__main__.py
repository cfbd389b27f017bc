"""The program: ``keynet`` and ``python -m keynet``."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # What is imported stays: to look through it again and again, and once more at the end,
    # takes a fifth of the time that importing takes.
    gc.set_threshold(100_000, 20, 20)
    from keynet.cli.main import run

    status = run()
    gc.freeze()
    sys.exit(status)


if __name__ == "__main__":
    main()
