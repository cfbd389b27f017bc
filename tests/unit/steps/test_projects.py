"""Choosing a project: pages, wrong answers, nobody to ask, and the choice remembered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet import credentials
from keynet.backend.client import BackendClient
from keynet.backend.models import Project
from keynet.errors import BackendError, UsageError
from keynet.saved_login import SavedLogin
from keynet.secret import Secret
from keynet.steps import projects
from keynet.steps.projects import Question
from tests.fakes.backend import FakeBackend, Reply, running_backend


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    with running_backend() as running:
        yield running


@pytest.fixture
def client(backend: FakeBackend) -> Iterator[BackendClient]:
    with BackendClient(backend.url, Secret("token")) as opened:
        yield opened


def page(*ids: int, total: int) -> Reply:
    content = [{"id": id_, "title": f"project {id_}"} for id_ in ids]
    return Reply.of({"content": content, "meta": {"total": total}})


class Person:
    """Answers in order and keeps what was asked; says what it is told."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []
        self.told: list[str] = []

    def ask(self, question: Question) -> str:
        self.asked.append(question)
        return self.answers.pop(0)


def test_a_project_that_is_alone_is_taken_and_said(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(page(7, total=1))
    person = Person()
    assert projects.pick(client, person.ask, person.told.append).id == 7
    assert "[7] project 7" in person.told[0]
    assert not person.asked


def test_no_project_is_an_error(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(page(total=0))
    with pytest.raises(BackendError, match="no project"):
        projects.pick(client, None, print)


def test_with_nobody_to_ask_flag_and_variable_are_named(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(page(1, 2, total=2))
    with pytest.raises(UsageError, match=r"\[1\] project 1") as caught:
        projects.pick(client, None, print)
    assert "--project" in caught.value.hint
    assert "KEYNET_PROJECT_ID" in caught.value.hint


@pytest.mark.parametrize("wrong", ["9", "x", "", "0", "-1", "²", "1 2", "9" * 30, "p", "\x1b[A"])
def test_a_wrong_answer_is_asked_again(
    backend: FakeBackend, client: BackendClient, wrong: str
) -> None:
    backend.answer(page(1, 2, total=2))
    person = Person(wrong, "2")
    assert projects.pick(client, person.ask, person.told.append).id == 2
    assert person.asked[1].problem
    assert person.asked[1].problem.isprintable()


@pytest.mark.parametrize("written", ["2", " 2 ", "[2]", "#2"])
def test_the_number_may_be_written_as_it_is_shown(
    backend: FakeBackend, client: BackendClient, written: str
) -> None:
    backend.answer(page(1, 2, total=2))
    assert projects.pick(client, Person(written).ask, print).id == 2


def test_pages_are_turned_both_ways(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(page(1, 2, total=5), page(3, 4, total=5), page(5, total=5))
    person = Person("n", "N", "n", "p", "4")
    assert projects.pick(client, person.ask, print).id == 4
    assert [question.page for question in person.asked] == [0, 1, 2, 2, 1]
    assert [question.has_next for question in person.asked] == [True, True, False, False, True]
    assert person.asked[3].problem


def test_a_project_of_a_later_page_can_be_named_at_once(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(page(1, 2, total=5), page(3, 4, total=5), page(5, total=5))
    assert projects.pick(client, Person("5").ask, print).id == 5


def test_a_project_is_found_by_its_number(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(page(1, 2, total=3), page(3, total=3))
    assert projects.find(client, 3).title == "project 3"


def test_a_project_that_is_not_there_is_named(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(page(1, total=1))
    with pytest.raises(UsageError, match="77"):
        projects.find(client, 77)


def test_the_choice_is_remembered_beside_the_login_and_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    credentials.save(SavedLogin(server_url="https://a.example", username="u"), file)
    projects.remember(Project(3, "t"), "https://a.example", file)
    saved = credentials.load(file)
    assert saved is not None
    assert saved.project is not None
    assert (saved.project.id, saved.project.server_url) == (3, "https://a.example")
    forgotten = projects.forget(file)
    assert forgotten == saved.project
    assert projects.forget(file) is None
    assert credentials.load(file) == SavedLogin(server_url="https://a.example", username="u")


def test_a_choice_can_be_remembered_without_a_login(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    projects.remember(Project(3, "t"), "https://a.example", file)
    assert credentials.load(file) is not None
