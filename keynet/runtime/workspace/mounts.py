"""Mounts of a run: SOURCE:TARGET, or the engines' own ``--mount``, which is a line of CSV. Pure."""

import csv
import io
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from keynet.errors import InvalidRunSettings
from keynet.text import _, fill, printable

__all__ = ["mount_flag", "mounted_at"]

_TARGETS: Final = frozenset({"dst", "destination", "target"})
_SOURCES: Final = frozenset({"src", "source"})


def mount_flag(text: str, folder: Path) -> str:
    """Return a mount as ``--mount`` has it; what is bound has an absolute source.

    Args:
        text: In that form, or ``SOURCE:TARGET[:ro]``.
        folder: What a relative source is relative to.

    Raises:
        InvalidRunSettings: It has no target, the target is the whole root, or its form is unknown.
    """
    fields = _fields(text) if "=" in text.partition(":")[0] else _short_mount(text)
    kinds = [value for key, value in map(_pair, fields) if key == "type"]
    if not kinds:
        fields = ["type=bind", *fields]
    if kinds in ([], ["bind"]):
        fields = [_absolute(each, folder) for each in fields]
    found = _joined(fields)
    target = mounted_at(found)
    # The root of the container would be that folder, in which the engine makes /proc and others.
    if not text.isprintable() or not target.startswith("/") or target == "/":
        raise _invalid_mount(text)
    return found


def mounted_at(mount: str) -> str:
    """Return where a mount lies in the container; "" if it does not say."""
    for key, value in map(_pair, _fields(mount)):
        if key in _TARGETS:
            # Two slashes at the start stay two otherwise.
            return posixpath.normpath(f"/{value.lstrip('/')}") if value[:1] == "/" else value
    return ""


def _short_mount(text: str) -> list[str]:
    source, _colon, rest = text.partition(":")
    target, _colon, mode = rest.partition(":")
    if not source or mode not in ("", "ro", "rw"):
        raise _invalid_mount(text)
    readonly = ["readonly"] if mode == "ro" else []
    return ["type=bind", f"source={source}", f"target={target}", *readonly]


def _absolute(part: str, folder: Path) -> str:
    """Return a field, with an absolute source."""
    key, value = _pair(part)
    if key not in _SOURCES:
        return part
    try:
        return f"{part.partition('=')[0]}={folder / Path(value).expanduser()}"
    except RuntimeError as error:
        raise InvalidRunSettings(
            fill(
                _("--mount {text} names the home of a user who is not known."),
                text=repr(printable(part, 200)),
            ),
            _("Write the whole path."),
        ) from error


def _pair(part: str) -> tuple[str, str]:
    key, _equals, value = part.partition("=")
    return key.strip().lower(), value


def _fields(mount: str) -> list[str]:
    try:
        return next(csv.reader([mount], strict=True), [])
    except csv.Error as error:
        raise _invalid_mount(mount) from error


def _joined(fields: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _invalid_mount(text: str) -> InvalidRunSettings:
    return InvalidRunSettings(
        fill(
            _("--mount {text} is not valid."),
            text=repr(printable(text, 200)),
        ),
        _("For example: --mount data:/data:ro, or type=bind,source=/srv/data,target=/data"),
    )
