"""Questions at the terminal, such as which project to use."""

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
    """Report whether standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def chooser() -> Callable[[BackendClient], Project]:
    """Return a function that asks for a project, on standard error."""

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
    ways = [_("its number")]
    if question.has_next:
        ways.append(_("n for the next page"))
    if question.has_previous:
        ways.append(_("p for the previous page"))
    answer = click.prompt(
        fill(_("Which project? ({ways})"), ways=", ".join(ways)),
        default="",
        show_default=False,
        err=True,
    )
    assert isinstance(answer, str)
    return answer
