"""Bad input and broken surroundings: a clear error, the right status, and no key is wasted."""

import dataclasses
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.certificates import make_authority
from tests.testbed.host_setups import HostSetups
from tests.testbed.index import Index
from tests.testbed.machine import remove_tree
from tests.testbed.platform import EMAIL, PASSWORD, Platform, running_platform
from tests.testbed.program import HostSetup
from tests.testbed.pulled import pull
from tests.testbed.registry import RegistryServer

from .pushing import push, sign_in, small_context, through, write
from .scripted_registry import Refusal, scripted_registry

pytestmark = [pytest.mark.buildah, pytest.mark.registry]

COPY_ONLY = "FROM busybox\nCOPY . /workspace\n"


@pytest.fixture(scope="module")
def setup(host_setups: HostSetups, platform: Platform) -> HostSetup:
    """One engine is enough: what is checked here is keynet's own."""
    made = host_setups.named("buildah")
    sign_in(made, platform)
    return made


@pytest.fixture
def context(setup: HostSetup) -> Path:
    return small_context(setup, f"bad-{os.urandom(4).hex()}", Recipe=COPY_ONLY)


@pytest.fixture
def no_key_asked(platform: Platform) -> Iterator[None]:
    """The test must not cost an upload key."""
    before = len(platform.keys)
    yield
    assert len(platform.keys) == before


Told = subprocess.CompletedProcess[str]


def _push(setup: HostSetup, context: Path, *flags: str, script: str = "train.py") -> Told:
    base = [] if "--dockerfile" in flags else ["--base-image", "busybox"]
    arguments = ["push", script, "--builder", "buildah", *base, *flags]
    return setup.keynet(*arguments, cwd=context)


def _refused(told: Told, status: int, *words: str) -> None:
    assert told.returncode == status, told.stderr
    assert "Traceback" not in told.stderr
    assert told.stdout == ""
    for word in words:
        assert word in told.stderr


@pytest.mark.usefixtures("no_key_asked")
class TestScript:
    def test_missing(self, setup: HostSetup, context: Path) -> None:
        _refused(_push(setup, context, script="no/such.py"), 3, "no/such.py")

    def test_a_directory(self, setup: HostSetup, context: Path) -> None:
        (context / "folder.py").mkdir()
        _refused(_push(setup, context, script="folder.py"), 3, "folder.py")

    def test_empty(self, setup: HostSetup, context: Path) -> None:
        (context / "train.py").write_text("")
        _refused(_push(setup, context), 3, "train.py", "empty")

    def test_not_utf8(self, setup: HostSetup, context: Path) -> None:
        (context / "train.py").write_bytes(b"name = '\xb0\xa1'\n")
        _refused(_push(setup, context), 3, "train.py", "UTF-8")

    def test_a_syntax_error_is_shown_with_its_line_and_a_caret(
        self, setup: HostSetup, context: Path
    ) -> None:
        (context / "train.py").write_text("import os\nprint('unclosed'\n")
        _refused(_push(setup, context), 3, "train.py", "line 2", "^")

    def test_outside_of_the_context(self, setup: HostSetup, context: Path) -> None:
        (context / "inner").mkdir()
        _refused(_push(setup, context, "--context", "inner"), 3, "train.py", "inner")


@pytest.mark.usefixtures("no_key_asked")
class TestContext:
    def test_missing(self, setup: HostSetup, context: Path) -> None:
        _refused(_push(setup, context, "--context", "nowhere"), 3, "nowhere")

    def test_containerfile_missing(self, setup: HostSetup, context: Path) -> None:
        told = _push(setup, context, "--dockerfile", "No.such")
        _refused(told, 3, "No.such", str(context / "No.such"))

    def test_requirements_missing(self, setup: HostSetup, context: Path) -> None:
        _refused(_push(setup, context, "--requirements", "wants.txt"), 3, "wants.txt")

    def test_base_image_that_is_no_reference(self, setup: HostSetup, context: Path) -> None:
        told = _push(setup, context, "--base-image", "Not A Reference!")
        assert told.returncode in {2, 3, 7}, told.stderr
        assert "Not A Reference!" in told.stderr

    def test_the_biggest_files_of_a_huge_context_are_named(
        self, setup: HostSetup, context: Path
    ) -> None:
        with (context / "weights.bin").open("wb") as handle:
            handle.truncate(5 * 1024**3)
        told = _push(setup, context, "--dry-run")
        assert told.returncode == 0, told.stderr
        assert "weights.bin" in told.stderr
        assert "5." in told.stderr

    def test_without_a_login(self, setup: HostSetup, context: Path, tmp_path: Path) -> None:
        missing = {"KEYNET_CONFIG": str(tmp_path / "none.json")}
        told = push(setup, context, env=missing)
        _refused(told, 6, "keynet login")


def test_what_no_image_can_hold_is_left_out_and_named(
    setup: HostSetup, context: Path, platform: Platform, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(context / "s"))
        os.mkfifo(context / "fifo")
        (context / "loop").symlink_to("loop")
        (context / "around").symlink_to(".")
        (context / "out").symlink_to("/etc/passwd")
        told = _push(setup, context, "--dockerfile", "Recipe")
    assert told.returncode == 0, told.stderr
    assert "Skipping 2 sockets, fifos or devices of the context: fifo, s" in told.stderr
    assert "points outside the context" in told.stderr
    files = pull(platform.registry, told.stdout.strip(), tmp_path).files("/workspace")
    links = {name: entry.content for name, entry in files.items() if entry.kind == "link"}
    assert links == {"loop": b"loop", "around": b".", "out": b"/etc/passwd"}
    assert set(files) - set(links) - {""} == {"train.py", "Recipe"}


def test_a_huge_file_that_is_ignored_costs_nothing(
    setup: HostSetup, context: Path, platform: Platform, tmp_path: Path
) -> None:
    with (context / "weights.bin").open("wb") as handle:
        handle.truncate(5 * 1024**3)
    (context / ".dockerignore").write_text("*.bin\n")
    told = _push(setup, context, "--dockerfile", "Recipe")
    assert told.returncode == 0, told.stderr
    assert "weights.bin" not in told.stderr
    assert "weights.bin" not in pull(platform.registry, told.stdout.strip(), tmp_path).files(
        "/workspace"
    )


@pytest.mark.rootless
@pytest.mark.parametrize("what", ["weights.bin", "data"])
def test_a_context_that_this_user_may_not_read_is_refused(
    host_setups: HostSetups, what: str
) -> None:
    setup = host_setups.named("rootless-buildah")
    context = small_context(setup, f"closed-{os.urandom(4).hex()}")
    write(setup, context / "weights.bin", "closed\n")
    write(setup, context / "data/1.csv", "closed\n")
    setup.engine("chmod", "000", str(context / what))
    told = setup.keynet("build", "train.py", "--dry-run", cwd=context)
    setup.engine("chmod", "700", str(context / what))
    _refused(told, 3, what, "permission denied", ".dockerignore")


@pytest.mark.packages
def test_requirements_that_do_not_resolve_are_named_with_index_and_python(
    setup: HostSetup, context: Path, index: Index
) -> None:
    write(setup, context / "requirements.txt", "no-such-package==9\n")
    told = push(setup, context, env=through(index))
    _refused(told, 4, "the index has no package no-such-package", "with Python 3.11", index.url)
    assert "was not found in the package registry" in told.stderr
    assert "Requesting upload key" not in told.stderr
    planned = push(setup, context, "--dry-run", env=through(index))
    assert planned.returncode == 4
    assert "the index has no package no-such-package" in planned.stderr
    assert "CMD" in planned.stdout


@pytest.mark.packages
def test_a_wheel_that_nothing_can_open_costs_no_key(
    setup: HostSetup, context: Path, index: Index
) -> None:
    write(setup, context / "requirements.txt", "./own-1.0-py3-none-any.whl\n")
    write(setup, context / "own-1.0-py3-none-any.whl", "the first half of a wheel\n")
    told = push(setup, context, env=through(index))
    _refused(told, 3, "own-1.0-py3-none-any.whl of the project cannot be installed", "truncated")
    assert "Requesting upload key" not in told.stderr


def test_python_among_the_requirements_costs_no_key(
    setup: HostSetup, context: Path, index: Index
) -> None:
    write(setup, context / "requirements.txt", "tinydep\npython>=3.8\n")
    told = push(setup, context, env=through(index))
    _refused(told, 3, "python>=3.8 cannot be installed", "--base-image python:3.10-slim")
    assert "Requesting upload key" not in told.stderr


def test_a_containerfile_that_fails_names_its_step(setup: HostSetup, context: Path) -> None:
    write(setup, context / "Recipe", f"{COPY_ONLY}RUN echo about-to-fail; false\nRUN true\n")
    told = _push(setup, context, "--dockerfile", "Recipe")
    _refused(told, 4, "RUN echo about-to-fail; false", "about-to-fail", "Recipe")


def test_a_base_image_that_does_not_exist(setup: HostSetup, context: Path) -> None:
    told = _push(setup, context, "--base-image", "library/nothing:here")
    _refused(told, 4, "library/nothing:here")


def test_a_disk_that_is_full_while_building(
    setup: HostSetup, context: Path, bed: Path, platform: Platform
) -> None:
    small = bed / "small-disk"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small)]
    subprocess.run(mount, check=True)
    try:
        conf = small / "storage.conf"
        conf.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{small}/g"\nrunroot = "{small}/r"\n'
        )
        with (context / "big.bin").open("wb") as handle:
            handle.write(os.urandom(16 * 1024**2))
        poor = dataclasses.replace(
            setup, environment={**setup.environment, "CONTAINERS_STORAGE_CONF": str(conf)}
        )
        told = _push(poor, context, "--dockerfile", "Recipe")
    finally:
        remove_tree(small)
    _refused(told, 4, "no space left on device")


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (Refusal("blob", 403, "DENIED", "requested access is denied"), 6, ("keynet login",)),
        (Refusal("blob", 403, "DENIED", "adding 9 MiB will exceed the quota"), 5, ("quota",)),
        (Refusal("manifest", 412, "PRECONDITION", "tag latest is immutable"), 5, ("immutable",)),
        (Refusal("blob", 413, "", "too large"), 5, ("large",)),
    ],
    ids=["denied", "quota", "immutable", "too-large"],
)
def test_a_registry_that_refuses_is_quoted(
    setup: HostSetup,
    context: Path,
    tmp_path: Path,
    refusal: Refusal,
    status: int,
    words: tuple[str, ...],
) -> None:
    with scripted_registry(refusal=refusal) as registry:
        told = _push_to(setup, context, registry.host, tmp_path)
    _refused(told, status, *words)


def test_a_robot_whose_password_is_wrong(
    setup: HostSetup, context: Path, basic_registry: RegistryServer, tmp_path: Path
) -> None:
    assert basic_registry.ca is not None
    told = _push_to(
        *(setup, context, basic_registry.host, tmp_path),
        scheme="https",
        KEYNET_CA_CERT=str(basic_registry.ca.cert),
    )
    _refused(told, 6, "keynet login")


def test_a_registry_that_cannot_be_reached(setup: HostSetup, context: Path, tmp_path: Path) -> None:
    _refused(_push_to(setup, context, "127.0.0.1:9", tmp_path), 5, "127.0.0.1:9")


def test_a_registry_of_an_unknown_ca(
    setup: HostSetup, context: Path, tls_registry: RegistryServer, tmp_path: Path
) -> None:
    other = make_authority(tmp_path / "other", "another CA")
    told = _push_to(
        *(setup, context, tls_registry.host, tmp_path),
        scheme="https",
        KEYNET_CA_CERT=str(other.cert),
    )
    assert told.returncode == 5, told.stderr
    assert "certificate" in told.stderr
    assert "Traceback" not in told.stderr


def _push_to(
    setup: HostSetup, context: Path, host: str, folder: Path, *, scheme: str = "http", **env: str
) -> Told:
    """Push by a login of its own at a platform whose registry is ``host``."""
    registry = RegistryServer(
        host=host,
        port=int(host.rpartition(":")[2]),
        folder=folder,
        auth="basic",
        username="robot$refused",
        password="a-password-of-some-length",
        ca=None,
        tokens=None,
        log=folder / "registry.log",
    )
    own = {"KEYNET_CONFIG": str(folder / "config" / "config.json")}
    with running_platform(registry) as platform:
        platform.registry_url = f"{scheme}://{host}"
        told = setup.keynet(
            *("login", platform.url, "--username", EMAIL, "--password-stdin"),
            stdin=PASSWORD,
            # No engine is found: the registry is not asked at the login.
            env={**own, "PATH": "/nonexistent"},
        )
        assert told.returncode == 0, told.stderr
        arguments = ["--builder", "buildah", "--dockerfile", "Recipe"]
        return setup.keynet("push", "train.py", *arguments, cwd=context, env={**own, **env})
