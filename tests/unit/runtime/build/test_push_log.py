"""What engines say of a push, recorded against a registry that refuses on purpose."""

from pathlib import Path

import pytest

from keynet.errors import EngineError, RegistryDenied, RegistryError, RegistryUnreachable
from keynet.events import (
    BlobAdvanced,
    BlobFinished,
    BlobMounted,
    BlobSkipped,
    BlobStarted,
    Event,
    LogLine,
)
from keynet.oci.reference import Reference
from keynet.process.lines import Lines
from keynet.runtime.build.push_log import PushLog, docker_digest, push_error
from tests.tables import table

RECORDED = Path(__file__).parents[3] / "fakes" / "engine_output"
TARGET = Reference.parse("127.0.0.1:5000/kitech-model/x:latest")
CASES = {
    "quota": (RegistryError, 403, "quota"),
    "denied": (RegistryDenied, 403, "denied the push"),
    "unauthorized": (RegistryDenied, 401, "login"),
    "immutable": (RegistryError, 412, "immutable"),
    "too-large": (RegistryError, 413, "too large"),
    "throttled": (RegistryError, 429, "too many requests"),
    "server": (RegistryError, 500, "failed"),
    "html": (RegistryError, 500, "failed"),
}


@table("engine", ["docker", "podman", "buildah"])
@table("case", sorted(CASES))
def test_refusals_are_told_in_words(engine: str, case: str) -> None:
    kind, status, word = CASES[case]
    text = (RECORDED / f"push-debian-12-{engine}-{case}.txt").read_text()
    error = push_error(engine, TARGET, text)
    assert type(error) is kind
    assert isinstance(error, RegistryError)
    assert error.status == status
    assert word in error.message
    assert error.hint
    assert error.temporary == (case in {"throttled", "server", "html"})


def test_harbors_quota_is_no_matter_of_the_login() -> None:
    text = (RECORDED / "push-debian-12-buildah-quota.txt").read_text()
    error = push_error("buildah", TARGET, text)
    assert "keynet login" not in error.hint
    assert "10.0 GiB" in error.message


@table(
    ("said", "status", "word"),
    [
        ("denied: The system is in read only mode. Any modification is prohibited.", 403, "mode"),
        ("denied: System is currently read-only. Pulls will succeed", 403, "mode"),
        ("denied: can not push artifact to a proxy project: hub", 403, "of your own"),
        (
            "name unknown: The repository with name 'x' does not exist in the registry",
            404,
            "Create",
        ),
        ("unauthorized: project kitech-model not found", 404, "Create"),
        ("tag invalid: The image tag 'latest' cannot be overwritten", 412, "rule"),
    ],
)
def test_a_hint_follows_the_registrys_words(said: str, status: int, word: str) -> None:
    output = f"The push refers to repository [127.0.0.1:5000/kitech-model/x]\n{said}"
    error = push_error("docker", TARGET, output)
    assert isinstance(error, RegistryError)
    assert error.status == status
    assert said in error.message
    assert word in error.hint
    assert "keynet login" not in error.hint


def test_unknown_ca_says_where_it_belongs() -> None:
    said = 'Get "https://h/v2/": x509: certificate signed by unknown authority'
    for given, hint in (
        ("", "--ca-cert"),
        ("Put it into the builder.", "Put it into the builder."),
    ):
        error = push_error("buildah", TARGET, said, ca_hint=given)
        assert isinstance(error, RegistryUnreachable)
        assert "buildah does not trust the certificate" in error.message
        assert hint in error.hint


def test_unreachable_and_disk_full_and_the_rest() -> None:
    unreachable = push_error("docker", TARGET, "dial tcp 127.0.0.1:9: connect: connection refused")
    assert isinstance(unreachable, RegistryUnreachable)
    for said in ("write /var/tmp/x: no space left on device", "database or disk is full"):
        full = push_error("podman", TARGET, said)
        assert type(full) is EngineError
        assert "The disk is full" in full.message
    other = push_error("podman", TARGET, "Error: something new\x1b[31m")
    assert "something new" in other.message
    assert "\x1b" not in other.message


def _events(lines: list[str], *, finish: bool = True) -> list[Event]:
    found: list[Event] = []
    log = PushLog(found.append)
    for line in lines:
        log.feed(line)
    if finish:
        log.finish()
    return [event for event in found if not isinstance(event, LogLine)]


def test_docker_layers_become_events() -> None:
    a, b, c = "a" * 12, "b" * 12, "c" * 12
    events = _events(
        [
            "The push refers to repository [127.0.0.1:5000/x]",
            f"{a}: Preparing",
            f"{b}: Preparing",
            f"{c}: Waiting",
            f"{b}: Layer already exists",
            f"{c}: Mounted from library/python",
            f"{a}: Pushed",
            "latest: digest: sha256:1 size: 3",
        ]
    )
    assert events == [
        BlobStarted(a, None),
        BlobStarted(b, None),
        BlobStarted(c, None),
        BlobSkipped(b, None),
        BlobMounted(c, None),
        BlobFinished(a),
    ]


def test_copied_blobs_become_events() -> None:
    a, b = "a" * 64, "b" * 64
    events = _events(
        [f"Copying blob sha256:{a}", f"Copying blob {b} skipped: already exists  ", "Writing"]
    )
    assert events == [
        BlobStarted(a, None),
        BlobStarted(b, None),
        BlobSkipped(b, None),
        BlobFinished(a),
    ]
    assert BlobFinished(a) not in _events([f"Copying blob sha256:{a}"], finish=False)


def test_docker_digest() -> None:
    hexadecimal = "0" * 64
    digest = docker_digest(f"x\nlatest: digest: sha256:{hexadecimal} size: 528\n")
    assert str(digest) == f"sha256:{hexadecimal}"
    assert docker_digest("nothing") is None


def _on_terminal(name: str) -> tuple[list[Event], list[str]]:
    """Feed what an engine drew on a terminal, in pieces cut anywhere."""
    found: list[Event] = []
    log = PushLog(found.append)
    lines = Lines(str, log.feed, terminal=True)
    drawn = (RECORDED / f"push-terminal-debian-12-{name}.txt").read_bytes()
    for start in range(0, len(drawn), 7):
        lines.feed(drawn[start : start + 7])
    lines.close()
    log.finish()
    told = [event.text for event in found if isinstance(event, LogLine)]
    return [event for event in found if not isinstance(event, LogLine)], told


@pytest.mark.parametrize(
    ("engine", "small", "big", "sizes"),
    [
        ("podman", "34db581a5615", "1369107b1f14", (3_040_870, 80_006_348)),
        ("docker", "023b9c1120d6", "f38f5dcdcabf", (3_000_000, 80_000_000)),
    ],
)
def test_an_engine_on_a_terminal_tells_its_bytes(
    engine: str, small: str, big: str, sizes: tuple[int, int]
) -> None:
    events, told = _on_terminal(engine)
    assert BlobStarted(small, sizes[0]) in events
    assert BlobStarted(big, sizes[1]) in events
    advanced = [event for event in events if isinstance(event, BlobAdvanced)]
    steps = [event.position for event in advanced if event.blob == big]
    assert steps == sorted(steps)
    assert len(steps) > 4
    assert 0 < steps[2] < sizes[1]
    assert events.count(BlobFinished(small)) == events.count(BlobFinished(big)) == 1
    assert not any("\x1b" in line or "==" in line for line in told)
    assert len(told) == len(set(told))


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_an_engine_on_a_terminal_tells_what_it_skips(engine: str) -> None:
    events, _told = _on_terminal(f"{engine}-again")
    assert [type(event) for event in events].count(BlobSkipped) == 2
    assert not [event for event in events if isinstance(event, BlobAdvanced)]


@table("amount", ["1.2.3MB/4MB", "./4MB", "\u0661MB/4MB", f"{'9' * 400}MB/4MB"])
def test_what_is_no_amount_is_no_progress(amount: str) -> None:
    events = _events([f"{'a' * 12}: Pushing [=>  ]  {amount}"])
    assert events == [BlobStarted("a" * 12, None), BlobFinished("a" * 12)]
