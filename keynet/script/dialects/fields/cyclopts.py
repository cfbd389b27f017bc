"""cyclopts: functions given to an app; nested classes have dotted names."""

from dataclasses import replace
from typing import Final

from keynet.script.dialects.command_line import perhaps, settled
from keynet.script.dialects.fields.declaring import Style, declare_all, members_of_union
from keynet.script.dialects.fields.field import Field, function_fields, function_of
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import MISSING, UNKNOWN, Arguments, OneOf, Unknown, Value
from keynet.text import _

__all__ = ["CYCLOPTS"]

_MOST: Final = 500


class Parameter(Instance):
    """What ``cyclopts.Parameter(...)`` returns."""

    def __init__(self, given: Arguments) -> None:
        super().__init__()
        self.given = given


class App(Instance):
    """A ``cyclopts.App``: the parameters of its functions in order."""

    dialect = "cyclopts"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.parts: list[list[Declared] | App] = []
        self.nested = False
        self.sometimes = False
        self.line = 0

    def native(self, name: str) -> Value:
        """Return a method of cyclopts."""
        if name == "declared":
            return True
        if name == "__init__":
            return Native(name, self._set_up)
        if name in ("default", "command"):
            return Native(name, self._register)
        if name in ("__call__", "meta", "parse_args", "parse_known_args", "run_async"):
            return Native(name, self._run) if name != "meta" else self
        return MISSING

    def declared(self) -> list[Declared]:
        """Return the parameters of all functions in order."""
        found: list[Declared] = []
        for part in self.parts:
            found.extend(part.declared() if isinstance(part, App) else part)
        return [perhaps(one) if self.sometimes else one for one in found[: 4 * _MOST]]

    def _set_up(self, run: Machine, given: Arguments) -> Value:
        self.line = given.line
        run.created(self)
        return None

    def _register(self, run: Machine, given: Arguments) -> Value:
        target = given.get("obj", 0, None)
        if isinstance(target, App) and target is not self:
            target.nested = True
            target.sometimes = not run.sure_for(self)
            self._add(target)
            return target
        if function_of(target) is not None:
            self._add(settled(run, self, _parameters(run, target, given)))
            return target

        def apply(run: Machine, inner: Arguments) -> Value:
            function = inner.get("obj", 0, UNKNOWN)
            self._add(settled(run, self, _parameters(run, function, given)))
            return function

        return Native("command", apply)

    def _add(self, part: "list[Declared] | App") -> None:
        if len(self.parts) < _MOST:
            self.parts.append(part)

    def _run(self, run: Machine, _given: Arguments) -> Value:
        run.load_unread(r"@[\w.]+\.(?:command|default)\b|\.command\(")
        run.parsed(self)
        return Unknown()


def _parameters(run: Machine, value: Value, given: Arguments) -> list[Declared]:
    if isinstance(value, OneOf):
        return [perhaps(one) for each in value.values for one in _parameters(run, each, given)]
    function = function_of(value)
    if function is None:
        text = _("The function of a command is unknown: options may be missing.")
        run.note(given.line, text, given.file)
        return []
    return list(declare_all(run, function_fields(run, function, several=True), _STYLE))


def _with_parameter(run: Machine, field: Field) -> Field | None:
    """Return a field as ``Annotated[…, Parameter(…)]`` changes it, None for one not parsed."""
    members = members_of_union(field.annotation)
    of_classes = [one for cls in members for one in cls.decorators]
    for extra in (*of_classes, *field.described.extras):
        if isinstance(extra, Parameter):
            given = extra.given.keywords
            if run.truth(given.get("parse", True)) is False:
                return None
            if "help" in given:
                field = replace(field, help=given["help"])
            name = extra.given.get("name", 0)
            if members and isinstance(name, str):
                field = replace(field, part=name.lstrip("-").replace("-", "_").replace("*", ""))
    return field


_STYLE: Final = Style(refine=_with_parameter)


def _run_function(run: Machine, given: Arguments) -> Value:
    app = App()
    app.line = given.line
    run.created(app)
    function = given.get("func", 0, given.get("callable", 0))
    app.parts.append(_parameters(run, function, given))
    if not app.declared():
        run.note(given.line, _("The function passed to cyclopts.run() is unknown."), given.file)
    run.parsed(app)
    return Unknown()


_APP: Final = NativeClass(App)

CYCLOPTS: Final = Dialect(
    {
        "cyclopts.run": _run_function,
        "cyclopts.Parameter": lambda _run, given: Parameter(given),
    },
    {"cyclopts.App": _APP},
    r"@[\w.]+\.(?:command|default)\b",
)
