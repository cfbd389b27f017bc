"""Base images that the user has built on this machine."""

import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.engines import Host, engine_command, make_host, marked
from tests.integration.test_cases import BASE, CHROOT, LIMITS

SCRIPT = "print('TRAINED', open('/about').read())\n"


def _make_base(host: Host, folder: Path, name: str, about: str) -> None:
    """Build a base in the user's own store."""
    (folder / "about").write_text(about)
    (folder / "Base").write_text(f"FROM {BASE}\nCOPY about /about\n")
    host.own(folder)
    argv = [host.engine, "bud" if host.engine == "buildah" else "build", *CHROOT]
    host.run(*argv, "-t", name, "-f", str(folder / "Base"), str(folder))


def _printed(host: Host, project: Path, base: str) -> str:
    argv = [host.python, "-m", "keynet", "build", "train.py", "--builder", host.engine]
    done = subprocess.run(
        host.wrap(["env", "--chdir", str(project), *argv, "--base-image", base]),
        env=host.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    podman = engine_command(replace(host, engine="podman"))
    image = done.stdout.strip().splitlines()[-1]
    run = [*podman, "--runtime", "runc", "run", *LIMITS, "--rm", "--network", "none"]
    return host.run(*run, image)


@pytest.mark.parametrize("kind", marked(("podman-rootless",)))
def test_a_base_of_the_users_store_is_found_and_so_is_its_newer_form(
    kind: str, request: pytest.FixtureRequest
) -> None:
    host = make_host(kind, request)
    folder = host.home / f"base-{uuid.uuid4().hex[:8]}"
    project = host.home / f"project-{uuid.uuid4().hex[:8]}"
    for each in (folder, project):
        each.mkdir()
    (project / "train.py").write_text(SCRIPT)
    host.own(project)
    name = f"own-{uuid.uuid4().hex[:8]}"
    _make_base(host, folder, f"localhost/{name}:1", "first")
    assert "TRAINED first" in _printed(host, project, f"localhost/{name}:1")
    _make_base(host, folder, f"localhost/{name}:1", "second")
    # As the engine itself understands the name.
    assert "TRAINED second" in _printed(host, project, f"{name}:1")
