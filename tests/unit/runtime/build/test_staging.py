"""What the engine gets to build from."""

import dataclasses
import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from keynet.events import Event, Notice, ignore
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, BuildSecret, ContextFile, Recipe, UserContainerfile
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import keep_containerfile, stage
from keynet.runtime.engines.docker import docker_tar_context
from tests.unit.conftest import Machine

RECIPE = Recipe(Reference.parse("scratch"), ("python", "train.py"))
RENDERED = Rendered(
    "FROM scratch\n", {"wheels/a.whl": b"wheel", "bin/tool": b"tool"}, frozenset({"bin/tool"})
)


@pytest.fixture
def context(machine: Machine) -> Path:
    folder = machine.home / "project"
    folder.mkdir()
    return folder


def _plan(context: Path, *paths: str, recipe: Recipe | UserContainerfile = RECIPE) -> BuildPlan:
    return BuildPlan(context, tuple(ContextFile(path, 0) for path in sorted(paths)), recipe)


def _rendered(plan: BuildPlan) -> Rendered:
    return Rendered(plan.recipe.text) if isinstance(plan.recipe, UserContainerfile) else RENDERED


def _own(path: Path) -> UserContainerfile:
    return UserContainerfile(path, "FROM a\n", ())


def _members(plan: BuildPlan) -> dict[str, tarfile.TarInfo]:
    pipe = io.BytesIO()
    with stage(plan, _rendered(plan), ignore) as staged:
        docker_tar_context.write(plan, _rendered(plan), staged, pipe)
    with tarfile.open(fileobj=io.BytesIO(pipe.getvalue()), errors="surrogateescape") as tar:
        return {member.name: member for member in tar}


def _content(plan: BuildPlan, name: str) -> str:
    pipe = io.BytesIO()
    with stage(plan, _rendered(plan), ignore) as staged:
        docker_tar_context.write(plan, _rendered(plan), staged, pipe)
    with tarfile.open(fileobj=io.BytesIO(pipe.getvalue())) as tar:
        found = tar.extractfile(name)
        assert found is not None
        return found.read().decode()


def test_generated_recipe_has_context_and_build_side_by_side(context: Path) -> None:
    (context / "train.py").write_text("x")
    (context / "left-out.log").write_text("x")
    with stage(_plan(context, "train.py"), RENDERED, ignore) as staged:
        files = sorted(
            str(path.relative_to(staged.root)) for path in staged.root.rglob("*") if path.is_file()
        )
        assert files == ["build/bin/tool", "build/wheels/a.whl", "context/train.py"]
        assert stat.S_IMODE((staged.root / "build/bin/tool").stat().st_mode) == 0o755
        assert stat.S_IMODE((staged.root / "build/wheels/a.whl").stat().st_mode) == 0o644
        assert staged.containerfile.read_text() == "FROM scratch\n"
        assert not staged.containerfile.is_relative_to(staged.root)
        assert staged.ignorefile.name == f"{staged.containerfile.name}.dockerignore"
        top = staged.private.parent
    assert not top.exists()


def test_users_recipe_has_the_context_as_its_root(context: Path) -> None:
    (context / "train.py").write_text("x")
    recipe = _own(context / "Dockerfile")
    with stage(_plan(context, "train.py", recipe=recipe), Rendered(recipe.text), ignore) as staged:
        assert [path.name for path in staged.root.iterdir()] == ["train.py"]


def test_files_are_copies_that_stay_as_they_were_read(context: Path) -> None:
    log = context / "train.log"
    log.write_text("one\n")
    os.utime(log, (1_000_000_000, 1_000_000_000))
    with stage(_plan(context, "train.log"), RENDERED, ignore) as staged:
        with log.open("a") as writer:
            writer.write("two\n")
        copy = staged.root / "context/train.log"
        assert copy.read_text() == "one\n"
        assert copy.stat().st_mtime == 1_000_000_000


def test_symlinks_are_not_followed(context: Path) -> None:
    (context / "outside").symlink_to("/etc/passwd")
    (context / "loop").symlink_to("loop")
    with stage(_plan(context, "outside", "loop"), RENDERED, ignore) as staged:
        assert (staged.root / "context/outside").readlink() == Path("/etc/passwd")
        assert (staged.root / "context/loop").readlink() == Path("loop")


def test_modes_and_times_of_folders_survive(context: Path) -> None:
    (context / "closed").mkdir()
    (context / "closed/file").write_text("x")
    (context / "closed").chmod(0o555)
    os.utime(context / "closed", (1_000_000_000, 1_000_000_000))
    with stage(_plan(context, "closed", "closed/file"), RENDERED, ignore) as staged:
        found = (staged.root / "context/closed").stat()
        assert stat.S_IMODE(found.st_mode) == 0o555
        assert found.st_mtime == 1_000_000_000
        top = staged.private.parent
    assert not top.exists()


def test_fifos_and_sockets_are_left_out_and_said(context: Path) -> None:
    os.mkfifo(context / "fifo")
    said: list[Event] = []
    with stage(_plan(context, "fifo"), RENDERED, said.append) as staged:
        assert list((staged.root / "context").iterdir()) == []
    [notice] = said
    assert isinstance(notice, Notice)
    assert "fifo" in notice.text


def test_files_that_vanished_are_left_out_with_one_notice(context: Path, machine: Machine) -> None:
    (context / "train.py").write_text("x")
    (context / "was-a-folder").write_text("x")
    plan = _plan(context, "gone.py", "no-folder/a", "train.py", "was-a-folder/b")
    said: list[Event] = []
    with stage(plan, RENDERED, said.append) as staged:
        found = [path.name for path in (staged.root / "context").rglob("*") if path.is_file()]
        assert found == ["train.py"]
    [notice] = said
    assert isinstance(notice, Notice)
    assert "gone.py, no-folder/a, was-a-folder/b" in notice.text
    assert list((machine.home / ".cache/keynet/staging").iterdir()) == []


def test_odd_names_go_into_the_tar(context: Path) -> None:
    names = ["a\nb", 'it\'s "q"', "학습", os.fsdecode(b"\xff\xfe")]
    for name in names:
        (context / name).write_text("x")
    members = _members(_plan(context, *names))
    assert {f"context/{name}" for name in names} <= set(members)


def test_everything_in_the_tar_belongs_to_root(context: Path) -> None:
    (context / "train.py").write_text("x")
    (context / "link").symlink_to("train.py")
    for member in _members(_plan(context, "train.py", "link")).values():
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")


def test_containerfile_hides_from_the_image(context: Path) -> None:
    plan = _plan(context)
    assert docker_tar_context.containerfile_name(plan) == ".keynet-containerfile"
    assert _content(plan, ".keynet-containerfile") == "FROM scratch\n"
    assert _content(plan, ".dockerignore") == ".dockerignore\n.keynet-containerfile\n"


def test_users_ignore_file_stays_in_the_image(context: Path) -> None:
    (context / ".dockerignore").write_text("*.log")
    recipe = _own(context.parent / "Dockerfile")
    plan = _plan(context, ".dockerignore", recipe=recipe)
    assert _content(plan, ".dockerignore") == "*.log\n.keynet-containerfile\n"


def test_users_containerfile_is_used_in_its_place(context: Path) -> None:
    (context / "docker").mkdir()
    (context / "docker/Dockerfile").write_text("FROM a\n")
    recipe = _own(context / "docker/Dockerfile")
    plan = _plan(context, "docker", "docker/Dockerfile", recipe=recipe)
    assert docker_tar_context.containerfile_name(plan) == "docker/Dockerfile"
    assert set(_members(plan)) == {"docker", "docker/Dockerfile"}
    ignored = _plan(context, recipe=recipe)
    assert docker_tar_context.containerfile_name(ignored) == ".keynet-containerfile"


def test_a_build_file_of_keynets_cache_is_a_link_to_it(context: Path, tmp_path: Path) -> None:
    kept = tmp_path / "pip.zip"
    kept.write_bytes(b"pip")
    rendered = Rendered("FROM scratch\n", {"pip.zip": kept})
    with stage(_plan(context), rendered, ignore) as staged:
        assert (staged.root / "build/pip.zip").samefile(kept)
    assert kept.stat().st_nlink == 1


def test_what_failed_is_kept_unless_it_is_the_users_own(context: Path) -> None:
    kept = Path(keep_containerfile(_plan(context), RENDERED, "localhost/keynet/p"))
    assert kept.read_text() == "FROM scratch\n"
    own = _own(context / "Dockerfile")
    plan = _plan(context, recipe=own)
    assert keep_containerfile(plan, Rendered(own.text), "p") == str(own.path)


def test_no_path_of_a_stage_has_a_separator_of_an_engines_option(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--secret``, ``--volume`` and even podman's ``--file`` split their values at a comma."""
    odd = tmp_path / 'ca,che: "x"'
    odd.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(odd))
    (odd / "token").write_text("t")
    (context / "train.py").write_text("x")
    secrets = (BuildSecret("t", odd / "token"), BuildSecret("plain", Path("/plain")))
    plan = dataclasses.replace(_plan(context, "train.py"), secrets=secrets)
    with stage(plan, RENDERED, ignore) as staged:
        [flag, plain] = staged.secret_flags(secrets)
        for path in (staged.root, staged.containerfile, staged.ignorefile, staged.private, flag):
            assert not set(str(path).removeprefix("--secret=id=t,")) & set(',: "')
        assert Path(flag.rpartition("=")[2]).read_text() == "t"
        assert plain == "--secret=id=plain,src=/plain"
        assert (staged.root / "context/train.py").read_text() == "x"
        top = staged.private.parent
        assert stat.S_IMODE(top.stat().st_mode) == 0o700
    assert not top.exists()


def test_a_private_umask_does_not_close_keynets_own_folders(context: Path) -> None:
    (context / "train.py").write_text("x")
    before = os.umask(0o077)
    try:
        with stage(_plan(context, "train.py"), RENDERED, ignore) as staged:
            modes = {
                str(path.relative_to(staged.root)): stat.S_IMODE(path.stat().st_mode)
                for path in (staged.root, *staged.root.rglob("*"))
            }
    finally:
        os.umask(before)
    assert {name for name, mode in modes.items() if mode & 0o044 != 0o044} == set()
    assert {modes[name] for name in (".", "build", "build/wheels", "context")} == {0o755}


@pytest.mark.slow
def test_a_deep_context_is_removed_again(context: Path, machine: Machine) -> None:
    paths = ["/".join(["d"] * depth) for depth in range(1, 1_001)]
    try:
        for path in paths:
            (context / path).mkdir()
        with stage(_plan(context, *paths), RENDERED, ignore) as staged:
            assert (staged.root / "context" / paths[-1]).is_dir()
        assert list((machine.home / ".cache/keynet/staging").iterdir()) == []
    finally:
        # pytest's own removal fails on what is nested deeply.
        subprocess.run(["/bin/rm", "-rf", context, machine.home / ".cache"], check=True)
