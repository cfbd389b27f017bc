"""List the platform's projects, choose one, and remember the choice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from keynet import credentials
from keynet.backend.client import BackendClient
from keynet.backend.models import Project, ProjectPage
from keynet.errors import BackendError, UsageError
from keynet.frozen import frozen
from keynet.saved_login import SavedLogin, SavedProject
from keynet.settings import BackendAccess
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["Ask", "Question", "client", "find", "forget", "pick", "remember", "with_title"]

_NAMED_IN_ERROR: Final = 5
_PAGES_FOR_A_TITLE: Final = 5


@frozen
class Question:
    """A page of projects; ``problem`` explains why the last answer was not valid.

    ``page`` counts from 0.
    """

    projects: tuple[Project, ...]
    page: int
    has_next: bool
    has_previous: bool
    problem: str = ""


# Returns what the user typed: a project's number, or "n" or "p" for another page.
Ask = Callable[[Question], str]


def client(access: BackendAccess) -> BackendClient:
    """Return a client of the backend for these credentials; the caller closes it."""
    return BackendClient(
        access.server_url, access.token, ca_cert=access.ca_cert, insecure=access.insecure
    )


def pick(backend: BackendClient, ask: Ask | None, notify: Callable[[str], None]) -> Project:
    """Let the user choose a project; the only project is chosen without asking.

    Args:
        ask: Shows a page and returns the answer; None if there is no terminal.
        notify: Shows a message about a choice that was made without asking.

    Raises:
        BackendError: There is no project, or the platform failed.
        UsageError: There are several projects, and ``ask`` is None.
    """
    pages = _Pages(backend.pages())
    first = pages.at(0)
    if not first:
        raise BackendError(
            fill(
                _("You have no project with training permission on {server}."),
                server=backend.server_url,
            ),
            _("Ask the platform's operators for access to a project."),
        )
    if len(first) == 1 and not pages.has(1):
        notify(fill(_("Using your only project: {project}"), project=first[0]))
        return first[0]
    if ask is None:
        named = Block.of(first[:_NAMED_IN_ERROR], indent="  ")
        raise UsageError(
            stacked(
                _("No project selected, and keynet cannot ask: standard input is not a terminal."),
                named,
            ),
            _(
                "Pass its number with --project or KEYNET_PROJECT_ID, or choose once with "
                "`keynet project select ID`. All projects: keynet project list"
            ),
        )
    return _ask_until_chosen(pages, ask)


def find(backend: BackendClient, number: int) -> Project:
    """Return the project of this number.

    Raises:
        UsageError: It is not among the projects that the user may train for.
    """
    for project in backend.projects():
        if project.id == number:
            return project
    raise UsageError(
        fill(
            _("You have no project {number} with training permission on {server}."),
            number=number,
            server=backend.server_url,
        ),
        _("Your projects: keynet project list"),
    )


def with_title(backend: BackendClient, number: int) -> Project:
    """Return the project of this number, with its title if the first pages have it.

    Otherwise the title is "". That is not an error: the platform checks the project when the
    upload key is requested, and a platform that fails here fails there too.

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
    """Save the choice of a project; it is valid for this server only."""
    chosen = SavedProject(project.id, project.title, server_url)
    credentials.update(lambda saved: replace(saved or SavedLogin(), project=chosen), file)


def forget(file: Path | None = None) -> SavedProject | None:
    """Remove the saved choice and return it; None if there is none."""
    saved = credentials.load(file)
    if saved is None or saved.project is None:
        return None
    credentials.update(lambda present: replace(present or SavedLogin(), project=None), file)
    return saved.project


class _Pages:
    """Pages of projects, each fetched when it is first needed."""

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


def _ask_until_chosen(pages: _Pages, ask: Ask) -> Project:
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
            problem = fill(_("You have no project {number}."), number=answer)
        else:
            problem = fill(_("{answer!r} is not a project number."), answer=printable(answer, 50))
