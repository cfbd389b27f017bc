"""Pushes without an engine: by an ordinary user without subuid, run by the engines."""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keynet.oci.attachment import LOCK, SBOM
from keynet.oci.reference import Reference
from keynet.registry import artifact
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.client import RegistryClient
from keynet.secret import Secret
from tests.testbed.host_setups import HostSetups
from tests.testbed.images import Hub
from tests.testbed.machine import need
from tests.testbed.platform import Platform
from tests.testbed.pulled import PulledImage, pull
from tests.testbed.registry import RegistryServer
from tests.testbed.two_platforms import add_index
from tests.testbed.user import OrdinaryUser

from .direct_pushing import Pusher, setup_without_engines
from .pushing import Done, run_image, sign_in, write


@pytest.fixture(scope="module")
def pusher(
    user_without_subids: OrdinaryUser,
    host_python: str,
    keynet_source: Path,
    hub: Hub,
    platform: Platform,
    bed: Path,
) -> Pusher:
    """An ordinary user, logged in, in whose PATH is no engine."""
    # Other modules of a session use this fixture, too.
    folder = Path(tempfile.mkdtemp(prefix="direct-", dir=bed))
    folder.chmod(0o755)
    setup = setup_without_engines(user_without_subids, host_python, keynet_source, folder / "tools")
    sign_in(setup, platform)
    return Pusher(setup, platform, hub.reference("slim"))


@pytest.fixture(scope="module")
def done(pusher: Pusher) -> Done:
    return pusher.done(pusher.context("check"), "check.py")


@pytest.fixture(scope="module")
def pulled(done: Done, tmp_path_factory: pytest.TempPathFactory) -> PulledImage:
    return pull(done.platform.registry, done.image, tmp_path_factory.mktemp("pulled"))


def test_no_engine_is_needed(pusher: Pusher, done: Done) -> None:
    assert done.result["builder"]["name"] == "direct"
    shown = pusher.setup.run(pusher.setup.command("sh", "-c", "command -v docker podman buildah"))
    assert shown.stdout == ""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("docker-legacy", marks=pytest.mark.docker),
        pytest.param("podman", marks=pytest.mark.podman),
        pytest.param("buildah", marks=[pytest.mark.buildah, pytest.mark.matrix]),
    ],
)
def test_engines_run_it(name: str, pusher: Pusher, done: Done, host_setups: HostSetups) -> None:
    setup = host_setups.named(name)
    there = replace(done, setup=setup, command=("python", "check.py"))
    output = run_image(there)
    seen = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    assert ["numpy", "2.2.6"] in seen["packages"]
    assert ["scikit-learn", "1.6.1"] in seen["packages"]
    assert seen["prefix"] == "/opt/keynet"
    assert seen["numpy"].startswith("/opt/keynet/lib/python3.11/site-packages/")
    assert seen["base"] == seen["numpy"]
    assert seen["f2py"] == "2.2.6"
    trains = pusher.done(pusher.context("train"))
    assert "accuracy 0.9" in run_image(replace(trains, setup=setup))
    if setup.builder == "docker":
        # Other tests of the session look at all images of this daemon.
        setup.engine("docker", "rmi", done.image, trains.image)


@pytest.mark.podman
def test_podman_runs_layers_of_zstd(pusher: Pusher, host_setups: HostSetups) -> None:
    small = pusher.done(pusher.small_context("zstd"), KEYNET_COMPRESSION="zstd")
    assert "zstd" in json.dumps(raw_manifest(pusher.platform, small.image)["layers"])
    assert "small 3.6.0" in run_image(replace(small, setup=host_setups.named("podman")))


@pytest.mark.buildah
def test_it_has_what_an_engine_installs(
    pusher: Pusher, host_setups: HostSetups, tmp_path: Path
) -> None:
    # Programs, compiled modules and data of a wheel: more of them show nothing else.
    own = pusher.context("same")
    write(pusher.setup, own / "requirements.txt", "numpy==2.2.6\n")
    done = pusher.done(own, "check.py")
    setup = host_setups.named("buildah")
    sign_in(setup, pusher.platform)
    context = setup.home / "same"
    for file in ("requirements.txt", "train.py", "check.py"):
        write(setup, context / file, (own / file).read_text())
    built = setup.keynet(
        *("push", "check.py", "--builder", "buildah", "--base-image", pusher.base, "--json"),
        cwd=context,
    )
    by_engine = Done.of(setup, context, pusher.platform, built)
    registry = pusher.platform.registry
    pulled = pull(registry, done.image, tmp_path / "mine")
    other = pull(registry, by_engine.image, tmp_path / "other")
    mine, theirs = pulled.files("/opt/keynet"), other.files("/opt/keynet")
    assert {path for path in mine if not _is_of_project(path)} == {
        path for path in theirs if not _is_of_project(path)
    }
    # Times of the build, and hashes in another order, are in these.
    differing = {
        path
        for path, entry in mine.items()
        if not _is_of_project(path)
        and entry.kind == "file"
        and entry.content != theirs[path].content
    }
    assert {path for path in differing if not path.endswith(("/RECORD", "pyvenv.cfg"))} == set()
    settings = [each.config["config"] for each in (pulled, other)]
    for name in ("Env", "Cmd", "WorkingDir"):
        assert settings[0].get(name) == settings[1].get(name)
    assert settings[0]["Labels"]["keynet.managed"] == "true"
    assert not settings[0].get("Entrypoint")


def _is_of_project(path: str) -> bool:
    """Report whether it is byte code, or tells which packages a project names itself."""
    return "__pycache__" in path or path.endswith("/REQUESTED")


def test_the_same_project_gives_the_same_digest_anywhere(pusher: Pusher) -> None:
    contexts = [pusher.context("one"), pusher.context("two", umask="077")]
    for context in contexts:
        # Byte code, programs and compiled modules enough.
        write(pusher.setup, context / "requirements.txt", "numpy==2.2.6\n")
    first = pusher.done(contexts[0])
    cache = pusher.setup.home / "other-cache"
    second = pusher.done(
        contexts[1],
        XDG_CACHE_HOME=str(cache),
        TZ="Asia/Seoul",
        PYTHONHASHSEED="7",
    )
    assert first.result["digest"] == second.result["digest"]


def test_nothing_of_the_host_is_in_a_layer(pusher: Pusher, done: Done, pulled: PulledImage) -> None:
    host = subprocess.check_output(["uname", "-n"], text=True).strip()
    for needle in (str(pusher.setup.home), pusher.setup.python, str(done.context), sys.prefix):
        assert pulled.holds(needle.encode()) == []
    if len(host) > 6:
        assert pulled.holds(host.encode()) == []


def test_it_is_the_same_again_from_its_lock(pusher: Pusher, done: Done) -> None:
    def verify(**env: str) -> dict[str, Any]:
        told = pusher.setup.keynet(
            "verify", done.image, "check.py", "--json", cwd=done.context, env=env
        )
        assert told.returncode == 0, told.stderr
        found: dict[str, Any] = json.loads(told.stdout)
        return found

    # With nothing of the push: neither its wheels nor its layers.
    found = verify(XDG_CACHE_HOME=str(pusher.setup.home / "verify-cache"))
    assert {each["verdict"] for each in found["layers"]} == {"equal"}
    assert len(found["layers"]) > 4


async def _documents(registry: RegistryServer, image: str) -> list[bytes | None]:
    """Return lock and bill of materials of an image."""
    name = Reference.parse(image)
    assert name.digest is not None
    client = RegistryClient(
        registry.host,
        auth=[FixedSource(registry.host, Credential(registry.username, Secret(registry.password)))],
        ca_cert=registry.ca.cert if registry.ca else None,
        token_hosts=registry.token_hosts,
    )
    async with client:
        return [
            await artifact.read_attached(client, name, name.digest, kind) for kind in (LOCK, SBOM)
        ]


def test_its_packages_are_told_by_lock_and_bill_of_materials(pusher: Pusher, done: Done) -> None:
    lock, bill = asyncio.run(_documents(pusher.platform.registry, done.image))
    assert lock is not None
    assert bill is not None
    locked = {each["name"]: each for each in tomllib.loads(lock.decode())["packages"]}
    assert [len(each["wheels"]) for each in locked.values()] == [1] * len(locked)
    listed = {each["name"]: each["hashes"][0]["content"] for each in json.loads(bill)["components"]}
    assert listed == {name: each["wheels"][0]["hashes"]["sha256"] for name, each in locked.items()}
    assert listed.keys() >= {"numpy", "scikit-learn"}
    without = Done.of(
        pusher.setup,
        done.context,
        pusher.platform,
        pusher.push(done.context, "check.py", flags=("--no-sbom", "--label", "x=y")),
    )
    assert asyncio.run(_documents(pusher.platform.registry, without.image)) == [None, None]


@pytest.mark.podman
def test_an_empty_disk_sends_the_code_alone_with_a_cache(
    pusher: Pusher, done: Done, host_setups: HostSetups
) -> None:
    """As in CI: nothing of the wheels or of the base is fetched."""
    cache = f"{pusher.platform.registry.host}/kitech-model/cache:ci"
    pusher.push(done.context, "check.py", flags=("--cache-to", cache))
    context = pusher.context("empty-disk")
    write(pusher.setup, context / "train.py", "import sklearn\nprint('changed', sklearn)\n")
    empty = pusher.setup.home / "empty-cache"
    there = pusher.done(context, XDG_CACHE_HOME=str(empty), KEYNET_CACHE_FROM=cache)
    assert there.result["bytes_pushed"] < 64_000
    assert not (empty / "keynet/direct/uv").exists()
    found = pusher.setup.run(
        pusher.setup.command("du", "-s", "--block-size=1", str(empty))
    ).stdout.split()[0]
    assert int(found) < 2_000_000
    assert "changed" in run_image(replace(there, setup=host_setups.named("podman")))
    assert cache.partition("/")[2].partition(":")[0] in pusher.platform.registry.log.read_text()
    foreign = pusher.push(context, flags=("--cache-to", pusher.base))
    assert foreign.returncode == 0
    assert "was not written" in foreign.stderr


@pytest.mark.parametrize(("flags", "most"), [((), 20), (("--no-sbom",), 14)])
def test_a_code_change_sends_the_code_alone(
    pusher: Pusher, flags: tuple[str, ...], most: int
) -> None:
    context = pusher.context(f"change-{most}")
    pusher.done(context)
    write(pusher.setup, context / "train.py", f"print('changed', {most})\n")
    before = len(pusher.platform.registry.requests())
    told = pusher.push(context, flags=flags)
    again = Done.of(pusher.setup, context, pusher.platform, told)
    assert again.result["bytes_pushed"] < 64_000
    asked = pusher.platform.registry.requests()[before:]
    layers = len(raw_manifest(pusher.platform, again.image)["layers"])
    # This registry has no referrers API: its list is read, written and read again.
    assert len(asked) <= layers + most, asked


# What chooses packages, starts programs, drives engines, reads images or cleans up.
SPARED = re.compile(
    r"\| +(sh|rich|cyclonedx\..*|keynet\.(?:archive\..*|process\.shell|runtime\.engines\..*"
    r"|steps\.cleaning\.re.*|direct\.packages\.(?:wheel_choice|package_lock|choice_errors)"
    r"|direct\.base\.base_listing|registry\.lists\.(?:catalog|listing)))$",
    re.MULTILINE,
)


def test_a_code_change_loads_no_more_than_it_needs(pusher: Pusher) -> None:
    context = pusher.small_context("loaded")
    variables = {
        "PYTHONPROFILEIMPORTTIME": "1",
        "XDG_CACHE_HOME": str(pusher.setup.home / "cache-loaded"),
    }
    first = pusher.push(context, env=variables)
    assert "keynet.direct.packages.wheel_choice" in SPARED.findall(first.stderr)
    write(pusher.setup, context / "train.py", "print('changed')\n")
    again = pusher.push(context, env=variables)
    assert again.returncode == 0, again.stderr
    assert SPARED.findall(again.stderr) == []


def raw_manifest(platform: Platform, image: str) -> dict[str, Any]:
    """Return what a reference names, without a choice of a platform."""
    registry = platform.registry
    assert registry.ca is not None
    argv = [need("skopeo"), "inspect", "--raw", "--cert-dir", str(registry.ca.folder)]
    argv += ["--creds", f"{registry.username}:{registry.password}", f"docker://{image}"]
    found: dict[str, Any] = json.loads(subprocess.check_output(argv))
    return found


def test_several_platforms_are_one_index(pusher: Pusher, hub: Hub, tmp_path: Path) -> None:
    both = "library/python:direct-both"
    add_index(hub.registry, "library/python:3.11-slim", both, ("amd64", "arm64"))
    context = pusher.context("platforms")
    write(pusher.setup, context / "requirements.txt", "numpy==2.2.6\n")
    there = replace(pusher, base=f"{hub.registry.host}/{both}")
    told = there.push(context, flags=("--platform", "linux/amd64,linux/arm64"))
    done = Done.of(pusher.setup, context, pusher.platform, told)
    index = raw_manifest(pusher.platform, done.image)
    machines = {}
    for entry in index["manifests"]:
        name = f"{done.image.partition('@')[0]}@{entry['digest']}"
        lock, bill = asyncio.run(_documents(pusher.platform.registry, name))
        assert lock is not None
        assert bill is not None
        machine = {"amd64": "x86_64", "arm64": "aarch64"}[entry["platform"]["architecture"]]
        assert machine in tomllib.loads(lock.decode())["packages"][0]["wheels"][0]["url"]
        folder = tmp_path / str(entry["platform"]["architecture"])
        folder.mkdir()
        image = pull(pusher.platform.registry, name, folder)
        libraries = image.files("/opt/keynet/lib/python3.11/site-packages/numpy/_core")
        contents = [each.content for path, each in libraries.items() if path.endswith(".so")]
        machines[entry["platform"]["architecture"]] = {content[18] for content in contents}
    # EM_X86_64 and EM_AARCH64 of the ELF header.
    assert machines == {"amd64": {62}, "arm64": {183}}


def test_a_damaged_layer_of_the_cache_is_made_again(pusher: Pusher, tmp_path: Path) -> None:
    context = pusher.small_context("damaged")
    cache = {"XDG_CACHE_HOME": str(pusher.setup.home / "damaged-cache")}
    write(pusher.setup, context / "train.py", "print('before')\n")
    built = pusher.setup.keynet(
        *("build", "train.py", "--builder", "direct", "--base-image", pusher.base),
        cwd=context,
        env=cache,
    )
    assert built.returncode == 0, built.stderr
    _damage(pusher.setup.home / "damaged-cache/keynet/direct/layers")
    pushed = pusher.push(context, env=cache)
    assert pushed.returncode == 0, pushed.stderr
    assert "damaged" in pushed.stderr


def _damage(layers: Path) -> None:
    for blob in layers.glob("blob-*"):
        content = bytearray(blob.read_bytes())
        content[-1] ^= 1
        blob.write_bytes(content)


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_a_damaged_layer_is_made_again_for_a_file(pusher: Pusher, form: str) -> None:
    context = pusher.small_context(f"damaged-{form}")
    cache = {"XDG_CACHE_HOME": str(pusher.setup.home / f"damaged-{form}-cache")}
    build = ("build", "train.py", "--builder", "direct", "--base-image", pusher.base, "--output")
    output = pusher.setup.home / f"damaged-{form}.tar"
    built = pusher.setup.keynet(*build, f"{form}:{output}", cwd=context, env=cache)
    assert built.returncode == 0, built.stderr
    whole = output.read_bytes()
    _damage(Path(cache["XDG_CACHE_HOME"]) / "keynet/direct/layers")
    again = pusher.setup.keynet(*build, f"{form}:{output}", cwd=context, env=cache)
    assert again.returncode == 0, again.stderr
    assert "damaged" in again.stderr
    assert output.read_bytes() == whole


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("no-such-package-of-keynet==1\n", "no-such-package-of-keynet"),
        ("numpy==999\n", "numpy"),
        ("--no-binary numpy\nnumpy\n", "no-binary"),
    ],
)
def test_packages_that_cannot_be_had_are_named(pusher: Pusher, requirement: str, told: str) -> None:
    context = pusher.context("wrong")
    write(pusher.setup, context / "requirements.txt", requirement)
    failed = pusher.push(context)
    assert failed.returncode == 4
    assert told in failed.stderr


def test_a_containerfile_needs_an_engine(pusher: Pusher) -> None:
    context = pusher.context("own-file")
    write(pusher.setup, context / "Containerfile", f"FROM {pusher.base}\n")
    failed = pusher.setup.keynet(
        *("push", "train.py", "--builder", "direct", "--dockerfile", "Containerfile"), cwd=context
    )
    assert failed.returncode == 4
    assert "Containerfile" in failed.stderr
    assert "--builder docker" in failed.stderr
