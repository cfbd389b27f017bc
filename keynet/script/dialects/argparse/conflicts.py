"""argparse: adding an argument to those that a parser already has."""

from typing import Final

from keynet.script.dialects.argparse.action import Action
from keynet.script.dialects.argparse.declaration import either

__all__ = ["MOST_ACTIONS", "add_action"]

MOST_ACTIONS: Final = 2_001


def add_action(actions: list[Action], action: Action, *, resolve: bool) -> Action:
    """Append an argument unless the parser already has it; return the one that it then has.

    Args:
        resolve: Remove its option strings from the others, as ``conflict_handler="resolve"``.
    """
    if resolve and action.options:
        _resolve(actions, action)
    at = _present(actions, action)
    if at is not None:
        if not action.certain:
            actions[at] = either(actions[at], action)
        return actions[at]
    if len(actions) < MOST_ACTIONS:
        actions.append(action)
    return action


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
        # Of two that are added on different paths, the script has one or the other.
        replaced = action.certain or 0 != action.region == seen.region
        if taken.isdisjoint(seen.options) or not replaced:
            kept.append(seen)
        elif rest := [option for option in seen.options if option not in taken]:
            kept.append(seen.with_options(tuple(rest)))
    actions[:] = kept
