"""Compile modules to the same bytes every time; run as a program by the image's own Python version.

Standard library only, Python 3.8 or newer. ``py_compile`` gives other bytes for the same module,
since its marshal flags follow reference counts; version 2 of the format has none.

Source: PEP 552 (deterministic pycs); the documentation of ``marshal``.
"""

import marshal
import sys
from _imp import source_hash
from importlib._bootstrap_external import MAGIC_NUMBER

# What ``importlib.util`` offers and json does is not worth their import, which takes as long as the
# start of Python: there are several of these programs in each first push.

# Hash-based, and not compared with the source at each start.
_FLAGS = (1).to_bytes(4, "little")
# To compile may take 250 times the memory of the source. A larger one is left as it is.
_LARGEST = 4 << 20


def compiled(source: bytes, path: str) -> bytes:
    """Return a .pyc; nothing for what is not valid Python for this version."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return b""
    key = int.from_bytes(MAGIC_NUMBER, "little")
    return MAGIC_NUMBER + _FLAGS + source_hash(key, source) + marshal.dumps(code, 2)


def main() -> None:
    """Compile what standard input names, as pairs of a source and its path in the image.

    Each is followed by NUL. Standard output gets the size of each result, in eight bytes, and the
    result.
    """
    names = sys.stdin.buffer.read().split(b"\0")
    results = sys.stdout.buffer
    for source, path in zip(names[::2], names[1::2]):  # noqa: B905  Python 3.8
        with open(source, "rb") as file:  # noqa: PTH123  started without site
            text = file.read(_LARGEST + 1)
        name = path.decode("utf-8", "surrogateescape")
        content = compiled(text, name) if len(text) <= _LARGEST else b""
        results.write(len(content).to_bytes(8, "little") + content)
    results.flush()


if __name__ == "__main__":
    main()
