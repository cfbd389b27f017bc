"""``keynet build --output``: an image in a file or a folder, from every engine, again and again."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .pushing import NEWER, OLDER, marked, write

RECIPE = "FROM busybox\nCOPY . /workspace\n"
TRANSPORTS = ("docker-archive", "oci-archive", "oci")
OFTEN = (
    "docker-legacy",
    "rootless-podman",
    "newer-docker",
    "newer-buildah",
)


@pytest.fixture(
    params=[*marked(OLDER, often=OFTEN), *marked(NEWER, pytest.mark.newer, often=OFTEN)]
)
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    return host_setups.named(request.param)


@pytest.fixture
def buildah(host_setups: HostSetups) -> HostSetup:
    return host_setups.named("buildah")


def test_each_form_is_written_and_written_over(setup: HostSetup) -> None:
    context = _context(setup)
    forms = [form for form in TRANSPORTS if form in _forms(setup)]
    for form in forms:
        for turn in ("first", "second"):
            write(setup, context / "train.py", f"print('{form} {turn}')\n")
            told = _build(setup, context, f"{form}:../{context.name}-out")
            assert told.returncode == 0, told.stderr
            assert told.stdout.strip() == f"{form}:../{context.name}-out"
        target = setup.home / f"{context.name}-out"
        files = _files(setup, form, target)
        assert f"print('{form} second')" in files
        assert not list(setup.home.glob(".keynet-*"))
        assert setup.run(setup.command("rm", "-r", str(target))).returncode == 0


@pytest.mark.docker
def test_an_engine_that_cannot_write_a_form_says_so_before_it_builds(
    host_setups: HostSetups,
) -> None:
    setup = host_setups.named("docker-legacy")
    told = _build(setup, _context(setup), "oci-archive:x.tar")
    assert told.returncode == 4
    assert "docker cannot write oci-archive, only docker-archive" in told.stderr
    assert "STEP" not in told.stderr.upper()


@pytest.mark.buildah
@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("tar:x.tar", "is not valid: use one of"),
        ("registry.example.com/team/image:1", "is not valid: use one of"),
        ("docker://registry.example.com/image", "is not valid: use one of"),
        ("x.tar", "is not valid: use one of"),
        ("oci-archive:", "is not valid: use one of"),
        ("oci-archive:x.tar:tag", "the path has a colon"),
        ("oci-archive:no/such/folder/x.tar", "does not exist"),
        ("docker-archive:/dev/null", "not a regular file"),
        ("docker-archive:.", "not a regular file"),
        ("oci:train.py", "not a folder"),
        ("oci:../loop", "not a folder"),
        ("oci-archive:../loop", "not a regular file"),
        ("oci:.", "something else than an image"),
        ("oci:../shared-layout", "other images too"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_built(
    buildah: HostSetup, output: str, word: str
) -> None:
    context = _context(buildah)
    layout = context.parent / "shared-layout"
    layout.mkdir(exist_ok=True)
    if not (context.parent / "loop").is_symlink():
        (context.parent / "loop").symlink_to("loop")
    (layout / "index.json").write_text('{"manifests": [{}, {}]}')
    told = _build(buildah, context, output)
    assert told.returncode == 2, told.stderr
    assert word in told.stderr
    assert "STEP" not in told.stderr
    assert sorted(path.name for path in context.iterdir()) == ["Recipe", "train.py"]


@pytest.mark.buildah
def test_a_layout_holds_the_newest_image_alone_and_no_blob_of_the_last(buildah: HostSetup) -> None:
    context = _context(buildah)
    layout = context.parent / f"{context.name}-layout"
    layout.mkdir()
    blobs = []
    for turn in range(2):
        write(buildah, context / "train.py", f"print({turn})\n")
        assert _build(buildah, context, f"oci:{layout}").returncode == 0
        blobs.append({path.name for path in layout.glob("blobs/sha256/*")})
    assert len(blobs[0]) == len(blobs[1])
    assert len(blobs[0] & blobs[1]) == 1
    assert sorted(path.name for path in layout.iterdir()) == ["blobs", "index.json", "oci-layout"]


@pytest.mark.buildah
def test_an_archive_stays_when_the_new_one_cannot_be_written(buildah: HostSetup) -> None:
    context = _context(buildah)
    archive = context.parent / f"{context.name}.tar"
    archive.write_text("the old one")
    small = 'ulimit -f 16; exec "$@"'
    keynet = [buildah.python, "-m", "keynet", "build", "train.py", "-f", "Recipe"]
    keynet += ["--builder", "buildah", "--output", f"oci-archive:{archive}"]
    assert _build(buildah, context, None).returncode == 0
    told = buildah.run(buildah.command("sh", "-c", small, "sh", *keynet, cwd=context))
    assert told.returncode != 0
    assert archive.read_text() == "the old one"
    assert not list(archive.parent.glob(".keynet-*"))


def _context(setup: HostSetup) -> Path:
    context = setup.home / f"output-{os.urandom(4).hex()}"
    write(setup, context / "train.py", "print('trained')\n")
    write(setup, context / "Recipe", RECIPE)
    return context


def _build(setup: HostSetup, context: Path, output: str | None) -> subprocess.CompletedProcess[str]:
    flags = ["-f", "Recipe", "--builder", setup.builder]
    flags += ["--output", output] if output is not None else []
    return setup.keynet("build", "train.py", *flags, cwd=context)


def _forms(setup: HostSetup) -> tuple[str, ...]:
    # docker writes OCI layouts since version 25.
    old_docker = setup.builder == "docker" and not setup.name.startswith("newer-")
    return ("docker-archive",) if old_docker else TRANSPORTS


def _files(setup: HostSetup, form: str, path: Path) -> str:
    """Return all layers, opened, of the image that an ordinary tool finds there."""
    script = (
        'skopeo --insecure-policy copy --quiet "$1:$2" "dir:$2-copied" || exit; '
        'for file in "$2"-copied/*; do gzip -dcf "$file"; done; rm -r "$2-copied"'
    )
    read = setup.run(setup.command("sh", "-c", script, "sh", form, str(path)))
    assert read.returncode == 0, read.stderr
    return read.stdout
