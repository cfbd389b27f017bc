"""Base images on which no script can start."""

from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import ValidationError
from keynet.events import Event, Notice
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Recipe
from keynet.steps.checking import python_less_bases
from tests.tables import table

LINUX = Platform("linux", "amd64")
HUB = BaseFacts(LINUX, digest=Digest.of(b"manifest"))
LOCAL = BaseFacts(LINUX)


def _said(base: str, facts: BaseFacts | None, *, strict: bool = False) -> list[str]:
    recipe = Recipe(Reference.parse(base), ("python", "train.py"))
    plan = BuildPlan(context=Path(), files=(), recipe=recipe, platforms=(), base_facts=facts)
    events: list[Event] = []
    python_less_bases.check(plan, events.append, strict=strict)
    return [event.text for event in events if isinstance(event, Notice)]


@table("base", ["alpine:3.20", "ubuntu", "debian:bookworm-slim", "busybox:1.36"])
def test_an_image_of_docker_hub_without_python_is_refused(base: str) -> None:
    with pytest.raises(ValidationError, match="has no Python") as caught:
        _said(base, HUB)
    assert "--base-image" in (caught.value.hint or "")


@table(
    ("base", "facts"),
    [
        ("alpine:3.20", LOCAL),
        ("alpine:3.20", None),
        ("harbor.example.com/hub/library/ubuntu:22.04", HUB),
        ("nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04", HUB),
    ],
)
def test_an_image_that_may_be_another_one_is_a_warning(base: str, facts: BaseFacts | None) -> None:
    (said,) = _said(base, facts)
    assert "has no Python" in said
    with pytest.raises(ValidationError):
        _said(base, facts, strict=True)


@table(
    ("base", "facts"),
    [
        ("python:3.11-slim", HUB),
        ("python:3.11-slim", None),
        ("pytorch/pytorch:2.4.0", HUB),
        ("nvidia/cuda:12.4.1-runtime-rockylinux9", HUB),
        ("registry.example.com/team/my-ubuntu:1", HUB),
        ("ubuntu", replace(HUB, python=(3, 11))),
    ],
)
def test_nothing_is_said_of_others(base: str, facts: BaseFacts | None) -> None:
    assert _said(base, facts, strict=True) == []
