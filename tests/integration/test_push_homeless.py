"""Users as CI runners, containers, su and sudo make them: no home, nobody's, another user's."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed.daemon import Dockerd
from tests.testbed.host_setups import HostSetups
from tests.testbed.machine import remove_tree
from tests.testbed.platform import EMAIL, PASSWORD, TOKEN, Platform
from tests.testbed.program import HostSetup

from .pushing import marked, rarely, write

pytestmark = pytest.mark.registry

# No line of /etc/passwd, /etc/subuid or /etc/group has it.
UNKNOWN = 54_321
RECIPE = "FROM busybox\nCOPY . /workspace\n"


@pytest.fixture
def unknown(host_setups: HostSetups, dockerd: Dockerd) -> Iterator[HostSetup]:
    """The setup of a runner in a container: a user without an account, a remote daemon."""
    setup = host_setups.named("docker-buildkit")
    home = host_setups.folder / f"unknown-{os.urandom(4).hex()}"
    home.mkdir(mode=0o700)
    os.chown(home, UNKNOWN, UNKNOWN)
    ids = [f"--reuid={UNKNOWN}", f"--regid={UNKNOWN}", "--clear-groups"]
    kept = {k: v for k, v in setup.environment.items() if k not in {"HOME", "XDG_RUNTIME_DIR"}}
    variables = {**kept, "DOCKER_HOST": dockerd.tcp, "TMPDIR": str(home)}
    prefix = ["/usr/bin/setpriv", *ids, "--"]
    yield replace(setup, name="unknown", home=home, environment=variables, prefix=prefix)
    remove_tree(home)


PODMAN, BUILDAH = marked({"rootless-podman": "podman", "rootless-buildah": "buildah"})
# Both find their store and the folders by the same code: each case with one of them in CI.
BY_PODMAN = [PODMAN, rarely(BUILDAH)]
BY_BUILDAH = [rarely(PODMAN), BUILDAH]


@pytest.fixture
def rootless(request: pytest.FixtureRequest, host_setups: HostSetups) -> Iterator[HostSetup]:
    """A rootless setup whose temporary files are seen apart from other tests'."""
    setup = host_setups.named(request.param)
    temporary = setup.home / f"tmp-{os.urandom(4).hex()}"
    subprocess.run([*setup.prefix, "mkdir", str(temporary)], check=True)
    yield replace(setup, environment={**setup.environment, "TMPDIR": str(temporary)})
    remove_tree(temporary)


@pytest.mark.docker
@pytest.mark.parametrize("home", [None, "/", "/dev/null", "/root"])
def test_a_user_whom_nobody_knows_pushes_with_variables_alone(
    unknown: HostSetup, platform: Platform, home: str | None
) -> None:
    setup = _with_home(unknown, home)
    context = _context(setup)
    before = sorted(context.iterdir())
    told = _push(setup, platform, context)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["builder"]["name"] == "docker"
    assert sorted(context.iterdir()) == before
    left = [path for path in setup.home.glob("keynet-*/*/*") if path.name == "staging"]
    assert [list(path.iterdir()) for path in left] == [[]]
    assert (setup.home / f"keynet-{UNKNOWN}").stat().st_mode & 0o777 == 0o700


@pytest.mark.docker
def test_every_other_command_answers_such_a_user(unknown: HostSetup, platform: Platform) -> None:
    for home in (None, "/", "/dev/null", "/root"):
        setup = _with_home(unknown, home)
        context = _context(setup)
        statuses = {
            command: setup.keynet(*command.split(), cwd=context).returncode
            for command in (
                *("params train.py", "clean --yes", "config path", "logout"),
                *("config show", "project list", "push train.py --builder docker"),
                f"registry tags {platform.registry.host} x --insecure",
            )
        }
        assert list(statuses.values())[:4] == [0] * 4, statuses
        assert list(statuses.values())[4:7] == [6] * 3, statuses
        assert list(statuses.values())[7:] != [70], statuses
    # It tries every engine, so once: where the home is another user's.
    assert setup.keynet("doctor", cwd=context).returncode == 6


@pytest.mark.docker
@pytest.mark.parametrize(
    "command",
    [
        "build /root/train.py",
        "build train.py --context /root",
        "build train.py -f /root/no/Containerfile",
        "build train.py -r /root/no/requirements.txt",
        "build train.py --secret id=a,src=/root/no/secret",
        "build train.py -f Recipe --output oci-archive:/root/no/image.tar",
        "login https://127.0.0.1:9 --username a@b.c --password-stdin --ca-cert /root/no/ca.pem",
        "params /root/no/train.py",
        "image inspect /root/no/image.tar",
        "image push /root/no/image.tar --to http://127.0.0.1:9/x:1",
        "image pull http://127.0.0.1:9/x:1 /root/no/image.tar",
    ],
)
def test_a_path_that_is_hidden_from_the_user_is_named(unknown: HostSetup, command: str) -> None:
    setup = _with(unknown, KEYNET_CONFIG=str(unknown.home / "config.json"))
    told = setup.keynet(*command.split(), cwd=_context(setup), stdin=PASSWORD)
    assert told.returncode in {1, 2, 3, 4, 5, 7}, told.stderr
    assert "/root" in told.stderr or told.returncode == 5, told.stderr


@pytest.mark.docker
def test_a_login_that_cannot_be_saved_asks_the_platform_nothing(
    unknown: HostSetup, platform: Platform
) -> None:
    assert platform.registry.ca is not None
    asked = len(platform.asked)
    flags = ["--username", EMAIL, "--password-stdin", "--ca-cert", str(platform.registry.ca.cert)]
    told = _with_home(unknown, "/").keynet("login", platform.url, *flags, stdin=PASSWORD)
    assert told.returncode == 1
    assert "Cannot save the credentials in /.config/keynet/config.json" in told.stderr
    assert "KEYNET_CONFIG" in told.stderr
    assert len(platform.asked) == asked


@pytest.mark.docker
def test_a_folder_of_others_is_never_taken_for_keynets_own(unknown: HostSetup) -> None:
    context = _context(unknown)
    trap = unknown.home / f"keynet-{UNKNOWN}"
    for mode in (0o700, 0o777):
        trap.mkdir()
        trap.chmod(mode)
        os.chown(trap, 0 if mode == 0o700 else UNKNOWN, 0)
        told = unknown.keynet("build", "train.py", "-f", "Recipe", cwd=context)
        assert told.returncode == 1
        assert "can be changed by other users" in told.stderr
        trap.rmdir()
    trap.symlink_to(context)
    told = unknown.keynet("build", "train.py", "-f", "Recipe", cwd=context)
    assert told.returncode == 1
    assert sorted(path.name for path in context.iterdir()) == ["Recipe", "train.py"]


@pytest.mark.parametrize("rootless", BY_PODMAN, indirect=True)
def test_rootless_engines_work_without_a_home_that_can_be_written(
    rootless: HostSetup, platform: Platform
) -> None:
    told = _push(_with_home(rootless, "/"), platform, _context(rootless))
    assert told.returncode == 0, told.stderr
    cleaned = _with_home(rootless, "/").keynet("clean", "--all", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    left = Path(rootless.environment["TMPDIR"]).glob("keynet-*/*/*")
    # What was pushed last is no left-over: keynet explain shows it.
    kept = {"home", "last-image.json"}
    assert [path.name for path in left if path.name not in kept] == []


@pytest.mark.parametrize("rootless", BY_BUILDAH, indirect=True)
def test_the_runtime_folder_of_another_user_is_left_alone(
    rootless: HostSetup, platform: Platform, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    setup = _with(rootless, XDG_RUNTIME_DIR=str(tmp_path))
    told = _push(setup, platform, _context(setup))
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("rootless", BY_BUILDAH, indirect=True)
def test_a_folder_for_temporary_files_that_is_not_there(rootless: HostSetup) -> None:
    setup = _with(rootless, TMPDIR="/no/such/folder")
    told = setup.keynet(
        *("build", "train.py", "-f", "Recipe", "--builder", setup.builder), cwd=_context(setup)
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.buildah
def test_a_current_folder_that_is_gone_is_said(host_setups: HostSetups) -> None:
    setup = host_setups.named("buildah")
    context = _context(setup)
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    for command in (["build", "train.py"], ["build", f"{context}/train.py"], ["params", "x.py"]):
        keynet = [setup.python, "-m", "keynet", *command]
        told = setup.run(setup.command("sh", "-c", script, "sh", *keynet, cwd=context))
        assert told.returncode == 2, told.stderr
        assert "The current folder no longer exists." in told.stderr


def _context(setup: HostSetup) -> Path:
    context = setup.home / f"homeless-{os.urandom(4).hex()}"
    write(setup, context / "train.py", 'print("trained")\n')
    write(setup, context / "Recipe", RECIPE)
    return context


def _with(setup: HostSetup, **variables: str) -> HostSetup:
    return replace(setup, environment={**setup.environment, **variables})


def _with_home(setup: HostSetup, home: str | None) -> HostSetup:
    if home is None:
        variables = {k: v for k, v in setup.environment.items() if k != "HOME"}
        return replace(setup, environment=variables)
    return _with(setup, HOME=home)


def _push(setup: HostSetup, platform: Platform, context: Path) -> subprocess.CompletedProcess[str]:
    """Push as a runner without a login does: by variables alone."""
    assert platform.registry.ca is not None
    variables = {
        "KEYNET_SERVER_URL": platform.url,
        "KEYNET_API_TOKEN": TOKEN,
        "KEYNET_HARBOR_URL": platform.registry_url,
        "KEYNET_HARBOR_USERNAME": platform.registry.username,
        "KEYNET_HARBOR_PASSWORD": platform.registry.password,
        "KEYNET_PROJECT_ID": "12",
        "KEYNET_CA_CERT": str(platform.registry.ca.cert),
        "KEYNET_TOKEN_HOSTS": ",".join(platform.registry.token_hosts),
    }
    flags = ["-f", "Recipe", "--builder", setup.builder, "--json"]
    return setup.keynet("push", "train.py", *flags, cwd=context, env=variables)
