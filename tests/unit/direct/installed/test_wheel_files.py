"""The files of a wheel in an image: where an installer puts them, and what is refused."""

import base64
import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from keynet.direct.installed.wheel import Wheel
from keynet.direct.installed.wheel_files import place_wheel, wheel_entries
from keynet.direct.layers.tar_stream import Entry, FilePart, tar_blocks
from keynet.errors import BuildFailed
from tests.tables import table

SITE = "opt/keynet/lib/python3.11/site-packages"
INFO = "tiny-1.0.dist-info"
DATA = "tiny-1.0.data"


def make_wheel(root: Path, files: dict[str, str]) -> Wheel:
    contents = {f"{INFO}/METADATA": "Name: Tiny\nVersion: 1.0\n\nText", **files}
    for name, text in contents.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Wheel("tiny", "1.0", "key", root, INFO)


def installed(wheel: Wheel) -> list[Entry]:
    return wheel_entries(place_wheel(wheel, "3.11"), "3.11")


def placed(root: Path, files: dict[str, str]) -> dict[str, Entry]:
    return {entry.path: entry for entry in installed(make_wheel(root, files))}


def read(entry: Entry) -> bytes:
    content = entry.content
    if isinstance(content, FilePart):
        return content.head + content.file.read_bytes()[content.start :]
    return content if isinstance(content, bytes) else content.read_bytes()


@table(
    ("inside", "outside"),
    [
        ("tiny/__init__.py", f"{SITE}/tiny/__init__.py"),
        ("tiny.pth", f"{SITE}/tiny.pth"),
        (f"{DATA}/purelib/p.py", f"{SITE}/p.py"),
        (f"{DATA}/platlib/q.so", f"{SITE}/q.so"),
        (f"{DATA}/data/share/x", "opt/keynet/share/x"),
        (f"{DATA}/headers/t.h", "opt/keynet/include/site/python3.11/Tiny/t.h"),
        (f"{DATA}/scripts/run", "opt/keynet/bin/run"),
        (f"{INFO}/licenses/LICENSE", f"{SITE}/{INFO}/licenses/LICENSE"),
        ("Tiny.egg-info/PKG-INFO", f"{SITE}/Tiny.egg-info/PKG-INFO"),
        (f"{DATA}/data/share/other-2.dist-info/x", "opt/keynet/share/other-2.dist-info/x"),
        ("vendored/other-2.dist-info/METADATA", f"{SITE}/vendored/other-2.dist-info/METADATA"),
    ],
)
def test_a_file_goes_where_an_installer_puts_it(tmp_path: Path, inside: str, outside: str) -> None:
    assert outside in placed(tmp_path, {inside: "x"})


@table("name", ["RECORD", "INSTALLER", "REQUESTED", "direct_url.json"])
def test_what_is_of_an_installation_is_not_taken(tmp_path: Path, name: str) -> None:
    entries = placed(tmp_path, {f"{INFO}/{name}": "of the host"})
    assert all(b"of the host" not in read(entry) for entry in entries.values())


def test_scripts_start_with_the_environments_python(tmp_path: Path) -> None:
    entries = placed(
        tmp_path,
        {
            f"{DATA}/scripts/old": "#!python\nprint(1)\n",
            f"{DATA}/scripts/sh": "#!/bin/sh\n",
            f"{INFO}/entry_points.txt": "[console_scripts]\nnew = tiny.cli:App.run [x]\n",
        },
    )
    assert read(entries["opt/keynet/bin/old"]) == b"#!/opt/keynet/bin/python\nprint(1)\n"
    assert read(entries["opt/keynet/bin/sh"]) == b"#!/bin/sh\n"
    new = read(entries["opt/keynet/bin/new"]).decode()
    assert new.startswith("#!/opt/keynet/bin/python\n")
    assert "from tiny.cli import App" in new
    assert "sys.exit(App.run())" in new
    assert all(entries[f"opt/keynet/bin/{name}"].mode == 0o755 for name in ("old", "sh", "new"))


def test_record_has_every_file_with_its_hash(tmp_path: Path) -> None:
    files = {"tiny/a,b.py": "x = 1\n", f"{INFO}/entry_points.txt": "[console_scripts]\nt=tiny:f\n"}
    entries = placed(tmp_path, files)
    lines = read(entries[f"{SITE}/{INFO}/RECORD"]).decode().splitlines()
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    assert f'"tiny/a,b.py",sha256={digest},6' in lines
    assert any(line.startswith("../../../bin/t,sha256=") for line in lines)
    assert f"{INFO}/RECORD,," in lines
    assert len(lines) == len(entries)


def test_only_the_executable_bit_is_taken_over(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"tiny/a": "", "tiny/b": ""})
    (tmp_path / "tiny/a").chmod(0o6711)
    (tmp_path / "tiny/b").chmod(0o600)
    modes = {entry.path: entry.mode for entry in installed(wheel)}
    assert (modes[f"{SITE}/tiny/a"], modes[f"{SITE}/tiny/b"]) == (0o755, 0o644)


@table(
    "path",
    [
        f"{DATA}/scripts/python",
        f"{DATA}/scripts/python3.11",
        f"{DATA}/data/pyvenv.cfg",
        f"{DATA}/data/bin/python3",
        f"{DATA}/data/lib64/x",
        f"{DATA}/elsewhere/x",
        "_keynet_workspace.pth",
        f"{DATA}/data/lib",
        f"{DATA}/data/bin",
        f"{DATA}/data/lib/python3.11/site-packages",
        f"{DATA}/data/lib/python3.11/site-packages/_keynet_workspace.pth",
        ".wh.numpy",
        "tiny/.wh..wh..opq",
        ".wh.numpy/x",
        f"{DATA}/data/.wh.bin",
        f"{DATA}/scripts/.wh..wh..opq",
    ],
)
def test_a_file_in_a_place_of_others_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BuildFailed, match="The wheel of tiny"):
        placed(tmp_path, {path: "x"})


@table(
    "path",
    [
        "numpy-9.dist-info/METADATA",
        f"{DATA}/purelib/numpy-9.dist-info/METADATA",
        f"{DATA}/platlib/numpy-9.dist-info/METADATA",
        f"{DATA}/data/lib/python3.11/site-packages/numpy-9.dist-info/METADATA",
        "numpy-9.DIST-INFO/METADATA",
        "numpy-9.egg-info/PKG-INFO",
        "numpy.egg-info",
    ],
)
def test_metadata_of_another_package_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BuildFailed, match="of another package"):
        placed(tmp_path, {path: "Name: numpy\nVersion: 9\n"})


@table(
    "name",
    [b"a\nb", b"a\x1b[2Jb", b"a\x7f", b"a\xc2\x9b2J", b"a\xff"],
)
def test_a_name_with_controls_is_refused_and_not_shown(tmp_path: Path, name: bytes) -> None:
    wheel = make_wheel(tmp_path, {"tiny/a": ""})
    Path(os.fsdecode(os.fsencode(tmp_path / "tiny") + b"/" + name)).write_text("x")
    with pytest.raises(BuildFailed, match="control characters") as caught:
        installed(wheel)
    shown = caught.value.message
    assert not set(shown) & {"\x1b", "\x7f", "\x9b"}
    assert "a\nb" not in shown


def test_large_entry_points_are_refused_unread(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {f"{INFO}/entry_points.txt": ""})
    os.truncate(tmp_path / INFO / "entry_points.txt", 1 << 40)
    with pytest.raises(BuildFailed, match="too large"):
        installed(wheel)


def test_only_the_start_of_large_metadata_is_read(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {f"{DATA}/headers/t.h": ""})
    os.truncate(tmp_path / INFO / "METADATA", 1 << 40)
    places = place_wheel(wheel, "3.11").entries
    assert "opt/keynet/include/site/python3.11/Tiny/t.h" in places


def test_names_that_differ_in_case_are_two_files(tmp_path: Path) -> None:
    entries = placed(tmp_path, {"tiny/A.py": "1", "tiny/a.py": "2"})
    assert read(entries[f"{SITE}/tiny/A.py"]) == b"1"
    assert read(entries[f"{SITE}/tiny/a.py"]) == b"2"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "tiny/a"])
def test_a_link_is_refused(tmp_path: Path, target: str) -> None:
    wheel = make_wheel(tmp_path, {"tiny/a": ""})
    (tmp_path / "tiny/link").symlink_to(target)
    with pytest.raises(BuildFailed, match="tiny/link"):
        installed(wheel)


def test_a_fifo_is_refused_and_not_opened(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"tiny/a": ""})
    os.mkfifo(tmp_path / "tiny/fifo")
    with pytest.raises(BuildFailed, match="tiny/fifo"):
        installed(wheel)


@table(
    "line",
    [
        "../x = tiny:f",
        "/x = tiny:f",
        ".. = tiny:f",
        ". = tiny:f",
        ".wh.tool = tiny:f",
        "python = tiny:f",
        "a/b = tiny:f",
        "t = tiny:f; import os",
        "t = tiny",
        "t=",
        "t",
        "= tiny:f",
        # Their expressions took a time that grew with the square of the length.
        pytest.param("t" + " " * 1_000_000 + "x", id="spaces and no value"),
        pytest.param("t = tiny" + " " * 1_000_000 + "!", id="spaces in a value"),
        pytest.param("t = tiny:f" + " " * 1_000_000 + "!", id="spaces after a value"),
        pytest.param("".join(f"t{n} = tiny:f\n" for n in range(10_001)), id="too many"),
    ],
)
def test_a_hostile_entry_point_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BuildFailed):
        placed(tmp_path, {f"{INFO}/entry_points.txt": f"[console_scripts]\n{line}\n"})


def test_entry_points_are_read_as_python_does(tmp_path: Path) -> None:
    text = (
        "# [console_scripts]\n[other]\nb = x y\n[ console_scripts ]\r\n  t = tiny : f  [extra]\n"
        "; c = c:c\n[gui_scripts]\nwin=tiny:a.b\n"
    )
    entries = placed(tmp_path, {f"{INFO}/entry_points.txt": text})
    assert {path for path in entries if "/bin/" in path} == {
        "opt/keynet/bin/t",
        "opt/keynet/bin/win",
    }
    assert b"sys.exit(a.b())" in read(entries["opt/keynet/bin/win"])


def test_a_script_may_have_a_name_in_any_language(tmp_path: Path) -> None:
    entries = placed(tmp_path, {f"{INFO}/entry_points.txt": "[console_scripts]\n학습 = tiny:f\n"})
    assert "opt/keynet/bin/학습" in entries


def test_a_script_with_a_first_line_of_a_megabyte_is_not_read_twice(tmp_path: Path) -> None:
    line = "#!python" + "x" * ((1 << 20) - 20)
    entries = placed(tmp_path, {f"{DATA}/scripts/long": f"{line}\nrest\n"})
    assert read(entries["opt/keynet/bin/long"]) == b"#!/opt/keynet/bin/python\nrest\n"


def test_the_record_has_the_script_as_it_is_in_the_image(tmp_path: Path) -> None:
    text = "#!pythonw -E\nprint(1)\n"
    stated = f"{DATA}/scripts/old,sha256={'A' * 43},{len(text)}\n"
    files = {f"{DATA}/scripts/old": text, f"{INFO}/RECORD": stated}
    entries = placed(tmp_path, files)
    content = read(entries["opt/keynet/bin/old"])
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    rows = read(entries[f"{SITE}/{INFO}/RECORD"]).decode().splitlines()
    assert f"../../../bin/old,sha256={digest},{len(content)}" in rows


@pytest.mark.medium
def test_the_scripts_of_many_wheels_are_not_in_memory_together(tmp_path: Path) -> None:
    script = "#!python\n" + "#" * ((1 << 20) - 10)
    first = make_wheel(tmp_path, {f"{DATA}/scripts/one": script})
    tracemalloc.start()
    try:
        many = [place_wheel(first, "3.11") for _number in range(50)]
        written = sum(
            len(block) for wheel in many for block in tar_blocks(wheel_entries(wheel, "3.11"))
        )
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 50 << 20
    assert most < 5 << 20
