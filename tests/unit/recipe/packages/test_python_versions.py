"""What differs between versions of Python."""

from keynet.recipe.packages import python_versions
from tests.tables import table


@table(
    ("text", "base", "needed"),
    [
        ("match 1:\n    case 1: pass\n", (3, 9), ((3, 10), 2)),
        ("x = 1\nif (y := 2): pass\n", (3, 7), ((3, 8), 2)),
        ("match 1:\n    case 1: pass\n", (3, 10), None),
        ("print(1)\n", (3, 8), None),
        ("print(1)\n", (2, 7), None),
        ("print(1)\n", (3, 99), None),
    ],
)
def test_syntax_needs_a_version(
    text: str, base: tuple[int, int], needed: tuple[tuple[int, int], int] | None
) -> None:
    assert python_versions.needed_by_syntax(text, base) == needed


@table(
    ("specifier", "python", "admitted"),
    [
        (">=3.11", (3, 10), False),
        (">=3.10.4", (3, 10), True),
        (">=3.8,<3.11", (3, 11), False),
        ("<3.11.2", (3, 11), True),
        ("==3.10.*", (3, 10), True),
        ("nonsense", (3, 10), True),
    ],
)
def test_a_specifier_admits_releases(
    specifier: str, python: tuple[int, int], admitted: bool
) -> None:
    assert python_versions.admits(specifier, python) is admitted


def test_the_standard_library_changes() -> None:
    assert python_versions.standard_since("tomllib") == (3, 11)
    assert python_versions.standard_until("imp") == (3, 12)
    assert all(map(python_versions.is_standard, ("os", "tomllib", "imp", "distutils")))
    assert not python_versions.is_standard("numpy")
