"""Which project an image is for: listing, choosing, and remembering the choice (SPEC 2, 9)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from keynet import credentials
from keynet.backend.client import BackendClient
from keynet.backend.models import Project, ProjectPage
from keynet.errors import BackendError, UsageError
from keynet.saved_login import SavedLogin, SavedProject
from keynet.settings import BackendAccess
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["Ask", "Question", "client", "find", "forget", "named", "pick", "remember"]

_NAMED_IN_ERROR: Final = 5
_PAGES_FOR_A_TITLE: Final = 5


@dataclass(frozen=True, slots=True)
class Question:
    """One page to choose from; ``problem`` says what was wrong with the last answer."""

    projects: tuple[Project, ...]
    page: int
    has_next: bool
    has_previous: bool
    problem: str = ""


# Gives what the user typed: a project's number, "n" or "p" for the other pages.
Ask = Callable[[Question], str]


def client(access: BackendAccess) -> BackendClient:
    """Open the backend for these credentials; close it."""
    return BackendClient(
        access.server_url, access.token, ca_cert=access.ca_cert, insecure=access.insecure
    )


def pick(backend: BackendClient, ask: Ask | None, say: Callable[[str], None]) -> Project:
    """Let the user choose a project; one that is alone is taken and said.

    Args:
        ask: None when nobody can answer.

    Raises:
        BackendError: There is no project, or the platform failed.
        UsageError: There are several, and nobody can answer.
    """
    pages = _Pages(backend.pages())
    first = pages.at(0)
    if not first:
        raise BackendError(
            fill(
                _("There is no project that you may train for at {server}."),
                server=backend.server_url,
            ),
            _("Ask the platform's operators to give you access to one."),
        )
    if len(first) == 1 and not pages.has(1):
        say(fill(_("There is one project, so it is taken: {project}"), project=first[0]))
        return first[0]
    if ask is None:
        named = Block.of(first[:_NAMED_IN_ERROR], indent="  ")
        raise UsageError(
            stacked(
                _("No project selected, and keynet cannot ask: standard input is not a terminal."),
                named,
            ),
            _(
                "Give its number with --project or KEYNET_PROJECT_ID, or choose once with "
                "`keynet project select ID`. `keynet project list` shows all."
            ),
        )
    return _asked(pages, ask)


def find(backend: BackendClient, number: int) -> Project:
    """Find a project by its number, looking through the pages.

    Raises:
        UsageError: The user may not train for such a project.
    """
    for project in backend.projects():
        if project.id == number:
            return project
    raise UsageError(
        fill(
            _("There is no project {number} that you may train for at {server}."),
            number=number,
            server=backend.server_url,
        ),
        _("`keynet project list` shows them."),
    )


def named(backend: BackendClient, number: int) -> Project:
    """Give the project of this number with its title, "" where the first pages have none.

    Only the title is at stake: whether the user may train for it is the platform's to say
    when the upload key is asked for, and so is what is wrong with a platform that fails here.

    Raises:
        NotAuthorised: The platform refuses the token.
    """
    try:
        for page in islice(backend.pages(), _PAGES_FOR_A_TITLE):
            for project in page.projects:
                if project.id == number:
                    return project
    except BackendError:
        return Project(number, "")
    return Project(number, "")


def remember(project: Project, server_url: str, file: Path | None = None) -> None:
    """Save the choice, for this server alone."""
    chosen = SavedProject(project.id, project.title, server_url)
    credentials.update(lambda saved: replace(saved or SavedLogin(), project=chosen), file)


def forget(file: Path | None = None) -> SavedProject | None:
    """Remove the saved choice; gives what it was."""
    saved = credentials.load(file)
    if saved is None or saved.project is None:
        return None
    credentials.update(lambda present: replace(present or SavedLogin(), project=None), file)
    return saved.project


class _Pages:
    """The pages fetched so far; further ones are fetched when somebody looks at them."""

    def __init__(self, pages: Iterator[ProjectPage]) -> None:
        self._rest = pages
        self._fetched: list[tuple[Project, ...]] = []

    def has(self, number: int) -> bool:
        while len(self._fetched) <= number:
            page = next(self._rest, None)
            if page is None:
                return False
            self._fetched.append(page.projects)
        return True

    def at(self, number: int) -> tuple[Project, ...]:
        return self._fetched[number] if self.has(number) else ()

    def find(self, project: int) -> Project | None:
        number = 0
        while self.has(number):
            for candidate in self._fetched[number]:
                if candidate.id == project:
                    return candidate
            number += 1
        return None


def _asked(pages: _Pages, ask: Ask) -> Project:
    page, problem = 0, ""
    while True:
        has_next = pages.has(page + 1)
        answer = ask(Question(pages.at(page), page, has_next, page > 0, problem)).strip().lower()
        problem = ""
        if answer in ("n", "") and has_next:
            page += 1
        elif answer == "p" and page > 0:
            page -= 1
        elif answer.strip("[]#").isdecimal() and len(answer) < 20:
            found = pages.find(int(answer.strip("[]#")))
            if found is not None:
                return found
            problem = fill(_("There is no project {number}."), number=answer)
        else:
            problem = fill(_("{answer!r} is no project's number."), answer=printable(answer, 50))
