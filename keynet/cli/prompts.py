"""Ask a person: for a project from the paged list, or for a value that is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.backend.client import BackendClient
    from keynet.backend.models import Project
    from keynet.steps.projects import Question

__all__ = ["can_ask", "chooser"]


def can_ask() -> bool:
    """Tell whether somebody sits at standard input."""
    return sys.stdin is not None and sys.stdin.isatty()


def chooser() -> Callable[[BackendClient], Project]:
    """Give the function that asks which project to use; it asks on standard error."""

    def choose(backend: BackendClient) -> Project:
        from keynet.steps.projects import pick

        return pick(backend, _ask if can_ask() else None, _say)

    return choose


def _say(text: str) -> None:
    click.echo(text, err=True)


def _ask(question: Question) -> str:
    if question.problem:
        _say(question.problem)
    else:
        for project in question.projects:
            _say(str(project))
    ways = [_("a number")]
    if question.has_next:
        ways.append(_("n for the next page"))
    if question.has_previous:
        ways.append(_("p for the page before"))
    answer = click.prompt(
        fill(_("Which project? ({ways})"), ways=", ".join(ways)),
        default="",
        show_default=False,
        err=True,
    )
    assert isinstance(answer, str)
    return answer
