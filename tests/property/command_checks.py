"""What keynet reads of random scripts with click or typer, against their worlds."""

import json
import subprocess
from pathlib import Path

from keynet.script.extraction import extract

from .random_commands import made
from .script_worlds import silently_false

__all__ = ["Checked", "checked"]

_ROOT = Path(__file__).parents[2]
Checked = tuple[dict[int, list[str]], list[int]]


def checked(folder: Path, python: Path, library: str, seeds: range) -> Checked:
    """Return what was read falsely and without a note, by seed, and the size of each world.

    Args:
        python: An interpreter that has the library; it runs the scripts.
    """
    argv = [str(python), "-W", "ignore", "-m", "tests.property.command_worlds", library]
    bounds = [str(seeds.start), str(seeds.stop)]
    ended = subprocess.run([*argv, *bounds], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    script = folder / "train.py"
    found: dict[int, list[str]] = {}
    sizes: list[int] = []
    for seed, line in zip(seeds, ended.stdout.splitlines(), strict=True):
        script.write_text(made(library, seed))
        extraction = extract(script)
        worlds = json.loads(line)
        sizes += [len(world) for world in worlds]
        wrong = {fault for world in worlds for fault in silently_false(world, extraction)}
        if wrong:
            found[seed] = sorted(wrong)
    return found, sizes
