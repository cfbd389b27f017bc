"""Push every training script of a folder, and say what became of each.

python push_all.py SCRIPTS_FOLDER PROJECT
"""

import sys
from pathlib import Path

import keynet


def show(event: keynet.Event) -> None:
    """Print what a user waits for."""
    match event:
        case keynet.StepStarted(title=title, detail=detail):
            print(f"  {title} {detail}".rstrip())
        case keynet.Notice(text=text):
            print(f"  note: {text}")


def main(folder: Path, project: int) -> int:
    """Push the scripts one after the other; return 1 when any of them failed."""
    failed = 0
    for script in sorted(folder.glob("*.py")):
        print(script.name)
        try:
            result = keynet.push(script, project=project, context=folder, emit=show)
        except keynet.NotAuthorised:
            # Every other script would fail in the same way.
            raise
        except keynet.KeynetError as error:
            print(f"  failed: {error.message}\n  {error.hint}")
            failed = 1
        else:
            print(f"  {result.image.with_digest(result.digest)}")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
