"""``keynet image`` as its users run it, against a registry in memory."""

import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.archive.docker_tar import extract_original_tags, inspect_docker_tar
from tests.fakes.archives import docker_old, make_image, oci, random_image, tar, unpack, write
from tests.fakes.piping import standard_input
from tests.fakes.registry import MemoryRegistry
from tests.unit.cli.conftest import keynet, served

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def open_registry() -> Iterator[tuple[MemoryRegistry, str]]:
    with served(MemoryRegistry()) as (registry, host):
        yield registry, host


@pytest.fixture
def closed_registry() -> Iterator[tuple[MemoryRegistry, str]]:
    """Return a registry that wants a password."""
    with served(MemoryRegistry(auth="basic")) as (registry, host):
        yield registry, host


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "app.tar", docker_old(random_image(1, tags=["team/app:1", "b:2"])))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.medium
def test_push_takes_the_missing_name_from_the_archive(
    open_registry: tuple[MemoryRegistry, str], archive: Path, capsys: Capture
) -> None:
    registry, host = open_registry
    assert keynet("image", "push", str(archive), "--to", f"http://{host}") == 0
    shown = capsys.readouterr()
    digest = registry.repository("team/app").tags["1"]
    assert shown.out == f"{host}/team/app:1  {digest}\n"
    assert shown.err.startswith("Pushing")


@pytest.mark.medium
def test_the_registry_in_the_archives_tag_gives_way_to_the_one_named(
    open_registry: tuple[MemoryRegistry, str], tmp_path: Path, capsys: Capture
) -> None:
    registry, host = open_registry
    named = random_image(3, tags=["registry.example.com/team/own:7"])
    path = write(tmp_path / "own.tar", docker_old(named))
    assert keynet("image", "push", str(path), "--to", f"http://{host}", "--quiet") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out == f"{host}/team/own:7  {registry.repository('team/own').tags['7']}\n"


def test_push_without_a_target_wants_one(archive: Path, capsys: Capture) -> None:
    assert keynet("image", "push", str(archive)) == 2
    shown = capsys.readouterr()
    assert "No registry was given" in shown.err
    assert "--to REGISTRY[/REPOSITORY[:TAG]]" in shown.err


def test_one_refused_target_does_not_hinder_the_others(
    open_registry: tuple[MemoryRegistry, str],
    closed_registry: tuple[MemoryRegistry, str],
    archive: Path,
    capsys: Capture,
) -> None:
    registry, host = open_registry
    refusing, locked = closed_registry
    to = ("--to", f"http://{locked}/x/y:2", "--to", f"http://{host}/x/y:2")
    assert keynet("image", "push", str(archive), *to) == 6
    shown = capsys.readouterr()
    digest = registry.repository("x/y").tags["2"]
    assert shown.out == f"{host}/x/y:2  {digest}\n"
    assert f"Error: {locked}/x/y:2: " in shown.err
    assert "1 of 2 registries" in shown.err
    assert not any(repository.tags for repository in refusing.repositories.values())


def test_json_has_a_result_for_each_target(
    open_registry: tuple[MemoryRegistry, str],
    closed_registry: tuple[MemoryRegistry, str],
    archive: Path,
    capsys: Capture,
) -> None:
    registry, host = open_registry
    _refusing, locked = closed_registry
    to = ("--to", f"http://{locked}", "--to", f"http://{host}", "--json")
    assert keynet("image", "push", str(archive), *to) == 6
    failed, done = json.loads(capsys.readouterr().out)
    assert (failed["digest"], failed["exit_status"]) == (None, 6)
    assert failed["target"] == f"{locked}/team/app:1"
    assert failed["error"]
    assert done["digest"] == registry.repository("team/app").tags["1"]
    assert (done["error"], done["exit_status"]) == (None, 0)


def test_a_password_from_standard_input_opens_the_registry(
    closed_registry: tuple[MemoryRegistry, str],
    archive: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, host = closed_registry
    typed(monkeypatch, registry.password + "\n")
    access = ("--username", registry.user, "--password-stdin")
    assert keynet("image", "push", str(archive), "--to", f"http://{host}/a:1", *access) == 0
    shown = capsys.readouterr()
    assert registry.repository("a").tags["1"] in shown.out
    assert registry.password not in shown.out + shown.err


@pytest.mark.medium
def test_a_second_image_is_chosen_by_its_tag(
    open_registry: tuple[MemoryRegistry, str], tmp_path: Path, capsys: Capture
) -> None:
    registry, host = open_registry
    two = (random_image(1, tags=["first:1"]), random_image(2, tags=["second:2"]))
    path = write(tmp_path / "two.tar", docker_old(*two))
    to = ("--to", f"http://{host}")
    assert keynet("image", "push", str(path), *to, "--image", "second:2") == 0
    assert keynet("image", "push", str(path), *to) == 0
    shown = capsys.readouterr()
    assert "Note: The archive has several images; the first one is pushed." in shown.err
    assert (list(registry.repository("second").tags), list(registry.repository("first").tags)) == (
        ["2"],
        ["1"],
    )
    assert set(registry.repository("first").tags.values()) != set(
        registry.repository("second").tags.values()
    )


@pytest.mark.medium
@pytest.mark.parametrize(("policy", "kind"), [("gzip", "gzip"), ("none", "tar")])
def test_compress_decides_how_layers_arrive(
    open_registry: tuple[MemoryRegistry, str], archive: Path, policy: str, kind: str
) -> None:
    registry, host = open_registry
    to = ("--to", f"http://{host}/c:1", "--compress", policy)
    assert keynet("image", "push", str(archive), *to) == 0
    stored = registry.repository("c")
    manifest = json.loads(stored.manifests[stored.tags["1"]][1])
    assert all(kind in layer["mediaType"] for layer in manifest["layers"])
    layers = [stored.blobs[layer["digest"]] for layer in manifest["layers"]]
    assert all(layer.startswith(b"\x1f\x8b") == (policy == "gzip") for layer in layers)
    plain = [gzip.decompress(layer) if policy == "gzip" else layer for layer in layers]
    assert plain == list(random_image(1).layers)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://me:secret@h.io/x", "user and password cannot be part of the registry"),
        ("team/app:1", "does not start with the name of a registry"),
        ("http://registry.example.com/x:1", "--insecure"),
    ],
)
def test_a_target_that_cannot_be_one_is_a_usage_error(
    archive: Path, capsys: Capture, target: str, words: str
) -> None:
    assert keynet("image", "push", str(archive), "--to", target) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert "secret" not in shown.out + shown.err


def test_a_missing_archive_is_named(tmp_path: Path, capsys: Capture) -> None:
    for command in (("push", "--to", "http://127.0.0.1:1"), ("validate", "--json"), ("tags",)):
        name, *flags = command
        assert keynet("image", name, str(tmp_path / "none.tar"), *flags) == 7
        shown = capsys.readouterr()
        assert f"There is no archive at {tmp_path}/none.tar." in shown.err
        assert shown.out == ""


@pytest.mark.medium
@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_a_pulled_archive_holds_what_was_pushed(
    open_registry: tuple[MemoryRegistry, str],
    archive: Path,
    tmp_path: Path,
    capsys: Capture,
    layout: str,
) -> None:
    registry, host = open_registry
    assert keynet("image", "push", str(archive), "--to", f"http://{host}", "--quiet") == 0
    capsys.readouterr()
    file = tmp_path / "pulled.tar"
    source = f"http://{host}/team/app:1"
    assert keynet("image", "pull", source, str(file), "--format", layout) == 0
    digest = registry.repository("team/app").tags["1"]
    assert capsys.readouterr().out == f"{file}  {digest}\n"
    assert extract_original_tags(file) == [f"{host}/team/app:1"]
    assert inspect_docker_tar(file).id == inspect_docker_tar(archive).id
    assert keynet("image", "validate", str(file)) == 0
    assert capsys.readouterr().out == f"{file} is valid.\n"


@pytest.mark.medium
def test_pull_says_as_json_what_it_wrote(
    open_registry: tuple[MemoryRegistry, str], archive: Path, tmp_path: Path, capsys: Capture
) -> None:
    registry, host = open_registry
    assert keynet("image", "push", str(archive), "--to", f"http://{host}", "--quiet") == 0
    digest = registry.repository("team/app").tags["1"]
    capsys.readouterr()
    file = tmp_path / "by-digest.tar"
    source = f"http://{host}/team/app@{digest}"
    assert keynet("image", "pull", source, str(file), "--json", "--format", "oci") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "image": f"{host}/team/app@{digest}",
        "digest": digest,
        "file": str(file),
        "format": "oci",
    }
    assert shown.err == ""
    assert extract_original_tags(file) == []


def test_pulling_what_is_not_there_leaves_no_file(
    open_registry: tuple[MemoryRegistry, str], tmp_path: Path, capsys: Capture
) -> None:
    _registry, host = open_registry
    assert keynet("image", "pull", f"http://{host}/no/such:1", str(tmp_path / "x.tar")) == 5
    shown = capsys.readouterr().err
    assert f"Could not read manifest 1 of no/such at {host}: it does not exist" in shown
    assert list(tmp_path.iterdir()) == []


def test_pull_wants_a_repository(tmp_path: Path, capsys: Capture) -> None:
    assert keynet("image", "pull", "http://127.0.0.1:1", str(tmp_path / "x.tar")) == 2
    assert "has no repository" in capsys.readouterr().err


def test_inspect_shows_how_the_image_starts_and_its_layers(archive: Path, capsys: Capture) -> None:
    assert keynet("image", "inspect", str(archive)) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for facts in (
        ["Tags", "team/app:1,", "b:2"],
        ["Platform", "linux/amd64"],
        ["Created", "2026-01-02", "03:04:05", "UTC"],
        ["Command", "/bin/true"],
        ["Environment", "PATH=/bin"],
        ["Working", "dir", "/w"],
        ["Ports", "80/tcp"],
        ["Labels", "a=b"],
        ["Layer", "Size", "Type", "Created", "by"],
    ):
        assert facts in lines
    assert [line[-2:] for line in lines[-3:]] == [["COPY", "0"], ["COPY", "1"], ["COPY", "2"]]
    assert {line[-3] for line in lines[-3:]} == {"tar"}


def test_inspect_shows_nothing_that_moves_the_cursor(tmp_path: Path, capsys: Capture) -> None:
    evil = make_image(random_image(1).layers, ["a:1"], author="\x1b[2Jme [red]bold[/red]")
    path = write(tmp_path / "a.tar", docker_old(evil))
    assert keynet("image", "inspect", str(path)) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "[red]bold[/red]" in shown


def test_inspect_chooses_by_platform(tmp_path: Path, capsys: Capture) -> None:
    arm = make_image(random_image(3).layers, ["a:1"], architecture="arm64", variant="v8")
    path = write(tmp_path / "a.tar", oci(arm, random_image(4, tags=["a:1"]), nested=True))
    assert keynet("image", "inspect", str(path), "--platform", "linux/arm64/v8", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["architecture"], found["variant"]) == ("arm64", "v8")
    assert [layer["media_type"].rpartition("+")[2] for layer in found["layers"]] == ["gzip"] * 3
    assert keynet("image", "inspect", str(path), "--platform", "linux/mips") == 7
    assert "linux/arm64" in capsys.readouterr().err
    assert keynet("image", "inspect", str(path), "--image", "b:2") == 7
    assert "a:1" in capsys.readouterr().err


def test_tags_are_listed_one_a_line(archive: Path, capsys: Capture) -> None:
    assert keynet("image", "tags", str(archive)) == 0
    assert capsys.readouterr().out == "team/app:1\nb:2\n"
    assert keynet("image", "tags", str(archive), "--json") == 0
    assert json.loads(capsys.readouterr().out) == ["team/app:1", "b:2"]


def test_validate_finds_the_layer_whose_bytes_changed(
    archive: Path, tmp_path: Path, capsys: Capture
) -> None:
    content = archive.read_bytes()
    layer = random_image(1).layers[1]
    broken = tmp_path / "broken.tar"
    broken.write_bytes(content.replace(layer, layer.replace(b"xxxx", b"xxxy", 1)))
    assert keynet("image", "validate", str(broken)) == 7
    shown = capsys.readouterr()
    assert shown.out == ""
    [line] = shown.err.splitlines()
    assert line.startswith("Error: ")
    assert "/layer.tar: " in line
    assert keynet("image", "validate", str(broken), "--json") == 7
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] is False
    assert len(report["problems"]) == 1


def test_validate_names_a_file_that_is_not_an_archive(tmp_path: Path, capsys: Capture) -> None:
    noise = tmp_path / "noise.tar"
    noise.write_bytes(b"?" * 2000)
    assert keynet("image", "validate", str(noise)) == 7
    assert "noise.tar is not a tar archive." in capsys.readouterr().err
    assert keynet("image", "validate", str(noise), "--json") == 7
    report = json.loads(capsys.readouterr().out)
    assert report == {"valid": False, "problems": [f"{noise} is not a tar archive."]}


def test_validate_says_as_json_that_an_archive_is_sound(archive: Path, capsys: Capture) -> None:
    assert keynet("image", "validate", str(archive), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"valid": True, "problems": []}


def test_an_archive_is_pushed_from_standard_input(
    open_registry: tuple[MemoryRegistry, str], capsys: Capture
) -> None:
    registry, host = open_registry
    with standard_input(tar(docker_old(random_image(1, tags=["team/app:1"])))):
        assert keynet("image", "push", "-", "--to", f"http://{host}", "--quiet") == 0
    assert registry.repository("team/app").tags["1"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "shown"),
    [("validate", "standard input is valid."), ("tags", "team/app:1"), ("inspect", "team/app:1")],
)
def test_an_archive_on_standard_input_is_looked_at(
    capsys: Capture, command: str, shown: str
) -> None:
    with standard_input(tar(docker_old(random_image(1, tags=["team/app:1"])))):
        assert keynet("image", command, "-") == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("command", ["push", "validate", "tags", "inspect"])
def test_a_pipe_that_ends_early_is_an_invalid_archive(capsys: Capture, command: str) -> None:
    content = tar(docker_old(random_image(1, tags=["team/app:1"])))
    to = ("--to", "http://127.0.0.1:1/a:1") if command == "push" else ()
    with standard_input(content[: len(content) // 2]):
        assert keynet("image", command, "-", *to) == 7
    assert "standard input" in capsys.readouterr().err


def test_standard_input_is_not_read_for_two_things(capsys: Capture) -> None:
    to = ("--to", "http://127.0.0.1:1/a:1", "--username", "me", "--password-stdin")
    with standard_input(b"secret"):
        assert keynet("image", "push", "-", *to) == 2
    assert "both the archive and the password" in capsys.readouterr().err


@pytest.mark.medium
def test_a_folder_is_pushed_and_its_image_chosen_by_a_bare_tag(
    open_registry: tuple[MemoryRegistry, str], tmp_path: Path, capsys: Capture
) -> None:
    registry, host = open_registry
    images = [random_image(number, tags=[f"v{number}"]) for number in (1, 2)]
    name = "org.opencontainers.image.ref.name"
    folder = unpack(tmp_path / "layout", oci(*images, annotation=name))
    to = ("--to", f"http://{host}/team/app", "--image", "v2", "--compress", "none")
    assert keynet("image", "push", str(folder), *to) == 0
    digest = registry.repository("team/app").tags["v2"]
    manifest = json.loads(registry.repository("team/app").manifests[digest][1])
    assert manifest["config"]["size"] == len(images[1].config)
    assert keynet("image", "push", str(folder), "--image", "v3", *to[:2]) == 7
    assert "Its tags: v1, v2." in capsys.readouterr().err
