"""One platform is one value however it is written, and the best of several is chosen."""

import platform

import pytest

from keynet.errors import ValidationError
from keynet.oci.platform import DEFAULT, Platform, choose, for_cluster, host, pick
from tests.tables import table


@table("text", ["linux/amd64", "linux/arm/v7", "linux/amd64/v3", "windows/amd64"])
def test_platforms_round_trip(text: str) -> None:
    assert str(Platform.parse(text)) == text


@table(
    "text",
    ["", "linux", "a/b/c/d", "linux/", "linux/amd 64", "/amd64", "a\n/b", "vax", "linux(/amd64"],
)
def test_a_text_that_is_not_a_platform_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="not a valid platform"):
        Platform.parse(text)


@table(
    ("written", "normal"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/2", "linux/amd64/v2"),
        ("linux/i686", "linux/386"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/v8.0", "linux/arm64"),
        ("linux/i386", "linux/386"),
        ("arm64", "linux/arm64"),
        ("x86_64", "linux/amd64"),
        ("amd64/v1", "linux/amd64"),
        ("aarch64/v8", "linux/arm64"),
        ("arm/v6", "linux/arm/v6"),
        ("x86_64/3", "linux/amd64/v3"),
        ("windows(10.0.17763.1)/AMD64", "windows(10.0.17763.1)/amd64"),
        ("linux/ARM64/V9", "linux/arm64/v9"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armv7l", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/armv6l", "linux/arm/v6"),
        ("linux/ppc64el", "linux/ppc64le"),
        ("macos/arm64", "darwin/arm64"),
        ("linux/riscv64", "linux/riscv64"),
    ],
)
def test_every_spelling_is_one_value(written: str, normal: str) -> None:
    assert Platform.parse(written) == Platform.parse(normal)
    assert str(Platform.parse(written)) == normal
    assert hash(Platform.parse(written)) == hash(Platform.parse(normal))


@pytest.mark.parametrize("variant", ["", None])
def test_no_variant_is_none(variant: str | None) -> None:
    assert Platform("linux", "s390x", variant).variant is None


@table(
    ("have", "wanted", "runs"),
    [
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/aarch64", True),
        ("linux/amd64", "linux/amd64/v3", True),
        ("linux/amd64/v3", "linux/amd64/v2", False),
        ("linux/amd64/v3", "linux/amd64", True),
        ("linux/arm/v6", "linux/arm", True),
        ("linux/arm/v8", "linux/arm/v7", False),
        ("linux/arm/v7", "linux/arm64", False),
        ("linux/386", "linux/amd64", False),
        ("windows/amd64", "linux/amd64", False),
        ("linux/arm64/v8.2", "linux/arm64/v9", True),
        ("linux/arm64/v9", "linux/arm64/v8.2", False),
        ("windows(10.0.17763.1)/amd64", "windows(10.0.17763)/amd64", True),
        ("windows(10.0.17763.1)/amd64", "windows(10.0.20348.1)/amd64", False),
        ("windows(10.0.17763.1)/amd64", "windows/amd64", True),
        ("windows/amd64", "windows(10.0.17763)/amd64", True),
        ("linux/mips/softfloat", "linux/mips/hardfloat", False),
    ],
)
def test_which_platforms_match(have: str, wanted: str, runs: bool) -> None:
    assert Platform.parse(have).matches(Platform.parse(wanted)) is runs


@table(
    ("wanted", "expected"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/amd64/v2", "linux/amd64"),
        ("linux/amd64/v4", "linux/amd64/v3"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/arm64/v9", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v6"),
        ("linux/arm/v5", "linux/arm/v5"),
        ("linux/s390x", None),
        ("windows/amd64", None),
    ],
)
def test_the_nearest_is_chosen(wanted: str, expected: str | None) -> None:
    offered = ["linux/amd64/v3", "linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm64/v8"]
    chosen = choose([None, *map(Platform.parse, offered)], Platform.parse(wanted), lambda it: it)
    assert chosen == (None if expected is None else Platform.parse(expected))


def test_the_first_of_equals_is_chosen() -> None:
    offered = [(1, Platform("linux", "arm64", "v8")), (2, Platform("linux", "arm64"))]
    assert choose(offered, Platform("linux", "aarch64"), lambda one: one[1]) == offered[0]


def test_the_hosts_architecture_has_its_usual_name() -> None:
    known = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = platform.machine()
    assert host() == Platform("linux", known.get(machine, machine))


def test_attestations_have_no_platform() -> None:
    assert Platform.parse("unknown/unknown").is_unknown
    assert not Platform.parse("linux/unknown").is_unknown


def test_a_laptop_builds_for_the_cluster() -> None:
    assert for_cluster("linux") is None
    assert for_cluster("darwin") == for_cluster("win32") == Platform("linux", "amd64")


@table(
    ("offered", "wanted", "expected"),
    [
        (["linux/arm64", "unknown/unknown"], None, "linux/arm64"),
        (["linux/arm64", "linux/amd64"], None, "linux/amd64"),
        (["linux/arm64", "linux/s390x"], None, None),
        (["linux/arm64"], "linux/amd64", None),
        (["unknown/unknown"], None, None),
        (["unknown/unknown"], "unknown/unknown", None),
    ],
)
def test_the_only_image_or_the_default_is_picked(
    offered: list[str], wanted: str | None, expected: str | None
) -> None:
    asked = None if wanted is None else Platform.parse(wanted)
    picked = pick(list(map(Platform.parse, offered)), asked, lambda one: one)
    assert picked == (None if expected is None else Platform.parse(expected))


def test_what_is_picked_depends_on_no_machine() -> None:
    assert Platform("linux", "amd64") == DEFAULT
