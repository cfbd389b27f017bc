"""Package indexes that a project names and that want a login, with each kind of engine."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.engines import Host, crossed, engine_command, make_host, marked
from tests.integration.recipe_bed import PASSWORD, USER, Index, running_index

BASE = "python:3.11-slim"
SCRIPT = "import tinydep\nprint('TRAINED', tinydep.NAME)\n"
KINDS = ("podman-root", "buildah-rootless", "docker-legacy", "docker-buildkit")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index that wants a password."""
    with running_index(tmp_path_factory.mktemp("index"), tls=False) as running:
        yield running


@pytest.fixture(params=marked(KINDS))
def host(request: pytest.FixtureRequest) -> Host:
    """Each kind of engine, with a home of its own."""
    made = make_host(request.param, request)
    home = made.home / f"home-{uuid.uuid4().hex[:8]}"
    home.mkdir(parents=True)
    return made.with_environment(HOME=str(made.own(home)))


def _netrc(host: Host, index: Index) -> Host:
    """Store the login, and name the index in the user's own settings."""
    file = Path(host.environment["HOME"]) / ".netrc"
    file.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    file.chmod(0o600)
    host.own(file)
    return host.with_environment(PIP_EXTRA_INDEX_URL=f"http://127.0.0.1:{index.port}/simple")


def _pinned(url: str) -> dict[str, str]:
    """Return a project with one package from an index of its own."""
    return {
        "train.py": SCRIPT,
        "pyproject.toml": '[project]\nname = "own"\nversion = "1"\ndependencies = ["tinydep"]\n'
        '[tool.uv.sources]\ntinydep = { index = "private" }\n'
        f'[[tool.uv.index]]\nname = "private"\nurl = "{url}"\nexplicit = true\n',
    }


def _named(url: str) -> dict[str, str]:
    """Return a project whose requirements name the index."""
    return {"train.py": SCRIPT, "requirements.txt": f"--index-url {url}\ntinydep==1.0\n"}


def _build(
    host: Host, files: dict[str, str], *arguments: str, engine: str = ""
) -> subprocess.CompletedProcess[str]:
    project = host.home / f"logins-{uuid.uuid4().hex[:12]}"
    project.mkdir()
    for name, text in files.items():
        (project / name).write_text(text)
    host.own(project)
    keynet = [host.python, "-m", "keynet", "build", "train.py", "--base-image", BASE]
    argv = [*keynet, "--verbose", "--builder", engine or host.engine, *arguments]
    return subprocess.run(
        host.wrap(["env", "--chdir", str(project), *argv]),
        env=host.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def _history(host: Host, image: str) -> str:
    """Return the history of an image that every engine can show."""
    if host.engine == "docker":
        return host.run("/usr/bin/docker", "history", "--no-trunc", image)
    return host.run(*engine_command(replace(host, engine="buildah")), "inspect", image)


# Each engine in CI with one of them: the same files are mounted for both.
@pytest.mark.parametrize(
    ("host", "project", "installer"),
    crossed(marked(KINDS), [(_pinned, "uv"), (_named, "pip")]),
    indirect=["host"],
)
def test_the_login_of_netrc_reaches_it_and_stays_out_of_the_image(
    host: Host, index: Index, project: Callable[[str], dict[str, str]], installer: str
) -> None:
    host = _netrc(host, index)
    files = project(f"http://127.0.0.1:{index.port}/simple")
    done = _build(host, files, "--installer", installer, "--no-cache")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stderr
    image = done.stdout.strip().splitlines()[-1]
    assert PASSWORD not in _history(host, image)


@pytest.mark.parametrize("host", marked(("buildah-root", "docker-legacy")), indirect=True)
def test_a_login_in_the_projects_url_reaches_it(host: Host, index: Index) -> None:
    url = f"http://{USER}:{PASSWORD}@127.0.0.1:{index.port}/simple"
    done = _build(host, _pinned(url), "--no-cache")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stderr
    image = done.stdout.strip().splitlines()[-1]
    assert PASSWORD not in _history(host, image)


@pytest.mark.parametrize("host", marked(("podman-root", "docker-legacy")), indirect=True)
def test_a_project_alone_gets_no_login_and_the_error_names_the_remedy(
    host: Host, index: Index
) -> None:
    _netrc(host, index)
    done = _build(host, _pinned(f"http://127.0.0.1:{index.port}/simple"), "--no-cache")
    assert done.returncode == 4, done.stderr
    own_words = "\n".join(line for line in done.stderr.splitlines() if line[:2] != "  ")
    assert f"127.0.0.1:{index.port}" in own_words
    assert "PIP_EXTRA_INDEX_URL" in own_words


@pytest.mark.podman
@pytest.mark.parametrize("project", [_pinned, _named])
def test_a_build_without_an_engine_uses_it_too(
    request: pytest.FixtureRequest,
    index: Index,
    project: Callable[[str], dict[str, str]],
    tmp_path: Path,
) -> None:
    made = make_host("podman-root", request)
    home = made.home / f"home-{uuid.uuid4().hex[:8]}"
    home.mkdir(parents=True)
    host = made.with_environment(HOME=str(home))
    files = project(f"http://127.0.0.1:{index.port}/simple")
    arguments = ("--output", f"oci-archive:{tmp_path / 'image.tar'}")
    refused = _build(host, files, *arguments, engine="direct")
    assert refused.returncode == 4, refused.stderr
    host = _netrc(host, index)
    done = _build(host, files, *arguments, engine="direct")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stderr
    assert PASSWORD.encode() not in (tmp_path / "image.tar").read_bytes()
