"""``keynet image copy`` as its users run it, against registries in memory."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.oci.descriptor import Digest
from tests.fakes.archives import docker_old, random_image, write
from tests.fakes.registry import MemoryRegistry
from tests.unit.cli.conftest import keynet, served

Capture = pytest.CaptureFixture[str]
Running = tuple[MemoryRegistry, str]


@pytest.fixture
def first() -> Iterator[Running]:
    """Run a registry with an image."""
    with served(MemoryRegistry(auth="basic", user="reader", password="password-of-first")) as (
        registry,
        host,
    ):
        yield registry, host


@pytest.fixture
def second() -> Iterator[Running]:
    with served(MemoryRegistry(auth="basic", user="writer", password="password-of-second")) as (
        registry,
        host,
    ):
        yield registry, host


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "app.tar", docker_old(random_image(1, tags=["team/app:1"])))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def filled(
    monkeypatch: pytest.MonkeyPatch, first: Running, archive: Path, capsys: Capture
) -> tuple[str, str]:
    """Copy the archive into the first registry; return its name and digest there."""
    name = f"http://{first[1]}/team/app:1"
    typed(monkeypatch, "password-of-first\n")
    login = ["--username", "reader", "--password-stdin"]
    assert keynet("image", "copy", str(archive), name, *login, "--json") == 0
    digest = json.loads(capsys.readouterr().out)["digest"]
    first[0].seen.clear()
    return name, digest


@pytest.mark.medium
def test_an_archive_is_copied_with_one_login(
    monkeypatch: pytest.MonkeyPatch, first: Running, archive: Path, capsys: Capture
) -> None:
    name, digest = filled(monkeypatch, first, archive, capsys)
    assert first[0].repository("team/app").tags == {"1": digest}
    typed(monkeypatch, "password-of-first\n")
    login = ["--username", "reader", "--password-stdin"]
    assert keynet("image", "copy", name, name.replace("app:1", "app:2"), *login) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{first[1]}/team/app:2  {digest}\n"
    assert shown.err.startswith("Copying")


@pytest.mark.medium
def test_two_registries_take_two_logins(
    monkeypatch: pytest.MonkeyPatch, first: Running, second: Running, archive: Path, capsys: Capture
) -> None:
    name, digest = filled(monkeypatch, first, archive, capsys)
    typed(monkeypatch, "password-of-first\npassword-of-second\n")
    logins = ["--src-username", "reader", "--src-password-stdin",
              "--dest-username", "writer", "--dest-password-stdin"]  # fmt: skip
    assert keynet("image", "copy", name, f"http://{second[1]}/mirror:1", *logins) == 0
    assert capsys.readouterr().out == f"{second[1]}/mirror:1  {digest}\n"
    assert Digest.of(second[0].repository("mirror").manifests[digest][1]) == Digest.parse(digest)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--username", "me", "--password-stdin"], "--src-username"),
        (["--src-username", "me"], "--src-password-stdin"),
        (["--dest-password-stdin"], "--dest-username"),
        (["--src-username", "me", "--src-password-stdin"], "There is no password for me"),
        (["--all", "--platform", "linux/amd64"], "--all"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(
    monkeypatch: pytest.MonkeyPatch,
    first: Running,
    second: Running,
    capsys: Capture,
    options: list[str],
    text: str,
) -> None:
    typed(monkeypatch, "secret\n" if "--username" in options else "")
    ends = f"http://{first[1]}/a:1", f"http://{second[1]}/b:1"
    assert keynet("image", "copy", *ends, *options) == 2
    assert text in capsys.readouterr().err
    assert first[0].seen == second[0].seen == []


def test_files_need_no_login(archive: Path, tmp_path: Path, capsys: Capture) -> None:
    place = f"oci:{tmp_path}/out"
    assert keynet("image", "copy", str(archive), place, "--quiet", "--json") == 0
    shown = capsys.readouterr()
    copied = json.loads(shown.out)
    assert copied == {
        "source": str(archive),
        "destination": place,
        "digest": copied["digest"],
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "platform": None,
        "manifests": 1,
        "referrers": 0,
    }
    assert shown.err == ""
    assert (tmp_path / "out/index.json").exists()


@pytest.mark.parametrize("place", ["app", "nothing.tar", "user:secret@host.example/app:1"])
def test_a_place_that_cannot_be_is_a_usage_error(
    archive: Path, capsys: Capture, place: str
) -> None:
    assert keynet("image", "copy", str(archive), place) == 2
    shown = capsys.readouterr().err
    assert "oci-archive:FILE" in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    "login",
    [["--username", "me", "--password-stdin"], ["--dest-username", "me", "--dest-password-stdin"]],
)
def test_standard_input_is_the_archive_or_the_password(
    monkeypatch: pytest.MonkeyPatch, second: Running, capsys: Capture, login: list[str]
) -> None:
    typed(monkeypatch, "password\n")
    assert keynet("image", "copy", "-", f"http://{second[1]}/app:1", *login) == 2
    assert "cannot have both" in capsys.readouterr().err
    assert second[0].seen == []


def test_a_file_that_is_not_there_is_not_an_image(tmp_path: Path, capsys: Capture) -> None:
    assert keynet("image", "copy", f"docker-archive:{tmp_path}/no.tar", f"oci:{tmp_path}/x") == 7
    assert "no.tar" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("declared", [True, False])
def test_a_token_server_is_declared_for_a_copy(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    registry = MemoryRegistry(auth="token")
    with served(registry) as (_registry, host), served(registry) as (_same, tokens):
        registry.realm = f"http://{tokens}/token"
        typed(monkeypatch, f"{registry.password}\n")
        flags = ["--username", registry.user, "--password-stdin"]
        flags += ["--token-host", tokens] if declared else []
        status = keynet("image", "copy", str(archive), f"http://{host}/team/app:1", *flags)
    assert status == (0 if declared else 5)
    assert any("/token" in seen.url for seen in registry.seen) == declared
