"""What larger programs do on their way to a command line, each from a script written for it."""

from pathlib import Path

import pytest

from keynet.script.arguments import Argument as A
from keynet.script.arguments import TypeName
from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, write

LR, N = A("lr", "float", 0.1), A("n", "int", 3)


def test_a_loop_over_one_of_several_lists_is_followed_for_each(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse, sys
            if '-m' in sys.argv:
                real = argparse.ArgumentParser(add_help=False)
                shown = argparse.ArgumentParser()
                parsers = [real, shown]
            else:
                (real,) = parsers = [argparse.ArgumentParser()]
            for parser in parsers:
                parser.add_argument('--lr', type=float, default=0.1)
            real.parse_args()
            """,
        )
    )
    assert found.arguments == (LR,)


def test_a_group_class_may_replace_the_actions_it_is_given(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        class Store(argparse.Action):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.option_strings = [s.replace('_', '-') for s in self.option_strings]
            def __call__(self, parser, namespace, values, option_string=None): pass
        class StoreConst(Store):
            def __init__(self, option_strings, dest, const, default=None, required=False,
                         help=None):
                super().__init__(option_strings=option_strings, dest=dest, nargs=0, const=const,
                                 default=default, required=required, help=help)
        class Group(argparse._ArgumentGroup):
            def _add_action(self, action):
                told = vars(action)
                if isinstance(action, argparse._StoreTrueAction):
                    action = StoreConst(told['option_strings'], told['dest'], True,
                                        told['default'], told['required'], told['help'])
                elif isinstance(action, argparse._StoreAction):
                    action = Store(**told)
                return super()._add_action(action)
        class Parser(argparse.ArgumentParser):
            def add_argument_group(self, *args, **kwargs):
                group = Group(self, *args, **kwargs)
                self._action_groups.append(group)
                return group
        parser = Parser()
        group = parser.add_argument_group('training')
        group.add_argument('--lr', type=float, default=0.1)
        group.add_argument('--use_amp', action='store_true', help='mixed')
        group.add_argument('--opt', choices=['sgd', 'adam'], required=True)
        parser.parse_args()
        """,
    ) == [
        LR,
        A("use_amp", "bool", False, help="mixed"),
        A("opt", required=True, choices=("sgd", "adam")),
    ]


def test_a_parser_tells_its_prefix(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        def add(parser, *names, **kwargs):
            long = [n for n in names if n.startswith(tuple(c * 2 for c in parser.prefix_chars))]
            for name in long:
                parser.add_argument(name, **kwargs)
        parser = argparse.ArgumentParser()
        add(parser, '-l', '--lr', type=float, default=0.1)
        parser.parse_args()
        """,
    ) == [LR]


@table(
    ("made", "choices"),
    [
        ("Enum('Mode', 'fast slow')", ("fast", "slow")),
        ("Enum('Mode', ['fast', 'slow'])", ("fast", "slow")),
        ("Enum('Mode', {name: i for i, name in enumerate(MODES)})", ("fast", "slow")),
        ("Enum('Mode', [('fast', 1), ('slow', 2)])", ("fast", "slow")),
    ],
)
def test_an_enum_may_be_made_by_a_call(made: str, choices: tuple[str, ...], tmp_path: Path) -> None:
    script = (
        "import argparse\nfrom enum import Enum\nMODES = {'fast': print, 'slow': print}\n"
        f"Mode = {made}\np = argparse.ArgumentParser()\n"
        "p.add_argument('--mode', choices=[m.name for m in Mode])\np.parse_args()\n"
    )
    assert arguments(tmp_path, script) == [A("mode", choices=choices)]


def test_the_flags_of_one_bit_are_told_from_their_sum(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse, enum
        class Era(enum.IntFlag):
            NEW = 1
            OLD = 2
            ALL = NEW | OLD
        p = argparse.ArgumentParser()
        p.add_argument('--era', choices=[e.name.lower() for e in Era if e.bit_count() == 1])
        p.parse_args()
        """,
    ) == [A("era", choices=("new", "old"))]


def test_the_names_of_a_module_are_known(tmp_path: Path) -> None:
    script = """
        import argparse
        import targets
        p = argparse.ArgumentParser()
        p.add_argument('--t', choices=[n for n in dir(targets) if not n.startswith('_')])
        p.parse_args()
        """
    files = {"targets.py": "py311 = 1\npy310 = 2\n_hidden = 3\n"}
    assert arguments(tmp_path, script, files) == [A("t", choices=("py310", "py311"))]


def test_the_names_of_a_package_may_be_more_than_its_file_says(tmp_path: Path) -> None:
    script = """
        import argparse
        import targets
        p = argparse.ArgumentParser()
        p.add_argument('--t', choices=[n for n in dir(targets) if not n.startswith('_')])
        p.parse_args()
        """
    found = extract(write(tmp_path, script, {"targets/__init__.py": "py311 = 1\n"}))
    assert found.arguments == (A("t"),)
    assert len(found.notes) == 1


def test_names_that_a_package_imports_lazily_are_found_by_their_hints(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        from project import Hardware
        p = argparse.ArgumentParser()
        p.add_argument('--on', choices=[h.value for h in Hardware])
        p.parse_args()
        """,
        {
            "project/__init__.py": """
                from typing import TYPE_CHECKING
                import importlib
                def __getattr__(name):
                    return getattr(importlib.import_module('project._hardware'), name)
                if TYPE_CHECKING:
                    from ._hardware import Hardware
                """,
            "project/_hardware.py": """
                from enum import Enum
                class Hardware(str, Enum):
                    CPU = 'cpu'
                    GPU = 'gpu'
                """,
        },
    ) == [A("on", choices=("cpu", "gpu"))]


MODEL = """
    import argparse, typing
    from typing import List, Optional, Union, Literal
    from pydantic import BaseModel, Field
    class Params(BaseModel):
        model_config = {}
        lr: float = Field(0.1, title='rate')
        n: Optional[int] = None
        amp: bool = False
        data: str = Field(..., description='where')
    p = argparse.ArgumentParser()
"""


def test_the_fields_of_a_pydantic_model_become_arguments(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        MODEL
        + """
    for name, field in Params.model_fields.items():
        kind = field.annotation
        if typing.get_origin(kind) is Union:
            kind = typing.get_args(kind)[0]
        if kind == bool:
            p.add_argument('--' + name, action='store_true')
        else:
            p.add_argument('--' + name, type=kind, required=field.is_required(),
                           default=None if field.is_required() else field.default,
                           help=field.description)
    p.parse_args()
    """,
    ) == [
        LR,
        A("n", "int"),
        A("amp", "bool", False),
        A("data", required=True, help="where"),
    ]


def test_the_schema_of_a_pydantic_model_is_known(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        MODEL
        + """
    TYPES = {'string': str, 'number': float, 'integer': int, 'boolean': bool}
    schema = Params.model_json_schema()
    for name, told in schema.get('properties', {}).items():
        kind = told.get('type') or told['anyOf'][0]['type']
        p.add_argument('--' + name, type=TYPES[kind], default=told.get('default'),
                       required=name in schema['required'], help=told.get('title', ''))
    p.parse_args()
    """,
    ) == [
        A("lr", "float", 0.1, help="rate"),
        A("n", "int", help="N"),
        A("amp", "bool", False, help="Amp"),
        A("data", required=True, help="Data"),
    ]


def test_a_parse_that_is_certain_goes_before_one_that_may_not_happen(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse, sys
            def discover(argv):
                p = argparse.ArgumentParser()
                p.add_argument('--start')
                p.parse_args(argv)
            class Program:
                def __init__(self):
                    if len(sys.argv) > 1 and sys.argv[1] == 'discover':
                        discover(sys.argv[2:])
                        return
                    p = argparse.ArgumentParser()
                    p.add_argument('--lr', type=float, default=0.1)
                    p.parse_args(sys.argv[1:])
            main = Program
            main()
            """,
        )
    )
    assert found.arguments == (LR,)


@pytest.mark.parametrize(
    ("converter", "kind"),
    [
        ("lambda v: {'True': True, 'False': False}[v]", "bool"),
        ("lambda v: {'one': 1, 'half': 0.5}[v]", "float"),
        ("lambda v: [int(x) for x in v.split(',')] * 4", "int"),
    ],
)
def test_what_converters_take_from_a_table_or_repeat(
    converter: str, kind: TypeName, tmp_path: Path
) -> None:
    script = (
        "import argparse\np = argparse.ArgumentParser()\n"
        f"p.add_argument('--x', type={converter})\np.parse_args()\n"
    )
    assert arguments(tmp_path, script) == [A("x", kind)]


def test_an_annotated_type_gives_what_its_type_has(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import typer
        from enum import Enum
        from typing import Annotated
        class Kind(str, Enum):
            model = 'model'
            data = 'data'
        KindOption = Annotated[Kind, typer.Option('--type')]
        def main(kind: KindOption = KindOption.model): pass
        typer.run(main)
        """,
    ) == [A("kind", default="model", choices=("model", "data"))]


def test_a_pair_of_different_types_has_no_choices(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import typer
        from enum import Enum
        from typing import Optional, Tuple
        class Form(str, Enum):
            json = 'json'
        def main(save: Optional[Tuple[Form, str]] = None): pass
        typer.run(main)
        """,
    ) == [A("save")]


def test_a_method_put_into_a_parser_is_the_one_that_is_called(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse, types
        def watch(parser):
            def add(self, *args, **kwargs):
                return self.plain(*args, **kwargs)
            parser.plain = parser.add_argument
            parser.add_argument = types.MethodType(add, parser)
        p = argparse.ArgumentParser()
        watch(p)
        p.add_argument('--lr', type=float, default=0.1)
        p.parse_args()
        """,
    ) == [LR]


def test_constants_of_the_standard_library_are_numbers(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse, signal, ssl
        p = argparse.ArgumentParser()
        p.add_argument('--v', type=int, default=ssl.PROTOCOL_TLS_SERVER)
        p.add_argument('--s', type=int, default=signal.SIGTERM)
        p.parse_args()
        """,
    ) == [A("v", "int", 17), A("s", "int", 15)]


@table(
    "start",
    ['x = ["false", "f"]', "# the f' of the matter", '"""a docstring of f"""', 'x = "f\\" f"'],
)
def test_what_only_looks_like_a_long_f_string_is_read(start: str, tmp_path: Path) -> None:
    long = "".join(f"x{number} = {number}\n" for number in range(3_000))
    script = f"import argparse\n{start}\n{long}\np = argparse.ArgumentParser()\n"
    script += "p.add_argument(f'--lr', type=float, default=0.1)\np.parse_args()\n"
    assert arguments(tmp_path, script) == [LR]
