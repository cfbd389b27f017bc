"""Bases of one platform or of two: what is asked for comes out, or no upload key is spent."""

import os
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.images import Hub
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.two_platforms import add_index

from .pushing import OLDER, marked, push, sign_in, small_context, write

pytestmark = pytest.mark.registry
CASES = marked(OLDER)
ENGINES = dict(zip(OLDER, CASES, strict=True))
TWO = "library/busybox:two-platforms"


@pytest.fixture(scope="module")
def two(hub: Hub) -> str:
    """A base for several platforms whose layers are the same: the hardest to keep apart."""
    add_index(hub.registry, "library/busybox:latest", TWO, ("arm64", "amd64", "s390x"))
    return f"{hub.registry.host}/{TWO}"


def _architecture(setup: HostSetup, image: str) -> str:
    if setup.builder == "docker":
        argv = ["docker", "image", "inspect", "--format", "{{.Architecture}}", image]
    else:
        form = "{{.OCIv1.Architecture}}"
        argv = ["buildah", "inspect", "--type", "image", "--format", form, image]
    told = setup.run(setup.command(*argv))
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


def _build(setup: HostSetup, context: Path, base: str, *flags: str) -> str:
    """Build and return the image's architecture."""
    arguments = ["build", "train.py", "--builder", setup.builder, "--base-image", base, *flags]
    told = setup.keynet(*arguments, cwd=context)
    assert told.returncode == 0, told.stderr
    return _architecture(setup, told.stdout.strip())


@pytest.mark.parametrize("name", [ENGINES["buildah"], ENGINES["docker-legacy"]])
def test_a_base_of_another_platform_costs_no_upload_key(
    name: str, host_setups: HostSetups, platform: Platform, hub: Hub
) -> None:
    setup = host_setups.named(name)
    sign_in(setup, platform)
    context = small_context(setup, f"other-{os.urandom(4).hex()}")
    before = len(platform.keys)
    # By its full name the registry answers, by its short one the mirror.
    for base in (hub.reference("busybox"), "busybox"):
        told = push(setup, context, "--platform", "linux/arm64", base=base)
        assert told.returncode == 7, told.stderr
        assert "busybox" in told.stderr
        assert "is for linux/amd64 only, not for linux/arm64" in told.stderr
        assert "--platform" in told.stderr
    told = push(setup, context, base=f"{hub.registry.host}/library/busybox:nope")
    assert told.returncode == 4, told.stderr
    assert "library/busybox:nope does not exist" in told.stderr
    assert len(platform.keys) == before


@pytest.mark.parametrize("name", [ENGINES["podman"], ENGINES["docker-legacy"]])
def test_builds_for_different_platforms_never_mix(
    name: str, host_setups: HostSetups, two: str
) -> None:
    setup = host_setups.named(name)
    context = small_context(setup, f"sticky-{os.urandom(4).hex()}")
    assert _build(setup, context, two, "--platform", "linux/arm64") == "arm64"
    assert _build(setup, context, two) == "amd64"
    assert _build(setup, context, two, "--platform", "linux/arm64") == "arm64"
    # The user pulls it for the other platform, under the same name.
    pulled = setup.run(setup.command(setup.builder, "pull", "--platform", "linux/arm64", two))
    assert pulled.returncode == 0, pulled.stderr
    assert _build(setup, context, two) == "amd64"
    # A Containerfile of the user's own, which names it by its tag; and one without a base.
    for text in (f"FROM {two}\nCOPY . /workspace\n", "FROM scratch\nCOPY . /workspace\n"):
        write(setup, context / "Dockerfile", text)
        for wanted in ("arm64", "amd64"):
            flags = ["--dockerfile", "Dockerfile", "--platform", f"linux/{wanted}"]
            arguments = ["build", "train.py", "--builder", setup.builder, *flags]
            told = setup.keynet(*arguments, cwd=context)
            assert told.returncode == 0, told.stderr
            assert _architecture(setup, told.stdout.strip()) == wanted


@pytest.mark.parametrize("name", [ENGINES["buildah"], ENGINES["docker-buildkit"]])
def test_local_images_and_ids_are_resolved_by_the_engine(
    name: str, host_setups: HostSetups, hub: Hub
) -> None:
    setup = host_setups.named(name)
    context = small_context(setup, f"local-{os.urandom(4).hex()}")
    base = hub.reference("busybox")
    mine = f"mine-{os.urandom(4).hex()}"
    for argv in (["pull", base], ["tag", base, f"{mine}:1"]):
        told = setup.run(setup.command(setup.builder, *argv))
        assert told.returncode == 0, told.stderr
    ids = setup.run(setup.command(setup.builder, "images", "--quiet", "--no-trunc", f"{mine}:1"))
    for given in (f"{mine}:1", ids.stdout.split()[0], ids.stdout.split()[0][7:19]):
        assert _build(setup, context, given) == "amd64"


def test_a_run_of_another_platform_names_the_emulator(host_setups: HostSetups, two: str) -> None:
    setup = host_setups.named("buildah")
    context = small_context(setup, "emulated", requirements_txt="six\n")
    told = setup.keynet(
        "build",
        "train.py",
        *("--builder", "buildah", "--base-image", two, "--platform", "linux/s390x"),
        cwd=context,
    )
    assert told.returncode == 4
    assert "qemu-user-static" in told.stderr
    assert "--platform" in told.stderr


def test_a_long_home_still_gives_a_fast_store(host_setups: HostSetups) -> None:
    made = host_setups.named("rootless-podman")
    home = made.home / "a-home-with-a-name-of-many-letters"
    variables = {**made.environment, "HOME": str(home)}
    variables.pop("XDG_RUNTIME_DIR", None)
    setup = HostSetup(made.name, "podman", made.python, home, variables, made.prefix)
    assert made.run(made.command("mkdir", "-p", str(home))).returncode == 0
    context = small_context(setup, "project")
    told = setup.keynet(
        "build", "train.py", "--builder", "podman", "--base-image", "busybox", cwd=context
    )
    assert told.returncode == 0, told.stderr
    assert "own overlay store" in told.stderr
    assert "vfs" not in told.stderr
