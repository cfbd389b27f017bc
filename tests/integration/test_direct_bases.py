"""Pushes without an engine onto bases that bring packages, and packages that cannot be had."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.images import Hub
from tests.testbed.layered_base import add_layer, package_files
from tests.testbed.made_wheels import make_wheel, serving_folder
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.pulled import PulledImage, pull
from tests.testbed.two_platforms import add_index
from tests.testbed.user import OrdinaryUser

from .direct_pushing import Pusher, setup_without_engines
from .pushing import Done, run_image, sign_in, write

SITE = "usr/local/lib/python3.11/dist-packages"
BASE = "library/python:brings-packages"
CHECK = """\
import json, subprocess, sys
import brought, brought_needs, only_there, older
packages = subprocess.run(
    [sys.executable, "-m", "pip", "list", "--format", "json"], capture_output=True, text=True)
print(json.dumps({
    "packages": sorted((each["name"], each["version"]) for each in json.loads(packages.stdout)),
    "files": [each.__file__ for each in (brought, brought_needs, only_there, older)],
}))
"""


@dataclass(frozen=True, slots=True)
class Links:
    """A folder of packages for ``--find-links``, served on loopback."""

    url: str
    folder: Path

    def requirements(self, *lines: str) -> str:
        """Return requirements that know no other index."""
        return "".join(f"{each}\n" for each in ("--no-index", f"--find-links {self.url}", *lines))


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Links]:
    folder = tmp_path_factory.mktemp("links")
    for name in ("brought", "brought_needs", "older"):
        make_wheel(folder, name, {f"{name}.py": "VERSION = '1.0'\n"})
    _source(folder, "only_source")
    with serving_folder(folder) as url:
        yield Links(url, folder)


def _source(folder: Path, name: str) -> None:
    """Write ``NAME-1.0.tar.gz``, a package that is only published as source."""
    files = {
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "own_backend"\nbackend-path = ["."]\n',
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "own_backend.py": BACKEND.replace("NAME", name),
    }
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))


# Needs nothing from an index, and writes down what it could see. KEYNET_OWNER marks what keynet
# has started, and says nothing else.
BACKEND = """\
import os, zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "NAME-1.0-py3-none-any.whl"
    names = os.environ.keys() - {"KEYNET_OWNER"}
    seen = sorted(each for each in names if "SECRET" in each or each.startswith("KEYNET"))
    files = {
        "NAME.py": f"SEEN = {seen!r}\\n",
        "NAME-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n",
        "NAME-1.0.dist-info/WHEEL":
            "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{path},,\\n" for path in [*files, "NAME-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in {**files, "NAME-1.0.dist-info/RECORD": record}.items():
            wheel.writestr(path, text)
    return name
"""


@pytest.fixture(scope="module")
def pusher(
    user_without_subids: OrdinaryUser,
    host_python: str,
    keynet_source: Path,
    hub: Hub,
    platform: Platform,
    bed: Path,
) -> Pusher:
    """An ordinary user, logged in, with no engine in PATH and a base that brings packages."""
    files = {
        **package_files(SITE, "brought", "0.9", "brought_needs>=0.5"),
        **package_files(SITE, "brought_needs", "0.9"),
        **package_files(SITE, "only_there", "3.0"),
        **package_files(SITE, "older", "0.1"),
    }
    add_layer(hub.registry, "library/python:3.11-slim", BASE, files)
    tools = bed / "bases-tools"
    setup = setup_without_engines(user_without_subids, host_python, keynet_source, tools)
    sign_in(setup, platform)
    return Pusher(setup, platform, f"{hub.registry.host}/{BASE}")


def context(setup: HostSetup, name: str, requirements: str, script: str = "print(1)\n") -> Path:
    folder = setup.home / name
    write(setup, folder / "requirements.txt", requirements)
    write(setup, folder / "train.py", script)
    return folder


def found(output: str) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(
        next(line for line in output.splitlines() if line.startswith("{"))
    )
    return seen


@pytest.fixture(scope="module")
def done(pusher: Pusher, links: Links) -> Done:
    wanted = links.requirements("brought>=0.5", "only_there", "older>=1")
    return pusher.done(context(pusher.setup, "on-packages", wanted, CHECK))


@pytest.fixture(scope="module")
def pulled(done: Done, tmp_path_factory: pytest.TempPathFactory) -> PulledImage:
    return pull(done.platform.registry, done.image, tmp_path_factory.mktemp("pulled"))


def test_what_the_base_satisfies_is_not_installed_again(pulled: PulledImage) -> None:
    paths = pulled.files("/opt/keynet/lib/python3.11/site-packages")
    folders = {path.partition("/")[0] for path in paths}
    assert {name for name in folders if name.endswith(".dist-info")} == {"older-1.0.dist-info"}


@pytest.mark.buildah
def test_an_engine_gives_the_same_on_a_base_with_packages(
    pusher: Pusher, links: Links, done: Done, host_setups: HostSetups
) -> None:
    setup = host_setups.named("buildah")
    sign_in(setup, pusher.platform)
    wanted = links.requirements("brought>=0.5", "only_there", "older>=1")
    folder = context(setup, "on-packages", wanted, CHECK)
    flags = ("--builder", "buildah", "--base-image", pusher.base, "--json")
    told = setup.keynet("push", "train.py", *flags, cwd=folder)
    theirs = Done.of(setup, folder, pusher.platform, told)
    mine, expected = (
        found(run_image(replace(each, setup=setup, command=("python", "train.py"))))
        for each in (done, theirs)
    )
    assert mine == expected
    assert ["brought", "0.9"] in mine["packages"]
    assert ["older", "1.0"] in mine["packages"]


def test_a_package_without_a_wheel_costs_no_upload_key(pusher: Pusher, links: Links) -> None:
    before = len(pusher.platform.keys)
    folder = context(pusher.setup, "only-source", links.requirements("only_source"))
    failed = pusher.push(folder)
    assert failed.returncode == 4
    assert "only-source has no wheel" in failed.stderr
    assert "buildah" in failed.stderr
    assert len(pusher.platform.keys) == before


def test_an_unchanged_project_chooses_nothing(pusher: Pusher, links: Links, done: Done) -> None:
    assert "as before" not in done.stderr
    index = links.folder / "index.html"
    page = index.read_text()
    index.write_text("")
    try:
        again = pusher.done(done.context)
    finally:
        index.write_text(page)
    assert again.result["digest"] == done.result["digest"]


@pytest.mark.parametrize(("content", "status"), [(b"", 4), (None, 0)])
def test_hashes_of_requirements_are_compared(
    content: bytes | None, status: int, pusher: Pusher, links: Links
) -> None:
    wheel = (links.folder / "brought_needs-1.0-py3-none-any.whl").read_bytes()
    digest = hashlib.sha256(wheel if content is None else content).hexdigest()
    wanted = links.requirements(f"brought_needs==1.0 --hash=sha256:{digest}")
    told = pusher.push(context(pusher.setup, f"hashes-{status}", wanted))
    assert told.returncode == status, told.stderr
    if status:
        assert "hash" in told.stderr


def test_a_mirror_of_registries_conf_has_the_base(pusher: Pusher, hub: Hub) -> None:
    there = replace(pusher, base="python:3.11-slim")
    folder = context(pusher.setup, "mirrored", "")
    conf = {"CONTAINERS_REGISTRIES_CONF": str(hub.registries_conf)}
    done = Done.of(pusher.setup, folder, pusher.platform, there.push(folder, env=conf))
    assert done.result["builder"]["name"] == "direct"


def test_a_blocked_registry_costs_no_upload_key(pusher: Pusher, hub: Hub, bed: Path) -> None:
    before = len(pusher.platform.keys)
    conf = bed / "blocked.conf"
    conf.write_text(f'[[registry]]\nlocation = "{hub.registry.host}"\nblocked = true\n')
    conf.chmod(0o644)
    folder = context(pusher.setup, "blocked", "")
    failed = pusher.push(folder, env={"CONTAINERS_REGISTRIES_CONF": str(conf)})
    assert failed.returncode != 0
    assert "registries.conf blocks" in failed.stderr
    assert len(pusher.platform.keys) == before


def test_a_package_is_built_here_on_request_alone(pusher: Pusher, links: Links) -> None:
    script = "import only_source\nprint({'seen': only_source.SEEN})\n"
    folder = context(pusher.setup, "built", links.requirements("only_source"), script)
    without = pusher.push(folder)
    assert without.returncode == 4
    assert "--build-sdist" in without.stderr
    env = {"KEYNET_BUILD_SDIST": "1", "MY_SECRET": "x"}
    done = pusher.done(folder, **env)
    assert "its code runs here" in done.stderr
    again = pusher.push(folder, flags=["--build-sdist"])
    assert json.loads(again.stdout)["digest"] == done.result["digest"]
    # What was built with the permission is not used without it.
    assert pusher.push(folder).returncode == 4


def test_what_is_built_sees_no_variables_of_the_host(
    pusher: Pusher, links: Links, tmp_path: Path
) -> None:
    folder = context(pusher.setup, "built-clean", links.requirements("only_source"))
    done = pusher.done(folder, KEYNET_BUILD_SDIST="1", MY_SECRET="x")
    files = pull(pusher.platform.registry, done.image, tmp_path).files("/opt/keynet/lib")
    assert files["python3.11/site-packages/only_source.py"].content == b"SEEN = []\n"


def test_nothing_is_built_for_another_platform(pusher: Pusher, hub: Hub, links: Links) -> None:
    both = "library/python:built-both"
    add_index(hub.registry, "library/python:3.11-slim", both, ("amd64", "arm64"))
    there = replace(pusher, base=f"{hub.registry.host}/{both}")
    folder = context(pusher.setup, "built-other", links.requirements("only_source"))
    flags = ["--build-sdist", "--platform", "linux/arm64"]
    failed = there.push(folder, flags=flags)
    assert failed.returncode == 4
    assert "this machine is linux/amd64" in failed.stderr


def test_a_repository_cannot_have_packages_built(pusher: Pusher, links: Links) -> None:
    folder = context(pusher.setup, "built-by-project", links.requirements("only_source"))
    write(pusher.setup, folder / "pyproject.toml", "[tool.keynet]\nbuild-sdist = true\n")
    failed = pusher.push(folder)
    assert failed.returncode == 2
    assert "KEYNET_BUILD_SDIST" in failed.stderr
