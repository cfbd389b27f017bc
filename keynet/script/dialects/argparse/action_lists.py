"""argparse: the actions that a parser keeps, which scripts look through and remove some of."""

import operator
from collections.abc import Callable, Iterable

from keynet.script.dialects.argparse.action import Action
from keynet.script.dialects.argparse.conflicts import remove_options
from keynet.script.dialects.argparse.parsing import GroupLike
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import Arguments, Value

__all__ = ["ActionLists", "help_action", "remove_action", "resolve_conflict"]


class ActionLists:
    """``_actions`` and ``_option_string_actions`` as a script has them, and as they were."""

    def __init__(self) -> None:
        self._actions: list[Value] = []
        self._listed: list[Value] = []
        self._options: dict[Value, Value] = {}
        self._tabled: dict[Value, Value] = {}
        self.spoiled: Callable[[object], bool] = bool
        self.spend: Callable[[int], object] = bool

    def actions(self, every: Iterable[Value]) -> list[Value]:
        """Return ``_actions``, the same list each time."""
        if self.spoiled(self._actions):
            self._actions = []
        self._listed = list(every)
        self._actions[:] = self._listed
        return self._actions

    def options(self, every: Iterable[Value]) -> dict[Value, Value]:
        """Return ``_option_string_actions``, the same dict each time."""
        if self.spoiled(self._options):
            self._options = {}
        self._tabled = {
            option: action
            for action in every
            if isinstance(action, Action)
            for option in action.options
        }
        self._options.clear()
        self._options.update(self._tabled)
        return self._options

    def apply(self, actions: list[Action]) -> None:
        """Remove from a parser's actions what the script has removed from these."""
        # By identity: lists that hold themselves cannot be compared.
        same = len(self._actions) == len(self._listed)
        if not same or any(map(operator.is_not, self._actions, self._listed)):
            kept = {id(one) for one in self._actions}
            gone = [one for one in self._listed if id(one) not in kept]
            _remove(actions, gone, sure=not self.spoiled(self._actions))
            self._listed = list(self._actions)
        if self.spoiled(self._options):
            _remove(actions, [], sure=False)
            self._options = {}
        elif len(self._options) < len(self._tabled):
            remove_options(actions, {one for one in self._tabled if one not in self._options})
        self._tabled = dict(self._options)


def _remove(actions: list[Action], gone: list[Value], *, sure: bool) -> None:
    if sure:
        actions[:] = [one for one in actions if not any(one is other for other in gone)]
        return
    for action in actions:
        action.certain = action.required = False
        action.alternative = True


def help_action(run: Machine, prefix: str, given: Arguments) -> Action | None:
    """Return the action of ``--help`` that a parser adds to itself, None where it may not."""
    if run.truth(given.keywords.get("add_help", True)) is not True:
        return None
    sign = "-" if "-" in prefix else prefix[0]
    options = (f"{sign}h", f"{sign * 2}help")
    action = Action("help", "bool", "==SUPPRESS==", Arguments(), options)
    action.verb = "help"
    return action


def remove_action(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Remove an action; where that is uncertain, it stays and is not required."""
    value = given.get("action", 0)
    actions = group.parser.actions
    if isinstance(value, Action) and value in actions:
        if run.sure_for(group.parser):
            actions.remove(value)
        else:
            value.certain = value.required = False
            value.alternative = True
    return None


def resolve_conflict(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``_handle_conflict_resolve(None, [("--old", action)])``, which removes options."""
    for pair in run.iterate(given.get("conflicting_actions", 1)) or ():
        named = isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)
        run.limits.spend(1 + len(group.parser.actions) // 4)
        if isinstance(pair, tuple) and named and isinstance(pair[1], Action):
            if run.sure_for(group.parser):
                remove_options(group.parser.actions, {pair[0]})
            else:
                _remove([pair[1]], [], sure=False)
    return None
