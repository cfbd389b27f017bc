"""What an image's config says about a base."""

import json
from typing import Any

from keynet.oci import base_config
from keynet.oci.base_config import Looked
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.plan import BaseFacts
from tests.tables import table

AMD64 = Platform("linux", "amd64")
DIGEST = Digest.of(b"manifest")


def _config(*environment: str, **more: object) -> dict[str, Any]:
    return {"os": "linux", "architecture": "amd64", "config": {"Env": [*environment], **more}}


def test_facts_are_read_from_a_config() -> None:
    config = _config("PYTHON_VERSION=3.11.9", "CUDA_VERSION=12.1.0", "A=b=c", User="app")
    config["config"]["OnBuild"] = ["COPY . /app"]
    assert base_config.read(config, DIGEST) == BaseFacts(
        AMD64,
        (3, 11),
        "app",
        "12.1.0",
        {"PYTHON_VERSION": "3.11.9", "CUDA_VERSION": "12.1.0", "A": "b=c"},
        DIGEST,
        ("COPY . /app",),
    )


@table(
    ("line", "python", "cuda"),
    [
        ("PYTHON_VERSION=3.13.0rc2", (3, 13), ""),
        ("PYTHON_VERSION=3.9", (3, 9), ""),
        ("PYTHON_VERSION=three", None, ""),
        ("PYTHON_VERSION=3.1234567890", None, ""),
        ("NV_CUDA_CUDART_VERSION=11.8.89-1", None, "11.8.89"),
        ("CUDA_VERSION=", None, ""),
        ("CUDA_VERSION", None, ""),
    ],
)
def test_versions_are_read_where_they_are_versions(
    line: str, python: tuple[int, int] | None, cuda: str
) -> None:
    facts = base_config.read(_config(line))
    assert facts is not None
    assert (facts.python, facts.cuda) == (python, cuda)


def test_variants_count() -> None:
    config = {"os": "linux", "architecture": "arm", "variant": "v6"}
    assert base_config.read(config) == BaseFacts(Platform("linux", "arm", "v6"))


@table(
    "config",
    [
        {},
        {"os": "linux"},
        {"architecture": "amd64"},
        {"os": 1, "architecture": "amd64"},
        {"os": "", "architecture": ""},
        {"os": "linux", "architecture": "x" * 100},
    ],
)
def test_a_config_without_platform_says_nothing(config: dict[str, Any]) -> None:
    assert base_config.read(config) is None


@table("run", [None, [], "x", {"Env": "A=b", "User": 3, "OnBuild": {}}])
def test_odd_fields_count_as_missing(run: object) -> None:
    config = {"os": "linux", "architecture": "amd64", "config": run, "variant": 7}
    assert base_config.read(config) == BaseFacts(AMD64, environment={})


def test_each_engine_inspects_in_its_own_way() -> None:
    run = {"Env": ["PYTHON_VERSION=3.12.1"], "User": "1000"}
    wanted = BaseFacts(AMD64, (3, 12), "1000", environment={"PYTHON_VERSION": "3.12.1"})
    docker = {"Os": "linux", "Architecture": "amd64", "Config": run}
    assert base_config.read_inspected(docker) == wanted
    buildah = {
        "OCIv1": {"os": "linux", "architecture": "amd64", "config": run},
        "Docker": {"config": {"OnBuild": ["RUN x"]}},
    }
    found = base_config.read_inspected(buildah)
    assert found is not None
    assert found.onbuild == ("RUN x",)
    assert (found.platform, found.python, found.user) == (AMD64, (3, 12), "1000")
    assert base_config.read_inspected({}) is None


@table(
    "looked",
    [
        Looked(()),
        Looked((AMD64, Platform("linux", "arm", "v6"))),
        Looked((AMD64,), BaseFacts(AMD64, environment={})),
        Looked(
            (AMD64,),
            BaseFacts(AMD64, (3, 11), "app", "12.1", {"A": "b"}, DIGEST, ("RUN x",)),
        ),
    ],
)
def test_answers_round_trip_by_json(looked: Looked) -> None:
    assert base_config.from_json(json.loads(json.dumps(base_config.to_json(looked)))) == looked


DEBIAN = "# debian.sh --arch 'amd64' out/ 'bookworm' '@1719792000'"
ALPINE = "ADD alpine-minirootfs-3.20.1-x86_64.tar.gz / # buildkit"
OWN_ENV = ("PYTHON_VERSION=3.11.9", "PYTHON_SHA256=abc")


def _made(*steps: str, first: str = DEBIAN, layers: int | None = None) -> dict[str, Any]:
    """Return a config as docker writes it: two layers, CMD, and ``steps``, which add layers."""
    history: list[dict[str, Any]] = [
        {"created_by": first},
        {"created_by": "ENV LANG=C.UTF-8", "empty_layer": True},
        {"created_by": "RUN /bin/sh -c make install # buildkit"},
        {"created_by": 'CMD ["python3"]', "empty_layer": True},
        *({"created_by": step, "empty_layer": step.startswith("ENV")} for step in steps),
    ]
    added = sum(not each.get("empty_layer") for each in history)
    made = {"history": history, "rootfs": {"diff_ids": ["x"] * (layers or added)}}
    return {**_config(*OWN_ENV), **made}


@table(
    ("config", "plain"),
    [
        (_made(), "glibc"),
        (_made(first=ALPINE), "musl"),
        (_made("ENV A=b"), "glibc"),
        (_made("RUN pip install torch"), ""),
        (_made(layers=3), ""),
        (_made(first="ADD file:abc in /"), ""),
        ({**_made(), "config": {"Env": ["PYTHON_VERSION=3.11.9"]}}, ""),
        ({**_made(), "history": [1, {"created_by": 2}]}, ""),
        ({**_made(), "rootfs": None}, ""),
    ],
)
def test_an_image_of_pythons_own_layers_is_known_by_its_history(
    config: dict[str, Any], plain: str
) -> None:
    found = base_config.read(config)
    assert found is not None
    assert found.plain == plain
    assert base_config.from_json(base_config.to_json(Looked((AMD64,), found))).facts == found
    inspected = {
        **{"Os": "linux", "Architecture": "amd64", "Config": config["config"]},
        **{"History": config["history"]},
        **{"RootFS": {"Layers": (config["rootfs"] or {}).get("diff_ids")}},
    }
    for document in (inspected, {"OCIv1": config, "Docker": {}}):
        read = base_config.read_inspected(document)
        assert read is not None
        assert read.plain == plain
