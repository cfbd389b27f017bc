"""absl's flags, also under TensorFlow's names."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, arguments, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "absl_flags.py",
        [
            ("data_dir", "str", None, True, None),
            ("epochs", "int", 10, False, None),
            ("lr", "float", 0.001, False, None),
            ("augment", "bool", True, False, None),
            ("resume", "bool", False, False, None),
            ("mode", "str", "train", False, ("train", "eval")),
            ("optimizer", "str", "ADAM", False, ("SGD", "ADAM")),
            ("classes", "str", ["cat", "dog"], False, None),
            ("none", "str", None, False, None),
            ("words", "str", ["a", "b"], False, None),
            ("milestones", "int", [30, 60], False, None),
            ("tag", "str", ["one"], False, None),
            ("weights", "float", None, False, None),
            ("seed", "int", None, True, None),
            ("name", "str", "run1", False, None),
        ],
    ),
]

SMALL: list[tuple[str, list[Row]]] = [
    (
        """\
from absl import app, flags
import enum
class E(enum.Enum):
    A = 1
    B = 2
flags.DEFINE_multi_enum('modes', ['a'], ['a', 'b'], 'M.')
flags.DEFINE_multi_enum_class('es', [E.A], E, 'E.')
flags.DEFINE_integer('n', 1, 'N.')
flags.DEFINE_bool('b', 'yes', 'B.')
W = flags.DEFINE_string('w', None, 'W.')
flags.set_default(W, 'x')
flags.FLAGS.set_default('n', 5)
flags.mark_flags_as_required(['modes'])
flags.DEFINE(flags.FloatParser(), 'f', 0.5, 'F.')
app.run(lambda _: None)
""",
        [
            ("modes", "str", ["a"], False, ("a", "b")),
            ("es", "str", ["A"], False, ("A", "B")),
            ("n", "int", 5, False, None),
            ("b", "bool", True, False, None),
            ("w", "str", "x", False, None),
            ("f", "float", 0.5, False, None),
        ],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("absl", expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("absl", expected)


@pytest.mark.parametrize("prefix", ["tf.flags", "tf.app.flags", "tf.compat.v1.flags"])
def test_tensorflow_names_of_absl_are_read(prefix: str, tmp_path: Path) -> None:
    extraction = read(
        tmp_path,
        "import tensorflow as tf\n"
        f"flags = {prefix}\n"
        "flags.DEFINE_integer('steps', 10, 'Steps.')\n"
        "flags.DEFINE_boolean('resume', False, 'Resume.')\n"
        "FLAGS = flags.FLAGS\n"
        "def main(_):\n"
        "    print(FLAGS.steps)\n"
        "if __name__ == '__main__':\n"
        "    tf.compat.v1.app.run()\n",
    )
    assert extraction.parser_type == "absl"
    assert rows(extraction) == [
        ("steps", "int", 10, False, None),
        ("resume", "bool", False, False, None),
    ]


def test_flags_of_imported_modules_are_read(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "from absl import flags\n_W = flags.DEFINE_integer('width', 64, 'Width.')\n"
    )
    extraction = read(
        tmp_path,
        "from absl import app, flags\n"
        "import model\n"
        "_LR = flags.DEFINE_float('lr', None, 'Rate.')\n"
        "flags.mark_flags_as_required(['lr'])\n"
        "def main(argv):\n"
        "    pass\n"
        "if __name__ == '__main__':\n"
        "    app.run(main)\n",
    )
    assert {row[0]: row[3] for row in rows(extraction)} == {"width": False, "lr": True}


def test_a_flag_with_a_default_is_not_required(tmp_path: Path) -> None:
    script = """
    from absl import app, flags
    flags.DEFINE_float("rate", 0.1, "r")
    flags.DEFINE_string("out", None, "o")
    flags.DEFINE_string("name", None, "n")
    flags.mark_flags_as_required(["rate", "out", "name"])
    flags.FLAGS.set_default("name", "x")
    app.run(print)
    """
    found = arguments(tmp_path, script)
    assert [(one.name, one.required) for one in found] == [
        ("rate", False),
        ("out", True),
        ("name", False),
    ]
