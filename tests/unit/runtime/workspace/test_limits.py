"""Limits of a run: defaults, units, and what is refused with its place."""

import pytest

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.limits import (
    Limits,
    parse_cpus,
    parse_memory,
    parse_security_options,
    shown_memory,
)
from tests.tables import table

MIB = 1024**2


def test_the_defaults_are_those_of_the_manual() -> None:
    limits = Limits()
    assert (limits.cpus, limits.memory) == (1.0, 512 * MIB)
    assert (limits.privileged, limits.read_only) == (False, True)
    assert limits.security_options == ("no-new-privileges",)


@table(
    ("value", "size"),
    [
        ("512m", 512 * MIB),
        ("512M", 512 * MIB),
        ("512mb", 512 * MIB),
        ("512 MiB", 512 * MIB),
        ("1.5g", 1536 * MIB),
        ("2G", 2048 * MIB),
        ("1t", 1024**4),
        ("8192k", 8 * MIB),
        ("7000000", 7_000_000),
        ("7000000b", 7_000_000),
        (536870912, 512 * MIB),
        (" 6m ", 6 * MIB),
    ],
)
def test_a_size_is_read_as_docker_reads_it(value: object, size: int) -> None:
    assert parse_memory(value, "memory") == size


@table(
    "value",
    [
        *("", "12XB", "-1", "-512m", "m", "1,5g", "1e9", "512 m b", "0", "5m", "inf", "nan"),
        *("٥١٢m", "9" * 21, "9999999p", "1_000m", "0x10"),
        *(0, -1, 1.5, True, None, [], {}, 2**63),
    ],
)
def test_another_size_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(InvalidRunSettings, match=r"^--memory: ") as raised:
        parse_memory(value, "--memory")
    assert raised.value.exit_status == 2
    assert "512m" in raised.value.hint


@table(("value", "cpus"), [("1", 1), ("0.5", 0.5), (".5", 0.5), (2, 2), (1.25, 1.25), (" 2. ", 2)])
def test_a_number_of_cpus(value: object, cpus: float) -> None:
    assert parse_cpus(value, "cpus") == cpus


@table(
    "value",
    [
        *("", "-1", "two", "nan", "inf", "1e3", "1,5", "٢", "0", "0.001", "1 2", "9" * 21),
        *(0, -1, True, False, None, [], float("nan"), float("inf"), 10**400, 0.009),
    ],
)
def test_another_number_of_cpus_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(InvalidRunSettings, match=r"^KEYNET_RUNTIME_CPUS: "):
        parse_cpus(value, "KEYNET_RUNTIME_CPUS")


@table(
    "option",
    [
        *("no-new-privileges", "no-new-privileges=true", "no-new-privileges:false"),
        *("seccomp=unconfined", "apparmor=profile", "label=disable", "unmask=ALL"),
        *("systempaths=unconfined", "label=type:container_t"),
    ],
)
def test_a_security_option_of_the_engines_is_taken(option: str) -> None:
    assert parse_security_options([option, option], "x") == (option,)


@table(
    "option",
    ["", "no-new-privilege", "privileged", "seccomp", "seccomp=", "label", "no-new-privileges=x",
     "a=b", 1, None, True, "seccomp=a\0b"],
)  # fmt: skip
def test_another_security_option_is_refused_with_its_place(option: object) -> None:
    with pytest.raises(InvalidRunSettings, match=r"^--security-opt: "):
        parse_security_options([option], "--security-opt")


def test_limits_that_no_engine_takes_cannot_be_made() -> None:
    with pytest.raises(InvalidRunSettings, match="cpus"):
        Limits(cpus=-1)
    with pytest.raises(InvalidRunSettings, match="memory"):
        Limits(memory=1000)
    with pytest.raises(InvalidRunSettings, match="security_options"):
        Limits(security_options=("x",))


def test_no_limit_is_a_value() -> None:
    assert (Limits(cpus=None, memory=None).cpus, Limits(memory=None).memory) == (None, None)


@table(
    ("size", "shown"),
    [
        (512 * MIB, "512m"),
        (1536 * MIB, "1.5g"),
        (2048 * MIB, "2g"),
        (6 * MIB, "6m"),
        (7_000_001, "7000001b"),
        (12_638_257_152, "12342048k"),
    ],
)
def test_a_size_is_shown_as_a_flag_takes_it(size: int, shown: str) -> None:
    assert shown_memory(size) == shown
    assert parse_memory(shown, "memory") == size
