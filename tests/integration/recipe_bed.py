"""What the recipe's tests share: plain engines, a package index, odd base images."""

import base64
import contextlib
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Recipe
from keynet.recipe import context, hostnetwork, ignore
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.finding import Search
from keynet.runtime.build import rendering, uv_program
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import stage
from tests.testbed.certificates import Authority, make_authority
from tests.testbed.http_server import http_server, serving

USER, PASSWORD = "indexer", "s3cret-of-the-index"
CHROOT = ("--isolation", "chroot", "--network", "host")


@dataclass(frozen=True, slots=True)
class Engine:
    """One plain engine: ``name`` is buildah, docker or buildkit.

    ``mounts`` builds the recipe's one-stage form.
    """

    name: str
    environment: Mapping[str, str]
    mounts: bool = False

    def build(self, file: Path, root: Path, tag: str, *flags: str) -> str:
        """Build and return the whole log."""
        if self.name == "buildah":
            argv = ["buildah", "bud", *CHROOT, "--layers"]
        else:
            argv = ["/usr/bin/docker", "build", "--network", "host"]
        return self._run([*argv, *flags, "-f", str(file), "-t", tag, str(root)])

    def user_of(self, image: str) -> str:
        """Return the user of an image, which the one-stage form asks for."""
        if self.name == "buildah":
            self._run(["buildah", "pull", "-q", "--policy", "missing", image])
            inspect = ["buildah", "inspect", "-t", "image", "-f", "{{.OCIv1.Config.User}}"]
        else:
            if not image.startswith("localhost/"):
                self._run(["/usr/bin/docker", "pull", "-q", image])
            inspect = ["/usr/bin/docker", "image", "inspect", "-f", "{{.Config.User}}"]
        return self._run([*inspect, image]).strip()

    def run(self, tag: str) -> str:
        """Run the image's own command and return its output."""
        if self.name == "buildah":
            limits = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000")
            argv = ["podman", "--runtime", "runc", "run", *limits]
        else:
            argv = ["/usr/bin/docker", "run"]
        return self._run([*argv, "--rm", "--network", "none", tag])

    def export(self, tag: str, folder: Path) -> bytes:
        """Return the image as an archive with uncompressed layers, config and history in it."""
        file = folder / "image.tar"
        file.unlink(missing_ok=True)
        if self.name == "buildah":
            self._run(["buildah", "push", "-q", tag, f"docker-archive:{file}:{tag}"])
        else:
            self._run(["/usr/bin/docker", "save", "-o", str(file), tag])
        return file.read_bytes()

    def workspace(self, tag: str, folder: Path) -> dict[str, str]:
        """Return what the image has below /workspace: type and name."""
        found = {}
        with tarfile.open(fileobj=BytesIO(self.export(tag, folder))) as image:
            for member in image.getmembers():
                layer = image.extractfile(member) if member.isfile() else None
                if layer is None or not (member.name.endswith(".tar")):
                    continue
                with tarfile.open(fileobj=BytesIO(layer.read())) as files:
                    for file in files:
                        name = file.name.removeprefix("./").rstrip("/")
                        if name.startswith("workspace/"):
                            found[name.removeprefix("workspace/")] = file.type.decode()
        return found

    def _run(self, argv: list[str]) -> str:
        done = subprocess.run(
            argv,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        assert done.returncode == 0, output[-4000:]
        return output


@dataclass(slots=True)
class Index:
    """A package index that wants a password; also answers as an HTTP proxy to any host."""

    port: int
    authority: Authority | None
    requests: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Settings of a host that uses it, without anything of this machine."""
        scheme = "https" if self.authority else "http"
        url = f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{self.port}/simple"
        own = {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull}
        return own | ({"PIP_CERT": str(self.authority.cert)} if self.authority else {})


@contextlib.contextmanager
def running_index(folder: Path, *, tls: bool) -> Iterator[Index]:
    """Serve tinydep and brought from loopback."""
    wheels = {f"{name}-1.0-py3-none-any.whl": _wheel(name) for name in ("tinydep", "brought")}
    authority = make_authority(folder) if tls else None
    issued = None if authority is None else authority.issue(folder)
    server = http_server(_handler(wheels), certificate=issued)
    index = Index(server.server_address[1], authority)
    server.requests = index.requests  # type: ignore[attr-defined]
    with serving(server):
        yield index


def planned(
    folder: Path, entrypoint: str, base: str, environment: Mapping[str, str]
) -> tuple[BuildPlan, list[str]]:
    """Plan as a push does, for a host with this environment and an empty home."""
    rules = ignore.load(folder)
    inside = context.locate_entrypoint(folder, folder / entrypoint, rules)
    scanned = context.scan(folder, rules)
    found, warnings = finding.find(Search(folder, folder / entrypoint, environment=environment))
    host = hostnetwork.detect(
        environment, folder / "no-home", global_files=(), site_prefix=folder / "no-prefix"
    )
    recipe = Recipe(Reference.parse(base), ("python", inside), dependencies=found)
    plan = BuildPlan(folder, scanned.files, recipe, host_network=host.network)
    return plan, [notice.text for notice in (*scanned.notices, *warnings, *host.notices)]


def rendered(engine: Engine, plan: BuildPlan) -> Rendered:
    """Render the form that this engine is for."""
    recipe = plan.recipe
    assert isinstance(recipe, Recipe)
    if engine.mounts and plan.needs_run:
        user = engine.user_of(str(recipe.base))
        form = rendering.one_stage(recipe, plan.host_network, user, uv_program.for_plan(plan, ""))
        assert form is not None
        return form
    return rendering.two_stages(recipe, plan.host_network, uv_program.for_plan(plan, ""))


def build(engine: Engine, plan: BuildPlan, tag: str) -> str:
    """Stage and build a plan; return the engine's log."""
    with stage(plan, rendered(engine, plan), lambda event: None) as staged:
        return engine.build(staged.containerfile, staged.root, tag)


def _wheel(name: str) -> bytes:
    packed = BytesIO()
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{name}.py", f"ORIGIN = __file__\nNAME = {name!r}\n")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/RECORD,,\n")
    return packed.getvalue()


def _handler(wheels: Mapping[str, bytes]) -> type[BaseHTTPRequestHandler]:
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.requests.append(self.path)  # type: ignore[attr-defined]
            as_proxy = self.path.startswith("http://")
            header = "Proxy-Authorization" if as_proxy else "Authorization"
            if self.headers.get(header) != expected:
                self._answer(407 if as_proxy else 401, b"who are you?")
                return
            name = self.path.rstrip("/").rpartition("/")[2]
            listed = [wheel for wheel in wheels if wheel.startswith(name + "-")]
            if name in wheels:
                self._answer(200, wheels[name], "application/octet-stream")
            elif listed:
                links = "".join(f'<a href="/files/{wheel}">{wheel}</a>' for wheel in listed)
                self._answer(200, f"<!DOCTYPE html><html><body>{links}</body></html>".encode())
            else:
                self._answer(404, b"no such package")

        # uv looks at a wheel's size before it reads its metadata.
        do_HEAD = do_GET

        def _answer(self, status: int, body: bytes, kind: str = "text/html") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    return Handler
