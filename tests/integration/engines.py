"""Ways to run the engine driver: as root with each engine, as an ordinary user, on dockerds."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.testbed.daemon import Dockerd
from tests.testbed.images import Hub
from tests.testbed.machine import CHECKOUT, cache_folder
from tests.testbed.newer import PYCACHE as NEWER_PYCACHE
from tests.testbed.newer import PYTHON as NEWER_PYTHON
from tests.testbed.newer import NewerRoot
from tests.testbed.registry import RegistryServer
from tests.testbed.stores import Store
from tests.testbed.user import OrdinaryUser

# Debian's interpreter: an ordinary user may not enter the one of a virtual environment's owner.
PYTHON = "/usr/bin/python3"
# Without /usr/local, where a docker client may lie that has no BuildKit.
SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
DRIVER = CHECKOUT / "tests/integration/engine_driver.py"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: dict[str, Any]
    log: str

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error


@dataclass(frozen=True, slots=True)
class Host:
    """Somewhere an engine runs: how to start a program there, in which environment."""

    engine: str
    environment: Mapping[str, str]
    home: Path
    wrap: Callable[[Sequence[str]], list[str]] = list
    own: Callable[[Path], Path] = field(default=lambda path: path)
    python: str = PYTHON

    @property
    def temporary(self) -> Path:
        """Where this host's programs put their temporary files, and nobody else's."""
        return self.home / f"tmp-{self.engine}"

    def start(self, *, text: str | None = None, **request: Any) -> subprocess.Popen[str]:
        """Start the driver with this request on its standard input.

        Args:
            text: Of a Containerfile of the user's own, which is written beside the context.
        """
        if text is not None:
            context = Path(request["context"])
            # One name, as the project is known by it; and never half written, as several at once
            # read it.
            own = context.with_name(f"{context.name}.Containerfile")
            new = own.with_name(f"{own.name}-{os.urandom(4).hex()}")
            new.write_text(text)
            request["containerfile"] = str(self.own(new).replace(own))
        self.temporary.mkdir(mode=0o700, exist_ok=True)
        self.own(self.temporary)
        process = subprocess.Popen(
            self.wrap([self.python, "-W", "error", str(DRIVER)]),
            env={**self.environment, "TMPDIR": str(self.temporary)},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({"builder": self.engine, **request}))
        process.stdin.close()
        process.stdin = None
        return process

    def ask(self, **request: Any) -> Answer:
        """Run the driver to its end."""
        return answer_of(self.start(**request))

    def run(self, *command: str, check: bool = True) -> str:
        """Run a program there and give its standard output."""
        done = subprocess.run(
            self.wrap(command),
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=900,
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def with_environment(self, **changes: str) -> "Host":
        """Return the same host with more variables."""
        return replace(self, environment={**self.environment, **changes})


def answer_of(process: subprocess.Popen[str], timeout_s: float = 900) -> Answer:
    """Wait for the driver's end; standard output must be its one JSON object."""
    out, log = process.communicate(timeout=timeout_s)
    try:
        return Answer(process.returncode, json.loads(out), log)
    except json.JSONDecodeError:
        raise AssertionError(f"status {process.returncode}: {out}{log}") from None


def python_variables() -> dict[str, str]:
    """Return what lets another interpreter import the checkout and this one's packages.

    Root's programs write their byte code to the cache, where every user's programs find it.
    """
    import click

    return {
        "PYTHONPATH": f"{CHECKOUT}:{Path(click.__file__).parents[1]}",
        "PYTHONPYCACHEPREFIX": str(cache_folder() / "pycache"),
    }


def root_environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for root with its own home."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {"PATH", "LANG", "TERM"}
    return {
        **{name: value for name, value in os.environ.items() if name in kept},
        "HOME": str(home),
        **python_variables(),
        **extra,
    }


def rootless(user: OrdinaryUser, engine: str, extra: Mapping[str, str]) -> Host:
    """Return an engine of an ordinary user."""
    environment = {
        **user.environment(),
        **python_variables(),
        **extra,
    }
    return Host(engine, environment, user.home, user.argv, user.own)


def access(server: RegistryServer, folder: Path) -> dict[str, Any]:
    """Return the login to a registry; its CA is copied where every user may read it."""
    wanted: dict[str, Any] = {"host": server.host, "insecure": server.ca is None}
    if server.username:
        wanted |= {"username": server.username, "password": server.password}
    if server.ca is not None:
        ca = folder / "registry-ca.pem"
        ca.write_bytes(server.ca.cert.read_bytes())
        ca.chmod(0o644)
        wanted["ca_cert"] = str(ca)
    return wanted


KINDS = (
    "docker-legacy",
    "docker-buildkit",
    "podman-root",
    "buildah-root",
    "podman-rootless",
    "buildah-rootless",
)


NEWER_KINDS = (
    "docker-newer",
    "podman-newer",
    "buildah-newer",
    "podman-newer-rootless",
    "buildah-newer-rootless",
)


def in_turn(kinds: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Return all pairs as parameters, of which CI has each value with one kind in turn.

    Args:
        kinds: As ``pytest.param`` makes them.
    """
    return [
        pytest.param(
            *kind.values,
            value,
            marks=[
                *kind.marks,
                *([pytest.mark.matrix] if number % len(kinds) != place % len(kinds) else []),
            ],
        )
        for place, value in enumerate(values)
        for number, kind in enumerate(kinds)
    ]


def crossed(rows: Sequence[Any], columns: Sequence[Any]) -> list[Any]:
    """Return all pairs as parameters, of which CI has every other one in each row and column.

    Args:
        rows: Plain values, or as ``pytest.param`` makes them.
        columns: Plain values; a tuple is several parameters.
    """
    return [
        pytest.param(
            *(row.values if isinstance(row, ParameterSet) else [row]),
            *(column if isinstance(column, tuple) else [column]),
            marks=[
                *(row.marks if isinstance(row, ParameterSet) else []),
                *([pytest.mark.matrix] if (number + place) % 2 else []),
            ],
        )
        for number, row in enumerate(rows)
        for place, column in enumerate(columns)
    ]


def marked(kinds: Sequence[str] = KINDS, often: Collection[str] | None = None) -> list[Any]:
    """Return the kinds as parameters that carry their engine's marker.

    Args:
        often: The kinds that CI has; the others are for ``tox -e matrix``. None for all.
    """
    return [
        pytest.param(
            kind,
            marks=[
                getattr(pytest.mark, kind.partition("-")[0]),
                *([pytest.mark.rootless] if kind.endswith("rootless") else []),
                *([pytest.mark.newer] if "newer" in kind else []),
                *([pytest.mark.matrix] if often is not None and kind not in often else []),
            ],
        )
        for kind in kinds
    ]


def make_host(kind: str, request: pytest.FixtureRequest) -> Host:
    """Return the host of one kind, from the session's daemons, stores and users."""
    bed: Path = request.getfixturevalue("bed")
    hub: Hub = request.getfixturevalue("hub")
    engine, _dash, variant = kind.partition("-")
    if variant.startswith("newer"):
        return _make_newer(engine, request, hub, ordinary=variant.endswith("rootless"))
    if engine == "docker":
        dockerd: Dockerd = request.getfixturevalue("dockerd")
        buildkit = "0" if variant == "legacy" else "1"
        extra = {"DOCKER_HOST": dockerd.host, "DOCKER_BUILDKIT": buildkit, "PATH": SYSTEM_PATH}
        return Host(engine, root_environment(bed / "docker-home", extra), bed)
    if variant == "root":
        store: Store = request.getfixturevalue("root_store")
        names = ("CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF")
        extra = {name: store.environment[name] for name in names}
        return Host(engine, root_environment(bed / "root-home", extra), bed)
    user: OrdinaryUser = request.getfixturevalue("user")
    return rootless(user, engine, {"CONTAINERS_REGISTRIES_CONF": str(hub.registries_conf)})


def _make_newer(engine: str, request: pytest.FixtureRequest, hub: Hub, *, ordinary: bool) -> Host:
    """Return an engine of Debian 13, in its root of its own."""
    root: NewerRoot = request.getfixturevalue("newer")
    environment = {
        "PATH": SYSTEM_PATH,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONPYCACHEPREFIX": NEWER_PYCACHE,
        "CONTAINERS_REGISTRIES_CONF": str(hub.registries_conf),
    }
    if ordinary:
        user: OrdinaryUser = request.getfixturevalue("newer_user")
        # Goes with it when the user does; its own home is in the other root.
        home = user.runtime / "home"
        home.mkdir(mode=0o755, exist_ok=True)
        user.own(home)
        clean = {**user.environment(), **environment, "HOME": str(home)}
        return Host(engine, clean, home, user.argv, user.own, NEWER_PYTHON)
    home = Path(request.getfixturevalue("bed")) / f"newer-{engine}-home"
    home.mkdir(exist_ok=True)
    environment["HOME"] = str(home)
    if engine == "docker":
        environment["DOCKER_HOST"] = request.getfixturevalue("newer_dockerd").host
    return Host(engine, environment, home, root.argv, python=NEWER_PYTHON)


def image_files(server: RegistryServer, name: str, folder: Path) -> dict[str, bytes | str]:
    """Pull an image and give what its layers hold: bytes of files, targets of links.

    Folders end in a slash and hold b"".
    """
    layout = folder / "pulled"
    argv = ["skopeo", "--insecure-policy", "copy", "--quiet"]
    argv += ["--src-tls-verify=false"] if server.ca is None else []
    argv += ["--src-cert-dir", str(server.ca.folder)] if server.ca is not None else []
    argv += ["--src-creds", f"{server.username}:{server.password}"] if server.username else []
    shutil.rmtree(layout, ignore_errors=True)
    subprocess.run(
        [*argv, f"docker://{name}", f"dir:{layout}"], check=True, capture_output=True, text=True
    )
    manifest = json.loads((layout / "manifest.json").read_text())
    found: dict[str, bytes | str] = {}
    for layer in manifest["layers"]:
        with tarfile.open(layout / layer["digest"].partition(":")[2]) as tar:
            for member in tar:
                path = member.name.removeprefix("./").strip("/")
                if member.isdir():
                    found[f"{path}/"] = b""
                elif member.issym():
                    found[path] = member.linkname
                elif (content := tar.extractfile(member)) is not None:
                    found[path] = content.read()
    return found


def image_config(folder: Path) -> dict[str, Any]:
    """Return the config of the image that ``image_files`` has pulled into this folder."""
    manifest = json.loads((folder / "pulled/manifest.json").read_text())
    name = manifest["config"]["digest"].partition(":")[2]
    config: dict[str, Any] = json.loads((folder / "pulled" / name).read_text())
    return config


def unnamed_images(host: Host) -> list[str]:
    """List dangling images, as the engine itself shows them to its user, sorted.

    docker lists images of one second in any order.
    """
    command = [*engine_command(host), "images", "--filter", "dangling=true", "--quiet"]
    return sorted(host.run(*command).split())


def project_tags(host: Host, context: Path) -> list[str]:
    """List the tags that a project's images have in the engine's store."""
    lines = host.run(*engine_command(host), "images").splitlines()
    return sorted(line.split()[1] for line in lines if context.name in line)


def run_root(root: Path) -> Path:
    """Return where keynet has the state of a rootless store."""
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return Path(f"/tmp/keynet-{root.parents[4].stat().st_uid}/storage-{key}")


def _leads_to(link: Path, target: Path) -> bool:
    """Report where a link leads; it may be another user's, who is removed meanwhile."""
    try:
        return link.readlink() == target
    except OSError:
        return False


def staged(host: Host) -> list[Path]:
    """List what is staged for builds; not by a walk over the stores of engines, which change."""
    return [*(Path(host.environment["HOME"]) / ".cache/keynet/staging").glob("*")]


def engine_command(host: Host) -> list[str]:
    """Return the engine's program, pointed at the store that keynet builds in."""
    root = Path(host.environment["HOME"]) / ".local/share/keynet/storage/root"
    # Where that path has a character that overlay does not take.
    links = (link for link in Path("/tmp").glob("keynet-*/root-*") if _leads_to(link, root))
    plain = next(links, root)
    if host.engine == "docker" or not root.exists():
        return [host.engine]
    run = run_root(root)
    return [
        host.engine,
        *("--root", str(plain), "--runroot", str(run), "--storage-driver", "overlay"),
    ]
