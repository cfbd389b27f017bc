"""Projects of every kind, pushed without an engine and with one: engines run both alike."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.images import Hub
from tests.testbed.machine import CHECKOUT
from tests.testbed.made_wheels import serving
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.user import OrdinaryUser

from .direct_pushing import Pusher, setup_without_engines
from .pushing import Done, run_image, sign_in, write

CHECK = """\
import hashlib, importlib, importlib.metadata, json, subprocess, sys
ASKED = json.loads({asked!r})
def said(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return [done.returncode, done.stdout.strip(), done.stderr[-500:]]
found = said([sys.executable, "-m", "pip", "list", "--format", "json"])
entries = {{}}
for each in importlib.metadata.distributions():
    for one in each.entry_points:
        if one.group == "console_scripts" and each.metadata["Name"] not in ("pip", "setuptools"):
            entries[one.name] = one.value
modules = {{}}
for name in ASKED["imports"]:
    module = importlib.import_module(name)
    modules[name] = [getattr(module, "NAME", ""), str(module.__file__)]
files = {{path: hashlib.sha256(open(path, "rb").read()).hexdigest() for path in ASKED["files"]}}
print("FOUND" + json.dumps({{
    "packages": sorted((each["name"], each["version"]) for each in json.loads(found[1])),
    "entries": entries, "imports": modules, "files": files,
    "commands": [said(command.split()) for command in ASKED["commands"]],
}}))
"""
SITE = "/opt/keynet/lib/python3.11/site-packages"


@dataclass(frozen=True, slots=True)
class Project:
    """What a project needs, and what its script asks of the image.

    ``example`` is a folder of examples/; ``links`` are wheels of the index on loopback.
    """

    name: str
    example: str = ""
    links: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    def write(self, setup: HostSetup, url: str) -> Path:
        """Write it to the user's home."""
        folder = setup.home / f"project-{self.name}"
        files = dict(self.files)
        if self.example:
            source = CHECKOUT / "examples" / self.example
            files |= {each.name: each.read_text() for each in source.iterdir() if each.is_file()}
        if self.links:
            lines = [f"--find-links {url}", *(f"{each}==1.0" for each in self.links)]
            files["requirements.txt"] = "\n".join(lines) + "\n"
        asked = {"imports": self.imports, "commands": self.commands, "files": self.read}
        files["check.py"] = CHECK.format(asked=json.dumps(asked))
        for path, text in files.items():
            write(setup, folder / path, text)
        return folder


OWN = """\
[project]
name = "ownproject"
version = "3.1"
dependencies = ["threadpoolctl==3.6.0"]

[project.scripts]
own-command = "ownproject.cli:main"

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
EXAMPLES = [
    Project("digits", "digits", imports=("numpy", "sklearn.svm", "joblib"), commands=("f2py -v",)),
    Project("regression", "click_regression", imports=("click", "numpy")),
    Project(
        "clusters", "typer_clusters", imports=("typer", "numpy"), commands=("typer --version",)
    ),
]
BIG = Project(
    "big", links=("bigdata",), imports=("bigdata",), read=(f"{SITE}/bigdata/weights.bin",)
)
TOOLS = Project(
    "tools",
    links=("manytools", "manysecond"),
    imports=("manytools", "manyspace.first", "manyspace.second", "behind_pth"),
    commands=("tool-entry", "tool-script"),
    read=("/opt/keynet/share/manytools/words.txt",),
)
PACKAGE = Project(
    "package",
    files={
        "pyproject.toml": OWN,
        "src/ownproject/__init__.py": "NAME = 'own'\n",
        "src/ownproject/cli.py": "def main():\n    print('own command runs')\n",
    },
    imports=("ownproject", "threadpoolctl"),
    commands=("own-command",),
)
SHARED = Project(
    "shared",
    links=("sharedone", "sharedtwo"),
    imports=("common.both", "common.one", "common.two"),
)
ENGINES = ("docker-legacy", "podman", "buildah")
# CI has this one, the others are for the matrix: test_direct.py has each engine already.
OFTEN = {("tools", "podman")}


def _cases() -> Iterator[object]:
    for project in (*EXAMPLES, BIG, TOOLS, PACKAGE, SHARED):
        for engine in ENGINES:
            marks = [getattr(pytest.mark, engine.partition("-")[0])]
            if (project.name, engine) not in OFTEN:
                marks.append(pytest.mark.matrix)
            yield pytest.param(project, engine, marks=marks, id=f"{project.name}-{engine}")


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("wheels")) as url:
        yield url


@pytest.fixture(scope="module")
def pusher(
    user_without_subids: OrdinaryUser,
    host_python: str,
    keynet_source: Path,
    hub: Hub,
    platform: Platform,
    bed: Path,
) -> Pusher:
    """An ordinary user, logged in, in whose PATH is no engine."""
    tools = bed / "projects-tools"
    setup = setup_without_engines(user_without_subids, host_python, keynet_source, tools)
    sign_in(setup, platform)
    return Pusher(setup, platform, hub.reference("slim"))


@pytest.fixture(scope="module")
def pushed(pusher: Pusher, links: str) -> Callable[[Project], Done]:
    """Push a project once without an engine, whichever tests ask for it."""
    done: dict[str, Done] = {}

    def push(project: Project) -> Done:
        if project.name not in done:
            context = project.write(pusher.setup, links)
            done[project.name] = pusher.done(context, "check.py")
        return done[project.name]

    return push


@pytest.mark.parametrize(("project", "engine"), list(_cases()))
def test_an_engine_sees_what_it_would_have_built(
    project: Project,
    engine: str,
    pusher: Pusher,
    pushed: Callable[[Project], Done],
    links: str,
    host_setups: HostSetups,
) -> None:
    mine = pushed(project)
    assert mine.result["builder"]["name"] == "direct"
    setup = host_setups.named(engine)
    sign_in(setup, pusher.platform)
    context = project.write(setup, links)
    flags = ("--builder", setup.builder, "--base-image", pusher.base, "--json")
    told = setup.keynet("push", "check.py", *flags, cwd=context)
    theirs = Done.of(setup, context, pusher.platform, told)
    try:
        seen, expected = (_found(each, setup) for each in (mine, theirs))
        assert seen == expected
        assert all(status == 0 for status, _out, _err in seen["commands"]), seen["commands"]
    finally:
        if setup.builder == "docker":
            # Other tests of the session look at all images of this daemon.
            setup.engine("docker", "rmi", "--force", mine.image, theirs.image)


def _found(done: Done, setup: HostSetup) -> dict[str, Any]:
    output = run_image(replace(done, setup=setup, command=("python", "check.py")))
    line = next(each for each in output.splitlines() if each.startswith("FOUND"))
    found: dict[str, Any] = json.loads(line.removeprefix("FOUND"))
    return found
