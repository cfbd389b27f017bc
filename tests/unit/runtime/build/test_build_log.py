"""Build logs as the real engines wrote them."""

from pathlib import Path

import pytest

from keynet.oci.reference import Reference
from keynet.runtime.build.build_log import BuildLog
from tests.tables import table

RECORDED = Path(__file__).parents[3] / "fakes" / "engine_output"
ENGINES = sorted(path.name.removesuffix("-ok.txt") for path in RECORDED.glob("build-*-ok.txt"))
BUILDKIT = [name for name in ENGINES if "buildkit" in name or "buildx" in name]
STEPWISE = [name for name in ENGINES if name not in BUILDKIT]


def _read(name: str) -> BuildLog:
    log = BuildLog()
    for line in (RECORDED / f"{name}.txt").read_text().split("\n"):
        log.feed(line)
    return log


def test_every_generation_is_recorded() -> None:
    assert len(STEPWISE) >= 3
    assert BUILDKIT


@table("engine", STEPWISE)
@table("case", ["ok", "cached"])
def test_image_and_stages_are_found(engine: str, case: str) -> None:
    log = _read(f"{engine}-{case}")
    assert len(log.stage_images) == 2
    assert log.image_id.startswith(log.stage_images[-1]) or log.stage_images[-1].startswith(
        log.image_id
    )
    assert log.stage_images[0] != log.stage_images[1]


@table("engine", STEPWISE)
def test_cached_build_has_the_same_images(engine: str) -> None:
    first, second = _read(f"{engine}-ok"), _read(f"{engine}-cached")
    assert first.image_id[:11] == second.image_id[:11]
    assert [top[:11] for top in first.stage_images] == [top[:11] for top in second.stage_images]


@table("engine", ENGINES)
def test_failure_names_the_step_and_shows_its_output(engine: str) -> None:
    error = _read(f"{engine}-run-fails").failure("engine", 3, "/tmp/Containerfile")
    first, *rest = error.message.split("\n")
    assert 'RUN ["/bin/busybox","sh","-c","echo about to fail' in first
    assert any("about to fail" in line for line in rest)
    assert any("second" in line for line in rest)
    assert rest[-1] == "Containerfile: /tmp/Containerfile"
    assert len(rest) <= 21
    assert "\x1b" not in error.message
    assert error.hint


@table("engine", ENGINES)
def test_a_base_that_cannot_be_reached_is_a_matter_of_the_network(engine: str) -> None:
    error = _read(f"{engine}-no-base").failure("engine", 125, "x")
    assert "127.0.0.1:9/library/nothing:1" in error.message.split("\n")[0]
    assert "network" in error.hint


@table(
    ("line", "word"),
    [
        ("write /layer.tar: no space left on device", "disk"),
        ("Error: beginning transaction: database or disk is full", "disk"),
        ("Error: initializing source: reading manifest 9 in x: manifest unknown", "base image"),
        ("pull access denied for nothing, repository does not exist", "base image"),
        ("x509: certificate signed by unknown authority", "CA"),
        ('Get "https://r/v2/": http: server gave HTTP response to HTTPS client', "plain http"),
        ("exec /usr/bin/python3: exec format error", "--platform"),
        ("unauthorized: authentication required", "login"),
        ("ERROR: No matching distribution found for nump", "requirement"),
        ("Temporary failure in name resolution", "network"),
        ("exit status 1", "failing step"),
    ],
)
def test_hint_fits_the_cause(line: str, word: str) -> None:
    log = BuildLog()
    log.feed(line)
    assert word in log.failure("buildah", 1, "x").hint


def test_failure_before_the_first_step_tells_the_status() -> None:
    assert "exit status 125" in BuildLog().failure("podman", 125, "x").message


def test_base_images_are_no_stage_of_ours() -> None:
    log = BuildLog()
    for line in (
        "Step 1/2 : FROM a",
        " ---> 0123456789ab",
        "Step 2/2 : FROM b",
        " ---> 1123456789ab",
    ):
        log.feed(line)
    assert log.stage_images == []


INSTALL = 'RUN --mount=type=bind,source=build,target=/keynet ["python3", "/keynet/install.py", ""]'
BASE = Reference.parse("python:3.11-slim")


@pytest.mark.parametrize(
    "lines",
    [
        (f"STEP 3/10: {INSTALL}", "ERROR: ResolutionImpossible"),
        (f"Step 4/13 : {INSTALL}", "\x1b[91mERROR: ResolutionImpossible"),
        (f"#6 [stage-0 2/4] {INSTALL}", "#6 0.5 ERROR: ResolutionImpossible", "#6 ERROR: x"),
    ],
)
def test_an_installation_is_explained_without_the_line_that_keynet_wrote(
    lines: tuple[str, ...],
) -> None:
    log = BuildLog()
    for line in lines:
        log.feed(line)
    error = log.failure("engine", 1, "/tmp/Containerfile", BASE)
    assert "install.py" not in error.brief
    assert "contradict each other" in error.brief
    assert "docker.io/library/python:3.11-slim" in error.brief
    assert "Loosen" in error.hint
    # A RUN of a user's own Containerfile is named as it is, with the same advice.
    assert "install.py" in log.failure("engine", 1, "/tmp/Containerfile").brief


@table(
    "lines",
    [
        ("STEP 1/10: FROM localhost/onb:1", "STEP 2/12: COPY requirements.txt /app/"),
        ("#6 [stage-0 2/4] COPY requirements.txt /app/", "#6 ERROR: not found"),
        ("#6 [dependencies 2/4] RUN pip install -r x", "#6 ERROR: not found"),
        ("Step 1/13 : FROM localhost/onb:1 AS dependencies", "# Executing 2 build triggers"),
    ],
)
def test_instructions_of_the_base_are_named_as_such(lines: tuple[str, ...]) -> None:
    log = BuildLog()
    for line in lines:
        log.feed(line)
    error = log.failure("engine", 1, "x", BASE)
    assert "ONBUILD" in error.brief
    assert "--dockerfile" in error.hint
    assert "ONBUILD" not in log.failure("engine", 1, "x").brief


@table(
    "step",
    [
        "STEP 9/10: COPY context/ /workspace/",
        "#9 [stage-1 2/4] COPY --from=dependencies /keynet-layer/ /",
        "Step 3/13 : COPY build/ /keynet/",
        "STEP 1/2: FROM a",
    ],
)
def test_instructions_of_keynet_are_not_taken_for_the_bases(step: str) -> None:
    log = BuildLog()
    log.feed(step)
    assert "ONBUILD" not in log.failure("engine", 1, "x", BASE).brief
