"""Wheels made for tests, and an index page on loopback that links to them."""

import base64
import contextlib
import functools
import hashlib
import random
import zipfile
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from . import http_server

__all__ = ["make_all", "make_wheel", "serving", "serving_folder"]


def make_wheel(
    folder: Path,
    name: str,
    files: Mapping[str, str | bytes],
    *,
    scripts: Mapping[str, str] | None = None,
) -> None:
    """Write ``NAME-1.0-py3-none-any.whl``.

    Args:
        files: Content by path in the wheel; ``DATA`` in a path is the wheel's data folder.
        scripts: Console scripts: ``module:function`` by name.
    """
    info = f"{name}-1.0.dist-info"
    entries = {path.replace("DATA", f"{name}-1.0.data"): text for path, text in files.items()}
    entries[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    entries[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    if scripts:
        lines = "".join(f"{command} = {target}\n" for command, target in scripts.items())
        entries[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    record = ""
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in entries.items():
            content = text.encode() if isinstance(text, str) else text
            wheel.writestr(path, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record += f"{path},sha256={digest.decode()},{len(content)}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def make_all(folder: Path) -> None:
    """Write the wheels of the projects."""
    make_wheel(folder, "bigdata", {"bigdata/__init__.py": "", "bigdata/weights.bin": _random()})
    make_wheel(
        folder,
        "manytools",
        {
            "manytools/__init__.py": "def main():\n    print('tool runs')\n",
            "DATA/scripts/tool-script": "#!python\nimport manytools\nmanytools.main()\n",
            "DATA/data/share/manytools/words.txt": "words of data\n",
            "manyspace/first.py": "NAME = 'first'\n",
            "manytools-more.pth": "manytools_more\n",
            "manytools_more/behind_pth.py": "NAME = 'behind'\n",
        },
        scripts={"tool-entry": "manytools:main"},
    )
    make_wheel(folder, "manysecond", {"manyspace/second.py": "NAME = 'second'\n"})
    same = {"common/__init__.py": "", "common/both.py": "NAME = 'both'\n"}
    make_wheel(folder, "sharedone", {**same, "common/one.py": "NAME = 'one'\n"})
    make_wheel(folder, "sharedtwo", {**same, "common/two.py": "NAME = 'two'\n"})


@contextlib.contextmanager
def serving(folder: Path, *, made: bool = False) -> Iterator[str]:
    """Make the wheels and serve their folder; yield the address for ``--find-links``.

    Args:
        made: The folder has the wheels already.
    """
    if not made:
        make_all(folder)
    with serving_folder(folder) as url:
        yield url


@contextlib.contextmanager
def serving_folder(folder: Path) -> Iterator[str]:
    """Serve a folder of packages with a page of links; yield its address."""
    names = sorted(each.name for each in folder.iterdir())
    links = "".join(f'<a href="{name}">{name}</a>\n' for name in names)
    (folder / "index.html").write_text(f"<!doctype html><html><body>{links}</body></html>")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http_server.serving(http_server.http_server(handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        return


def _random() -> bytes:
    """Return 110 MB that do not shrink."""
    return random.Random(5).randbytes(110_000_000)
