"""The Python of a base, by its config, and uv's name for where it runs."""

import pytest

from keynet.direct.base.target_python import TargetPython, from_config, uv_platform
from keynet.oci.platform import Platform
from tests.tables import table

_ENV = (
    "PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "PYTHON_VERSION=3.11.9",
    "PYTHON_SHA256=9b1e896523fc510691126c864406d9360a3d1e986acbda59cda57b5abda45b87",
)
_SLIM = "# debian.sh --arch 'amd64' out/ 'bookworm' '@1719792000'"
_OLD = "/bin/sh -c #(nop) ADD file:abc in / "


def config(history: str = _SLIM, *env: str) -> dict[str, object]:
    return {"config": {"Env": [*(env or _ENV)]}, "history": [{"created_by": history}]}


def test_pythons_own_image_is_known_by_its_config() -> None:
    assert from_config(config()) == TargetPython(
        (3, 11, 9),
        "/usr/local/bin/python3.11",
        "/usr/local/lib/python3.11/site-packages",
        36,
    )


@table(
    "other",
    [
        {},
        {"config": None, "history": None},
        {"config": {"Env": None}},
        {"config": {"Env": 5}},
        pytest.param(config("debian.sh " * 400_000), id="a line that takes hours to search"),
        {"config": {"Env": {"PATH": "/bin"}}},
        {"config": {"Env": [1, "x"]}, "history": [1]},
        config(_OLD),
        config(_SLIM, *_ENV[:3]),
        config(_SLIM, "PATH=/opt/conda/bin:/usr/bin", *_ENV[2:]),
        config(_SLIM, _ENV[0], "PYTHON_VERSION=3.14.0rc1", _ENV[3]),
        config("ADD alpine-minirootfs-3.20.1-x86_64.tar.gz / # buildkit"),
    ],
)
def test_every_other_base_is_not(other: dict[str, object]) -> None:
    assert from_config(other) is None


@table(
    ("glibc", "platform", "name"),
    [
        (36, "linux/amd64", "x86_64-manylinux_2_36"),
        (41, "linux/arm64", "aarch64-manylinux_2_40"),
        (27, "linux/amd64", "x86_64-manylinux_2_17"),
        (16, "linux/amd64", None),
        (None, "linux/amd64", "x86_64-unknown-linux-musl"),
        (36, "linux/s390x", None),
        (36, "windows/amd64", None),
    ],
)
def test_uv_names_what_runs_there(glibc: int | None, platform: str, name: str | None) -> None:
    python = TargetPython((3, 11), "/usr/bin/python3.11", "/x", glibc)
    assert uv_platform(python, Platform.parse(platform)) == name
