"""Random scripts with click or typer and conditions that a reader cannot know, from seeds alone."""

import re

from .random_bindings import late_binding
from .random_scripts import HEAD, Maker

__all__ = ["FRAMEWORKS", "made"]

FRAMEWORKS = ("click", "typer")
_CLICK_HEAD = "import click\n"
_TYPER_HEAD = """\
import enum
import pathlib
import typer
from typing import Annotated, List, Literal, Optional, Tuple, Union


class Color(str, enum.Enum):
    red = "red"
    blue = "blue"


Count = Annotated[int, typer.Option(help="counted")]
Names = Literal["n1", "n2"]


"""


class _CommandMaker(Maker):
    """Makes functions that a library turns into commands; ``after`` runs once they exist."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.body: list[str] = []
        self.after: list[str] = []
        self.commands_made: list[str] = []

    def maybe(self, lines: list[str], share: float = 0.5) -> list[str]:
        """Put statements under a condition, or not."""
        if not lines or not self.some(share):
            return lines
        return [f"if {self.condition()}:", *("    " + line for line in lines)]

    def values(self) -> list[str]:
        """Bind a few names, and change what they are bound to."""
        lines: list[str] = []
        for _count in range(self.chance.randint(0, 3)):
            lines += self.chance.choice([self._assignment, self._list, self._mutation])("", 0)
        return lines

    def command(self, decorators: list[str], parameters: str) -> str:
        """Append a function; return its name."""
        name = self.variable("c")
        self.body += [*decorators, f"def {name}({parameters}):", "    pass", "", ""]
        self.commands_made.append(name)
        return name

    def script(self, head: str) -> str:
        """Return the whole script."""
        style = self.chance.randrange(3)
        if style == 0:
            end = self.after
        elif style == 1:
            end = ["if __name__ == '__main__':", *("    " + line for line in self.after)]
        else:
            inside = ["def main():", *("    " + line for line in self.after)]
            end = [*inside, "", "", "if __name__ == '__main__':", "    main()"]
        return HEAD + head + "\n".join([*self.head, *self.body, *end]) + "\n"


class _ClickMaker(_CommandMaker):
    def keywords(self) -> str:
        """Return the keywords of an option."""
        kinds = [
            f"type={self.pick('int', 'float', 'click.INT')}, default={self.number()}",
            f"default={self.number()}",
            f"default={self.text()}",
            f"default={self.text()}, show_default=True, envvar='X_OPTION'",
            f"type=click.Choice({self.sequence()})",
            f"type=click.Choice({self.sequence()}, case_sensitive=False)",
            "is_flag=True",
            f"is_flag=True, default={self.pick('True', 'False', 'T')}",
            "count=True",
            f"required={self.pick('True', 'bool(' + self.condition() + ')')}",
            "multiple=True",
            f"multiple=True, type=int, default={self.pick('[1, 2]', '(3,)')}",
            "nargs=2, type=float",
            f"nargs=2, default=({self.number()}, 3)",
            "type=(str, int)",
            f"type=click.IntRange(0, 9), default={self.number()}",
            f"type=click.{self.pick('Path()', 'File()', 'STRING', 'BOOL', 'DateTime()', 'UUID')}",
            f"type=None, help={self.text()}",
            f"type={self.pick('int', 'str')} if {self.condition()} else float",
            f"default=lambda: {self.number()}",
            f"help={self.text()}",
        ]
        if self.dicts:
            kinds.append(f"**{self.chance.choice(self.dicts)}")
        return self.chance.choice(kinds)

    def option(self) -> str:
        """Return a call that declares a parameter."""
        name = self.name()
        if self.some(0.1):
            default, choices = (
                f", default={self.number()}",
                f", type=click.Choice({self.sequence()})",
            )
            more = self.pick("", ", type=int", ", nargs=-1", ", required=False", default, choices)
            return f'click.argument("{name}"{more})'
        form = self.chance.randrange(5)
        if form == 0:
            return f'click.option("--{name}/--no-{name}", default={self.pick("True", "F")})'
        if form == 1:
            return f'click.option("-x", "--{name}", {self.keywords()})'
        if form == 2:
            return f'click.option("--other-{name}", "{name}", {self.keywords()})'
        return f'click.option("--{name}", {self.keywords()})'

    def decorators(self) -> list[str]:
        """Return what stands above a command's function."""
        lines: list[str] = []
        for _count in range(self.chance.randint(1, 4)):
            maker = self.chance.choice(
                [self._plain, self._plain, self._plain, self._common, self._one_of_two,
                 self._looped, self._left, self._factory, self._kept, self._reused, self._late]
            )  # fmt: skip
            lines.append("@" + maker())
        return lines

    def _plain(self) -> str:
        return self.option()

    def _common(self) -> str:
        """A function that adds options to another one."""
        name = self.variable("common")
        leave = [f"    if {self.condition()}:", "        return function"]
        change = f"function = {self.option()}(function)"
        self.body += [
            f"def {name}(function):",
            f"    function = {self.option()}(function)",
            *(leave if self.some(0.3) else []),
            *("    " + line for line in self.maybe([change])),
            "    return function",
            "",
            "",
        ]
        return name

    def _one_of_two(self) -> str:
        other = self.pick(self.option(), "(lambda function: function)")
        return f"({self.option()} if {self.condition()} else {other})"

    def _looped(self) -> str:
        """A decorator that adds the options of a list."""
        name, listed = self.variable("looped"), self.variable("o")
        self.body += [
            f"{listed} = [{self.option()}, {self.option()}]",
            *self.maybe([f"{listed}.append({self.option()})"]),
            f"def {name}(function):",
            f"    for option in {self.pick(listed, f'reversed({listed})')}:",
            *(f"    {line}" for line in ([f"    if {self.condition()}:", "        continue"]
                                          if self.some(0.3) else [])),
            "        function = option(function)",
            "    return function",
            "",
            "",
        ]  # fmt: skip
        return name

    def _left(self) -> str:
        """A decorator that collects its options in a loop that may be left."""
        name = self.variable("left")
        self.body += [
            f"def {name}(function):",
            "    made = None",
            f"    for option in [{self.option()}, {self.option()}]:",
            "        if made is None:",
            f"            made = {self.pick('[]', f'[{self.option()}]')}",
            f"        if {self.condition()}:",
            f"            {self.pick('break', 'continue', 'return function')}",
            "        made.append(option)",
            "    for option in made:",
            "        function = option(function)",
            "    return function",
            "",
            "",
        ]
        return name

    def _factory(self) -> str:
        """A function that returns a decorator."""
        name, option = self.variable("factory"), self.name()
        self.body += [
            f"def {name}(default, **kwargs):",
            *("    " + line for line in self.maybe(["default = 5"])),
            *("    " + line for line in self.maybe(["kwargs['required'] = True"], 0.3)[:0]),
            "    def wrap(function):",
            f'        return click.option("--{option}", default=default, **kwargs)(function)',
            "    return wrap",
            "",
            "",
        ]
        return f"{name}({self.number()}{self.pick('', ', type=int', ', help=' + self.text())})"

    def _late(self) -> str:
        """An option with what is read later than it was bound, or in another place."""
        lines = late_binding(self, "parser")
        made = [line for line in lines if line.startswith("parser.add_argument")]
        if "\n".join(lines).count("parser") > len(made):
            return self.option()
        names: list[str] = []
        for line in lines:
            found = re.fullmatch(r"parser\.add_argument\('--(\w+)', (default|choices)=(.*)\)", line)
            if found is None:
                self.body.append(line)
                continue
            name, keyword, value = found.groups()
            names.append(f"late_{name}")
            value = (
                f"type=click.Choice({value} or [''])"
                if keyword == "choices"
                else f"default={value}"
            )
            self.body.append(f"{names[-1]} = click.option('--{name}', {value})")
        return self.chance.choice(names)

    def _kept(self) -> str:
        """An option that is bound to a name."""
        name = self.variable("kept")
        self.body += [f"{name} = {self.option()}", *self.maybe([f"{name} = {self.option()}"], 0.4)]
        return name

    def _reused(self) -> str:
        """Decorators in a function that wraps the command's."""
        name = self.variable("wraps")
        self.body += [
            f"def {name}(function):",
            f"    @{self.option()}",
            f"    @{self.option()}",
            "    @functools.wraps(function)",
            "    def inner(*args, **kwargs):",
            "        return function(*args, **kwargs)",
            "    return inner",
            "",
            "",
        ]
        return name

    def change(self, command: str) -> list[str]:
        """Return statements that change a command that was made."""
        return self.chance.choice(
            [
                [f"{self.option()}({command})"],
                [f"{command}.params.append(click.Option(['--{self.name()}'], {self.keywords()}))"],
                [f"{command} = {self.option()}({command})"],
            ]
        )

    def made(self) -> str:
        self.body += self.values()
        self.body += self._dict_of_keywords() if self.some(0.3) else []
        if self.some(0.5):
            name = self.command(["@click.command()", *self.decorators()], "**kwargs")
            changed = [line for line in self.change(name) if not line.startswith(f"{name} =")]
            self.body += self.maybe(changed) if self.some(0.4) else []
            self.after = [f"{name}()"]
            return self.script(_CLICK_HEAD)
        if self.some(0.2):
            return self._made_in_a_loop()
        above = self.decorators() if self.some(0.6) else []
        group = self.command(["@click.group()", *above], "**kwargs")
        for _count in range(self.chance.randint(1, 3)):
            form = self.chance.randrange(4)
            if form == 0:
                self.command([f"@{group}.command()", *self.decorators()], "**kwargs")
                continue
            inner = self.command(["@click.command()", *self.decorators()], "**kwargs")
            if form == 1:
                self.body += self.maybe([f"{group}.add_command({inner})"])
            elif form == 2:
                self.body += [f"for each in [{inner}]:", *(
                    "    " + line for line in self.maybe([f"{group}.add_command(each)"])
                )]  # fmt: skip
            else:
                self.body += self.maybe([f"{group}.add_command({inner}, 'named')"])
        self.after = [f"{group}()"]
        return self.script(_CLICK_HEAD)

    def _made_in_a_loop(self) -> str:
        """A group or command that is made in one turn and changed in a later one."""
        self.command(["@click.command()", *self.decorators()], "**kwargs")
        change = self.pick(f"main.add_command({self.commands_made[-1]}, key)",
                           "main.params.append(click.Option(['--p' + key]))",
                           "click.option('--p' + key)(main)")  # fmt: skip
        self.body += [
            "main = None",
            "for key in NAMES:",
            "    if main is None:",
            "        @click.group()",
            "        def main(**kwargs): pass",
            f"    if {self.condition()}:",
            f"        {self.pick('break', 'continue')}",
            f"    {change}",
        ]
        self.after = ["main()"]
        return self.script(_CLICK_HEAD)

    def _dict_of_keywords(self) -> list[str]:
        name = self.variable("d")
        line = self.pick(
            f'{name} = {{"type": int, "default": {self.number()}}}',
            f'{name} = dict(default={self.text()}, help="h")',
            f'{name} = {{"required": {self.pick("True", "False", "bool(asked())")}}}',
        )
        self.dicts.append(name)
        change = self.pick(f'{name}["help"] = "changed"', f"{name}.update(default=4)",
                           f'{name}.pop("help", None)')  # fmt: skip
        return [line, *(self.maybe([change]) if self.some(0.5) else [])]


class _TyperMaker(_CommandMaker):
    def parameter(self) -> str:
        """Return one parameter of a function."""
        name = self.name()
        number, text = self.number(), self.text()
        chosen = self.chance.choice(
            [
                f"int = {number}", f"float = {number}", f"str = {text}", "Optional[int] = None",
                "bool = False", "bool = True", "List[int] = [1, 2]", "Color = Color.red",
                "Names = 'n1'", "Count = 3", "pathlib.Path = pathlib.Path('x')",
                "Tuple[int, int] = (1, 2)", "int | None = None", "list[str] = []",
                f"int = typer.Option({number})", f"str = typer.Option({text}, help={text})",
                "int = typer.Option(...)", f"float = typer.Option({number}, '--x-{name}', min=0)",
                "bool = typer.Option(False, '--yes/--no')", "int = typer.Argument(...)",
                f"str = typer.Argument({text})", "Optional[str] = typer.Argument(None)",
                "List[str] = typer.Option([])", "int = typer.Option(0, count=True)",
                f"str = typer.Option({text}, click_type=None)",
                f"Annotated[int, typer.Option()] = {number}",
                f"Annotated[str, typer.Option(help={text})] = {text}",
                "Annotated[int, typer.Option(help='h')]",
                f"Annotated[Optional[float], typer.Option('--z-{name}')] = None",
                "Annotated[bool, typer.Option('--on/--off')] = True",
                "Annotated[Color, typer.Option(case_sensitive=False)] = Color.blue",
                "Annotated[List[int], typer.Argument()] = None",
                f"Annotated[int, typer.Option(default_factory=lambda: {number})]",
                f"int = typer.Option(default_factory=lambda: {number})",
                "Annotated[str, typer.Option(envvar='X_OPTION', show_default=False)] = 'e'",
                f"str = {text} if {self.condition()} else 'other'",
                f"int = typer.Option({number} if {self.condition()} else 3)",
                f"int = typer.Option({number}) if {self.condition()} else 4",
                f"(int if {self.condition()} else float) = {number}",
                "Union[int, None] = None", "Literal['a', 'b'] = 'b'",
            ]
        )  # fmt: skip
        if self.some(0.1):
            return f"{name}={self.chance.choice([number, text, 'True', 'None'])}"
        return f"{name}: {chosen}"

    def parameters(self) -> str:
        return "*, " + ", ".join(self.parameter() for _count in range(self.chance.randint(1, 4)))

    def made(self) -> str:
        self.body += self.values()
        kind = self.chance.randrange(3)
        if kind == 0:
            name = self.command(self._wrapping(), self.parameters())
            again = []
            if self.some(0.3):
                other = self.command([], self.parameters())
                again = self.maybe([f"{name} = {other}"])
            self.body += again
            self.after = [f"typer.run({name})"]
            return self.script(_TYPER_HEAD)
        made = f"app = typer.Typer({self.pick('', 'help=' + self.text())})"
        self.body += [made] if self.some(0.7) else self._made_in_a_loop(made)
        if self.some(0.4):
            self.command(["@app.callback()"], self.parameters())
        for _count in range(self.chance.randint(1, 3)):
            self._commands("app")
        if kind == 2:
            self.body += ["sub = typer.Typer()"]
            self._commands("sub")
            self.body += self.maybe(["app.add_typer(sub, name='sub')"])
        self.after = self.chance.choice([["app()"], ["app(prog_name='x')"]])
        return self.script(_TYPER_HEAD)

    def _made_in_a_loop(self, made: str) -> list[str]:
        """Make an app in one turn and add commands in a later one."""
        function = self.command([], self.parameters())
        return [
            "app = None",
            "for key in NAMES:",
            "    if app is None:",
            f"        {made}",
            f"    if {self.condition()}:",
            f"        {self.pick('break', 'continue')}",
            f"    app.command(key)({function})",
        ]

    def _commands(self, app: str) -> None:
        form = self.chance.randrange(4)
        if form == 0:
            name = self.command([], self.parameters())
            self.body += self.maybe([f"{app}.command()({name})"])
        elif form == 1:
            name = self.command([], self.parameters())
            self.body += [f"for each in [{name}]:", *(
                "    " + line for line in self.maybe([f"{app}.command('each')(each)"])
            )]  # fmt: skip
        else:
            decorator = self.pick(f"@{app}.command()", f"@{app}.command(name='n{self.count}')")
            self.command([decorator, *self._wrapping()], self.parameters())

    def _wrapping(self) -> list[str]:
        """Return a decorator that keeps the signature, or none."""
        if not self.some(0.2):
            return []
        name = self.variable("wraps")
        self.body += [
            f"def {name}(function):",
            "    @functools.wraps(function)",
            "    def inner(*args, **kwargs):",
            "        return function(*args, **kwargs)",
            *("    " + line for line in self.maybe(["return function"], 0.3)[:0]),
            "    return inner",
            "",
            "",
        ]
        return [f"@{name}"]


def made(framework: str, seed: int) -> str:
    """Return the script of a seed."""
    maker = _ClickMaker(seed) if framework == "click" else _TyperMaker(seed)
    return maker.made()
