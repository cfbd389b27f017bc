"""argparse: adding an argument to those that a parser already has, and removing some."""

from collections.abc import Callable, Set
from typing import Final

from keynet.script.dialects.argparse.action import Action
from keynet.script.dialects.argparse.declaration import either
from keynet.script.interpreter.values import Value

__all__ = ["MOST_ACTIONS", "add_action", "remove_options"]

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
    # Of two that are added on different paths, the script has one or the other.
    remove_options(
        actions,
        set(action.options),
        lambda seen: action.certain or 0 != action.region == seen.region,
    )


def remove_options(
    actions: list[Action], taken: Set[Value], replaces: Callable[[Action], bool] = bool
) -> None:
    """Remove option strings from those that have them, and those that have no others.

    Args:
        replaces: Reports whether those of an action are removed.
    """
    kept: list[Action] = []
    for seen in actions:
        rest = tuple(option for option in seen.options if option not in taken)
        if rest == seen.options or not replaces(seen):
            kept.append(seen)
        elif rest:
            kept.append(seen.with_options(rest))
    actions[:] = kept
