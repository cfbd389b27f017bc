"""The manual in Korean: every page that users need, with what its English page has."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.test_docs import CHECKOUT, CODE, FENCED, INDENTED, LINK

ENGLISH = CHECKOUT / "docs"
KOREAN = ENGLISH / "ko"
CATALOGUE = CHECKOUT / "keynet" / "locale" / "ko" / "LC_MESSAGES" / "keynet.mo"
# For those who develop keynet.
ENGLISH_ONLY = {"architecture.md", "decisions"}
# Without a page of the same name in English.
KOREAN_ONLY = {"README.md", "troubleshooting.md"}
# Words of the program's output, in Korean on a Korean page.
SHOWN = {"none", "not compared", "Checking context", "Error:", "Hint:"}


def _pages(manual: Path) -> set[str]:
    return {str(page.relative_to(manual)) for page in manual.rglob("*.md")}


TRANSLATED = sorted(_pages(KOREAN) - KOREAN_ONLY)


def test_every_page_that_users_need_is_there() -> None:
    expected = {
        page
        for page in _pages(ENGLISH)
        if not page.startswith("ko/") and not ENGLISH_ONLY & {page, page.partition("/")[0]}
    }
    assert set(TRANSLATED) == expected


@pytest.fixture(params=TRANSLATED)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    return (ENGLISH / request.param).read_text(), (KOREAN / request.param).read_text()


def test_a_page_has_the_sections_and_tables_of_its_english_page(pair: tuple[str, str]) -> None:
    english, korean = (_outline(page) for page in pair)
    assert korean == english


def _outline(page: str) -> list[str]:
    """Return the levels of headings, and the number of cells in each row of a table."""
    text = FENCED.sub("", page)
    found = re.findall(r"^(#+) |^(\|.*\|)$", text, re.MULTILINE)
    return [level or str(len(re.split(r"(?<!\\)\|", row)) - 2) for level, row in found]


def test_a_page_has_the_names_of_its_english_page(pair: tuple[str, str]) -> None:
    """Options, variables, files and values: whatever stands in backquotes."""
    english, korean = (_names(page) for page in pair)
    assert korean >= english
    # What a user sees is in Korean there.
    assert {name for name in korean - english if name.isascii()} == set()


def _names(page: str) -> set[str]:
    text = INDENTED.sub("", FENCED.sub("", page))
    return {" ".join(name.split()) for name in CODE.findall(text.replace("\n", " "))} - SHOWN


def test_a_page_has_the_links_of_its_english_page(pair: tuple[str, str]) -> None:
    english, korean = (
        Counter(link.partition("#")[0].rpartition("/")[2] for link in LINK.findall(page))
        for page in pair
    )
    assert korean == english


def test_a_page_has_the_commands_of_its_english_page(pair: tuple[str, str]) -> None:
    english, korean = (_commands(page) for page in pair)
    assert korean == english


def _commands(page: str) -> list[str]:
    """Return Python's examples, which other tests run, and lines that are typed."""
    python = re.findall(r"^```python\n.*?^```$", page, re.DOTALL | re.MULTILINE)
    typed = re.findall(r"^ +(?:\$ .*|(?:keynet|skopeo|docker|oras|BUILDX\S*) .*)$", page, re.M)
    return python + [re.sub(r"\s+#.*", "", line.strip()) for line in typed]


def test_the_messages_of_the_troubleshooting_are_those_of_the_program() -> None:
    with CATALOGUE.open("rb") as file:
        texts = file.read().decode(errors="replace")
    page = (KOREAN / "troubleshooting.md").read_text()
    first = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")]
    shown = [code for cell in first for code in CODE.findall(cell) if not code.isascii()]
    assert len(shown) > 15
    parts = {part.strip(" :") for code in shown for part in code.split("…")}
    assert sorted(part for part in parts if part not in texts) == []
