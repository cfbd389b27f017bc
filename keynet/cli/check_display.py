"""Show checks as they finish: a line each, and on a terminal what is still being examined."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TextIO

import click

from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from keynet.steps.doctor import Check

__all__ = ["CheckDisplay", "check_lines", "showing"]

_NAME_CELLS: Final = 15


class CheckDisplay(Protocol):
    """Where checks are shown."""

    def show(self, check: Check) -> None:
        """Show a check that has finished."""
        ...

    def end(self, name: str) -> None:
        """Take an examination out of those that are waited for."""
        ...


@contextmanager
def showing(names: Iterable[str], *, quiet: bool) -> Iterator[CheckDisplay]:
    """Show checks until the block ends.

    Args:
        names: Of the examinations that are waited for.
        quiet: Show only what is waited for, on a terminal's standard error.
    """
    stream = sys.stderr if quiet else sys.stdout
    live = stream.isatty() and os.environ.get("TERM") != "dumb"
    display = _Live(stream, list(names), quiet=quiet) if live else _Plain(quiet=quiet)
    try:
        yield display
    finally:
        display.close()


def check_lines(check: Check, *, colour: bool, prefix: str = "") -> list[str]:
    """Return the lines of a check: what was found, and how to fix it."""
    mark = "✔" if check.ok else "✘"
    if colour:
        mark = click.style(mark, fg="green" if check.ok else "red")
    lines = [f"{prefix}{mark} {check.name:{_NAME_CELLS}}{printable(check.found)}"]
    indent = " " * (len(prefix) + 2 + _NAME_CELLS)
    lines += [f"{indent}→ {printable(line)}" for line in check.fix.splitlines()]
    return lines


def may_colour(stream: TextIO) -> bool:
    """Report whether a stream is a terminal that wants colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


class _Plain:
    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def show(self, check: Check) -> None:
        if not self._quiet:
            for line in check_lines(check, colour=may_colour(sys.stdout)):
                click.echo(line, color=may_colour(sys.stdout))
            sys.stdout.flush()

    def end(self, name: str) -> None:
        pass

    def close(self) -> None:
        pass


class _Live:
    """Lines that stay, and below them one that names what is waited for."""

    def __init__(self, stream: TextIO, names: list[str], *, quiet: bool) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._names = names
        self._quiet = quiet
        self._start = time.monotonic()
        self._colour = may_colour(stream)
        self._console = Console(file=stream, highlight=False)
        self._spinner = Spinner("line")
        self._live: Live = Live(
            console=self._console,
            get_renderable=self._waiting,
            refresh_per_second=8,
            transient=True,
        )
        self._live.start(refresh=True)

    def show(self, check: Check) -> None:
        from rich.text import Text

        if not self._quiet:
            for line in check_lines(check, colour=self._colour):
                self._console.print(Text.from_ansi(line), soft_wrap=True)

    def end(self, name: str) -> None:
        if name in self._names:
            self._names.remove(name)

    def close(self) -> None:
        self._live.stop()

    def _waiting(self) -> RenderableType:
        from rich.text import Text

        if not self._names:
            return Text()
        seconds = time.monotonic() - self._start
        text = fill(
            _("examining {names} ({seconds:.0f} s)"),
            names=", ".join(self._names),
            seconds=seconds,
        )
        self._spinner.update(text=Text(text, overflow="ellipsis", no_wrap=True))
        return self._spinner.render(self._console.get_time())
