"""What a user should know about the files of a context."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from keynet import confidential
from keynet.events import Notice
from keynet.plan import ContextFile
from keynet.text import _, fill, ngettext, printable, size

__all__ = ["Seen", "notices"]

_BIG: Final = 200_000_000
_MANY_NAMED: Final = 5
_MOST_LINES: Final = 10
# A training rarely needs these, wherever they are. docker sends them, so they are named.
_RARELY_WANTED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".ipynb_checkpoints",
        "__pypackages__",
    }
)
# A file that a virtual environment or conda's has, whatever its own name is.
_ENVIRONMENTS: Final = ("/pyvenv.cfg", "/conda-meta/history")


@dataclass(slots=True)
class Seen:
    """What a walk found besides the files of the context; all are paths."""

    links_outside: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    whiteouts: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)


def notices(seen: Seen, files: Sequence[ContextFile], ignorefile: str) -> Iterator[Notice]:
    """Yield what is left out, what looks wrong, and what is big.

    Args:
        ignorefile: The name of the context's ignore file, for hints.
    """
    if seen.special:
        yield _named(
            seen.special,
            lambda count: ngettext(
                "Skipping {count} socket, fifo or device of the context: {names}",
                "Skipping {count} sockets, fifos or devices of the context: {names}",
                count,
            ),
        )
    if seen.whiteouts:
        yield _named(
            seen.whiteouts,
            lambda count: ngettext(
                "Skipping {count} file whose name begins with .wh., which marks deleted files in "
                "an image: {names}. Rename it to have it in the image.",
                "Skipping {count} files whose names begin with .wh., which marks deleted files in "
                "an image: {names}. Rename them to have them in the image.",
                count,
            ),
        )
    if seen.links_outside:
        yield _named(
            seen.links_outside,
            lambda count: ngettext(
                "{count} symbolic link points outside the context and will be broken in the "
                "image: {names}",
                "{count} symbolic links point outside the context and will be broken in the "
                "image: {names}",
                count,
            ),
            level="note",
        )
    if seen.credentials:
        yield _credentials(sorted(seen.credentials), ignorefile)
    suspicious = [file.path for file in files if confidential.is_suspicious_path(file.path)]
    if suspicious:
        yield _named(
            suspicious,
            lambda count: ngettext(
                "{count} file looks like a secret and goes into the image: {names}. "
                "Exclude it in {ignorefile}.",
                "{count} files look like secrets and go into the image: {names}. "
                "Exclude them in {ignorefile}.",
                count,
            ),
            ignorefile=ignorefile,
        )
    if seen.pointers:
        yield _named(
            seen.pointers,
            lambda count: ngettext(
                "{count} file is a Git LFS pointer, not the data itself: {names}. "
                "Download the data first: git lfs pull",
                "{count} files are Git LFS pointers, not the data itself: {names}. "
                "Download the data first: git lfs pull",
                count,
            ),
        )
    total = sum(file.size for file in files)
    if total >= _BIG:
        yield _big(files, total, ignorefile)


def _named(
    paths: list[str], text: Callable[[int], str], level: str = "warning", **more: str
) -> Notice:
    count = len(paths)
    return Notice(fill(text(count), count=count, names=_names(sorted(paths)), **more), level)


def _names(paths: list[str]) -> str:
    names = ", ".join(printable(path, 200) for path in paths[:_MANY_NAMED])
    return names if len(paths) <= _MANY_NAMED else names + ", …"


def _credentials(paths: list[str], ignorefile: str) -> Notice:
    return Notice(
        fill(
            ngettext(
                "{count} file with credentials stays out of the image: {names}. To include it on "
                "purpose, add to {ignorefile}: !{first}",
                "{count} files with credentials stay out of the image: {names}. To include one on "
                "purpose, add to {ignorefile}, for example: !{first}",
                len(paths),
            ),
            count=len(paths),
            names=_names(paths),
            ignorefile=ignorefile,
            first=printable(paths[0], 200),
        )
    )


def _big(files: Sequence[ContextFile], total: int, ignorefile: str) -> Notice:
    biggest = _sizes(files, lambda path: path.partition("/")[0])[:_MANY_NAMED]
    text = fill(
        _("The build context is {total}; the biggest entries: {names}."),
        total=size(total),
        names=", ".join(f"{printable(name, 200)} ({size(bytes_)})" for name, bytes_ in biggest),
    )
    environments = {
        file.path.removesuffix(end)
        for file in files
        for end in _ENVIRONMENTS
        if file.path.endswith(end)
    }
    lines = dict.fromkeys(
        f"**/{folder.rpartition('/')[2]}" if "/" in folder else folder
        for folder, _bytes in _sizes(files, lambda path: _unwanted(path, environments))
    )
    if lines:
        text += " " + fill(
            _("A training rarely needs these; to leave them out, add to {ignorefile}: {lines}"),
            ignorefile=ignorefile,
            lines=", ".join(printable(line, 200) for line in list(lines)[:_MOST_LINES]),
        )
    else:
        text += " " + fill(
            _("Exclude in {ignorefile} what the training does not need."), ignorefile=ignorefile
        )
    return Notice(text)


def _sizes(files: Sequence[ContextFile], group: Callable[[str], str]) -> list[tuple[str, int]]:
    """Return the sum of each group by size, biggest first; the group "" is left out."""
    sums: dict[str, int] = {}
    for file in files:
        name = group(file.path)
        sums[name] = sums.get(name, 0) + file.size
    sums.pop("", None)
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def _unwanted(path: str, environments: set[str]) -> str:
    """Return the outermost folder around a path that a training rarely needs, "" if none."""
    end = path.find("/")
    while end >= 0:
        folder = path[:end]
        if folder.rpartition("/")[2] in _RARELY_WANTED or folder in environments:
            return folder
        end = path.find("/", end + 1)
    return ""
