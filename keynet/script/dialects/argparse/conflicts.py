"""argparse: adding an argument to those that a parser already has."""

from typing import Final

from keynet.script.dialects.argparse.action import Action
from keynet.script.dialects.argparse.declaration import either

__all__ = ["MOST_ACTIONS", "add_action"]

MOST_ACTIONS: Final = 2_001


def add_action(actions: list[Action], action: Action, *, resolve: bool) -> None:
    """Append an argument unless the parser already has it.

    Args:
        resolve: Remove its option strings from the others, as ``conflict_handler="resolve"``.
    """
    if resolve and action.options:
        _resolve(actions, action)
    at = _present(actions, action)
    if at is not None:
        if not action.certain:
            actions[at] = either(actions[at], action)
    elif len(actions) < MOST_ACTIONS:
        actions.append(action)


def _present(actions: list[Action], action: Action) -> int | None:
    """Return where the action of the same call is, that was followed on another branch."""
    for at, seen in enumerate(actions):
        if (
            seen.given.line == action.given.line
            and seen.given.file == action.given.file
            and seen.name == action.name
            and seen.options == action.options
        ):
            return at
    return None


def _resolve(actions: list[Action], action: Action) -> None:
    taken = set(action.options)
    kept: list[Action] = []
    for seen in actions:
        if taken.isdisjoint(seen.options):
            kept.append(seen)
        elif rest := [option for option in seen.options if option not in taken]:
            kept.append(seen.with_options(tuple(rest)))
    actions[:] = kept
