"""Tables: one test of many rows, as each test of its own takes longer than most rows do."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from _pytest.mark import ParameterSet

__all__ = ["table"]

Test = Callable[..., None]


def table(names: str | Sequence[str], values: Iterable[object]) -> Callable[[Test], Test]:
    """Run a test for each row, as ``pytest.mark.parametrize`` does, but as one test.

    For tests whose only fixture is ``tmp_path``, of which each row has its own, or one that keeps
    nothing. A failure names its row; those after it are not tried.

    Args:
        names: Parameters, separated by commas or in a sequence.
        values: One value for each row, or as many as there are names.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    rows = [_row(wanted, value) for value in values]
    assert rows, "a table without rows shows nothing"

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)
        left = [each for name, each in signature.parameters.items() if name not in wanted]

        def run(**fixtures: object) -> None:
            for number, row in enumerate(rows):
                own = {**fixtures, **row}
                if isinstance(folder := own.get("tmp_path"), Path):
                    own["tmp_path"] = folder / str(number)
                    (folder / str(number)).mkdir()
                try:
                    test(**own)
                except BaseException as error:
                    error.add_note(f"Row {number}: {row!r}")
                    raise

        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        run.__wrapped__ = test  # type: ignore[attr-defined]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate


def _row(names: Sequence[str], value: object) -> dict[str, object]:
    if isinstance(value, ParameterSet):
        assert not value.marks, f"a row of a table has no marks of its own: {value}"
        parts = tuple(value.values)
    elif len(names) == 1:
        parts = (value,)
    else:
        assert isinstance(value, Sequence), value
        parts = tuple(value)
    return dict(zip(names, parts, strict=True))
