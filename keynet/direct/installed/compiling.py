"""Compile modules to the same bytes every time; run as a program by the image's own Python version.

Standard library only, Python 3.8 or newer. ``py_compile`` gives other bytes for the same module,
since its marshal flags follow reference counts; version 2 of the format has none.

Source: PEP 552 (deterministic pycs); the documentation of ``marshal``.
"""

import importlib.util
import json
import marshal
import sys

# Hash-based, and not compared with the source at each start.
_FLAGS = (1).to_bytes(4, "little")


def compiled(source: bytes, path: str) -> "bytes | None":
    """Return a .pyc; None for what is not valid Python for this version."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return (
        importlib.util.MAGIC_NUMBER
        + _FLAGS
        + importlib.util.source_hash(source)
        + marshal.dumps(code, 2)
    )


def main() -> None:
    """Compile what standard input names: triples of source, path in the image, and result."""
    for source, path, result in json.load(sys.stdin):
        with open(source, "rb") as file:  # noqa: PTH123  started without site
            content = compiled(file.read(), path)
        if content is not None:
            with open(result, "wb") as file:  # noqa: PTH123
                file.write(content)


if __name__ == "__main__":
    main()
