"""Parse TOML that somebody else wrote, within bounded time.

Source: TOML 1.0; ``tomllib`` takes time in the square of the dots of a key.
"""

from typing import Any, Final

__all__ = ["loads"]

# The sum, over the lines, of the squared number of dots: a second or less.
_MOST_WORK: Final = 400_000_000


def loads(content: bytes) -> dict[str, Any]:
    """Parse a TOML document.

    Raises:
        ValueError: It is not UTF-8 or not TOML, nested too deeply, or has endless keys.
    """
    if sum(line.count(b".") ** 2 for line in content.splitlines()) > _MOST_WORK:
        raise ValueError("a line has too many dots")
    # Most projects of a requirements.txt have no such file.
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
