"""What requirements bring with them, resolved by a real uv against a folder of wheels."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import uv

from keynet.oci.platform import Platform
from keynet.plan import Dependencies
from keynet.recipe.packages import resolution

LINUX = Platform("linux", "amd64")
# Not resolved, since no version of them can be without a build.
ALWAYS = {"antlr4-python3-runtime", "docopt", "pathtools", "wget"}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "wheels"
    folder.mkdir()
    _wheel(folder, "keynet_first", "keynet_second>=1", "windows_only; sys_platform == 'win32'")
    _wheel(folder, "keynet_second")
    _wheel(folder, "keynet_newest", requires_python=">=3.12")
    return folder


def _wheel(folder: Path, name: str, *requires: str, requires_python: str = "") -> None:
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    metadata += [f"Requires-Python: {requires_python}"] if requires_python else []
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


def _resolve(
    wheels: Path, files: Mapping[str, Any], python: tuple[int, int] = (3, 11)
) -> set[str] | None:
    indexes = {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(wheels)}
    found = resolution.resolve(
        Dependencies(files=files), python, LINUX, indexes, str(uv.find_uv_bin())
    )
    return None if found is None else set(found) - ALWAYS


@pytest.mark.slow
def test_dependencies_of_dependencies_are_included(wheels: Path) -> None:
    files = {"requirements.txt": b"-r more.txt\n", "more.txt": b"Keynet.First >= 0.5\n"}
    assert _resolve(wheels, files) == {"keynet-first", "keynet-second"}


@pytest.mark.slow
def test_archives_of_the_files_are_included(wheels: Path) -> None:
    name = "keynet_first-1.0-py3-none-any.whl"
    content = (wheels / name).read_bytes()
    files: dict[str, bytes | Path] = {
        "requirements.txt": f"./archives/{name}\n".encode(),
        f"archives/{name}": content,
    }
    assert _resolve(wheels, files) == {"keynet-first", "keynet-second"}
    files[f"archives/{name}"] = wheels / name
    assert _resolve(wheels, files) == {"keynet-first", "keynet-second"}


@pytest.mark.slow
def test_the_images_python_counts(wheels: Path) -> None:
    assert _resolve(wheels, {"requirements.txt": b"keynet-newest\n"}) is None
    assert _resolve(wheels, {"requirements.txt": b"keynet-newest\n"}, (3, 12)) == {"keynet-newest"}


@pytest.mark.medium
@pytest.mark.parametrize("line", [b"nowhere-to-be-found\n", b"===\n", b"./missing.whl\n"])
def test_what_cannot_be_resolved_is_unknown(wheels: Path, line: bytes) -> None:
    assert _resolve(wheels, {"requirements.txt": line}) is None


@pytest.mark.medium
def test_a_known_package_of_source_alone_hides_nothing(wheels: Path) -> None:
    _wheel(wheels, "keynet_third", "antlr4-python3-runtime==4.9.*", "keynet_second")
    files = {"requirements.txt": b"keynet-third\nantlr4-python3-runtime==4.9.3\n"}
    assert _resolve(wheels, files) == {"keynet-second", "keynet-third"}


@pytest.mark.medium
def test_nothing_is_built(wheels: Path, tmp_path: Path) -> None:

    ran = tmp_path / "ran"
    setup = f"open({str(ran)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='evil')\n"
    with tarfile.open(wheels / "keynet_evil-1.0.tar.gz", "w:gz") as archive:
        for name, text in (
            ("keynet_evil-1.0/setup.py", setup),
            ("keynet_evil-1.0/PKG-INFO", "Name: keynet-evil\n"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    assert _resolve(wheels, {"requirements.txt": b"keynet-evil\n"}) is None
    assert not ran.exists()


@pytest.mark.medium
def test_the_answer_is_kept(wheels: Path) -> None:
    files = {"requirements.txt": b"keynet-first\n"}
    assert _resolve(wheels, files) == {"keynet-first", "keynet-second"}
    for wheel in wheels.iterdir():
        wheel.unlink()
    assert _resolve(wheels, files) == {"keynet-first", "keynet-second"}


def test_the_names_in_requirements_files_are_read() -> None:
    text = (
        b"-i https://example.com\nNumpy>=1 # x\nsix==1 --hash=sha256:0 \\\n  --hash=sha256:1\n!\n"
    )
    files = {"requirements.txt": text, "archives/own_lib-1.0-py3-none-any.whl": b""}
    assert resolution.named(files) == {"numpy", "six", "own-lib"}


@pytest.mark.parametrize("line", [b"x @ git+ssh://h.example/x\n", b"-e GIT+https://h.example/x\n"])
def test_no_repository_is_cloned_on_this_machine(wheels: Path, tmp_path: Path, line: bytes) -> None:
    program, ran = tmp_path / "uv", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\n: > {ran}\n")
    program.chmod(0o755)
    for content, is_asked in ((line, False), (b"six\n", True)):
        dependencies = Dependencies(files={"requirements.txt": content})
        resolution.resolve(dependencies, (3, 11), LINUX, {}, str(program))
        assert ran.exists() is is_asked
    assert wheels.is_dir()


@pytest.mark.medium
@pytest.mark.parametrize("kind", ["wheel", "source"])
def test_nor_is_one_that_the_metadata_of_an_archive_names(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    git, ran = tmp_path / "programs" / "git", tmp_path / "ran"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\n: > {ran}\nexit 1\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent), prepend=":")
    requirement = f"hidden @ git+file://{tmp_path}/repository"
    if kind == "source":
        name, content = "carrier-1.0.tar.gz", _source(requirement)
    else:
        _wheel(tmp_path, "carrier", requirement)
        name = "carrier-1.0-py3-none-any.whl"
        content = (tmp_path / name).read_bytes()
    files = {"requirements.txt": f"./archives/{name}\n".encode(), f"archives/{name}": content}
    assert _resolve(wheels, files) is None
    assert not ran.exists()


def _source(requirement: str) -> bytes:
    metadata = f"Metadata-Version: 2.2\nName: carrier\nVersion: 1.0\nRequires-Dist: {requirement}\n"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in {"PKG-INFO": metadata, "pyproject.toml": ""}.items():
            entry = tarfile.TarInfo(f"carrier-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()
