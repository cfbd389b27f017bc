"""``keynet sandbox`` as a process: both registries with real rights, and nothing left behind."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keynet.backend.client import BackendClient
from keynet.backend.models import SignedIn
from keynet.secret import Secret
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.testbed.processes import free_port

pytestmark = pytest.mark.registry
DEBIAN = ("--registry", "docker-registry")


@pytest.fixture(scope="module", params=["keynet", "docker-registry"])
def sandbox(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[SandboxProcess]:
    data = tmp_path_factory.mktemp("platform") / "data"
    with running_sandbox(data, "--registry", request.param) as running:
        yield running


def signed_in(sandbox: SandboxProcess) -> SignedIn:
    with BackendClient(sandbox.server_url, ca_cert=sandbox.ca_cert) as client:
        return client.sign_in(sandbox.username, Secret(sandbox.password))


def skopeo(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["skopeo", *arguments], input=text, text=True, capture_output=True, check=False
    )


def copy(
    source: Path, target: str, username: str, password: str, *, tls: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Push an OCI folder with skopeo, the password on its standard input."""
    authfile = str(source.parent / "auth.json")
    certificates = ["--cert-dir", str(tls)] if tls else ["--tls-verify=false"]
    options = ["--authfile", authfile, *certificates, "-u", username, "--password-stdin"]
    login = skopeo("login", *options, target.split("/", maxsplit=1)[0], text=password)
    if login.returncode:
        return login
    secure = [option.replace("--", "--dest-", 1) for option in certificates]
    options = ["-q", "--dest-authfile", authfile, *secure]
    return skopeo("copy", *options, f"oci:{source}", f"docker://{target}")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An OCI folder with one small image, its content new each time."""
    import hashlib
    import os

    folder = tmp_path / "image"
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    layer = os.urandom(512) + bytes(512)
    kind = "application/vnd.oci.image"
    diff_id = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), f"{kind}.config.v1+json"),
        "layers": [blob(layer, f"{kind}.layer.v1.tar")],
    }
    index = {
        "schemaVersion": 2,
        "manifests": [blob(json.dumps(manifest).encode(), f"{kind}.manifest.v1+json")],
    }
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def test_a_robot_pushes_below_kitech_model_only(sandbox: SandboxProcess, image: Path) -> None:
    harbor = signed_in(sandbox).harbor
    assert harbor.username.startswith("robot$")
    robot = (harbor.username, harbor.password.reveal())
    pushed = copy(image, f"{sandbox.registry}/kitech-model/key:latest", *robot)
    assert pushed.returncode == 0, pushed.stderr
    denied = copy(image, f"{sandbox.registry}/library/python:3.11", *robot)
    assert denied.returncode != 0
    assert "denied" in denied.stderr
    wrong = copy(image, f"{sandbox.registry}/kitech-model/key:latest", robot[0], "wrong")
    assert wrong.returncode != 0


def test_everybody_pulls_base_images_that_the_administrator_pushed(
    sandbox: SandboxProcess, image: Path
) -> None:
    target = f"{sandbox.registry}/library/python:3.11-slim"
    pushed = copy(image, target, "admin", sandbox.admin_password)
    assert pushed.returncode == 0, pushed.stderr
    inspect = ["inspect", "--tls-verify=false", "--no-creds", "--raw"]
    pulled = skopeo(*inspect, f"docker://{target}")
    assert pulled.returncode == 0, pulled.stderr
    copy(image, f"{sandbox.registry}/kitech-model/secret:1", "admin", sandbox.admin_password)
    hidden = skopeo(*inspect, f"docker://{sandbox.registry}/kitech-model/secret:1")
    assert hidden.returncode != 0


def test_both_answer_forms_come_from_the_platform(sandbox: SandboxProcess) -> None:
    token = signed_in(sandbox).token
    with BackendClient(sandbox.server_url, token) as client:
        answers = [
            client.request_upload_key(number, "m", [], harbor_host=sandbox.registry)
            for number in (1, 2)
        ]
    assert answers[0].image is None
    assert answers[0].command == "python train.py"
    assert answers[1].image is not None
    assert answers[1].image.registry == sandbox.registry


@pytest.mark.parametrize("registry", ["keynet", "docker-registry"])
def test_a_restart_keeps_addresses_accounts_and_images(
    tmp_path: Path, image: Path, registry: str
) -> None:
    # One that no connection is given between the two; else the second would take another.
    port = ("--port", str(free_port()))
    with running_sandbox(tmp_path / "data", *port, "--registry", registry) as first:
        account = signed_in(first)
        robot = (account.harbor.username, account.harbor.password.reveal())
        pushed = copy(image, f"{first.registry}/kitech-model/kept:latest", *robot)
        assert pushed.returncode == 0, pushed.stderr
        assert first.end() == 130
    with running_sandbox(tmp_path / "data", "--projects", "25", "--registry", registry) as second:
        assert (second.server_url, second.registry) == (first.server_url, first.registry)
        assert second.password == first.password
        with BackendClient(second.server_url, account.token) as client:
            assert len(list(client.projects())) == 25
        authfile = str(image.parent / "auth.json")
        kept = f"docker://{second.registry}/kitech-model/kept"
        found = skopeo("inspect", "--tls-verify=false", "--authfile", authfile, kept)
        assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("registry", ["keynet", "docker-registry"])
def test_tls_has_a_ca_that_serves_platform_and_registry(
    tmp_path: Path, image: Path, registry: str
) -> None:
    with running_sandbox(tmp_path / "data", "--tls", "--registry", registry) as sandbox:
        assert sandbox.ca_cert is not None
        assert sandbox.server_url.startswith("https://127.0.0.1:")
        account = signed_in(sandbox)
        certificates = tmp_path / "certificates"
        certificates.mkdir()
        (certificates / "ca.crt").write_bytes(sandbox.ca_cert.read_bytes())
        pushed = copy(
            image,
            f"{sandbox.registry}/kitech-model/key:latest",
            account.harbor.username,
            account.harbor.password.reveal(),
            tls=certificates,
        )
        assert pushed.returncode == 0, pushed.stderr


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -9)],
)
def test_the_registry_ends_with_the_sandbox(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    with running_sandbox(tmp_path / "data", *DEBIAN) as sandbox:
        assert registry_processes(sandbox.data)
        assert sandbox.end(number) == status
        wait_until(lambda: not registry_processes(sandbox.data))
        assert "Traceback" not in sandbox.errors.read_text()


def test_a_registry_that_ends_takes_the_sandbox_with_it(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "data", *DEBIAN) as sandbox:
        for pid in registry_processes(sandbox.data):
            subprocess.run(["kill", "-9", str(pid)], check=True)
        assert sandbox.process.wait(300) == 1
        assert "registry exited" in sandbox.errors.read_text()


def test_two_sandboxes_do_not_share_their_data(sandbox: SandboxProcess) -> None:
    argv = [sys.executable, "-m", "keynet", "sandbox", "--data", str(sandbox.data)]
    second = subprocess.run(argv, text=True, capture_output=True, timeout=300, check=False)
    assert second.returncode == 1
    assert "Another sandbox" in second.stderr


def test_what_the_sandbox_keeps_is_for_its_user_alone(sandbox: SandboxProcess) -> None:
    assert stat.S_IMODE(sandbox.data.stat().st_mode) == 0o700
    for name in ("password", "admin-password", "token.key", "platform.sqlite"):
        assert stat.S_IMODE((sandbox.data / name).stat().st_mode) == 0o600
    assert sandbox.password == sandbox.password_file.read_text().strip()


def test_people_are_told_how_to_log_in(tmp_path: Path) -> None:
    argv = [sys.executable, "-u", "-m", "keynet", "sandbox", "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        process.terminate()
        process.wait(300)
    text = "".join(lines)
    assert "keynet login http://127.0.0.1:" in text
    assert "--username user@example.com" in text
    assert f"--password-stdin < {tmp_path}/data/password" in text


def registry_processes(data: Path) -> list[int]:
    """Find the processes that serve this folder's registry."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            argv = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(data / "registry.json").encode() in argv:
            found.append(int(entry.name))
    return found


def wait_until(fact: Callable[[], bool], within_s: float = 300.0) -> None:
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)
