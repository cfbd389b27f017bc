"""Properties of what goes into an image: every value survives its place."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keynet.errors import ContextInvalid
from keynet.files.beneath import Beneath
from keynet.oci.reference import Reference
from keynet.plan import HostNetwork, Recipe
from keynet.recipe import ignore, instructions, patterns
from keynet.recipe.dependencies import requirements
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.lines.variables import Variables
from keynet.runtime.build import rendering

_BASE = Reference.parse("python:3.10-slim")
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
_PART = _TEXT.filter(lambda part: "/" not in part and part not in (".", ".."))
_VALUE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")))
_PATHS = st.lists(_PART, min_size=1, max_size=4).map("/".join)
_SIMPLE = st.text("ab.*?[]!\\-^# \t\n", max_size=12)
_SIMPLE_PATHS = st.lists(st.text("ab.*! -", min_size=1, max_size=3), min_size=1, max_size=4).map(
    "/".join
)


@pytest.mark.slow
@given(_PATHS)
def test_any_entrypoint_comes_back_from_the_containerfile(entrypoint: str) -> None:
    recipe = Recipe(_BASE, ("python", entrypoint))
    found = instructions.parse(rendering.two_stages(recipe, HostNetwork()).text)
    assert [instruction.name for instruction in found] == [
        *("FROM", "COPY", "ENV", "WORKDIR", "ENTRYPOINT", "CMD", "COPY")
    ]
    assert json.loads(found[-2].arguments) == ["python", entrypoint]


@pytest.mark.slow
@given(_PATHS)
def test_command_is_one_line_for_every_parser_of_lines(entrypoint: str) -> None:
    recipe = Recipe(_BASE, ("python", entrypoint))
    written = rendering.two_stages(recipe, HostNetwork()).text
    plain = rendering.two_stages(Recipe(_BASE, ("python", "x")), HostNetwork()).text
    assert len(written.splitlines()) == len(plain.splitlines())


@pytest.mark.slow
@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), _VALUE))
def test_any_environment_comes_back_from_the_containerfile(environment: dict[str, str]) -> None:
    recipe = Recipe(_BASE, ("python", "x"), environment=environment)
    found = instructions.parse(rendering.two_stages(recipe, HostNetwork()).text)
    written = [each.arguments for each in found if each.name == "ENV"][1:]
    values = {}
    for text in written:
        name, _equals, quoted = text.partition("=")
        assert quoted[0] == quoted[-1] == '"'
        values[name] = re.sub(r'\\(["\\$])', r"\1", quoted[1:-1])
    assert values == environment


@pytest.mark.medium
@given(st.binary(max_size=300))
def test_instructions_of_any_bytes_are_read(content: bytes) -> None:
    text = content.decode(errors="replace")
    instructions.parse(text)
    instructions.syntax(text)


@pytest.mark.medium
@given(_SIMPLE, _SIMPLE_PATHS)
def test_masks_of_a_walk_decide_as_single_paths_do(text: str, path: str) -> None:
    try:
        rules = ignore.parse(text)
    except ContextInvalid:
        return
    mask = 0
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        mask = rules.mask("/".join(parts[:depth]), mask)
    assert rules.ignores(mask) is (rules.rule_for(path) is not None)


@pytest.mark.medium
@given(_SIMPLE, _SIMPLE_PATHS)
def test_what_an_exception_brings_back_is_always_walked_to(text: str, path: str) -> None:
    try:
        rules = ignore.parse("*\n" + text)
    except ContextInvalid:
        return
    parts = path.split("/")
    if rules.rule_for(path) is None:
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            assert rules.rule_for(above) is None or rules.may_reinclude_below(above)


@pytest.mark.slow
@given(_PATHS)
def test_a_path_as_an_escaped_pattern_matches_itself_alone(path: str) -> None:
    pattern = "".join(f"\\{c}" if c in "*?[]\\!#-" else c for c in path)
    # Lines are trimmed and cleaned like paths, so only such paths can be written down.
    if pattern.strip() != pattern or "\n" in pattern or pattern.startswith("\ufeff"):
        return
    rules = ignore.parse(pattern)
    assert rules.rule_for(path) is not None
    assert rules.rule_for(path + "x") is None


@pytest.mark.slow
@given(st.one_of(st.text(max_size=300), st.text("-rec./ax[]@ ;#\\\n\t:${}A", max_size=60)))
def test_any_requirements_keep_their_line_numbers(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(text, encoding="utf-8", errors="replace", newline="")
        with Beneath(Path(folder)) as beneath:
            top = Folder(beneath, Path(folder))
            reader = requirements.RequirementsReader(top, "", Variables())
            try:
                name = reader.add_file(top, file.name)
            except ContextInvalid:
                return
        written = reader.files[name]
        assert isinstance(written, bytes)
        # Further options of a line come last.
        assert len(written.split(b"\n")) - 1 >= len(text.splitlines())


@pytest.mark.slow
@settings(max_examples=500)
@given(
    st.lists(st.sampled_from(["**", "**/", "*", "?", "a", "b", "/"]), max_size=7).map("".join),
    st.text("ab/", max_size=8),
)
def test_a_pattern_matches_as_one_that_tries_everything(pattern: str, path: str) -> None:
    assert bool(patterns.matcher(pattern)(path)) is _matches(pattern, path)


def _matches(pattern: str, path: str) -> bool:
    """Try everything that each wildcard may stand for, as moby's pattern says."""
    if not pattern:
        return not path
    if pattern.startswith("**"):
        rest = pattern[2:].removeprefix("/")
        if not rest:
            return True
        starts = [0, *(at + 1 for at, character in enumerate(path) if character == "/")]
        if _matches(rest, path):
            return True
        return any(_matches(rest, path[start:]) for start in starts)
    if pattern[0] == "*":
        name = path.partition("/")[0]
        return any(_matches(pattern[1:], path[taken:]) for taken in range(len(name) + 1))
    same = path[:1] != "/" if pattern[0] == "?" else path[:1] == pattern[0]
    return bool(path) and same and _matches(pattern[1:], path[1:])
