"""Extract the hyperparameters of a training script without running it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet.script import (
    bounds,
    collector,
    conversion,
    own_stack,
    shared_line,
    training_script,
    unread,
)
from keynet.script.arguments import Argument, Extraction, Note
from keynet.script.dialects import LIBRARIES
from keynet.script.files import source
from keynet.script.files.project_files import Project
from keynet.script.interpreter import candidates, entry
from keynet.script.interpreter.definitions import Module
from keynet.script.interpreter.interpreter import Interpreter
from keynet.script.interpreter.machine import Finished, Limits, OutOfSteps, ParserLike
from keynet.script.interpreter.outside import Library
from keynet.script.interpreter.values import External
from keynet.script.training_script import TrainingScript
from keynet.text import _

__all__ = ["extract"]

_STEPS: Final = 400_000
# Of the script and all files of its project that are read for it.
_TOKENS: Final = 300_000
_STEPS_AFTERWARDS: Final = 30_000
_IMPORTED: Final = 4
_MOST_ARGUMENTS: Final = 2_000
_MOST_NOTES: Final = 500


def extract(script: Path | TrainingScript, *, parser_type: str | None = None) -> Extraction:
    """Return the arguments that a script accepts on its command line.

    Args:
        script: Its path, or the script as returned by ``training_script.load``. Other files of
            its project are read when the script uses them.
        parser_type: Look only for this kind: ``argparse``, ``click``, ``typer``, …

    Returns:
        Arguments in source order. ``parser_type`` is None and ``arguments`` empty when the
        script has no parser. A value that cannot be determined is None and has a note.

    Raises:
        ScriptInvalid: The file is missing, unreadable, too large or not Python.

    Which declarations are understood: docs/hyperparameters.md.
    """
    return own_stack.run(lambda: _extract(script, parser_type))


def _extract(script: Path | TrainingScript, parser_type: str | None) -> Extraction:
    # No name here holds the syntax tree: it is gone before the collector could walk it.
    with collector.paused():
        if isinstance(script, TrainingScript):
            return _extracted(script, parser_type)
        return _extracted(training_script.load(Path(script)), parser_type)


def _extracted(script: TrainingScript, parser_type: str | None) -> Extraction:
    with Project(script.path) as project:
        return _read(script, project, parser_type)


def _read(script: TrainingScript, project: Project, parser_type: str | None) -> Extraction:
    content = script.source
    libraries = [one for one in LIBRARIES if parser_type in (None, one.name)]
    limits = Limits(_STEPS, _TOKENS - content.tokens)
    run = Interpreter(project, libraries, limits)
    module = project.entry()
    try:
        _follow(run, module, content, libraries)
        if not run.candidates:
            _read_registering(run)
        chosen = candidates.choose(run.candidates, run.parsers)
        if not chosen:
            return Extraction(None, (), _notes(run, _reasons(run, content, libraries)))
        return _reported(run, chosen, unread.notes_of_unread(content.text))
    finally:
        run.forget()


def _follow(
    run: Interpreter, module: Module, content: source.Source, libraries: list[Library]
) -> None:
    """Follow the script, then what was not reached, until a parser is found."""
    attempts: list[Callable[[], None]] = [
        lambda: entry.follow(run, module, content.tree, content.text),
        lambda: _read_registering(run),
        lambda: entry.call_waiting(run),
        lambda: entry.call_uncalled(run, module, ["main"]),
        lambda: entry.follow_imported(run, module),
        lambda: entry.call_uncalled(run, module),
        lambda: entry.call_with_parser(run, module),
    ]
    limits = run.limits
    words = [word for library in libraries for word in library.words]
    for number, attempt in enumerate(attempts):
        if number and _found(run):
            return
        if number > _IMPORTED and not _mentions(run, content, words):
            return
        if number:
            run.limits.steps = _STEPS_AFTERWARDS
        try:
            attempt()
        except Finished:
            return
        except OutOfSteps:
            limits.meet("steps")
        except RecursionError:
            limits.meet("nesting")


def _read_registering(run: Interpreter) -> None:
    """Read the modules that add commands to a parser whose start was not seen."""
    names = {parser.dialect for parser in run.parsers}
    patterns = [p for name, p in run.outside.registering.items() if name in names]
    if not patterns or run.candidates:
        return
    try:
        run.load_unread("|".join(patterns))
    except (OutOfSteps, RecursionError):
        run.limits.meet("steps")


def _mentions(run: Interpreter, content: source.Source, words: list[str]) -> bool:
    texts = [content.text, *run.modules.project.texts]
    return any(word in text for text in texts for word in words) or bool(run.parsers)


def _found(run: Interpreter) -> bool:
    return any(candidate.parser.declared() for candidate in run.candidates) or any(
        parser.declared() for parser in run.parsers
    )


def _reasons(run: Interpreter, content: source.Source, libraries: list[Library]) -> list[Note]:
    """Return notes on why nothing was found."""
    notes = unread.notes_of_unread(content.text)
    notes += unread.notes_without_result(content.text, run.modules.project.texts)
    if not notes:
        notes += unread.notes_on_others(
            content.tree, lambda name: isinstance(run.import_name(name), External)
        )
    words = [word for library in libraries for word in library.words]
    doubtful = (
        run.modules.found
        or unread.imports_relatively(content.text)
        or _mentions(run, content, words)
    )
    if doubtful and not notes and not run.notes and not run.limits.met:
        declaring = unread.declares(content.text)
        if declaring is not None:
            text = _("Arguments are added here in a way that is not followed: they are missing.")
            return [Note(declaring, text)]
        text = _("Neither the script nor the files that it imports declare a command line here.")
        notes.append(Note(1, text))
    return notes


def _reported(
    run: Interpreter, chosen: list[candidates.Candidate], unread_notes: list[Note]
) -> Extraction:
    arguments: dict[str, Argument] = {}
    # Following the script may have used all steps; its declarations are still reported.
    run.limits.steps = _STEPS
    too_many = _("There are too many arguments; the rest is omitted.")
    alone = candidates.are_one(run.candidates)
    declarations, notes = shared_line.merged(chosen, alone=alone)
    notes.extend(unread_notes)
    for declared in declarations:
        if len(arguments) >= _MOST_ARGUMENTS:
            notes.append(Note(declared.line, too_many, declared.file))
            break
        try:
            argument, its_notes = conversion.to_argument(run, declared)
        except OutOfSteps:
            notes.append(Note(declared.line, too_many, declared.file))
            break
        arguments[argument.name] = argument
        notes.extend(its_notes)
    notes.extend(_omitted(run, [candidate.parser for candidate in chosen]))
    return Extraction(chosen[-1].parser.dialect, tuple(arguments.values()), _notes(run, notes))


def _omitted(run: Interpreter, chosen: list[ParserLike]) -> list[Note]:
    """Return a note for each parser that is not reported."""
    ids = {id(parser) for parser in chosen}
    # One that is made at the same place is the same one, made again.
    places = {(getattr(parser, "file", ""), parser.line) for parser in chosen}
    others = [
        p
        for p in run.parsers
        if id(p) not in ids
        and not p.nested
        and (getattr(p, "file", ""), p.line) not in places
        and p.declared()
    ]
    text = _("Another parser is omitted: it is not the one that is used first.")
    return [Note(other.line, text, getattr(other, "file", "")) for other in others]


def _notes(run: Interpreter, more: list[Note]) -> tuple[Note, ...]:
    """Return every note once, in source order."""
    found = [*bounds.notes_on(run.limits.met), *run.notes, *more]
    # What is made without a line of its own stands at the first one.
    placed = [note if note.line >= 1 else replace(note, line=1) for note in found]
    every = sorted(dict.fromkeys(placed), key=lambda note: (note.file, note.line))
    return tuple(bounds.summarised(every)[:_MOST_NOTES])
