"""Real engines as hosts: health, networks made at the same moment, and what is missing."""

import contextlib
import json
import re
import secrets
import socket
import subprocess
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engines import Host, crossed, make_host, marked
from tests.testbed.daemon import Dockerd, running_dockerd
from tests.testbed.machine import CHECKOUT
from tests.testbed.processes import running, socket_answers

# Ends what hangs; whatever is slow is done long before.
WITHIN_S = 600.0
KINDS = ("docker-networks", "podman-root", "podman-rootless")
NEWER = ("docker-newer", "podman-newer", "podman-newer-rootless")

EXAMPLES = re.findall(r"```python\n(.*?)```", (CHECKOUT / "docs/runtime.md").read_text(), re.DOTALL)

ENSURE = """
import sys
from keynet.runtime.engines.engine_hosts import connect
engine, name, cache = sys.argv[1:]
if cache == "own":
    # As another user's process: it does not take turns with the others.
    import os, tempfile
    folder = tempfile.TemporaryDirectory(prefix="keynet-test-")
    os.environ["XDG_CACHE_HOME"] = folder.name
host = connect(engine)
sys.stdin.readline()
print(host.ensure_network(name).id)
"""


@pytest.fixture(params=marked(KINDS))
def host(request: pytest.FixtureRequest) -> Host:
    return _host_of(request.param, request)


@pytest.fixture(params=marked(NEWER))
def newer_host(request: pytest.FixtureRequest) -> Host:
    return _host_of(request.param, request)


def _host_of(kind: str, request: pytest.FixtureRequest) -> Host:
    if kind != "docker-networks":
        return make_host(kind, request)
    dockerd: Dockerd = request.getfixturevalue("dockerd_with_networks")
    request.getfixturevalue("dockerd")
    return make_host("docker-legacy", request).with_environment(DOCKER_HOST=dockerd.host)


@pytest.fixture
def name(host: Host) -> Iterator[str]:
    made = f"keynet-test-{secrets.token_hex(4)}"
    yield made
    listed = host.run(host.engine, "network", "ls", "--quiet", "--filter", f"name={made}")
    for each in listed.split():
        host.run(host.engine, "network", "rm", each, check=False)


@pytest.mark.parametrize(
    ("host", "cache"), crossed(marked(KINDS), ["shared", "own"]), indirect=["host"]
)
def test_eight_processes_at_once_make_one_network(host: Host, name: str, cache: str) -> None:
    # A new cache: in the user's, another test may have left that keynet's own store is used, and
    # rootless networks are those of a store.
    folder = host.own(Path(tempfile.mkdtemp(prefix="cache-", dir=host.home)))
    _race(host.with_environment(XDG_CACHE_HOME=str(folder)), name, cache)


@pytest.mark.newer
def test_eight_processes_at_once_make_one_newer_network(newer_host: Host) -> None:
    name = f"keynet-test-{secrets.token_hex(4)}"
    _race(newer_host, name, "own")
    newer_host.run(newer_host.engine, "network", "rm", name)


def _race(host: Host, name: str, cache: str) -> None:
    processes = [
        subprocess.Popen(
            host.wrap([host.python, "-c", ENSURE, host.engine, name, cache]),
            env=host.environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    answers = [each.communicate(timeout=WITHIN_S) for each in processes]
    assert [each.returncode for each in processes] == [0] * 8, answers
    listed = host.run(host.engine, "network", "ls", "--format", "{{.Name}}").split()
    assert listed.count(name) == 1
    if cache == "shared":
        assert len({out for out, _err in answers}) == 1
    _check_network(host, name)


def test_everything_about_a_host(host: Host, name: str) -> None:
    _check_everything(host, name)


@pytest.mark.newer
def test_everything_about_a_newer_host(newer_host: Host) -> None:
    _check_everything(newer_host, f"keynet-test-{secrets.token_hex(4)}")


@pytest.mark.parametrize("kind", marked(("buildah-root", "buildah-newer")))
def test_buildah_can_be_watched(kind: str, request: pytest.FixtureRequest) -> None:
    found = _ask(
        make_host(kind, request),
        """
        host.ping()
        answer = [host.version().client, host.system().storage_driver]
        try:
            host.ensure_network("x")
        except keynet.EngineError as error:
            answer.append(error.message)
        """,
    )
    assert found[0].startswith("1.39" if kind.endswith("newer") else "1.28")
    assert "neither networks nor containers" in found[2]


WATCH = textwrap.dedent(
    """
    import sys
    from keynet.runtime.engines.engine_hosts import connect
    from keynet.runtime.workspace.monitor import HealthMonitor
    def show(health):
        hint = health.hint.replace("\\n", " ")
        print(health.healthy, health.reason, hint, sep="|", flush=True)
    with HealthMonitor(connect(sys.argv[1]), 0.1, show):
        sys.stdin.readline()
    """
)


@pytest.mark.parametrize("kind", marked(("docker-legacy", "docker-newer")))
def test_a_daemon_that_stops_and_starts_again_is_two_changes(
    kind: str, bed: Path, request: pytest.FixtureRequest
) -> None:
    host, folder = make_host(kind, request), bed / f"dockerd-{secrets.token_hex(4)}"

    @contextlib.contextmanager
    def serve() -> Iterator[str]:
        with running_dockerd(folder, place=host.wrap) as daemon:
            yield daemon.host

    _watch_a_restart(host, "DOCKER_HOST", serve, "systemctl start docker")


@pytest.mark.parametrize("kind", marked(("podman-root", "podman-newer")))
def test_a_service_that_stops_and_starts_again_is_two_changes(
    kind: str, bed: Path, request: pytest.FixtureRequest
) -> None:
    host, path = make_host(kind, request), bed / f"podman-{secrets.token_hex(4)}.sock"
    service = ["podman", "system", "service", "--time=0", f"unix://{path}"]
    argv = host.wrap(["env", *(f"{k}={v}" for k, v in host.environment.items()), *service])
    log = path.with_suffix(".log")

    @contextlib.contextmanager
    def serve() -> Iterator[str]:
        path.unlink(missing_ok=True)
        with running(argv, log=log, ready=socket_answers(path)):
            yield f"unix://{path}"

    _watch_a_restart(host, "CONTAINER_HOST", serve, "podman")


def _watch_a_restart(
    host: Host, variable: str, serve: Callable[[], AbstractContextManager[str]], fix: str
) -> None:
    with contextlib.ExitStack() as stack:
        with serve() as address:
            watching = stack.enter_context(
                subprocess.Popen(
                    host.wrap([host.python, "-c", WATCH, host.engine]),
                    env=host.with_environment(**{variable: address}).environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(watching.kill)
            # Its output ends then, and no line is the expected one.
            hanging = threading.Timer(WITHIN_S, watching.kill)
            hanging.start()
            stack.callback(hanging.cancel)
            assert watching.stdout is not None
            assert watching.stdout.readline().startswith("True|")
        # A service may still answer while it ends, in other words than one that is not there.
        while fix not in (gone := watching.stdout.readline()):
            assert gone.startswith("False|")
        assert gone.startswith("False|")
        with serve():
            # Words may differ while the socket is there and nobody listens yet.
            while not (line := watching.stdout.readline()).startswith("True|"):
                assert line.startswith("False|")
            watching.communicate("\n", timeout=WITHIN_S)
            assert watching.returncode == 0


@pytest.mark.parametrize("kind", marked(("docker-legacy", "docker-newer")))
def test_a_daemon_that_hangs_is_noticed_in_time(kind: str, request: pytest.FixtureRequest) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        host = make_host(kind, request).with_environment(DOCKER_HOST=f"tcp://127.0.0.1:{port}")
        found = _ask(
            host,
            """
            try:
                host.ping(1)
            except keynet.EngineUnavailable as error:
                answer = error.message
            """,
        )
        assert "did not answer within 1 s" in found


@pytest.mark.parametrize("kind", marked(("docker-networks", "docker-newer")))
def test_every_example_of_the_page_runs(kind: str, request: pytest.FixtureRequest) -> None:
    host = _host_of(kind, request)
    assert len(EXAMPLES) >= 8
    printed = host.run(host.python, "-W", "error", "-c", "\n".join(EXAMPLES))
    version = "26." if kind.endswith("newer") else "20.10"
    assert f"EngineVersion(client='{version}" in printed
    assert "bridge True Labels(created=" in printed
    assert "['keynet-network']" in printed
    assert "workspace_abc--wxkaixb7izx2sh7czrvl" in printed
    assert "Limits(cpus=1.5, memory=2147483648, privileged=False, read_only=True" in printed


def _check_everything(host: Host, name: str) -> None:
    found = _ask(
        host,
        f"""
        name = {name!r}
        versions = host.version()
        facts = host.system()
        made = host.ensure_network(name)
        again = host.ensure_network(name)
        answer = {{
            "ping": host.ping(),
            "versions": [versions.client, versions.server],
            "facts": [facts.version, facts.storage_driver, facts.architecture, facts.rootless],
            "cgroup": facts.cgroup_version,
            "limits": sorted(facts.limits),
            "same": made.id == again.id == host.network(name).id,
            "driver": made.driver,
            "attachable": made.attachable,
            "managed": made.managed is not None,
            "listed": name in [each.name for each in host.networks()],
            "containers": [each.name for each in host.containers()],
        }}
        host.remove_network(name)
        for key, ask in {{
            "network": lambda: host.network(name),
            "removed": lambda: host.remove_network(name),
            "container": lambda: host.container("keynet-nothing"),
            "image": lambda: host.image_id("localhost/keynet-nothing:1"),
        }}.items():
            try:
                ask()
            except keynet.EngineError as error:
                answer[key] = type(error).__name__
        """,
    )
    assert found["ping"] > 0
    assert all(found["versions"])
    assert found["facts"][0] == found["versions"][1]
    assert found["facts"][2] == "amd64"
    assert found["cgroup"] in (1, 2)
    expected: list[str] = ["cpus", "memory", "pids"]
    if found["facts"][3] and found["cgroup"] == 1:
        expected = []
    assert found["limits"] == expected
    assert (found["same"], found["managed"], found["listed"]) == (True, True, True)
    assert (found["driver"], found["attachable"]) == ("bridge", True)
    assert [found[key] for key in ("network", "removed", "container", "image")] == [
        "NetworkNotFound",
        "NetworkNotFound",
        "ContainerNotFound",
        "LocalImageNotFound",
    ]


def _check_network(host: Host, name: str) -> None:
    found = json.loads(host.run(host.engine, "network", "inspect", name))[0]
    labels = found.get("labels") or found.get("Labels")
    assert labels["keynet.managed"] == "true"
    assert labels["keynet.created"].endswith("Z")
    assert (found.get("driver") or found.get("Driver")) == "bridge"
    # podman has no such word: every container may join.
    assert found.get("Attachable", True)


def _ask(host: Host, code: str) -> Any:
    program = (
        "import json, keynet\n"
        "from keynet.runtime.engines.engine_hosts import connect\n"
        f"host = connect({host.engine!r})\n"
        f"{textwrap.dedent(code)}\n"
        "print(json.dumps(answer))\n"
    )
    return json.loads(host.run(host.python, "-W", "error", "-c", program))
