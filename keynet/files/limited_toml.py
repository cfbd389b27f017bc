"""Parse TOML that somebody else wrote, within bounded time and memory.

Source: TOML 1.0; ``tomllib`` takes time in the square of the dots of a key, and a kilobyte for each
part of a table's name.
"""

from typing import Any, Final

__all__ = ["loads"]

# The sum, over the lines, of the squared number of dots: a second or less.
_MOST_WORK: Final = 400_000_000
# Tables, and the further parts of their names and of keys; lists and tables inside of values.
_MOST_TABLES: Final = 100_000
_MOST_NESTED: Final = 400_000


def loads(content: bytes) -> dict[str, Any]:
    """Parse a TOML document.

    Raises:
        ValueError: It is not UTF-8 or not TOML, nested too deeply, or has endless keys or tables.
    """
    _check(content)
    # Most projects of a requirements.txt have no such file.
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _check(content: bytes) -> None:
    work = tables = 0
    for line in content.splitlines():
        dots = line.count(b".")
        work += dots**2
        is_table = line[:1] == b"[" or line.lstrip()[:1] == b"["
        if dots or is_table:
            tables += line.partition(b"=")[0].count(b".") + is_table
    if work > _MOST_WORK:
        raise ValueError("a line has too many dots")
    if tables > _MOST_TABLES or content.count(b"{") + content.count(b"[") > _MOST_NESTED:
        raise ValueError("it has too many tables and lists")
