"""What requirements bring with them, chosen by a real uv from a folder of wheels."""

import io
import json
import socket
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from keynet.direct.base import python_cache
from keynet.direct.base.base_packages import BasePackages
from keynet.direct.base.target_python import TargetPython
from keynet.errors import BuildFailed
from keynet.events import Event, Notice, ignore
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Dependencies, HostNetwork, Recipe
from keynet.process import shell
from keynet.registry import manifests
from keynet.registry.kept_documents import KeptDocuments
from keynet.secret import Secret
from keynet.steps.checking.installable.package_trial import PackageTrial

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


def _wheel(
    folder: Path,
    name: str,
    *requires: str,
    requires_python: str = "",
    tag: str = "py3-none-any",
    version: str = "1.0",
) -> None:
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    metadata += [f"Requires-Python: {requires_python}"] if requires_python else []
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")


def _plan(
    wheels: Path,
    files: Mapping[str, Any],
    python: tuple[int, int] = (3, 11),
    base: str = "python:3.11-slim",
) -> BuildPlan:
    settings = f"[global]\nno-index = true\nfind-links = {wheels}\n"
    dependencies = Dependencies(source=Path("requirements.txt"), files=files)
    return BuildPlan(
        context=wheels,
        files=(),
        recipe=Recipe(Reference.parse(base), ("python", "x.py"), dependencies=dependencies),
        platforms=(LINUX,),
        base_facts=BaseFacts(LINUX, python=python),
        host_network=HostNetwork(pip_conf=Secret(settings)),
    )


def _resolve(
    wheels: Path, files: Mapping[str, Any], python: tuple[int, int] = (3, 11)
) -> set[str] | None:
    found = PackageTrial().names(_plan(wheels, files, python))
    return None if found is None else set(found) - ALWAYS


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


def _refused(
    wheels: Path, line: str, base: str = "python:3.11-slim", python: tuple[int, int] = (3, 11)
) -> BuildFailed | None:
    files = {"requirements.txt": f"{line}\n".encode()}
    try:
        PackageTrial().check(_plan(wheels, files, python, base), ignore)
    except BuildFailed as error:
        return error
    return None


def _notices(plan: BuildPlan) -> list[str]:
    events: list[Event] = []
    PackageTrial().check(plan, events.append)
    return [event.text for event in events if isinstance(event, Notice)]


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def _asking(wheels: Path, index: str) -> BuildPlan:
    plan = _plan(wheels, {"requirements.txt": b"six\n"})
    network = HostNetwork(pip_conf=Secret(f"[global]\nindex-url = {index}\n"))
    return replace(plan, host_network=network)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["closed", "silent", "refusing", "unknown"])
def test_an_index_without_an_answer_is_named_and_costs_seconds_once(
    wheels: Path, where: str, silent: str, closed: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    index = {
        "closed": f"http://user:secret@{closed}/simple",
        "silent": f"http://user:secret@{silent}/simple",
        "refusing": f"http://user:secret@127.0.0.1:{server.server_port}/503/simple",
        "unknown": "http://user:secret@index.invalid/simple",
    }[where]
    plan = _asking(wheels, index)
    began = time.monotonic()
    started: list[str] = []
    with shell.observed(started.append):
        said = _notices(plan)
    assert started
    # Not after uv's own patience with each of several tries.
    assert time.monotonic() - began < 60
    assert len(said) == 1
    assert f"No usable answer from {index.replace('user:secret@', '')}. " in said[0]
    assert "secret" not in said[0]
    started.clear()
    with shell.observed(started.append):
        assert _notices(plan) == said
    assert started == []
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-c http://{closed}/constraints.txt", "http://{closed}/constraints.txt"),
        (
            "six @ http://{closed}/six-1.0-py3-none-any.whl",
            "http://{closed}/six-1.0-py3-none-any.whl",
        ),
        ("--find-links http://{closed}/wheels.html", "http://{closed}/wheels.html"),
    ],
)
def test_another_url_without_an_answer_is_named(
    wheels: Path, closed: str, line: str, named: str
) -> None:
    content = f"{line.format(closed=closed)}\nkeynet-first\n".encode()
    (said,) = _notices(_plan(wheels, {"requirements.txt": content}))
    assert f"No usable answer from {named.format(closed=closed)}. The build" in said


def _sdist(folder: Path, name: str) -> None:
    content = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(f"{name}-1.0/PKG-INFO")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


@pytest.mark.slow
def test_a_package_without_a_wheel_is_left_to_the_build(wheels: Path) -> None:
    # Most sources need no compiler.
    _sdist(wheels, "keynet_source")
    files: dict[str, bytes | Path] = {"requirements.txt": b"keynet-source\nkeynet-first\n"}
    assert _notices(_plan(wheels, files)) == []


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("nowhere-to-be-found", "has no package nowhere-to-be-found", "Check the spelling"),
        ("pytorch", "has no package pytorch", "Did you mean torch?"),
        ("cudatoolkit==11.3", "has no package cudatoolkit", "a base image that brings it"),
        ("keynet-second>=2", "no version fits keynet-second", "Ask for a version"),
        ("for-windows", "for-windows has no file for the image's platform", "sys_platform"),
        ("of-python-3-9", "is for this Python and platform", "a Python that it supports"),
    ],
)
def test_what_no_build_can_install_is_refused(
    wheels: Path, line: str, said: str, hint: str
) -> None:
    _wheel(wheels, "for_windows", tag="cp311-cp311-win_amd64")
    _wheel(wheels, "of_python_3_9", tag="cp39-cp39-manylinux_2_28_x86_64")
    error = _refused(wheels, line)
    assert error is not None
    assert said in error.message
    assert "Base image: docker.io/library/python:3.11-slim, with Python 3.11" in error.message
    assert hint in error.hint


@pytest.mark.slow
def test_what_a_build_may_install_after_all_is_not_refused(wheels: Path) -> None:
    _wheel(wheels, "for_alpine", tag="cp311-cp311-musllinux_1_2_x86_64")
    _wheel(wheels, "for_new_glibc", tag="cp311-cp311-manylinux_2_39_x86_64")
    _wheel(wheels, "not_the_first", requires_python=">=3.11.2")
    (wheels / "has_source-1.0.tar.gz").write_bytes(_source("six"))
    for line in (
        "has-source",
        "carrier @ git+https://git.invalid/x",
        "for-new-glibc",
        "===",
        "not-the-first",
    ):
        assert _refused(wheels, line) is None, line
    assert _refused(wheels, "for-alpine", base="python:3.11-alpine") is None
    assert _refused(wheels, "for-alpine") is not None
    assert _refused(wheels, "for-new-glibc", base="python:3.11-alpine") is not None
    assert _refused(wheels, "for-alpine", base=f"python@sha256:{'0' * 64}") is None
    assert _refused(wheels, "for-alpine", base="registry.example.com/ours:1") is None


@pytest.mark.slow
def test_nothing_is_known_where_a_missing_wheel_leads_to_an_old_version(wheels: Path) -> None:
    """A build takes version 2, whose dependencies are others."""
    files = {"requirements.txt": b"keynet-first\n"}
    _wheel(wheels, "keynet_first", "keynet_source", version="2.0")
    _sdist(wheels, "keynet_source")
    assert _resolve(wheels, files) is None
    assert _resolve(wheels, {"requirements.txt": b"keynet-first<2\n"}) is not None


@pytest.mark.medium
def test_a_mirrors_image_may_bring_more_so_that_it_is_a_warning(wheels: Path) -> None:
    files = {"requirements.txt": b"nowhere-to-be-found\n"}
    plan = _plan(wheels, files, base="harbor.example.com/hub/library/python:3.11")
    events: list[Event] = []
    PackageTrial().check(plan, events.append)
    (said,) = [event.text for event in events if isinstance(event, Notice)]
    assert "the index has no package nowhere-to-be-found" in said


@pytest.mark.medium
def test_a_mirrors_image_with_the_layers_of_pythons_own_brings_no_more(wheels: Path) -> None:
    plan = _plan(
        wheels, {"requirements.txt": b"nowhere-to-be-found\n"}, base="own.example.com/py:1"
    )
    facts = replace(plan.base_facts or BaseFacts(LINUX), plain="glibc")
    with pytest.raises(BuildFailed, match="the index has no package nowhere-to-be-found"):
        PackageTrial().check(replace(plan, base_facts=facts), ignore)
    PackageTrial().check(plan, ignore)


def _known(plan: BuildPlan, *brought: str) -> BuildPlan:
    """Let this machine know the base's list of files, as a build without an engine leaves it."""
    config = b"{}"
    described = Descriptor(MediaType.OCI_CONFIG, Digest.of(config), len(config))
    content = json.dumps({"schemaVersion": 2, "config": described.to_json(), "layers": []}).encode()
    digest = Digest.of(content)
    kept = KeptDocuments.here()
    kept.keep_manifest(digest, manifests.read(content, MediaType.OCI_MANIFEST, digest))
    folder = "opt/conda/lib/python3.11/site-packages"
    names = (each.partition("==") for each in brought)
    files = {
        f"{folder}/{name}-{version}.dist-info/METADATA": "Metadata-Version: 2.1\n"
        f"Name: {name}\nVersion: {version}\n"
        for name, _equals, version in names
    }
    python = TargetPython((3, 11), "/opt/conda/bin/python3.11", f"/{folder}", 35)
    python_cache.keep_python(described.digest, python)
    python_cache.keep_packages(described.digest, BasePackages((folder,), files))
    return replace(plan, base_facts=BaseFacts(LINUX, digest=digest))


@pytest.mark.slow
def test_what_a_known_base_brings_is_not_missed(wheels: Path) -> None:
    files = {"requirements.txt": b"private-of-base>=2\nkeynet-first\n"}
    plan = _plan(wheels, files, base="pytorch/pytorch:2.4.0")
    assert PackageTrial().names(plan) is None
    events: list[Event] = []
    known = _known(plan, "private_of_base==2.1", "unused==1")
    PackageTrial().check(known, events.append)
    assert events == []
    names = PackageTrial().names(known)
    assert names is not None
    assert names - ALWAYS == {"private-of-base", "unused", "keynet-first", "keynet-second"}


@pytest.mark.slow
def test_what_a_known_base_does_not_bring_is_a_warning(wheels: Path) -> None:
    files = {"requirements.txt": b"nowhere-to-be-found\n"}
    plan = _known(_plan(wheels, files, base="pytorch/pytorch:2.4.0"), "torch==2.4.0")
    events: list[Event] = []
    PackageTrial().check(plan, events.append)
    (said,) = [event.text for event in events if isinstance(event, Notice)]
    assert "the index has no package nowhere-to-be-found" in said


@pytest.mark.medium
def test_a_refusal_is_not_kept(wheels: Path) -> None:
    assert _refused(wheels, "late") is not None
    _wheel(wheels, "late")
    assert _refused(wheels, "late") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "the index has no package six"),
        (401, "the package index refuses the login"),
        (403, None),
        (503, None),
    ],
)
def test_what_the_index_answers_is_asked_for(wheels: Path, status: int, reason: str | None) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://me:secret@127.0.0.1:{server.server_port}/{status}/simple"
        settings = HostNetwork(pip_conf=Secret(f"[global]\nindex-url = {url}\n"))
        plan = replace(_plan(wheels, {"requirements.txt": b"six\n"}), host_network=settings)
        said = ""
        try:
            PackageTrial().check(plan, ignore)
        except BuildFailed as error:
            said = error.message
        server.shutdown()
    assert (reason in said) if reason else not said
    assert "secret" not in said
