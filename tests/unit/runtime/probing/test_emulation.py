"""Which programs of another architecture the kernel runs."""

from pathlib import Path

import pytest

from keynet.runtime.probing import emulation

ARM64 = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""
S390X = ARM64.replace("0201010000", "0202010000").replace("0200b700", "00020016")


@pytest.fixture
def registered(tmp_path: Path) -> Path:
    (tmp_path / "register").touch()
    (tmp_path / "status").write_text("enabled\n")
    return tmp_path


def test_an_emulator_is_known_by_its_magic(registered: Path) -> None:
    assert not emulation.runs("arm64", "amd64", registered)
    (registered / "any-name").write_text(ARM64)
    (registered / "big-endian").write_text(S390X)
    assert emulation.runs("arm64", "amd64", registered)
    assert emulation.runs("s390x", "amd64", registered)
    assert not emulation.runs("ppc64le", "amd64", registered)
    assert not emulation.runs("arm", "amd64", registered)


@pytest.mark.parametrize(
    "entry",
    [
        ARM64.replace("enabled", "disabled"),
        ARM64.replace("offset 0", "offset 4"),
        ARM64.replace("0200b700", "02"),
        ARM64.replace("magic 7f", "magic xx"),
        "enabled\ninterpreter /usr/bin/python\nflags: \nextension .py\n",
        "",
    ],
)
def test_other_entries_do_not_count(registered: Path, entry: str) -> None:
    (registered / "qemu-aarch64").write_text(entry)
    assert not emulation.runs("arm64", "amd64", registered)


def test_what_a_processor_runs_itself_needs_no_emulator(tmp_path: Path) -> None:
    nothing = tmp_path / "not-mounted"
    assert emulation.runs("amd64", "amd64", nothing)
    assert emulation.runs("386", "amd64", nothing)
    assert emulation.runs("arm", "arm64", nothing)
    assert not emulation.runs("arm64", "arm", nothing)
    # An architecture that keynet does not know is left to the build.
    assert emulation.runs("mystery", "amd64", nothing)
