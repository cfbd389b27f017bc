"""Archives that are not what wheels are: refused in words, or their harmless part is placed."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.wheel_files import place_wheel
from keynet.direct.packages.wheel_choice import choose_lock, fetch_wheels
from keynet.errors import BuildFailed
from keynet.events import ignore
from keynet.oci.platform import Platform
from keynet.plan import Dependencies, HostNetwork

PYTHON = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)
NAME = "evil-1-py3-none-any.whl"
SITE = "opt/keynet/lib/python3.11/site-packages"
MODULE = "evil/__init__.py"
USUAL = {
    "evil-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
    "evil-1.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    "evil-1.dist-info/RECORD": "",
}
_HEADERS = ((b"PK\3\4", 30, 0), (b"PK\1\2", 46, 2))


def archive(*members: tuple[str | zipfile.ZipInfo, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        warnings.simplefilter("ignore", UserWarning)
        for name, content in (*members, *USUAL.items()):
            opened.writestr(name, content)
    return stream.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, mode << 16
    return member


def changed(content: bytes, at: int, value: bytes) -> bytes:
    """Change a field of the module's two headers; ``at`` is its place in the first one."""
    changed = bytearray(content)
    for magic, length, further in _HEADERS:
        start = content.find(magic)
        while start >= 0:
            if content[start + length :].startswith(MODULE.encode()):
                field = start + at + further
                changed[field : field + len(value)] = value
            start = content.find(magic, start + 4)
    return bytes(changed)


def usual() -> bytes:
    return archive((MODULE, "x = 1\n" * 99))


REFUSED: dict[str, Callable[[], bytes]] = {
    "a member twice": lambda: archive((MODULE, "x = 1\n"), (MODULE, "x = 2\n")),
    "a name of two lines": lambda: archive(("evil/a\nb.py", "")),
    "encrypted": lambda: changed(usual(), 6, b"\x01"),
    "deflate64": lambda: changed(usual(), 8, struct.pack("<H", 9)),
    "smaller than stated": lambda: changed(usual(), 22, struct.pack("<I", 1 << 31)),
    "larger than stated": lambda: changed(usual(), 22, struct.pack("<I", 1)),
    "zip64 without its sizes": lambda: changed(usual(), 22, b"\xff" * 4),
    "below a link": lambda: archive((special("evil", 0o120777), "/tmp"), (MODULE, "")),
    "truncated": lambda: usual()[:-30],
}
PLACED: dict[str, Callable[[], bytes]] = {
    "outside": lambda: archive(("../../../evil.py", ""), (MODULE, "")),
    "absolute": lambda: archive(("/tmp/evil.py", ""), (MODULE, "")),
    "a link": lambda: archive((special("evil/passwd", 0o120777), "/etc/passwd"), (MODULE, "")),
    "a fifo": lambda: archive((special("evil/fifo", 0o010644), ""), (MODULE, "")),
    "setuid": lambda: archive((special("evil/tool", 0o104755), ""), (MODULE, "")),
}


def placed(content: bytes) -> dict[str, int]:
    """Return the modes of what an image gets of a wheel, by path."""
    files = {"requirements.txt": f"--no-index\n./{NAME}\n".encode(), NAME: content}
    target = (Dependencies(files=files), HostNetwork(), PYTHON, Platform("linux", "amd64"))
    (wheel,) = fetch_wheels(choose_lock(*target, ignore), *target).wheels
    entries = place_wheel(wheel, "3.11").entries.values()
    assert all(isinstance(entry.content, Path) for entry in entries)
    return {entry.path: entry.mode for entry in entries}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_a_damaged_or_odd_archive_is_refused_in_words(case: str) -> None:
    with pytest.raises(BuildFailed, match="evil-1-py3-none-any"):
        placed(REFUSED[case]())


@pytest.mark.slow
@pytest.mark.parametrize("case", PLACED)
def test_of_a_hostile_archive_only_plain_files_below_the_packages_are_placed(case: str) -> None:
    found = placed(PLACED[case]())
    assert f"{SITE}/{MODULE}" in found
    assert all(path.startswith((f"{SITE}/evil/", f"{SITE}/evil-1.dist-info/")) for path in found)
    assert set(found.values()) <= {0o644, 0o755}
