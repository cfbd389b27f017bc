"""Texts for people can be collected, and what is filled into them is safe to show."""

import ast
import gettext
import inspect
import re
import string
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from keynet import errors

PACKAGE = Path(__file__).parent.parent / "keynet"
KOREAN = PACKAGE / "locale" / "ko" / "LC_MESSAGES" / "keynet.mo"
RENEW = "run tox -e texts, and translate in keynet/locale/ko/LC_MESSAGES/keynet.po"
# Forms that depend on the sound before them, which nobody knows of a field.
PARTICLE = re.compile(r"\}'?(?:은|는|이|가|을|를|과|와|으?로)(?:\(.\))?(?![가-힣])|\(으\)로")
MARKERS = {"_": 1, "N_": 1, "ngettext": 2}
# A module that translates what others marked, and the class whose fields those texts are.
TRANSLATED_LATER = {"runtime/probing/endpoints.py": "Advice"}
# It translates the hints that the engines' modules list, and mark, beside their messages.
HINTS_OF_ENGINES = "runtime/workspace/container_run.py"
# Whose arguments are shown to people.
SHOWN = {"Notice", "Unusable"} | {
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.KeynetError)
}

Text = tuple[str, ...]


def modules() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def everywhere(check: Callable[[str], Iterable[str]]) -> dict[str, list[str]]:
    """Return what a check finds, by module: one test, for hundreds of modules."""
    return {relative: found for relative in modules() if (found := sorted(check(relative)))}


@cache
def nodes(relative: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse((PACKAGE / relative).read_text("utf-8"))))


def calls(relative: str) -> Iterator[ast.Call]:
    for node in nodes(relative):
        if isinstance(node, ast.Call):
            yield node


def name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.medium
def test_every_marked_text_is_a_constant_with_named_fields() -> None:
    assert everywhere(_marked_wrongly) == {}


def _marked_wrongly(relative: str) -> Iterator[str]:
    for call in calls(relative):
        for argument in call.args[: MARKERS.get(name_of(call.func), 0)]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                parsed = string.Formatter().parse(argument.value)
                if any(name is not None and not name.isidentifier() for _t, name, _s, _c in parsed):
                    yield f"line {call.lineno}: a field without a name"
            elif not _is_marked_elsewhere(relative):
                yield f"line {call.lineno}: not a constant"


def _is_marked_elsewhere(relative: str) -> bool:
    known = relative in TRANSLATED_LATER or relative == HINTS_OF_ENGINES
    return known or "N_(" in (PACKAGE / relative).read_text("utf-8")


@pytest.mark.medium
def test_a_text_that_is_translated_later_was_marked() -> None:
    assert everywhere(_unmarked) == {}


def _unmarked(relative: str) -> Iterator[str]:
    for call in calls(relative):
        if name_of(call.func) not in TRANSLATED_LATER.values():
            continue
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            if not (isinstance(argument, ast.Call) and name_of(argument.func) == "N_"):
                yield f"line {argument.lineno}: not marked by N_"


@pytest.mark.medium
def test_a_text_is_filled_by_fill_alone() -> None:
    assert everywhere(_formatted) == {}


def _formatted(relative: str) -> Iterator[str]:
    for call in calls(relative):
        if not (
            isinstance(call.func, ast.Attribute) and call.func.attr in {"format", "format_map"}
        ):
            continue
        within = [name_of(each.func) for each in ast.walk(call) if isinstance(each, ast.Call)]
        if MARKERS.keys() & within:
            yield f"line {call.lineno}: .format() leaves its arguments as they are"


@pytest.mark.medium
def test_no_message_is_an_f_string() -> None:
    assert everywhere(_unsafe_messages) == {}


def _unsafe_messages(relative: str) -> Iterator[str]:
    wrong = set()
    for function in functions(relative):
        shown = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and name_of(node.func) in SHOWN
        ]
        assigned = assignments(function) if shown else {}
        for call in shown:
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                values = assigned.get(name_of(argument), []) or [argument]
                for value in values:
                    wrong |= {f"line {value.lineno}: {reason}" for reason in unsafe(value)}
    yield from wrong


def functions(relative: str) -> Iterator[ast.AST]:
    for node in nodes(relative):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            yield node


def assignments(function: ast.AST) -> dict[str, list[ast.expr]]:
    """Collect what is assigned to each name, so that a message made ahead is seen too."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if name := name_of(target):
                    found.setdefault(name, []).append(node.value)
    return found


def unsafe(argument: ast.expr) -> Iterator[str]:
    """Find what puts a value into a message as it is; the arguments of calls are theirs."""
    match argument:
        case ast.JoinedStr():
            yield "an f-string"
        case ast.BinOp(op=ast.Mod()):
            yield "a % operator"
        case ast.BinOp(left=left, right=right):
            yield from unsafe(left)
            yield from unsafe(right)
        case ast.IfExp(body=body, orelse=orelse):
            yield from unsafe(body)
            yield from unsafe(orelse)
        case ast.Call(func=ast.Attribute(attr="format")):
            yield ".format()"


# The Korean catalogue


class Absent(gettext.NullTranslations):
    """What a catalogue asks for texts that it lacks."""

    def gettext(self, message: str) -> str:
        return ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return ""


def texts() -> set[Text]:
    """Return every marked text of the package; two strings where it has a plural."""
    found = set()
    for relative in modules():
        for call in calls(relative):
            marked = call.args[: MARKERS.get(name_of(call.func), 0)]
            parts = [part.value for part in marked if isinstance(part, ast.Constant)]
            if parts:
                found.add(tuple(str(part) for part in parts))
    return found


@pytest.fixture(scope="module")
def korean() -> dict[Text, str]:
    with KOREAN.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    catalogue.add_fallback(Absent())
    return {
        text: catalogue.ngettext(text[0], text[1], 2) if text[1:] else catalogue.gettext(text[0])
        for text in texts()
    }


@pytest.mark.medium
def test_every_text_is_there_in_korean(korean: dict[Text, str]) -> None:
    missing = sorted(text[0] for text, translated in korean.items() if not translated)
    assert missing == [], RENEW


@pytest.mark.medium
def test_a_translation_has_the_fields_of_its_source(korean: dict[Text, str]) -> None:
    assert len(korean) > 1800
    wrong = {text[-1]: it for text, it in korean.items() if _fields(text[-1]) != _fields(it)}
    assert wrong == {}


def _fields(text: str) -> set[tuple[str, str | None, str | None]]:
    parsed = string.Formatter().parse(text)
    return {(name, form, conversion) for _t, name, form, conversion in parsed if name is not None}


@pytest.mark.medium
def test_a_translation_has_the_layout_of_its_source(korean: dict[Text, str]) -> None:
    wrong = {text[-1]: it for text, it in korean.items() if _layout(text[-1]) != _layout(it)}
    assert wrong == {}


def _layout(text: str) -> tuple[str, str, list[str]]:
    """Return the blanks at both ends, and the control characters."""
    start = text[: len(text) - len(text.lstrip())]
    end = text[len(text.rstrip()) :]
    return start, end, [each for each in text if not each.isprintable()]


@pytest.mark.medium
def test_no_particle_follows_a_field(korean: dict[Text, str]) -> None:
    assert [it for it in korean.values() if PARTICLE.search(it)] == []


@pytest.mark.medium
def test_no_marked_text_is_inside_an_f_string() -> None:
    """Babel finds none of those before Python 3.12."""
    inside = [
        f"{relative}: {call.lineno}"
        for relative in modules()
        for node in nodes(relative)
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and name_of(call.func) in MARKERS
    ]
    assert inside == []
