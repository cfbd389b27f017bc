"""Help pages: their paragraphs, and lines of characters that take two terminal cells."""

from collections.abc import Iterable, Sequence

import click

from keynet.text import _, cells

__all__ = ["HelpFormatter", "help_page"]

# A noncharacter, which no text contains.
_FILLER = "\ufdd0"


def help_page(*paragraphs: str, examples: Sequence[str] = ()) -> str:
    """Return the help of a command: a summary, further paragraphs and lines of examples."""
    blocks = list(paragraphs)
    if examples:
        heading = _("Example:") if len(examples) == 1 else _("Examples:")
        blocks.append("\n".join(["\b", heading, *(f"  {line}" for line in examples)]))
    return "\n\n".join(blocks)


class HelpFormatter(click.HelpFormatter):
    """Click's, which counts characters, with a filler after each one that takes two cells."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of the usage, after the width of its own prefix."""
        super().write_usage(prog, args, _filled(prefix or _("Usage:") + " "))

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        super().write_text(_filled(text))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write two columns."""
        filled = [(_filled(first), _filled(second)) for first, second in rows]
        super().write_dl(filled, col_max, col_spacing)

    def getvalue(self) -> str:
        """Return what was written, without the fillers."""
        return super().getvalue().replace(_FILLER, "")


def _filled(text: str) -> str:
    if text.isascii():
        return text
    return "".join(each + _FILLER * (cells(each) - 1) for each in text)
