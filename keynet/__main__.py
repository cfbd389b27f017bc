"""The program: ``keynet`` and ``python -m keynet``."""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    from keynet.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
