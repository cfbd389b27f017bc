"""Why an engine cannot be used: reasons and fixes out of its own words."""

import pytest

from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.probing import reasons
from tests.tables import table


@table(
    ("said", "fix"),
    [
        ("graph driver mismatch", "STORAGE_DRIVER"),
        ("'overlay' is not supported over extfs", "fuse-overlayfs"),
        (
            '"/x/graph/btrfs" is not on a btrfs filesystem: prerequisites for driver not '
            "satisfied (wrong filesystem?)",
            "STORAGE_DRIVER",
        ),
        ('exec: "newuidmap": executable file not found in $PATH', "uidmap"),
        ("no subuid ranges found for user", "--add-subuids"),
        ("cannot clone: Operation not permitted", "user namespaces"),
        ("Cannot connect to Podman. Please verify", "podman system service"),
        ("write /x: no space left on device", "Free some space"),
        ("beginning transaction: database or disk is full", "Free some space"),
        ("something else", "to see the whole error"),
    ],
)
def test_refusals_have_a_fix(said: str, fix: str) -> None:
    found = reasons.explain(PODMAN.guide, said)
    assert found.reason == said
    assert fix in found.fix


def test_last_words_leave_warnings_out() -> None:
    output = (
        'time="x" level=warning msg="cgroups v1"\nSTEP 1/2: FROM x\nerror running container: why\n'
    )
    assert reasons.error_line(output) == "error running container: why"
    assert reasons.error_line("") == ""


def test_a_full_disk_is_named_and_not_what_follows_from_it() -> None:
    said = (
        'time="x" level=error msg="Rolling back transaction to add exit code: cannot rollback - no '
        'transaction is active"\nError: removing container 0f: database or disk is full\n'
    )
    assert reasons.error_line(said) == "removing container 0f: database or disk is full"
    found = reasons.explain(PODMAN.guide, said)
    assert "Free some space" in found.fix


@pytest.mark.parametrize("driver", ["overlay", "vfs/dir"])
def test_the_path_of_a_store_is_no_reason(driver: str) -> None:
    said = (
        'error mounting "/srv/d" to rootfs at "/proc": '
        f'"/home/x/.local/share/containers/storage/{driver}/8b/merged/proc" cannot be mounted\n'
    )
    assert reasons.known_fix(PODMAN.guide, said) == ""


def test_a_reason_is_found_behind_what_follows_from_it() -> None:
    said = (
        "Error during setresgid(0): Invalid argument\n"
        'time="2026-11-21T22:24:42Z" level=error msg="finding newgidmap: exec: not found"\n'
    )
    found = reasons.explain(BUILDAH.guide, said)
    assert "newgidmap" in found.reason
    assert "apt-get install uidmap" in found.fix
    assert reasons.explain(BUILDAH.guide, "Error: odd\nError: odder\n").reason == "odd"
    assert reasons.explain(BUILDAH.guide, "").reason == ""


@table(
    ("output", "lost"),
    [
        (
            "STEP 1/2: FROM scratch\nError: checking if cached image exists from a previous build: "
            "getting top layer info: layer not known\n",
            True,
        ),
        (
            "COMMIT x\nError: committing container for step {Env:[]}: copying layers and metadata "
            'for container "0f": committing the finished image: creating image "1e": '
            "layer not known",
            True,
        ),
        ("Error: layer not known\nError: building at STEP RUN x: exit status 1\n", False),
        ("Error: initializing source docker://x: manifest unknown\n", False),
        ("", False),
    ],
)
def test_a_layer_that_another_process_took_away(output: str, lost: bool) -> None:
    assert reasons.lost_layer(output) is lost


def test_a_long_reason_keeps_its_end_where_engines_say_why() -> None:
    said = reasons.error_line("Error: " + "committing: " * 90 + "layer not known")
    assert said.startswith("committing: ")
    assert said.endswith("committing: layer not known")
    assert len(said) <= 300
