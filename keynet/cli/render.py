"""Show events on standard error: lines, a live log and one progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import Enum
from typing import TYPE_CHECKING, assert_never

import click

from keynet.errors import BuildFailed
from keynet.events import (
    BlobAdvanced,
    BlobFinished,
    BlobMounted,
    BlobRewound,
    BlobSkipped,
    BlobStarted,
    Emit,
    Event,
    LogLine,
    Notice,
    StepFinished,
    StepStarted,
)
from keynet.text import _, fill, padded, printable, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Verbosity", "show", "styled", "summary"]

_TITLE_CELLS = 28


class Verbosity(Enum):
    """How much to show: quiet only warnings and errors, verbose also commands."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"

    @classmethod
    def of(cls, *, quiet: bool, verbose: bool) -> Verbosity:
        """Return the verbosity for two flags; both together are a usage error."""
        if quiet and verbose:
            raise click.UsageError(_("--quiet and --verbose cannot be used together."))
        if quiet:
            return cls.QUIET
        return cls.VERBOSE if verbose else cls.NORMAL


@contextmanager
def show(verbosity: Verbosity = Verbosity.NORMAL) -> Iterator[Emit]:
    """Return an ``Emit`` that shows events until the block ends.

    On a terminal there is a live progress bar; a pipe, a file or ``TERM=dumb`` gets plain lines.
    """
    live = verbosity is not Verbosity.QUIET and sys.stderr.isatty()
    display = _Display(verbosity, live=live and os.environ.get("TERM") != "dumb")
    with ExitStack() as stack:
        stack.callback(display.close)
        if verbosity is Verbosity.VERBOSE:
            from keynet.process import shell

            stack.enter_context(shell.observed(display.command))
        try:
            yield display.emit
        except BuildFailed as error:
            if verbosity is not Verbosity.QUIET:
                # The last lines of the log have just been shown.
                error.message = error.brief
            raise


def summary(title: str, rows: Mapping[str, str]) -> None:
    """Print on standard error that the command is done, and its results line by line."""
    click.echo(styled(title, fg="green", bold=True), err=True)
    for name, value in rows.items():
        click.echo(f"  {_padded(name, _TITLE_CELLS - 2)}{printable(value)}", err=True)


def styled(text: str, **style: bool | str) -> str:
    """Colour a text for a terminal on standard error, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, **style)  # type: ignore[arg-type]


class _Display:
    def __init__(self, verbosity: Verbosity, *, live: bool) -> None:
        self._verbosity = verbosity
        self._live = live
        self._titles: dict[str, str] = {}
        self._shown: set[str] = set()
        self._blobs: dict[str, tuple[int, int | None]] = {}  # position, size
        self._over: set[str] = set()
        self._present: set[str] = set()  # skipped or mounted: their bytes are not sent
        self._counts_bytes = False
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def emit(self, event: Event) -> None:
        if self._verbosity is Verbosity.QUIET and not isinstance(event, Notice):
            return
        match event:
            case StepStarted():
                self._start(event)
            case StepFinished():
                self._finish(event)
            case LogLine():
                self._log(event)
            case Notice():
                self._notice(event)
            case BlobStarted(blob, total):
                self._blobs[blob] = (0, total)
                self._advance()
            case BlobAdvanced(blob, position) | BlobRewound(blob, position):
                self._blobs[blob] = (position, self._blobs.get(blob, (0, None))[1])
                self._advance()
            case BlobSkipped(blob, total) | BlobMounted(blob, total):
                self._blobs[blob] = (total or 0, total)
                self._over.add(blob)
                self._present.add(blob)
                self._advance()
            case BlobFinished(blob):
                position, total = self._blobs.get(blob, (0, None))
                self._blobs[blob] = (position if total is None else total, total)
                self._over.add(blob)
                self._advance()
            case _:
                assert_never(event)

    def command(self, line: str) -> None:
        """Show the command line of a program that is about to run."""
        self._echo(styled(f"  $ {printable(line, 8000)}", fg="cyan"))

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._task = None

    def _start(self, event: StepStarted) -> None:
        self._titles[event.step] = event.title
        self._blobs.clear()
        self._over.clear()
        self._present.clear()
        if event.detail:
            self._line(event.title, event.detail)
            self._shown.add(event.step)

    def _finish(self, event: StepFinished) -> None:
        self.close()
        sent = self._transferred()
        detail = "  ".join(part for part in (printable(event.detail), sent) if part)
        if event.step not in self._shown:
            self._line(self._titles.get(event.step, event.step), detail)
        elif detail:
            self._line("", detail)

    def _transferred(self) -> str:
        known = {blob: total for blob, (_position, total) in self._blobs.items() if total}
        if not known:
            return ""
        sent = size(sum(total for blob, total in known.items() if blob not in self._present))
        if not self._present:
            return sent
        return fill(
            _("{sent} sent, {count} of {all} already present"),
            sent=sent,
            count=len(self._present),
            all=len(self._blobs),
        )

    def _line(self, title: str, detail: str) -> None:
        padding = _padded(title)[len(title) :]
        self._echo(f"{styled(title, bold=True)}{padding}{printable(detail)}".rstrip())

    def _log(self, event: LogLine) -> None:
        self._echo(styled(f"  {printable(event.text.expandtabs(), indented=True)}", dim=True))

    def _notice(self, event: Notice) -> None:
        if event.level == "warning":
            title = styled(_("Warning"), fg="yellow", bold=True)
            self._echo(f"{title}: {printable(event.text)}")
        elif self._shows(event.level):
            title = _("Note")
            self._echo(f"{title}: {printable(event.text)}")

    def _shows(self, level: str) -> bool:
        if level == "detail":
            return self._verbosity is Verbosity.VERBOSE
        return self._verbosity is not Verbosity.QUIET

    def _echo(self, line: str) -> None:
        if self._progress is not None:
            from rich.text import Text

            self._progress.console.print(Text.from_ansi(line), soft_wrap=True)
        else:
            click.echo(line, err=True)

    def _advance(self) -> None:
        """Update the bar, which counts bytes if any size is known, else layers."""
        if not self._live:
            return
        sizes = [total for _position, total in self._blobs.values()]
        counts_bytes = any(total is not None for total in sizes)
        if counts_bytes is not self._counts_bytes:
            self.close()
            self._counts_bytes = counts_bytes
        if self._progress is None:
            self._progress, self._task = _bar(counts_bytes=counts_bytes)
            self._progress.start()
        assert self._task is not None
        if counts_bytes:
            done = sum(position for position, _total in self._blobs.values())
            self._progress.update(
                self._task, completed=done, total=sum(total or 0 for total in sizes)
            )
        else:
            self._progress.update(self._task, completed=len(self._over), total=len(sizes))


def _bar(*, counts_bytes: bool) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns: list[ProgressColumn]
    if counts_bytes:
        columns = [DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
    else:
        # Layers finish rarely: the spinner shows that the push is still running.
        layers = fill(_("{done} of {all} layers"), done="{task.completed}", all="{task.total}")
        columns = [TextColumn(layers), TimeElapsedColumn(), SpinnerColumn()]
    progress = Progress(
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=10,
    )
    return progress, progress.add_task("", total=None)


def _padded(text: str, width: int = _TITLE_CELLS) -> str:
    return padded(f"{text} ", width)
