"""What click scripts declare."""

from pathlib import Path

from keynet.script.arguments import Argument as A
from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, write

HEAD = """
import click
from enum import Enum
class Color(Enum):
    RED = 'r'
    BLUE = 'b'
class Comma(click.ParamType):
    name = 'comma'
    def convert(self, value, param, ctx):
        try:
            return float(value.replace(',', '.'))
        except ValueError:
            self.fail('no number')
class Hex(click.ParamType):
    def convert(self, value, param, ctx):
        return value if isinstance(value, int) else int(value, 16)
"""


@table(
    ("declaration", "expected"),
    [
        ("option('--lr', type=float, default=0.1, help='rate')",
         A("lr", "float", 0.1, help="rate")),
        ("option('-b', '--batch-size', default=32)", A("batch_size", "int", 32)),
        ("option('--lr', default=0.1)", A("lr", "float", 0.1)),
        ("option('--name', default='x')", A("name", default="x")),
        ("option('--name')", A("name")),
        ("option('-n')", A("n")),
        ("option('--n', 'number', type=int)", A("number", "int")),
        ("option('number', '-n', '--n', type=int)", A("number", "int")),
        ("option('--n', type=click.INT, required=True)", A("n", "int", required=True)),
        ("option('--n', type=click.IntRange(1, 8), default=4)", A("n", "int", 4)),
        ("option('--p', type=click.FloatRange(0, 1, clamp=True))", A("p", "float")),
        ("option('--o', type=click.Choice(Color), default=Color.BLUE)",
         A("o", default="BLUE", choices=("RED", "BLUE"))),
        ("option('--o', type=click.Choice(['a', 'b']), default='a')",
         A("o", default="a", choices=("a", "b"))),
        ("option('--o', type=click.Choice(['a', 'b'], case_sensitive=False))",
         A("o", choices=("a", "b"))),
        ("option('--o', type=click.Choice([c.value for c in Color]))", A("o", choices=("r", "b"))),
        ("option('--o', type=click.Choice(Color))", A("o", choices=("RED", "BLUE"))),
        ("option('--p', type=click.Path(exists=True))", A("p")),
        ("option('--f', type=click.File('r'))", A("f")),
        ("option('--amp', is_flag=True)", A("amp", "bool", False)),
        ("option('--amp', is_flag=True, default=True)", A("amp", "bool", True)),
        ("option('--amp/--no-amp', default=True)", A("amp", "bool", True)),
        ("option('--amp/--no-amp')", A("amp", "bool", False)),
        ("option('--amp/--no-amp', ' /-A', 'use_amp', default=None)", A("use_amp", "bool")),
        ("option('--fast', 'speed', flag_value='fast', default=True)", A("speed", default="fast")),
        ("option('-v', '--verbose', count=True)", A("verbose", "int", 0)),
        ("option('--tag', multiple=True)", A("tag")),
        ("option('--k', multiple=True, default=[1, 2])", A("k", "int", [1, 2])),
        ("option('--size', nargs=2, type=float, default=(1.0, 2.0))",
         A("size", "float", [1.0, 2.0])),
        ("option('--size', type=(int, int), default=(1, 2))", A("size", "int", [1, 2])),
        ("option('--pair', type=(str, int))", A("pair")),
        ("option('--c', type=Comma(), default=0.5)", A("c", "float", 0.5)),
        ("option('--h', type=Hex())", A("h", "int")),
        ("option('--d', default=lambda: 3)", A("d", "str", 3)),
        ("option('--lr', type=float, default=1e-3, show_default=True, envvar='LR')",
         A("lr", "float", 0.001)),
        ("argument('data')", A("data", required=True)),
        ("argument('data-dir', type=click.Path())", A("data_dir", required=True)),
        ("argument('n', type=int, default=3)", A("n", "int", 3)),
        ("argument('files', nargs=-1)", A("files")),
        ("argument('files', nargs=-1, required=True)", A("files", required=True)),
        ("argument('out', required=False)", A("out")),
        ("password_option(default='')", A("password", default="")),
        ("confirmation_option()", A("yes", "bool", False)),
    ],
)  # fmt: skip
def test_one_parameter(tmp_path: Path, declaration: str, expected: A) -> None:
    script = (
        f"{HEAD}\n@click.command()\n@click.{declaration}\n@click.version_option('1')\n"
        "def main(**kwargs):\n    pass\nif __name__ == '__main__':\n    main()\n"
    )
    assert arguments(tmp_path, script) == [expected]


def test_groups_are_flattened_in_order(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import click
        from commands import evaluate
        @click.group(context_settings={'default_map': {'seed': 7}})
        @click.option('--seed', type=int)
        @click.pass_context
        def cli(ctx, seed):
            ctx.obj = seed
        @cli.command('train')
        @click.argument('data')
        @click.option('--lr', default=0.1)
        @click.pass_obj
        def train(seed, data, lr): pass
        @cli.group()
        def inner(): pass
        @inner.command
        @click.option('--deep', is_flag=True)
        def deep(deep): pass
        cli.add_command(evaluate)
        if __name__ == '__main__':
            cli(obj={})
        """,
        {
            "commands.py": """
                import click
                @click.command()
                @click.option('--weights', required=True)
                def evaluate(weights): pass
                """
        },
    ) == [
        A("seed", "int", 7),
        A("data", required=True),
        A("lr", "float", 0.1),
        A("deep", "bool", False),
        A("weights", required=True),
    ]


def test_shared_decorators_add_their_options(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import functools
        import click
        def common(f):
            @click.option('--seed', default=0)
            @click.option('--out', default='runs')
            @functools.wraps(f)
            def wrapper(*args, **kwargs):
                return f(*args, **kwargs)
            return wrapper
        OPTIONS = [click.option('--a'), click.option('--b')]
        def add_options(options):
            def add(f):
                for option in reversed(options):
                    f = option(f)
                return f
            return add
        lr = click.option('--lr', type=float)
        @click.command()
        @common
        @add_options(OPTIONS)
        @lr
        def main(**kwargs): pass
        main()
        """,
    ) == [A("seed", "int", 0), A("out", default="runs"), A("a"), A("b"), A("lr", "float")]


def test_commands_made_by_hand(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import click
        group = click.Group(commands={'a': click.Command('a', params=[
            click.Option(['-l', '--lr'], type=float, default=0.1), click.Argument(['data'])])})
        group.main()
        """,
    ) == [A("lr", "float", 0.1), A("data", required=True)]


def test_commands_register_themselves_from_modules_only_imported(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        from app import cli
        import commands
        if __name__ == '__main__':
            cli()
        """,
        {
            "app.py": "import click\n@click.group()\ndef cli(): pass\n",
            "commands.py": """
                import click
                from app import cli
                @cli.command()
                @click.option('--lr', default=0.1)
                def train(lr): pass
                """,
        },
    ) == [A("lr", "float", 0.1)]


def test_a_default_of_the_machine_is_null_with_a_note(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import click, os
            @click.command()
            @click.option('--n', type=int, default=os.cpu_count)
            @click.option('--m', default=os.cpu_count())
            def main(n, m): pass
            main()
            """,
        )
    )
    assert found.parser_type == "click"
    assert found.arguments == (A("n", "int"), A("m", "int"))
    assert [note.line for note in found.notes] == [4, 5]


def test_a_group_sets_the_defaults_of_its_commands(tmp_path: Path) -> None:
    # As click.Context.lookup_default finds them when the program runs.
    found = arguments(
        tmp_path,
        """
        import click
        MAP = {'train-model': {'epochs': 7}, 'in': {'deep': {'x': 2}}, 'ev': {'n': 5}}
        @click.group(context_settings={'default_map': MAP})
        def cli(): pass
        @cli.command()
        @click.option('--epochs', default=3)
        def train_model(epochs): pass
        @cli.command('ev')
        @click.option('--n', default=1)
        def evaluate(n): pass
        @cli.group('in')
        def inner(): pass
        @inner.command()
        @click.option('--x', default=1)
        @click.option('--y', default=1)
        def deep(x, y): pass
        cli()
        """,
    )
    defaults = {argument.name: argument.default for argument in found}
    assert defaults == {"epochs": 7, "n": 5, "x": 2, "y": 1}


ON_A_CONDITION = "It depends on a condition whether the script has a."


@table(
    "decorators",
    [
        "@(a if X else b)",
        "@(a if X else (lambda f: f))",
        "@shared",
        "@listed",
        "@maybe_wrapped",
    ],
)
def test_an_option_that_a_decorator_may_add_is_uncertain(tmp_path: Path, decorators: str) -> None:
    script = (
        "import click, functools, os\nX = os.environ.get('X')\n"
        "a = click.option('--a', required=True)\nb = click.option('--b')\n"
        "def shared(f):\n    if X:\n        return f\n    return a(f)\n"
        "OPTIONS = [a]\nif X:\n    OPTIONS.append(b)\n"
        "def listed(f):\n    for each in reversed(OPTIONS):\n        f = each(f)\n    return f\n"
        "def maybe_wrapped(f):\n    if X:\n        return f\n"
        "    @a\n    @functools.wraps(f)\n    def inner(**k): return f(**k)\n    return inner\n"
        f"@click.command()\n{decorators}\n@click.option('--c')\ndef main(**k): pass\nmain()\n"
    )
    found = extract(write(tmp_path, script))
    read = {one.name: one.required for one in found.arguments}
    assert read["a"] is read["c"] is False
    messages = [note.message for note in found.notes]
    assert ON_A_CONDITION in messages
    assert not any("has c" in message for message in messages)


def test_a_decorator_that_is_not_known_is_noted(tmp_path: Path) -> None:
    script = (
        "import click, lib\ndef f(**k): pass\nf = lib.options(f)\n"
        "f = click.option('--a')(f)\nclick.command()(f)()\n"
    )
    (note,) = extract(write(tmp_path, script)).notes
    assert note.message == "A decorator of a command is not known: options may be missing."


def test_the_last_command_of_a_name_counts(tmp_path: Path) -> None:
    script = (
        "import click\n@click.group()\ndef cli(): pass\n"
        "@click.command()\n@click.option('--a')\ndef one(**k): pass\n"
        "@click.command()\n@click.option('--b')\ndef two(**k): pass\n"
        "cli.add_command(one, 'run')\ncli.add_command(two, 'run')\ncli()\n"
    )
    assert arguments(tmp_path, script) == [A("b")]


def test_parameters_that_a_script_appends_are_read(tmp_path: Path) -> None:
    script = (
        "import click, os\n@click.command()\ndef main(**k): pass\n"
        "main.params.append(click.Option(['--a'], type=int))\n"
    )
    assert arguments(tmp_path, f"{script}main()\n") == [A("a", "int")]
    change = "if os.environ.get('X'):\n    main.params.append(click.Option(['--b']))\n"
    found = extract(write(tmp_path, f"{script}{change}main()\n"))
    assert "options may be missing" in found.notes[0].message


def test_a_command_that_nothing_runs_is_not_taken_for_certain(tmp_path: Path) -> None:
    script = (
        "import click\n@click.group()\ndef cli(): pass\n"
        "@click.command()\n@click.option('--a', required=True)\ndef one(**k): pass\ncli()\n"
    )
    found = extract(write(tmp_path, script))
    assert [one.required for one in found.arguments] == [False]
    assert ON_A_CONDITION in {note.message for note in found.notes}


def test_the_constructor_of_a_class_of_commands_adds_options(tmp_path: Path) -> None:
    script = """
    import click
    class Base(click.Group):
        def __init__(self, *args, **keywords):
            more = [click.Option(["--profile"], default="p")]
            super().__init__(*args, params=keywords.pop("params", []) + more, **keywords)
    class Standard(click.Command):
        def __init__(self, *args, extra=(), **keywords):
            super().__init__(*args, **keywords)
            for each in extra:
                self.params.append(click.Option([f"--{each}"], type=int, default=1))
    @click.group(cls=Base)
    @click.option("--a", default=1)
    def cli(**k): pass
    @cli.command(cls=Standard, extra=["x", "y"])
    @click.option("--b", default=2)
    def one(**k): pass
    cli()
    """
    assert [(one.name, one.default) for one in arguments(tmp_path, script)] == [
        ("a", 1),
        ("profile", "p"),
        ("b", 2),
        ("x", 1),
        ("y", 1),
    ]
