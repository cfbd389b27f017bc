"""How scripts are followed: functions, loops, conditions, classes and other files."""

from pathlib import Path

from keynet.script.arguments import Argument as A
from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, read, write

LR = A("lr", "float", 0.1)
HEAD = "import argparse\nimport os, sys, functools, itertools\n"


def test_the_receiver_may_be_a_parameter(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        def add_data(p):
            p.add_argument('--data')
        def add_model(group, prefix='', *, depth=3):
            group.add_argument(f'--{prefix}depth', type=int, default=depth)
        def main():
            parser = argparse.ArgumentParser()
            add_data(parser)
            add_model(parser.add_argument_group('m'))
            add_model(group=parser, prefix='decoder-', depth=6)
            args = parser.parse_args()
        if __name__ == '__main__':
            main()
        """,
    ) == [A("data"), A("depth", "int", 3), A("decoder_depth", "int", 6)]


def test_arguments_are_collected_from_several_functions_and_files(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        from args import base
        from args.model import add_model_args as model_args
        import args.optim as optim
        parser = base.make_parser()
        model_args(parser)
        parser = optim.add(parser)
        opts = parser.parse_args()
        """,
        {
            "args/__init__.py": "",
            "args/base.py": """
                import argparse
                from .defaults import SEED
                def make_parser():
                    p = argparse.ArgumentParser()
                    p.add_argument('--seed', type=int, default=SEED)
                    return p
                """,
            "args/defaults.py": "SEED = 42\n",
            "args/model.py": """
                def add_model_args(p):
                    p.add_argument('--width', type=int, default=64)
                """,
            "args/optim.py": """
                from args.defaults import *
                def add(p):
                    p.add_argument('--lr', type=float, default=SEED / 420)
                    return p
                """,
        },
    ) == [A("seed", "int", 42), A("width", "int", 64), LR]


def test_options_classes_are_followed_with_their_bases(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        from options.train_options import TrainOptions
        if __name__ == '__main__':
            opt = TrainOptions().parse()
        """,
        {
            "options/__init__.py": "",
            "options/base_options.py": """
                import argparse
                class BaseOptions:
                    def __init__(self):
                        self.parser = argparse.ArgumentParser()
                        self.initialized = False
                    def initialize(self):
                        self.parser.add_argument('--root', required=True)
                        self.initialized = True
                    def parse(self):
                        if not self.initialized:
                            self.initialize()
                        self.opt = self.parser.parse_args()
                        return self.opt
                """,
            "options/train_options.py": """
                from .base_options import BaseOptions
                class TrainOptions(BaseOptions):
                    def initialize(self):
                        BaseOptions.initialize(self)
                        self.parser.add_argument('--lr', type=float, default=0.1)
                        self.isTrain = True
                """,
        },
    ) == [A("root", required=True), LR]


@table(
    ("body", "expected"),
    [
        ("for n in ('a', 'b'):\n    p.add_argument(f'--{n}-dim', type=int, default=1)",
         [A("a_dim", "int", 1), A("b_dim", "int", 1)]),
        ("for i in range(2):\n    p.add_argument('--w%d' % i)", [A("w0"), A("w1")]),
        ("for i, n in enumerate(['x', 'y'], 1):\n    p.add_argument('--{}{}'.format(n, i))",
         [A("x1"), A("y2")]),
        ("D = {'lr': 0.1, 'n': 3, 'name': 'x'}\n"
         "for k, v in D.items():\n    p.add_argument('--' + k, type=type(v), default=v)",
         [LR, A("n", "int", 3), A("name", default="x")]),
        ("O = [('--lr', dict(type=float, default=0.1)), ('--n', {'type': int})]\n"
         "for flag, kw in O:\n    p.add_argument(flag, **kw)", [LR, A("n", "int")]),
        ("O = [(('-l', '--lr'), {'type': float, 'default': 0.1})]\n"
         "for names, kw in O:\n    p.add_argument(*names, **kw)", [LR]),
        ("def add(*args, **kwargs):\n    kwargs.setdefault('type', float)\n"
         "    p.add_argument(*args, **kwargs)\nadd('--lr', default=0.1)", [LR]),
        ("add = p.add_argument\nadd('--lr', type=float, default=0.1)", [LR]),
        ("add = functools.partial(p.add_argument, type=float)\nadd('--lr', default=0.1)", [LR]),
        ("[p.add_argument('--' + n, type=float, default=0.1) for n in ['lr']]", [LR]),
        ("add = lambda name, **kw: p.add_argument('--' + name, **kw)\n"
         "add('lr', type=float, default=0.1)", [LR]),
        ("a, *rest = ['skip', 'lr']\nfor r in rest:\n    p.add_argument('--' + r)", [A("lr")]),
        ("for a, b in itertools.product('xy', '12'):\n    p.add_argument(f'--{a}{b}')",
         [A("x1"), A("x2"), A("y1"), A("y2")]),
        ("i = 0\nwhile i < 2:\n    p.add_argument(f'--p{i}')\n    i += 1", [A("p0"), A("p1")]),
        ("def names():\n    yield 'a'\n    yield from ['b']\n"
         "for n in names():\n    p.add_argument('--' + n)", [A("a"), A("b")]),
        ("match 'x':\n    case 'y':\n        p.add_argument('--no')\n"
         "    case 'x' | 'z':\n        p.add_argument('--yes')", [A("yes")]),
        ("with open('x') as f:\n    p.add_argument('--lr', type=float, default=0.1)", [LR]),
        ("names = []\nnames.append('lr')\nnames += ['n']\n"
         "for n in names:\n    p.add_argument('--' + n)", [A("lr"), A("n")]),
        ("d = dict(a=1)\nd.update(b=2)\nd['c'] = 3\ndel d['a']\n"
         "for k in sorted(d, reverse=True):\n    p.add_argument('--' + k, default=d[k])",
         [A("c", default=3), A("b", default=2)]),
        ("if len('ab') == 2 and not False:\n    p.add_argument('--yes')\nelse:\n"
         "    p.add_argument('--no')", [A("yes")]),
        ("if os.name == 'nt':\n    p.add_argument('--win')\n"
         "elif sys.platform.startswith('linux'):\n    p.add_argument('--lin')", [A("lin")]),
        ("if sys.version_info >= (3, 8):\n    p.add_argument('--new')\n"
         "if sys.version_info[0] == 2:\n    p.add_argument('--old')", [A("new")]),
        ("if (n := 3) > 2:\n    p.add_argument('--n', type=int, default=n)", [A("n", "int", 3)]),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None\n"
         "p.add_argument('--lr', type=float, default=0.1)", [LR]),
        ("p.add_argument('--lr', type=float, default=0.1).completer = None", [LR]),
        ("def f(x, /, y=2, *a, z=3, **k):\n    return x + y + z + len(a) + len(k)\n"
         "p.add_argument('--n', type=int, default=f(1, 2, 3, z=4, w=5))", [A("n", "int", 9)]),
        ("def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\n"
         "p.add_argument('--n', type=int, default=fact(5))", [A("n", "int", 120)]),
        ("class C:\n    LR = 0.1\n    names = [c for c in 'ab']\n"
         "p.add_argument('--lr', type=float, default=C.LR)", [LR]),
        ("from dataclasses import dataclass, field, fields\n@dataclass\nclass C:\n"
         "    lr: float = 0.1\n    n: int = 3\n"
         "for f in fields(C):\n    p.add_argument('--' + f.name, type=f.type, default=f.default)",
         [LR, A("n", "int", 3)]),
        ("from dataclasses import dataclass\n@dataclass\nclass C:\n    lr: float = 0.5\n"
         "    n: int = 3\nc = C(0.1)\n"
         "for k, v in vars(c).items():\n    p.add_argument('--' + k, type=type(v), default=v)",
         [LR, A("n", "int", 3)]),
        ("from types import SimpleNamespace as N\nc = N(lr=0.1)\n"
         "p.add_argument('--lr', type=float, default=c.lr)", [LR]),
        ("from enum import Enum\nclass E(str, Enum):\n    A = 'a'\n    B = 'b'\n"
         "p.add_argument('--e', choices=list(E.__members__), default=E.A.name)",
         [A("e", default="A", choices=("A", "B"))]),
        ("LR = 1\ndef set_lr():\n    global LR\n    LR = 0.1\nset_lr()\n"
         "p.add_argument('--lr', type=float, default=LR)", [LR]),
        ("def deco(f):\n    @functools.wraps(f)\n    def inner(*a, **k):\n"
         "        return f(*a, **k)\n    return inner\n@deco\ndef add(q):\n"
         "    q.add_argument('--lr', type=float, default=0.1)\nadd(p)", [LR]),
    ],
)  # fmt: skip
def test_what_python_does_is_followed(tmp_path: Path, body: str, expected: list[A]) -> None:
    script = f"{HEAD}p = argparse.ArgumentParser()\n{body}\np.parse_args()\n"
    assert arguments(tmp_path, script) == expected


@table(
    "default",
    [
        "os.cpu_count()",
        "os.getcwd()",
        "os.path.expanduser('~/x')",
        "os.environ.get('X', 'y')",
        "os.environ['X']",
        "int(os.getenv('LOCAL_RANK', -1))",
        "min(8, os.cpu_count())",
        "time.strftime('%Y')",
        "datetime.now().strftime('%Y')",
        "f'run-{time.time()}'",
        "'cuda' if torch.cuda.is_available() else 'cpu'",
        "Path(__file__).parent / 'data'",
        "socket.gethostname()",
        "random.randint(1, 9)",
        "sys.argv[0]",
        "unheard_of",
        "unheard_of.of()[1:]",
        "[1, os.getpid()]",
        "float('inf')",
        "math.nan",
        "b'x'",
        "1j",
        "torch.float32",
        "print",
        "10 ** 10 ** 10",
        "'a' * 10 ** 9",
        "'\\ud800'",
        "{'a': object()}",
        "(lambda: [x for x in unheard_of])()",
    ],
)
def test_what_cannot_be_known_is_null_with_a_note(tmp_path: Path, default: str) -> None:
    script = (
        "import argparse, datetime, math, os, random, socket, sys, time, torch\n"
        "from datetime import datetime\nfrom pathlib import Path\n"
        "p = argparse.ArgumentParser()\n"
        f"p.add_argument('--x', type=int, default={default})\np.parse_args()\n"
    )
    found = extract(write(tmp_path, script))
    assert found.arguments == (A("x", "int"),)
    assert [note.line for note in found.notes] == [5]


@table(
    "change",
    [
        "if unknown:\n    x = 2",
        "for _ in unknown:\n    x += 1",
        "while unknown():\n    x = x * 2",
        "try:\n    x = int(unknown)\nexcept ValueError:\n    x = 3",
        "if unknown:\n    x = 2\nelse:\n    x = 3",
        "def f():\n    global x\n    x = 5\nif unknown:\n    f()",
        "for i in range(3):\n    if unknown:\n        x = 2\n        break",
        "match unknown:\n    case 1:\n        x = 2",
        "x = unknown or 7",
        "x = {1: 2}[unknown]",
        "box = {'x': 1}\nif unknown:\n    box['x'] = 2\nx = box['x']",
        "box = [1]\nif unknown:\n    box.append(2)\nx = box[-1]",
        "box = [1]\nif unknown:\n    box.append(2)\nx = len(box)",
        "class C:\n    x = 1\nc = C()\nif unknown:\n    c.x = 2\nx = c.x",
        "class C:\n    pass\nc = C()\nc.x = 1\nif unknown:\n    c.x = 2\nx = c.x",
    ],
)
def test_what_may_have_changed_is_not_reported(tmp_path: Path, change: str) -> None:
    script = (
        "import argparse\nfrom elsewhere import unknown\nx = 1\n" + change
        + "\np = argparse.ArgumentParser()\np.add_argument('--x', type=int, default=x)\n"
        "p.parse_args()\n"
    )  # fmt: skip
    found = extract(write(tmp_path, script))
    assert found.arguments == (A("x", "int"),)
    assert len(found.notes) == 1


def test_arguments_of_both_ways_are_found(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        import argparse
        from elsewhere import mode
        p = argparse.ArgumentParser()
        if mode == 'train':
            p.add_argument('--lr', type=float, default=0.1)
        else:
            p.add_argument('--ckpt', required=True)
        p.parse_args()
        """,
    )
    assert list(found.arguments) == [LR, A("ckpt", required=False)]
    assert [note.line for note in found.notes] == [6, 8, 8]


def test_a_choice_that_cannot_be_computed_is_null_with_a_note(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse
            import torchvision.models as models
            names = sorted(n for n in models.__dict__ if n.islower())
            p = argparse.ArgumentParser()
            p.add_argument('--arch', default='resnet18', choices=names,
                           help='model: ' + ' | '.join(names))
            p.parse_args()
            """,
        )
    )
    assert found.arguments == (A("arch", default="resnet18"),)
    assert [note.line for note in found.notes] == [6]


def test_a_name_that_cannot_be_known_is_left_out_with_a_note(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse
            from elsewhere import name
            p = argparse.ArgumentParser()
            p.add_argument('--' + name)
            p.add_argument('--lr', type=float, default=0.1)
            p.parse_args()
            """,
        )
    )
    assert found.arguments == (LR,)
    assert [note.line for note in found.notes] == [5]


def test_a_registry_is_filled_by_the_modules_that_import_it(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        import models
        from models.registry import MODELS
        p = argparse.ArgumentParser()
        p.add_argument('--arch', choices=MODELS.keys())
        p.parse_args()
        """,
        {
            "models/__init__.py": "from . import resnet\nfrom . import vit\n",
            "models/registry.py": """
                MODELS = {}
                def register(name):
                    def wrap(cls):
                        MODELS[name] = cls
                        return cls
                    return wrap
                """,
            "models/resnet.py": """
                from .registry import register
                @register('resnet')
                class ResNet:
                    pass
                """,
            "models/vit.py": """
                from .registry import register
                @register('vit')
                class ViT:
                    pass
                """,
        },
    ) == [A("arch", choices=("resnet", "vit"))]


def test_functions_handed_to_launchers_are_followed(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        import argparse
        import torch.multiprocessing as mp
        def worker(rank):
            p = argparse.ArgumentParser()
            p.add_argument('--lr', type=float, default=0.1)
            args = p.parse_args()
        if __name__ == '__main__':
            mp.spawn(worker, nprocs=2)
        """,
    ) == [LR]


@table(
    "end",
    [
        "",
        "if __name__ == '__main__':\n    main()",
        "if __name__ == '__main__':\n    sys.exit(main())",
        "if __name__ == '__main__':\n    raise SystemExit(main())",
        "if '__main__' == __name__:\n    asyncio.run(main())",
        "main()",
        "start(main)",
    ],
)
def test_the_entry_is_found(tmp_path: Path, end: str) -> None:
    script = (
        "import argparse, asyncio, sys\nfrom elsewhere import start, record\n"
        "@record\ndef main():\n    p = argparse.ArgumentParser()\n"
        "    p.add_argument('--lr', type=float, default=0.1)\n    args = p.parse_args()\n" + end
    )
    assert arguments(tmp_path, script) == [LR]


def test_a_script_may_only_import_its_entry(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        "from pkg.cli import main\nif __name__ == '__main__':\n    main()\n",
        {
            "pkg/cli.py": """
                import argparse
                def main(argv=None):
                    p = argparse.ArgumentParser()
                    p.add_argument('--lr', type=float, default=0.1)
                    p.parse_args(argv)
                """
        },
    ) == [LR]


def test_add_arguments_without_a_parser_in_sight(tmp_path: Path) -> None:
    assert arguments(
        tmp_path,
        """
        class Task:
            @staticmethod
            def add_args(parser):
                parser.add_argument('--lr', type=float, default=0.1)
        """,
    ) == [LR]


def test_a_parser_given_to_a_library_is_followed_on_with_a_note(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            import argparse
            import pytorch_lightning as pl
            p = argparse.ArgumentParser()
            p.add_argument('--lr', type=float, default=0.1)
            p = pl.Trainer.add_argparse_args(p)
            p.add_argument('--n', type=int)
            p.parse_args()
            """,
        )
    )
    assert found.arguments == (LR, A("n", "int"))
    assert [note.line for note in found.notes] == [6]


MANY = """
import argparse
first = argparse.ArgumentParser()
first.add_argument('--first')
{module}
def helper():
    p = argparse.ArgumentParser()
    p.add_argument('--helper')
    return p.parse_args()
def main():
    p = argparse.ArgumentParser()
    p.add_argument('--main')
    return p.parse_args()
{end}
"""


@table(
    ("module", "end", "expected"),
    [
        ("first.parse_args()",
         "if __name__ == '__main__':\n    p = argparse.ArgumentParser()\n"
         "    p.add_argument('--block')\n    p.parse_args()", "block"),
        ("first.parse_args()", "if __name__ == '__main__':\n    main()", "main"),
        ("first.parse_args()", "if __name__ == '__main__':\n    helper()", "helper"),
        ("first.parse_args()", "main()", "main"),
        ("first.parse_args()", "", "first"),
    ],
)  # fmt: skip
def test_of_several_parsers_the_main_blocks_comes_first(
    tmp_path: Path, module: str, end: str, expected: str
) -> None:
    found = extract(write(tmp_path, MANY.format(module=module, end=end)))
    assert [argument.name for argument in found.arguments] == [expected]


def test_a_script_without_a_parser_has_no_parser_type(tmp_path: Path) -> None:
    found = extract(write(tmp_path, "print('training')\n"))
    assert found.to_json() == {"parser_type": None, "arguments": [], "notes": []}


def test_only_the_wanted_parser_type_is_looked_for(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        import argparse, click
        p = argparse.ArgumentParser()
        p.add_argument('--a')
        @click.command()
        @click.option('--c')
        def main(c): pass
        p.parse_args()
        """,
    )
    assert [a.name for a in extract(path, parser_type="click").arguments] == ["c"]
    assert [a.name for a in extract(path, parser_type="argparse").arguments] == ["a"]


def test_files_outside_the_project_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("import argparse\nNAME = 'secret'\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").touch()
    (project / "linked.py").symlink_to(tmp_path / "secret.py")
    path = write(
        project,
        """
        import argparse, secret, linked
        from .. import secret as up
        p = argparse.ArgumentParser()
        for m in (secret, linked, up):
            p.add_argument('--a', default=m.NAME)
        p.parse_args()
        """,
    )
    assert "secret" not in {a.default for a in extract(path).arguments}


def test_notes_name_the_projects_other_file(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            "from opts import p\np.parse_args()\n",
            {
                "opts.py": "import argparse, os\np = argparse.ArgumentParser()\n"
                "p.add_argument('--n', type=int, default=os.cpu_count())\n"
            },
        )
    )
    assert found.to_json()["notes"] == [
        {
            "line": 3,
            "message": "The default of n is unknown: it depends on the machine (os.cpu_count).",
            "file": "opts.py",
        }
    ]
