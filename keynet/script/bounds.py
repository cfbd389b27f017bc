"""Notes on the bounds that were met while a script was followed."""

from collections.abc import Mapping
from typing import Final

from keynet.script.arguments import Note
from keynet.text import N_, _, fill

__all__ = ["notes_on", "summarised"]

# Notes that differ in nothing but the line are shown one by one up to this number.
_MOST_ALIKE: Final = 5
_MOST_NAMES: Final = 100
_TEXTS: Final[Mapping[str, str]] = {
    "modules": N_(
        "{count} modules of the project are not read: there are too many. Arguments and choices "
        "that they define may be missing."
    ),
    "words": N_(
        "{count} modules of the project are not read: together they are too long. Arguments and "
        "choices that they define may be missing."
    ),
    "unreadable": N_(
        "{count} modules of the project cannot be read or are not valid Python. Arguments and "
        "choices that they define may be missing."
    ),
    "turns": N_("A loop has too many turns to be followed to its end: arguments may be missing."),
    "calls": N_("Calls are nested too deeply to be followed: arguments may be missing."),
    "parsers": N_("The script has too many parsers: arguments may be missing."),
    "commands": N_("The script has too many subcommands: arguments may be missing."),
    "steps": N_("The script does too much to be analysed to its end: arguments may be missing."),
    "nesting": N_(
        "The script is nested too deeply to be analysed to its end: arguments may be missing."
    ),
}


def notes_on(met: Mapping[str, int]) -> list[Note]:
    """Return a note for each bound that was met."""
    return [Note(1, fill(_(_TEXTS[bound]), count=count)) for bound, count in met.items()]


def summarised(notes: list[Note]) -> list[Note]:
    """Return one note for those of a kind that repeats, at its first place.

    It names all the arguments that they are about.
    """
    alike: dict[str, list[Note]] = {}
    for note in notes:
        alike.setdefault(note.of_kind or note.message, []).append(note)
    kept: dict[str, Note] = {}
    for note in notes:
        kind = note.of_kind or note.message
        if len(alike[kind]) <= _MOST_ALIKE:
            kept[f"{note.file}\0{note.line}\0{note.message}"] = _plain(note, note.message)
        elif kind not in kept:
            kept[kind] = _plain(note, _summary(note, alike[kind]))
    return list(kept.values())


def _plain(note: Note, message: str) -> Note:
    return Note(note.line, message, note.file)


def _summary(first: Note, alike: list[Note]) -> str:
    message = first.message
    if first.of_kind:
        names = list(dict.fromkeys(note.about for note in alike))
        shown = [*names[:_MOST_NAMES], "…"] if len(names) > _MOST_NAMES else names
        message = first.of_kind.replace("{name}", ", ".join(shown))
    return fill(_("{message} ({count} places)"), message=message, count=len(alike))
