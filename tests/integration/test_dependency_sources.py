"""Projects as users have them, built: what each kind of file lists is in the image."""

import os
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from keynet.recipe import hostnetwork
from tests.integration.recipe_bed import Engine, build, planned
from tests.testbed.daemon import Dockerd
from tests.testbed.images import Hub
from tests.testbed.stores import Store

SIX = "import six\nprint('TRAINED', six.__version__)\n"
HASH = "sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"
SETUP = "from setuptools import find_packages, setup\n"


@dataclass(frozen=True)
class Project:
    """The files of a project, and what its script prints."""

    files: Mapping[str, str]
    prints: str
    script: str = SIX
    engine: str = "mounting"
    wheels: tuple[str, ...] = field(default=())


PROJECTS = {
    "a wheel of the project, by find-links": Project(
        {"requirements.txt": "--find-links wheels\nof-the-project==1.0\n"},
        "TRAINED 1.0",
        "import of_the_project\nprint('TRAINED', of_the_project.VERSION)\n",
        "docker",
        ("of_the_project",),
    ),
    "a member of the workspace": Project(
        {
            "pyproject.toml": '[project]\nname = "own"\nversion = "1"\ndependencies = ["six"]\n'
            "[tool.uv.sources]\nsix = { workspace = true }\n"
            '[tool.uv.workspace]\nmembers = ["libs/*"]\n',
            "libs/six/pyproject.toml": '[project]\nname = "six"\nversion = "0.1"\n',
            "libs/six/src/six/__init__.py": "__version__ = 'of the workspace'\n",
        },
        "TRAINED of the workspace",
    ),
    "a lock": Project(
        {
            "pyproject.toml": '[project]\nname = "own"\nversion = "1"\ndependencies = ["six"]\n',
            "uv.lock": 'version = 1\nrequires-python = ">=3.10"\n'
            '[[package]]\nname = "own"\nversion = "1"\nsource = { virtual = "." }\n'
            'dependencies = [{ name = "six" }]\n'
            '[[package]]\nname = "six"\nversion = "1.15.0"\n'
            'source = { registry = "https://index.example/simple" }\n',
        },
        "TRAINED 1.15.0",
        engine="buildkit-mounting",
    ),
    "an environment of conda": Project(
        {"environment.yml": "dependencies: [python=3.11, six=1.16, libgcc, {pip: [docopt]}]\n"},
        "TRAINED 1.16.0 0.6.2",
        "import docopt, six\nprint('TRAINED', six.__version__, docopt.__version__)\n",
        "docker",
    ),
    "its own metadata and commands": Project(
        {
            "requirements.txt": "-e .\n",
            "pyproject.toml": '[project]\nname = "own-pkg"\nversion = "0.7"\n'
            'dependencies = ["six==1.16.0"]\nscripts = { own-run = "own:main" }\n',
            "src/own/__init__.py": "def main():\n    print('RUN')\n",
        },
        "RUN\nTRAINED 0.7 1.16.0",
        "import importlib.metadata, subprocess, six\n"
        "subprocess.run(['own-run'], check=True)\n"
        "print('TRAINED', importlib.metadata.version('own-pkg'), six.__version__)\n",
    ),
    "hashes beside itself": Project(
        {
            "requirements.txt": f"-e . ; python_version > '3'\nsix==1.16.0 \\\n  --hash={HASH}\n",
            "setup.py": SETUP + "setup(name='own', version='1', packages=find_packages('lib'),"
            " package_dir={'': 'lib'}, install_requires=['six'])\n",
            "lib/own/__init__.py": "V = 1\n",
        },
        "TRAINED 1 1.16.0",
        "import own, six\nprint('TRAINED', own.V, six.__version__)\n",
        "buildkit-mounting",
    ),
    "a package whose folder is called otherwise": Project(
        {
            "setup.py": SETUP + "setup(name='own', version='1', packages=['own', 'own.sub'],"
            " package_dir={'own': 'code'}, install_requires=['six==1.16.0'])\n",
            "code/__init__.py": "from own.sub import V\n",
            "code/sub.py": "V = 2\n",
        },
        "TRAINED 2 1.16.0",
        "import own, six\nprint('TRAINED', own.V, six.__version__)\n",
        "buildah",
    ),
}


_ALONE = ("hashes beside itself", "a package whose folder is called otherwise")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[
                *(
                    [pytest.mark.buildah, pytest.mark.podman]
                    if project.engine in ("mounting", "buildah")
                    else [pytest.mark.docker]
                ),
                # tests/integration/test_cases.py builds the others' like.
                *([] if name in _ALONE else [pytest.mark.matrix]),
            ],
        )
        for name, project in PROJECTS.items()
    ],
)
def test_what_a_project_lists_is_in_the_image(
    request: pytest.FixtureRequest, hub: Hub, tmp_path: Path, name: str
) -> None:
    project = PROJECTS[name]
    engine = _engine(request, project.engine)
    folder = tmp_path / "project"
    for path, text in {**project.files, "train.py": project.script}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for wheel in project.wheels:
        _write_wheel(folder / "wheels", wheel)
    plan, _notices = planned(folder, "train.py", hub.reference("slim"), {})
    host = hostnetwork.detect(os.environ, Path.home()).network
    tag = f"localhost/dependencies-{uuid.uuid4().hex[:12]}:1"
    build(engine, replace(plan, host_network=host), tag)
    assert project.prints in engine.run(tag)


def _engine(request: pytest.FixtureRequest, name: str) -> Engine:
    if name in ("buildah", "mounting"):
        store: Store = request.getfixturevalue("root_store")
        return Engine("buildah", store.environment, mounts=name == "mounting")
    daemon: Dockerd = request.getfixturevalue("dockerd")
    kit, _dash, form = name.partition("-")
    environment = {**os.environ, "DOCKER_HOST": daemon.host}
    environment["DOCKER_BUILDKIT"] = "1" if kit == "buildkit" else "0"
    return Engine(kit, environment, mounts=form == "mounting")


def _write_wheel(folder: Path, name: str) -> None:
    folder.mkdir()
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "VERSION = '1.0'\n")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/RECORD,,\n")
