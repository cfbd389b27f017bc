"""Builds of one project that tidy up at the same moment."""

import os
import time
from pathlib import Path

import pytest

from tests.integration.engines import Host, answer_of, make_host, marked, unnamed_images

BUILDS = 6
WITHIN_S = 120.0


@pytest.fixture(params=marked(("docker-legacy", "podman-root", "buildah-root")))
def host(request: pytest.FixtureRequest) -> Host:
    return make_host(request.param, request)


def test_one_name_stays_and_nothing_nameless(host: Host) -> None:
    context = host.home / f"beside-{os.urandom(4).hex()}"
    context.mkdir()
    (context / "train.py").write_text("print('trained')\n")
    gate = host.home / f"gate-{os.urandom(4).hex()}"
    gate.mkdir()
    before = unnamed_images(host)
    request = {"context": str(context), "text": "FROM scratch\nCOPY context/ /\n"}
    builds = [
        host.start(**request, labels={"own": str(number)}, gate=str(gate))
        for number in range(BUILDS)
    ]
    _until_all_wait(gate, BUILDS)
    (gate / "open").touch()
    answers = [answer_of(build) for build in builds]
    assert [answer.status for answer in answers] == [0] * BUILDS, answers
    assert len({answer.json["image_id"] for answer in answers}) == BUILDS
    assert unnamed_images(host) == before
    lines = [line for line in host.run(host.engine, "images").splitlines() if context.name in line]
    assert [line.split()[1] for line in lines] == ["latest"]


def _until_all_wait(gate: Path, number: int) -> None:
    until = time.monotonic() + WITHIN_S
    while len(list(gate.iterdir())) < number:
        assert time.monotonic() < until, "not every build came to its end"
        time.sleep(0.02)
