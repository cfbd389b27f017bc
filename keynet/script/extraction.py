"""Extract the hyperparameters of a training script without running it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from keynet.script import collector, conversion, training_script, unread
from keynet.script.arguments import Argument, Extraction, Note
from keynet.script.dialects import all_dialects
from keynet.script.files import source
from keynet.script.files.project_files import Project
from keynet.script.interpreter import candidates, entry
from keynet.script.interpreter.definitions import Module
from keynet.script.interpreter.interpreter import Interpreter
from keynet.script.interpreter.machine import Dialect, Finished, Limits, OutOfSteps, ParserLike
from keynet.script.training_script import TrainingScript
from keynet.text import _, fill, printable

__all__ = ["extract"]

_STEPS: Final = 150_000
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
    # No name here holds the syntax tree: it is gone before the collector could walk it.
    with collector.paused():
        if isinstance(script, TrainingScript):
            return _extracted(script, parser_type)
        return _extracted(training_script.load(Path(script)), parser_type)


def _extracted(script: TrainingScript, parser_type: str | None) -> Extraction:
    content = script.source
    dialects = [d for d in all_dialects() if parser_type in (None, d.name)]
    project = Project(script.path)
    limits = Limits(_STEPS, source.MAX_TOKENS - content.tokens)
    run = Interpreter(project, dialects, limits)
    module = project.entry()
    try:
        _follow(run, module, content, dialects)
        if not run.candidates:
            _read_registering(run, dialects)
        parser = candidates.choose(run.candidates, run.parsers)
        if parser is None:
            return Extraction(None, (), _notes(run, _reasons(run, content, dialects)))
        return _reported(run, parser, unread.notes_of_unread(content.text))
    finally:
        run.forget()


def _follow(
    run: Interpreter, module: Module, content: source.Source, dialects: list[Dialect]
) -> None:
    """Follow the script, then what was not reached, until a parser is found."""
    attempts: list[Callable[[], None]] = [
        lambda: entry.follow(run, module, content.tree),
        lambda: _read_registering(run, dialects),
        lambda: entry.call_waiting(run),
        lambda: entry.call_uncalled(run, module, ["main"]),
        lambda: entry.follow_imported(run, module),
        lambda: entry.call_uncalled(run, module),
        lambda: entry.call_with_parser(run, module),
    ]
    words = [word for dialect in dialects for word in dialect.words]
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
            run.note(0, _("The script does too much to be analysed to its end."))
        except RecursionError:
            run.note(0, _("The script is nested too deeply to be analysed to its end."))


def _read_registering(run: Interpreter, dialects: list[Dialect]) -> None:
    """Read the modules that add commands to a parser whose start was not seen."""
    names = {parser.dialect for parser in run.parsers}
    patterns = [d.registers for d in dialects if d.name in names and d.registers]
    if not patterns or run.candidates:
        return
    try:
        run.load_unread("|".join(patterns))
    except (OutOfSteps, RecursionError):
        run.note(0, _("The script does too much to be analysed to its end."))


def _mentions(run: Interpreter, content: source.Source, words: list[str]) -> bool:
    texts = [content.text, *run.modules.project.texts]
    return any(word in text for text in texts for word in words) or bool(run.parsers)


def _found(run: Interpreter) -> bool:
    return any(candidate.parser.declared() for candidate in run.candidates) or any(
        parser.declared() for parser in run.parsers
    )


def _reasons(run: Interpreter, content: source.Source, dialects: list[Dialect]) -> list[Note]:
    """Return notes on why nothing was found; there is no need where the script asks for nothing."""
    notes = unread.notes_of_unread(content.text)
    notes += unread.notes_without_result(content.text, run.modules.project.texts)
    words = [word for dialect in dialects for word in dialect.words]
    if not notes and not run.notes and _mentions(run, content, words):
        text = _("No command line was found, although the script or its project can declare one.")
        notes.append(Note(1, text))
    return notes


def _reported(run: Interpreter, parser: ParserLike, notes: list[Note]) -> Extraction:
    arguments: dict[str, Argument] = {}
    # Following the script may have used all steps; its declarations are still reported.
    run.limits.steps = _STEPS
    too_many = _("There are too many arguments; the rest is omitted.")
    repeated = _("{name} is declared more than once; the first declaration is reported.")
    for declared in parser.declared():
        if declared.name in arguments:
            text = fill(repeated, name=printable(declared.name, 100))
            notes.append(Note(declared.line, text, declared.file))
            continue
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
    others = [p for p in run.parsers if p is not parser and not p.nested and p.declared()]
    notes.extend(
        Note(other.line, _("Another parser is omitted: it is not the one that is used first."))
        for other in others
    )
    return Extraction(parser.dialect, tuple(arguments.values()), _notes(run, notes))


def _notes(run: Interpreter, more: list[Note]) -> tuple[Note, ...]:
    """Return every note once, in source order."""
    every = dict.fromkeys([*run.notes, *more])
    return tuple(sorted(every, key=lambda note: (note.file, note.line))[:_MOST_NOTES])
