"""What argparse scripts declare: every field, for each way that real scripts use."""

from pathlib import Path

import pytest

from keynet.script.arguments import Argument as A
from keynet.script.arguments import TypeName
from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, read, rows, write


def one(folder: Path, call: str, before: str = "") -> A:
    (argument,) = arguments(
        folder,
        "import argparse, json, os, math\nfrom pathlib import Path\n"
        + before
        + f"\nparser = argparse.ArgumentParser()\nparser.{call}\nargs = parser.parse_args()\n",
    )
    return argument


@table(
    ("call", "expected"),
    [
        ("add_argument('--lr', type=float, default=1e-3, help='rate')",
         A("lr", "float", 0.001, help="rate")),
        ("add_argument('--name')", A("name")),
        ("add_argument('-b', '--batch-size', type=int, default=32)", A("batch_size", "int", 32)),
        ("add_argument('-x', type=int)", A("x", "int")),
        ("add_argument('--imgsz', '--img', '--img-size', type=int)", A("imgsz", "int")),
        ("add_argument('--lr0', dest='learning_rate', type=float)", A("learning_rate", "float")),
        ("add_argument('data')", A("data", required=True)),
        ("add_argument('data-dir', nargs='?', default='.')", A("data-dir", default=".")),
        ("add_argument('files', nargs='*')", A("files")),
        ("add_argument('files', nargs='+')", A("files", required=True)),
        ("add_argument('n', nargs=2, type=int)", A("n", "int", required=True)),
        ("add_argument('rest', nargs=argparse.REMAINDER)", A("rest")),
        ("add_argument('--data', required=True)", A("data", required=True)),
        ("add_argument('--amp', action='store_true')", A("amp", "bool", False)),
        ("add_argument('--no-amp', dest='amp', action='store_false')", A("amp", "bool", True)),
        ("add_argument('--amp', action='store_true', default=True)", A("amp", "bool", True)),
        ("add_argument('--amp', action=argparse.BooleanOptionalAction, default=True)",
         A("amp", "bool", True)),
        ("add_argument('-v', '--verbose', action='count', default=0)", A("verbose", "int", 0)),
        ("add_argument('--fast', action='store_const', const=3)", A("fast", "int")),
        ("add_argument('--mode', action='store_const', const='a', default='b')",
         A("mode", default="b")),
        ("add_argument('--tag', action='append', default=[])", A("tag", default=[])),
        ("add_argument('--k', action='append', type=float)", A("k", "float")),
        ("add_argument('--gpus', nargs='+', type=int, default=[0, 1])",
         A("gpus", "int", [0, 1])),
        ("add_argument('--size', nargs=2, type=float, default=(0.5, 1.0))",
         A("size", "float", [0.5, 1.0])),
        ("add_argument('--epochs', default=5)", A("epochs", "str", 5)),
        ("add_argument('--epochs', type=int, default='5')", A("epochs", "int", 5)),
        ("add_argument('--eps', type=float, default=-1e-8)", A("eps", "float", -1e-8)),
        ("add_argument('--n', type=int, default=+3)", A("n", "int", 3)),
        ("add_argument('--n', type=int, default=2 ** 10 * 3 // 2)", A("n", "int", 1536)),
        ("add_argument('--n', type=int, default=1 << 20)", A("n", "int", 1 << 20)),
        ("add_argument('--lr', type=float, default=1 / 4)", A("lr", "float", 0.25)),
        ("add_argument('--wd', type=float, default=math.sqrt(4))", A("wd", "float", 2.0)),
        ("add_argument('--out', default=os.path.join('runs', 'exp'))",
         A("out", default="runs/exp")),
        ("add_argument('--out', type=Path, default=Path('runs') / 'exp')",
         A("out", default="runs/exp")),
        ("add_argument('--cfg', type=json.loads, default='{}')", A("cfg", default={})),
        ("add_argument('--x', type=bool, default=False)", A("x", "bool", False)),
        ("add_argument('--x', type=argparse.FileType('r'))", A("x")),
        ("add_argument('--opt', choices=['sgd', 'adam'], default='sgd')",
         A("opt", default="sgd", choices=("sgd", "adam"))),
        ("add_argument('--bits', type=int, choices=[4, 8], default=8)",
         A("bits", "int", 8, choices=("4", "8"))),
        ("add_argument('--bits', type=int, choices=range(1, 4))",
         A("bits", "int", choices=("1", "2", "3"))),
        ("add_argument('--m', choices=sorted({'b': 1, 'a': 2}))", A("m", choices=("a", "b"))),
        ("add_argument('--m', choices={'b': 1, 'a': 2}.keys())", A("m", choices=("b", "a"))),
        ("add_argument('--m', choices=[n.lower() for n in ('A', 'B') if n != 'A'])",
         A("m", choices=("b",))),
        ("add_argument('--m', choices=['a'] + ['b', 'c'][:1])", A("m", choices=("a", "b"))),
        ("add_argument('--s', help=argparse.SUPPRESS, default=1, type=int)", A("s", "int", 1)),
        ("add_argument('--s', default=argparse.SUPPRESS)", A("s")),
        ("add_argument('--d', default={'a': 1, 2: [True, None]})",
         A("d", default={"a": 1, "2": [True, None]})),
        ("add_argument('--flag', type=eval, default=False, choices=[True, False])",
         A("flag", "bool", False, choices=("True", "False"))),
    ],
)  # fmt: skip
def test_one_argument(tmp_path: Path, call: str, expected: A) -> None:
    assert one(tmp_path, call) == expected


@table(
    ("converter", "kind"),
    [
        ("lambda v: int(v)", "int"),
        ("lambda v: float(v) if v != 'None' else None", "float"),
        ("lambda v: None if v == 'None' else int(v)", "int"),
        ("lambda v: v.lower() in ('yes', 'true')", "bool"),
        ("lambda v: str(v).lower() == 'true'", "bool"),
        ("lambda v: bool(int(v))", "bool"),
        ("lambda v: v.split(',')", "str"),
        ("lambda v: [int(x) for x in v.split(',')]", "int"),
        ("lambda v: tuple(map(float, v.split(',')))", "float"),
        ("lambda v: list(v)", "str"),
        ("os.path.abspath", "str"),
        ("str.lower", "str"),
        ("strtobool", "bool"),
        ("str2bool", "bool"),
        ("positive", "int"),
        ("Range(0, 1)", "float"),
        ("functools.partial(within, 3)", "float"),
        ("int if True else float", "int"),
    ],
)
def test_the_type_is_what_a_converter_gives(tmp_path: Path, converter: str, kind: TypeName) -> None:
    before = """
import functools
from distutils.util import strtobool

def str2bool(v):
    if isinstance(v, bool):
        return v
    if v.lower() in ('yes', 'true', 't', '1'):
        return True
    elif v.lower() in ('no', 'false', 'f', '0'):
        return False
    else:
        raise argparse.ArgumentTypeError('Boolean value expected.')

def positive(text):
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f'{value} is not positive')
    return value

def within(limit, text):
    return min(float(text), limit)

class Range:
    def __init__(self, low, high):
        self.low, self.high = low, high
    def __call__(self, text):
        value = float(text)
        if not self.low <= value <= self.high:
            raise ValueError
        return value
"""
    assert one(tmp_path, f"add_argument('--x', type={converter})", before) == A("x", kind)


def test_an_enum_as_type_gives_its_values_as_choices(tmp_path: Path) -> None:
    before = "from enum import Enum\nclass Opt(Enum):\n    SGD = 'sgd'\n    ADAM = 'adam'\n"
    assert one(tmp_path, "add_argument('--o', type=Opt, default=Opt.SGD)", before) == A(
        "o", "str", "sgd", choices=("sgd", "adam")
    )
    assert one(
        tmp_path, "add_argument('--o', choices=[e.value for e in Opt], default='sgd')", before
    ) == A("o", "str", "sgd", choices=("sgd", "adam"))


def test_help_and_version_are_no_hyperparameters(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        from argparse import ArgumentParser as P
        parser = P(add_help=False)
        parser.add_argument('--version', action='version', version='1')
        parser.add_argument('-h', '--help', action='help')
        parser.add_argument('--x', type=int)
        parser.parse_args()
        """,
    ) == [A("x", "int")]


@table(
    ("imports", "made"),
    [
        ("import argparse as ap", "ap.ArgumentParser()"),
        ("from argparse import ArgumentParser", "ArgumentParser()"),
        ("from argparse import *", "ArgumentParser()"),
        ("from argparse import ArgumentParser as P", "P(description='x')"),
        ("import argparse\nclass P(argparse.ArgumentParser):\n    pass", "P()"),
        ("import configargparse", "configargparse.ArgParser()"),
        ("import jsonargparse_like as a\nfrom argparse import ArgumentParser", "ArgumentParser()"),
    ],
)
def test_a_parser_is_known_under_any_name(tmp_path: Path, imports: str, made: str) -> None:
    script = f"{imports}\np = {made}\np.add_argument('--lr', type=float)\np.parse_args()\n"
    assert extract(write(tmp_path, script)).arguments == (A("lr", "float"),)


def test_groups_and_their_groups_add_to_the_parser(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        parser = argparse.ArgumentParser()
        data = parser.add_argument_group('data')
        data.add_argument('--root', default='.')
        either = data.add_mutually_exclusive_group(required=True)
        either.add_argument('--gpu', type=int)
        either.add_argument('--cpu', action='store_true')
        parser.add_argument('--last')
        args = parser.parse_args()
        """,
    ) == [A("root", default="."), A("gpu", "int"), A("cpu", "bool", False), A("last")]


def test_a_subclass_brings_its_own_arguments(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        class Options(argparse.ArgumentParser):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.add_argument('--base', type=int, default=1)
                self.more = self.add_argument_group('more')
            def flag(self, name, **kw):
                self.more.add_argument('--' + name, action='store_true', **kw)
        parser = Options(description='x')
        parser.flag('fast', help='be fast')
        opts = parser.parse_args()
        """,
    ) == [A("base", "int", 1), A("fast", "bool", False, help="be fast")]


def test_parents_come_first_and_across_files(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        from common.options import get_args_parser
        def main():
            local = argparse.ArgumentParser(add_help=False)
            local.add_argument('--seed', type=int, default=0)
            parser = argparse.ArgumentParser('train', parents=[get_args_parser(), local])
            parser.add_argument('--lr', type=float, default=0.1)
            args = parser.parse_args()
        if __name__ == '__main__':
            main()
        """,
        {
            "common/__init__.py": "",
            "common/options.py": """
                import argparse
                def get_args_parser():
                    parser = argparse.ArgumentParser(add_help=False)
                    parser.add_argument('--data', required=True)
                    return parser
                """,
        },
    ) == [A("data", required=True), A("seed", "int", 0), A("lr", "float", 0.1)]


def test_subcommands_are_flattened_in_source_order(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument('--verbose', action='store_true')
            sub = parser.add_subparsers(dest='command', required=True)
            train = sub.add_parser('train', help='x')
            train.add_argument('--lr', type=float, default=0.1)
            train.set_defaults(func=print)
            test = sub.add_parser('test', aliases=['t'])
            test.add_argument('--lr', type=float, default=9.9)
            test.add_argument('--weights')
            args = parser.parse_args()
            """,
        )
    )
    assert list(found.arguments) == [
        A("verbose", "bool", False),
        A("lr", "float", 0.1),
        A("weights"),
    ]
    assert [(note.line, "lr" in note.message) for note in found.notes] == [(10, True)]


def test_set_defaults_counts_before_and_after(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument('--lr', type=float, default=0.1)
        parser.set_defaults(lr=0.5, epochs=3, run=print)
        parser.add_argument('--epochs', type=int)
        parser.add_argument('--amp', action='store_true')
        parser.set_defaults(**{'amp': True})
        parser.parse_args()
        """,
    ) == [A("lr", "float", 0.5), A("epochs", "int", 3), A("amp", "bool", True)]


def test_parse_known_args_is_a_parse(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        def get():
            p = argparse.ArgumentParser()
            p.add_argument('--x', type=int)
            args, unknown = p.parse_known_args()
            return args
        if __name__ == '__main__':
            get()
        """,
    ) == [A("x", "int")]


def test_parsers_that_share_the_command_line_are_reported_together(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse, yaml
            first = argparse.ArgumentParser(add_help=False)
            first.add_argument('-c', '--config', default='')
            parser = argparse.ArgumentParser()
            parser.add_argument('--lr', type=float, default=0.05)
            def parse():
                known, rest = first.parse_known_args()
                if known.config:
                    with open(known.config) as f:
                        parser.set_defaults(**yaml.safe_load(f))
                return parser.parse_args(rest)
            def main():
                args = parse()
            if __name__ == '__main__':
                main()
            """,
        )
    )
    assert found.arguments == (A("config", "str", ""), A("lr", "float", 0.05))
    assert {note.line for note in found.notes} == {11}


def test_conflict_handler_resolve_lets_the_later_win(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        parser = argparse.ArgumentParser(conflict_handler='resolve')
        parser.add_argument('--lr', type=float, default=0.1)
        parser.add_argument('--seed', type=int)
        parser.add_argument('--lr', type=float, default=0.2)
        parser.parse_args()
        """,
    ) == [A("seed", "int"), A("lr", "float", 0.2)]


def test_argument_default_serves_what_has_none(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
        parser.add_argument('--x', type=int)
        parser.add_argument('--f', action='store_true')
        parser.add_argument('--y', type=int, default=2)
        parser.parse_args()
        """,
    ) == [A("x", "int"), A("f", "bool"), A("y", "int", 2)]


def test_a_custom_action_says_what_it_takes(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        class StoreDict(argparse.Action):
            def __call__(self, parser, namespace, values, option_string=None):
                setattr(namespace, self.dest, dict(v.split('=') for v in values))
        class Flag(argparse.Action):
            def __init__(self, option_strings, dest, default=False, **kwargs):
                super().__init__(option_strings, dest, nargs=0, default=default, **kwargs)
            def __call__(self, parser, namespace, values, option_string=None):
                setattr(namespace, self.dest, True)
        class Quiet(argparse._StoreTrueAction):
            pass
        parser = argparse.ArgumentParser()
        parser.add_argument('--set', nargs='*', action=StoreDict, default={})
        parser.add_argument('--n', type=int, action=StoreDict)
        parser.add_argument('--flag', action=Flag)
        parser.add_argument('--quiet', action=Quiet)
        parser.parse_args()
        """,
    ) == [A("set", default={}), A("n", "int"), A("flag", "bool", False), A("quiet", "bool", False)]


def test_the_option_for_a_configuration_file_is_added(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import configargparse
        parser = configargparse.ArgParser(
            args_for_setting_config_path=['-c', '--config'],
            config_arg_is_required=True,
            config_arg_help_message='where the settings are',
            args_for_writing_out_config_file=['-w', '--write'],
        )
        parser.add_argument('--lr', type=float)
        parser.parse_args()
        """,
    ) == [
        A("config_file", required=True, help="where the settings are"),
        A("write_out_config_file_to_this_path"),
        A("lr", "float"),
    ]


def test_the_values_of_an_enum_with_a_constructor_of_its_own_are_unknown(tmp_path: Path) -> None:
    script = """
        import argparse, enum
        class Size(enum.Enum):
            def __new__(cls, value, pixels):
                made = object.__new__(cls)
                made._value_ = value
                return made
            SMALL = 'small', 10
        parser = argparse.ArgumentParser()
        parser.add_argument('--size', choices=[s.value for s in Size], default=Size.SMALL.value)
        parser.parse_args()
        """
    (size,) = extract(write(tmp_path, script)).arguments
    assert (size.default, size.choices) == (None, None)


@table(
    "loop",
    [
        "for one in sub.choices.values():",
        "for name, one in sub.choices.items():",
        "for one in [sub.choices['fit'], sub._name_parser_map['test']]:",
        "for one in [p for a in p._actions if isinstance(a, argparse._SubParsersAction)\n"
        "            for p in a.choices.values()]:",
    ],
)
def test_subcommands_that_are_looked_up_get_arguments(loop: str, tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"""
import argparse
p = argparse.ArgumentParser()
p.add_argument("--own")
sub = p.add_subparsers()
for name in ("fit", "test"):
    sub.add_parser(name).add_argument("--" + name)
{loop}
    one.add_argument("--seed", type=int)
p.parse_args()
""",
    )
    assert [one.name for one in found.arguments] == ["own", "fit", "seed", "test"]


@pytest.mark.parametrize("cached", ["functools.cache", "functools.lru_cache(maxsize=None)"])
def test_a_parser_that_a_function_keeps_is_one(cached: str, tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"""
import argparse, functools
@{cached}
def parser(name="x"):
    return argparse.ArgumentParser(name)
parser().add_argument("--a")
parser().add_argument("--b")
parser("y").add_argument("--c")
parser().parse_args()
""",
    )
    assert [one.name for one in found.arguments] == ["a", "b"]


def test_builtin_types_have_names(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
import argparse
TYPES = {one.__name__: one for one in (int, float, str)}
p = argparse.ArgumentParser()
for name, kind, default in [("x", "int", "3"), ("y", "float", "0.5")]:
    p.add_argument("--" + name, type=TYPES[kind], default=TYPES[kind](default))
p.parse_args()
""",
    )
    assert [(one.name, one.type, one.default) for one in found.arguments] == [
        ("x", "int", 3),
        ("y", "float", 0.5),
    ]
    assert found.notes == ()


def test_a_registered_action_or_type_is_the_one_that_its_name_stands_for(tmp_path: Path) -> None:
    script = """
    import argparse, os
    class Pairs(argparse.Action):
        def __init__(self, option_strings, dest, **keywords):
            super().__init__(option_strings, dest, default=5, type=int, **keywords)
    p = argparse.ArgumentParser()
    p.register("action", "pairs", Pairs)
    p.register("type", "count", int)
    if os.environ.get("C0"):
        p.register("type", "other", int)
    p.add_argument("--a", action="pairs")
    p.add_argument_group("g").add_argument("--b", type="count", default="3")
    p.add_argument("--c", action="unheard")
    p.add_argument("--d", type="other")
    p.parse_args()
    """
    found = read(tmp_path, script)
    assert rows(found)[:2] == [("a", "int", 5, False, None), ("b", "int", 3, False, None)]
    assert {note.message.rpartition(" of ")[2].split()[0] for note in found.notes} == {"c", "d"}


@pytest.mark.parametrize(("indent", "default"), [("", None), ("if known.c:\n    ", 1)])
def test_defaults_that_an_unknown_mapping_replaces_are_unknown(
    tmp_path: Path, indent: str, default: object
) -> None:
    script = (
        "import argparse, json\np = argparse.ArgumentParser()\np.add_argument('--c')\n"
        "p.add_argument('--a', default=1, type=int)\nknown, _ = p.parse_known_args()\n"
        f"{indent}p.set_defaults(**json.load(open('c.json')))\np.parse_args()\n"
    )
    found = read(tmp_path, script)
    assert found.arguments[1].default == default
    assert found.notes


def test_pairs_are_sorted_by_their_first_parts(tmp_path: Path) -> None:
    script = """
    import argparse
    class A: size = 3
    class B: size = 4
    p = argparse.ArgumentParser()
    for name, cls in sorted({"b": B, "a": A}.items()):
        p.add_argument("--" + name, type=int, default=cls.size)
    p.parse_args()
    """
    assert [(one.name, one.default) for one in arguments(tmp_path, script)] == [("a", 3), ("b", 4)]


@table(
    ("assigned", "expected"),
    [
        ("self.default = 5", A("n", "int", 5, required=True)),
        ("self.required = False", A("n", "int", 1)),
        ("self.choices = [1, 2]", A("n", "int", 1, required=True, choices=("1", "2"))),
        ("self.type = float", A("n", "float", 1, required=True)),
        ("self.help = 'later'", A("n", "int", 1, required=True, help="later")),
        ("self.other = None", A("n", "int", 1, required=True)),
    ],
)
def test_what_an_action_assigns_to_itself(tmp_path: Path, assigned: str, expected: A) -> None:
    script = f"""
    import argparse
    class Own(argparse.Action):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            {assigned}
        def __call__(self, *given): ...
    p = argparse.ArgumentParser()
    p.add_argument('--n', action=Own, type=int, default=1, required=True)
    p.parse_args()
    """
    assert arguments(tmp_path, script) == [expected]


def test_arguments_that_reduce_adds(tmp_path: Path) -> None:
    script = """
    import argparse
    from functools import reduce
    def add(parser, name):
        parser.add_argument('--' + name, type=int)
        return parser
    reduce(add, ['a', 'b'], argparse.ArgumentParser()).parse_args()
    """
    assert arguments(tmp_path, script) == [A("a", "int"), A("b", "int")]


def test_the_groups_that_a_parser_has_from_the_start(tmp_path: Path) -> None:
    script = """
    import argparse
    p = argparse.ArgumentParser()
    optional = p._action_groups.pop()
    required = p.add_argument_group('required arguments')
    required.add_argument('--data', required=True)
    required.add_argument('--lr', type=float, required=True)
    optional.add_argument('--n', type=int)
    p._action_groups.append(optional)
    p._optionals.title = 'others'
    p._positionals.add_argument('task')
    for action in required._group_actions:
        action.required = action.dest == 'data'
    for group in p._action_groups:
        for action in group._group_actions:
            if action.dest == 'n':
                action.default = 4
    p.parse_args()
    """
    assert arguments(tmp_path, script) == [
        A("data", required=True),
        A("lr", "float"),
        A("n", "int", 4),
        A("task", required=True),
    ]


def test_what_a_class_does_before_it_parses(tmp_path: Path) -> None:
    script = """
    import argparse
    class P(argparse.ArgumentParser):
        def parse_known_args(self, args=None, namespace=None):
            self.add_argument('--late', type=int)
            self.set_defaults(lr=0.9)
            return super().parse_known_args(args, namespace)
    p = P()
    p.add_argument('--lr', type=float, default=0.1)
    p.parse_args()
    """
    assert arguments(tmp_path, script) == [A("lr", "float", 0.9), A("late", "int")]
