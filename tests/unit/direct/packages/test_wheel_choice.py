"""Packages are chosen by a real uv, which runs nothing of what requirements name."""

import os
import resource
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.base.target_python import TargetPython
from keynet.direct.packages.choice_errors import NoWheel
from keynet.direct.packages.wheel_choice import choose_lock, fetch_wheels
from keynet.errors import BuildFailed
from keynet.events import ignore
from keynet.oci.platform import Platform
from keynet.plan import Dependencies, HostNetwork
from keynet.secret import Secret
from tests.testbed.machine import need

PYTHON = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)


def repository(folder: Path) -> str:
    """Return a requirement on a repository that git can clone."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "hidden"\nversion = "1"\n')
    environment = {**os.environ, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "me", f"GIT_{role}_EMAIL": "me@example.com"}
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([need("git"), "-C", folder, *arguments], env=environment, check=True)
    return f"hidden @ git+file://{folder}"


def carrier(file: Path, requirement: str) -> bytes:
    """Return a wheel with a requirement in its metadata."""
    return wheel(file, "carrier", "1", f"Requires-Dist: {requirement}\n")


def wheel(file: Path, name: str, version: str, more: str = "") -> bytes:
    """Return a wheel without modules, with more lines in its metadata."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
    folder = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{folder}/METADATA", metadata)
        archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{folder}/RECORD", "")
    return file.read_bytes()


@pytest.mark.slow
def test_what_the_base_has_is_chosen_only_where_it_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = {f"wheels/{name}-{version}-py3-none-any.whl": wheel(tmp_path / "w.whl", name, version)
             for name, version in (("carrier", "1"), ("carrier", "2"), ("other", "1"))}  # fmt: skip
    site = "usr/lib/python3/dist-packages"
    brought = {"carrier": "1", "Nowhere_Else": "1"}
    base = BasePackages(
        (site,),
        {
            f"{site}/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n"
            for name, version in brought.items()
        },
    )
    found = {}
    for wanted in ("other", "carrier", "carrier>1", "nowhere-else"):
        text = f"--no-index\n--find-links wheels\n{wanted}\n".encode()
        dependencies = Dependencies(files={"requirements.txt": text, **files})
        target = (dependencies, HostNetwork(), PYTHON, Platform("linux", "amd64"), ignore)
        packages = tomllib.loads(choose_lock(*target, base=base)).get("packages", [])
        found[wanted] = [(each["name"], each["version"]) for each in packages]
    assert found == {
        "other": [("other", "1")],
        "carrier": [],
        "carrier>1": [("carrier", "2")],
        "nowhere-else": [],
    }


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["in an archive", "behind another space"])
def test_no_repository_is_cloned_that_a_requirement_hides(
    hidden: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    named = repository(tmp_path / "repository")
    files = {"requirements.txt": named.replace("@ ", "@\u3000").encode()}
    if hidden == "in an archive":
        name = "carrier-1-py3-none-any.whl"
        files = {"requirements.txt": f"./{name}\n".encode(), name: carrier(tmp_path / name, named)}
    with pytest.raises(NoWheel, match="hidden comes from version control") as caught:
        choose_lock(
            Dependencies(files=files), HostNetwork(), PYTHON, Platform("linux", "amd64"), ignore
        )
    assert caught.value.names == ("hidden",)


def test_no_room_for_the_requirements_is_an_error_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = {"requirements.txt": b"# " + b"x" * 10_000}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))
    try:
        with pytest.raises(BuildFailed, match=r"could not be copied to /\S+: File too large"):
            choose_lock(
                Dependencies(files=files), HostNetwork(), PYTHON, Platform("linux", "amd64"), ignore
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("version", [(*sys.version_info[:2], 90), sys.version_info[:2]])
def test_the_images_patch_of_python_counts_and_not_this_machines(
    version: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "wheels").mkdir()
    needs = "never; sys_platform == 'none'\nRequires-Python: >={}.{}.80".format(*version[:2])
    carrier(tmp_path / "wheels" / "carrier-1-py3-none-any.whl", needs)
    settings = f"[global]\nno-index = true\nfind-links = {tmp_path / 'wheels'}\n"
    dependencies = Dependencies(files={"requirements.txt": b"carrier\n"})
    network = HostNetwork(pip_conf=Secret(settings))
    python = TargetPython(version, "/usr/bin/python3", "/x", 36)
    platform = Platform("linux", "amd64")
    lock = choose_lock(dependencies, network, python, platform, ignore)
    chosen = fetch_wheels(lock, dependencies, network, python, platform)
    assert [wheel.name for wheel in chosen.wheels] == ["carrier"]
