"""The engines' command lines, compared word for word."""

from dataclasses import replace
from pathlib import Path

import pytest

from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import (
    BuildPlan,
    BuildSecret,
    HostNetwork,
    Recipe,
    RegistryAccess,
    UserContainerfile,
)
from keynet.recipe import instructions
from keynet.runtime.build.staging import Stage
from keynet.runtime.engines.docker import docker_args
from keynet.runtime.engines.docker.docker_args import Invocation as DockerInvocation
from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.engines.podman_like.podman_login import RegistryAuth
from keynet.secret import Secret

STAGE = Stage(Path("/s/root"), Path("/s/p/Containerfile"), Path("/s/p/i"), Path("/s/p"))
AUTH = RegistryAuth("127.0.0.1:5000", Path("/a/auth.json"), Path("/a/certs"))


def _plan(base: str) -> BuildPlan:
    return BuildPlan(Path("/context"), (), Recipe(Reference.parse(base), ("python", "t.py")))


PLAN = _plan("127.0.0.1:5000/library/python:3")
TARGET = Reference.parse("127.0.0.1:5000/kitech-model/x:latest")
FULL = replace(
    PLAN,
    platforms=(Platform("linux", "arm64"),),
    labels={"b": "2", "a": "1"},
    build_args={"K": "V W"},
    secrets=(BuildSecret("s", Path("/secret")),),
    no_cache=True,
    host_network=HostNetwork(proxies={"HTTPS_PROXY": Secret("http://u:p@h")}),
)


def test_plain_build_of_podman_and_buildah() -> None:
    assert podman_args.build_arguments(PLAN, STAGE, Invocation("b"), auth=None, name="n") == (
        *("build", "--layers", "--force-rm", "--format", "docker"),
        *("--file", "/s/p/Containerfile", "--tag", "n", "--ignorefile", "/s/p/i"),
        "/s/root",
    )


def test_full_build_of_podman_and_buildah() -> None:
    invocation = Invocation("b", isolation="chroot", network="host", ulimits=("nofile=1:1",))
    assert podman_args.build_arguments(FULL, STAGE, invocation, auth=AUTH, name="n")[11:] == (
        *("--isolation", "chroot", "--network", "host", "--ulimit", "nofile=1:1"),
        *("--platform", "linux/arm64", "--no-cache"),
        *("--authfile", "/a/auth.json", "--cert-dir", "/a/certs"),
        *("--label=a=1", "--label=b=2", "--build-arg=K=V W", "--build-arg=HTTPS_PROXY"),
        "--secret=id=s,src=/secret",
        "/s/root",
    )


def test_several_platforms_are_one_list() -> None:
    both = replace(PLAN, platforms=(Platform("linux", "amd64"), Platform("linux", "arm", "v7")))
    pulled = podman_args.pull_arguments(both, None)
    assert pulled[1:3] == ("--platform", "linux/amd64,linux/arm/v7")
    assert docker_args.pull_arguments(both)[1:3] == pulled[1:3]


def test_a_foreign_base_does_not_get_the_registrys_ca() -> None:
    plan = _plan("python:3.11")
    insecure = replace(AUTH, insecure=True)
    arguments = podman_args.build_arguments(plan, STAGE, Invocation("b"), auth=insecure, name="n")
    assert "--authfile" in arguments
    assert "--cert-dir" not in arguments
    assert "--tls-verify=false" not in arguments
    own = _plan("127.0.0.1:5000/base:1")
    arguments = podman_args.build_arguments(own, STAGE, Invocation("b"), auth=insecure, name="n")
    assert "--cert-dir" in arguments
    assert "--tls-verify=false" in arguments


def test_users_containerfile_names_the_registry() -> None:
    recipe = UserContainerfile(Path("/c/Dockerfile"), "FROM 127.0.0.1:5000/x AS a\n", ())
    assert podman_args.uses_registry(replace(PLAN, recipe=recipe), AUTH.host)
    assert not podman_args.uses_registry(replace(PLAN, recipe=recipe), "harbor.example.com")


def test_push_of_podman_and_buildah() -> None:
    assert podman_args.push_arguments("id", TARGET, AUTH, Path("/a/digest")) == (
        *("push", "--authfile", "/a/auth.json", "--cert-dir", "/a/certs"),
        *("--digestfile", "/a/digest", "id", f"docker://{TARGET}"),
    )


def test_push_of_a_remote_podman_has_only_what_it_knows() -> None:
    insecure = replace(AUTH, insecure=True)
    assert podman_args.push_arguments("id", TARGET, insecure, None) == (
        *("push", "--authfile", "/a/auth.json", "--tls-verify=false", "id", f"docker://{TARGET}"),
    )


def test_login_has_the_registry_last_and_no_password() -> None:
    access = RegistryAccess("harbor.example.com", "robot$x", Secret("password-of-robot"))
    arguments = podman_args.login_arguments(access, Path("/certs"))
    assert arguments == (
        *("login", "--username", "robot$x", "--password-stdin", "--cert-dir", "/certs"),
        "harbor.example.com",
    )
    plain = podman_args.login_arguments(replace(access, host="127.0.0.1:1"), None)
    assert "--tls-verify=false" in plain


def test_own_store_and_runtime_are_global_flags() -> None:
    invocation = Invocation("/b", runtime="/runc", root="/r", runroot="/rr", driver="overlay")
    store = ("--root", "/r", "--runroot", "/rr", "--storage-driver", "overlay")
    assert BUILDAH.prefix(invocation) == ("/b", *store)
    assert BUILDAH.build_flags(invocation) == ("--runtime", "/runc")
    assert PODMAN.prefix(invocation) == ("/b", *store, "--runtime", "/runc")
    assert PODMAN.build_flags(invocation) == ()


def _docker(plan: BuildPlan, mode: str, network: str = "") -> tuple[str, ...]:
    invocation = DockerInvocation("d", mode)
    return docker_args.build_arguments(
        plan, STAGE, invocation, name="n", iidfile=Path("/s/p/iid"), network=network
    )


def test_legacy_builder_reads_standard_input() -> None:
    assert _docker(PLAN, "legacy", "host") == (
        *("build", "--tag", "n", "--iidfile", "/s/p/iid", "--force-rm", "--network", "host"),
        *("--file", ".keynet-containerfile", "-"),
    )


def test_buildkit_reads_the_folder() -> None:
    assert _docker(FULL, "buildkit") == (
        *("build", "--tag", "n", "--iidfile", "/s/p/iid", "--progress", "plain"),
        *("--platform", "linux/arm64", "--no-cache", "--label=a=1", "--label=b=2"),
        *("--build-arg=K=V W", "--build-arg=HTTPS_PROXY", "--secret=id=s,src=/secret"),
        *("--file", "/s/p/Containerfile", "/s/root"),
    )
    assert "--load" in _docker(PLAN, "buildx")


def test_dockers_environment() -> None:
    legacy = docker_args.environment(DockerInvocation("d", "legacy"), Path("/a/docker"))
    assert legacy["DOCKER_BUILDKIT"] == "0"
    assert legacy["DOCKER_CONFIG"] == "/a/docker"
    modern = docker_args.environment(DockerInvocation("d", "buildx"), None)
    assert modern["DOCKER_BUILDKIT"] == "1"
    assert "DOCKER_CONFIG" not in modern


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("FROM a\nRUN --mount=type=cache,target=/x pip\n", 1),
        ("FROM a\nCOPY --link a b\n", 1),
        ("FROM a\nRUN echo --mount\nCOPY --chown=1 a b\n", 0),
    ],
)
def test_what_only_buildkit_knows(text: str, count: int) -> None:
    parsed = tuple(instructions.parse(text))
    plan = replace(PLAN, recipe=UserContainerfile(Path("/d"), text, parsed))
    assert len(docker_args.unsupported_by_legacy(plan)) == count


def test_the_legacy_builder_knows_no_secrets() -> None:
    assert any("--secret" in text for text in docker_args.unsupported_by_legacy(FULL))
