"""``keynet registry`` as its users run it, against a registry in memory."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keynet import credentials
from keynet.saved_login import SavedLogin
from tests.fakes.archives import docker_old, random_image, write
from tests.fakes.registry import MemoryRegistry
from tests.fakes.stored_images import entry, store_image, store_index
from tests.unit.cli.conftest import Terminal, keynet, saved, served

Capture = pytest.CaptureFixture[str]


@dataclass(frozen=True, slots=True)
class Filled:
    """A registry with team/app:1, team/app:same and other:2; ``digest`` is team/app:1's."""

    registry: MemoryRegistry
    host: str

    @property
    def digest(self) -> str:
        return self.registry.repository("team/app").tags["1"]


@pytest.fixture
def filled(tmp_path: Path, capsys: Capture) -> Iterator[Filled]:
    with served(MemoryRegistry(page=1)) as (registry, host):
        for seed, tag in ((1, "team/app:1"), (1, "team/app:same"), (2, "other:2")):
            path = write(tmp_path / "a.tar", docker_old(random_image(seed)))
            to = ("--to", f"http://{host}/{tag}", "--quiet")
            assert keynet("image", "push", str(path), *to) == 0
        capsys.readouterr()
        yield Filled(registry, host)


@pytest.fixture
def locked() -> Iterator[tuple[MemoryRegistry, str]]:
    """Return a registry that wants a password."""
    with served(MemoryRegistry(auth="basic")) as (registry, host):
        yield registry, host


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.medium
def test_ping_names_who_answers(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "ping", f"http://{filled.host}/") == 0
    assert capsys.readouterr().out.startswith(f"{filled.host} answers in ")
    assert keynet("registry", "ping", f"http://{filled.host}", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["registry"] == filled.host
    assert isinstance(answer["milliseconds"], int)


def test_ping_with_the_right_password_is_accepted(
    locked: tuple[MemoryRegistry, str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, host = locked
    typed(monkeypatch, registry.password)
    access = ("--username", registry.user, "--password-stdin")
    assert keynet("registry", "ping", f"http://{host}", *access) == 0
    assert host in capsys.readouterr().out


def test_a_password_is_asked_for_at_a_terminal(
    locked: tuple[MemoryRegistry, str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, host = locked
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda *_prompt, **_more: registry.password)
    assert keynet("registry", "ping", f"http://{host}", "--username", registry.user) == 0
    shown = capsys.readouterr()
    assert registry.password not in shown.out + shown.err


def test_a_wrong_password_is_refused_and_not_repeated(
    locked: tuple[MemoryRegistry, str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, host = locked
    typed(monkeypatch, "not-the-password\n")
    access = ("--username", registry.user, "--password-stdin")
    assert keynet("registry", "ping", f"http://{host}", *access) == 6
    shown = capsys.readouterr()
    assert host in shown.err
    assert "not-the-password" not in shown.out + shown.err


@pytest.mark.needs("catalog")
def test_without_credentials_a_closed_registry_is_denied(
    locked: tuple[MemoryRegistry, str], capsys: Capture
) -> None:
    _registry, host = locked
    assert keynet("registry", "repos", f"http://{host}") == 6
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Error: " in shown.err
    assert "Hint: " in shown.err


@pytest.mark.needs("catalog")
@pytest.mark.needs("empty repositories in the list")
def test_keynets_own_login_opens_its_registry(
    locked: tuple[MemoryRegistry, str],
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, host = locked
    login = saved("https://api.example.com", host)
    login["harbor"] = {
        "url": f"http://{host}",
        "username": registry.user,
        "password": registry.password,
    }
    config = tmp_path / "config.json"
    config.write_text(json.dumps(login))
    config.chmod(0o600)
    monkeypatch.setenv("KEYNET_CONFIG", str(config))
    registry.repository("mine")
    assert keynet("registry", "repos", f"http://{host}") == 0
    assert capsys.readouterr().out == "mine\n"


@pytest.mark.parametrize(
    ("flags", "text", "words"),
    [
        (("--username", "me"), "", "--username and --password-stdin must be used together."),
        (("--password-stdin",), "x", "--username and --password-stdin must be used together."),
        (("--username", "me", "--password-stdin"), "\n", "There is no password on standard input."),
    ],
)
def test_half_a_login_is_a_usage_error(
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    text: str,
    words: str,
) -> None:
    typed(monkeypatch, text)
    assert keynet("registry", "ping", "http://127.0.0.1:1", *flags) == 2
    assert words in capsys.readouterr().err


@pytest.mark.medium
@pytest.mark.needs("catalog")
def test_plain_http_beyond_loopback_needs_insecure(filled: Filled, capsys: Capture) -> None:
    # The address of all interfaces reaches loopback without being it.
    elsewhere = filled.host.replace("127.0.0.1", "0.0.0.0")
    assert keynet("registry", "repos", f"http://{elsewhere}") == 2
    assert "--insecure" in capsys.readouterr().err
    assert keynet("registry", "repos", f"http://{elsewhere}", "--insecure") == 0
    assert capsys.readouterr().out == "other\nteam/app\n"


def test_a_missing_ca_file_is_named(tmp_path: Path, capsys: Capture) -> None:
    missing = tmp_path / "ca.pem"
    assert keynet("registry", "ping", "https://127.0.0.1:1", "--ca-cert", str(missing)) == 2
    assert str(missing) in capsys.readouterr().err


def test_a_ca_file_that_is_not_a_certificate_is_named(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("this is no certificate\n")
    assert keynet("registry", "ping", "https://127.0.0.1:1", "--ca-cert", str(file)) == 2
    shown = capsys.readouterr().err
    assert f"The CA certificate {file} cannot be used: " in shown
    assert "Use a PEM file that your user can read." in shown


@pytest.mark.medium
@pytest.mark.needs("catalog")
def test_repositories_are_listed_from_every_page(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "repos", f"http://{filled.host}") == 0
    assert capsys.readouterr().out == "other\nteam/app\n"
    assert keynet("registry", "repos", f"http://{filled.host}", "--json") == 0
    assert json.loads(capsys.readouterr().out) == ["other", "team/app"]


@pytest.mark.medium
@pytest.mark.needs("catalog")
def test_the_long_list_has_a_line_for_each_tag(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "repos", "--long", f"http://{filled.host}") == 0
    head, *lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["Repository", "Tag", "Platform", "Size", "Created"]
    assert [(line[0], line[1], line[2], line[-1]) for line in lines] == [
        ("other", "2", "linux/amd64", "2026-01-02"),
        ("team/app", "1", "linux/amd64", "2026-01-02"),
        ("team/app", "same", "linux/amd64", "2026-01-02"),
    ]


@pytest.mark.medium
@pytest.mark.needs("catalog")
@pytest.mark.needs("empty repositories in the list")
def test_the_long_list_as_json_has_images_only(filled: Filled, capsys: Capture) -> None:
    filled.registry.repository("empty")
    filled.registry.repository("other").tags["gone"] = "sha256:" + "0" * 64
    assert keynet("registry", "repos", "-l", f"http://{filled.host}", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {name: sorted(tags) for name, tags in listed.items()} == {
        "empty": [],
        "other": ["2"],
        "team/app": ["1", "same"],
    }
    assert listed["team/app"]["1"]["id"] == listed["team/app"]["same"]["id"]
    assert listed["other"]["2"]["architecture"] == "amd64"


@pytest.mark.medium
@pytest.mark.parametrize("apart", [True, False])
def test_tags_are_listed_however_the_repository_is_written(
    filled: Filled, capsys: Capture, apart: bool
) -> None:
    url = f"http://{filled.host}"
    words = (url, "team/app") if apart else (f"{url}/team/app",)
    assert keynet("registry", "tags", *words) == 0
    assert capsys.readouterr().out == "1\nsame\n"


@pytest.mark.medium
def test_a_repository_that_is_missing_is_named(filled: Filled, capsys: Capture) -> None:
    for command in ("tags", "manifest", "info"):
        assert keynet("registry", command, f"http://{filled.host}", "no/such") == 5
        shown = capsys.readouterr()
        assert "no/such" in shown.err
        assert shown.out == ""


@pytest.mark.medium
def test_a_command_without_a_repository_wants_one(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "tags", f"http://{filled.host}") == 2
    shown = capsys.readouterr().err
    assert f"http://{filled.host} has no repository." in shown
    assert "REGISTRY/REPOSITORY:TAG" in shown


@pytest.mark.medium
def test_the_manifest_lists_config_layers_and_their_sum(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "manifest", f"http://{filled.host}/team/app", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["digest"] == filled.digest
    stored = filled.registry.repository("team/app").blobs
    blobs = [found["config"], *found["layers"]]
    assert all(len(stored[blob["digest"]]) == blob["size"] for blob in blobs)
    assert len(found["layers"]) == 3
    assert found["total_size"] == sum(blob["size"] for blob in blobs)
    assert keynet("registry", "manifest", f"http://{filled.host}", "team/app", "1") == 0
    first, _head, *rows, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{filled.digest}  application/vnd.")
    assert [row.split()[0] for row in rows] == [blob["digest"] for blob in blobs]
    assert last.startswith("Total")


@pytest.mark.slow
def test_info_by_digest_shows_the_same_as_by_tag(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "info", f"http://{filled.host}/team/app:1", "--json") == 0
    by_tag = json.loads(capsys.readouterr().out)
    by = f"http://{filled.host}/team/app@{filled.digest}"
    assert keynet("registry", "info", by, "--json") == 0
    by_digest = json.loads(capsys.readouterr().out)
    assert by_tag["repo_tags"] == [f"{filled.host}/team/app:1"]
    assert by_digest["repo_tags"] == []
    assert by_tag["id"] == by_digest["id"]
    assert by_tag["layers"] == by_digest["layers"]


@pytest.mark.medium
def test_info_is_shown_for_people(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "info", f"http://{filled.host}", "team/app", filled.digest) == 0
    shown = capsys.readouterr().out
    assert f"{filled.host}/team/app@{filled.digest}" in shown
    assert "linux/amd64" in shown
    assert "COPY 2" in shown


@pytest.mark.medium
@pytest.mark.needs("deletion")
def test_rm_deletes_the_manifest_with_all_its_tags(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "rm", "--yes", f"http://{filled.host}/team/app:1") == 0
    assert capsys.readouterr().out == f"Deleted {filled.host}/team/app:1\n"
    assert filled.registry.repository("team/app").tags == {}
    assert list(filled.registry.repository("other").tags) == ["2"]


@pytest.mark.medium
def test_rm_of_what_is_not_there_fails(filled: Filled, capsys: Capture) -> None:
    image = f"http://{filled.host}/team/app:none"
    assert keynet("registry", "rm", "--yes", image, "--json") == 5
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"image": f"{filled.host}/team/app:none", "deleted": False}
    assert f"There is no image {filled.host}/team/app:none." in shown.err


@pytest.mark.medium
def test_rm_without_a_terminal_wants_yes(
    filled: Filled, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "y\n")
    assert keynet("registry", "rm", f"http://{filled.host}/team/app:1") == 2
    shown = capsys.readouterr().err
    assert "Not deleted: confirmation is needed and there is no terminal." in shown
    assert "Pass --yes." in shown
    assert set(filled.registry.repository("team/app").tags) == {"1", "same"}


@pytest.mark.medium
@pytest.mark.parametrize(
    ("answer", "status", "left"), [("n\n", 130, {"1", "same"}), ("y\n", 0, set())]
)
@pytest.mark.needs("deletion")
def test_rm_at_a_terminal_does_what_is_answered(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, answer: str, status: int, left: set[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert keynet("registry", "rm", f"http://{filled.host}/team/app:1") == status
    assert set(filled.registry.repository("team/app").tags) == left


@pytest.mark.medium
def test_rm_without_a_tag_deletes_nothing(filled: Filled, capsys: Capture) -> None:
    assert keynet("registry", "rm", "--yes", f"http://{filled.host}", "team/app") == 2
    assert "No tag or digest of team/app was given." in capsys.readouterr().err
    assert set(filled.registry.repository("team/app").tags) == {"1", "same"}


@contextlib.contextmanager
def guarded() -> Iterator[tuple[MemoryRegistry, str, str]]:
    """Return a registry whose token server is at another port, and both of their names."""
    registry = MemoryRegistry(auth="token")
    registry.repository("team/app")
    with served(registry) as (_registry, host), served(registry) as (_same, tokens):
        registry.realm = f"http://{tokens}/token"
        yield registry, host, tokens


@pytest.mark.parametrize("way", ["none", "flag", "variable", "another", "login"])
def test_a_token_server_at_another_port_has_to_be_declared(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with guarded() as (registry, host, tokens):
        typed(monkeypatch, registry.password)
        flags: tuple[str, ...] = ()
        match way:
            case "flag":
                flags = ("--token-host", "git.test", "--token-host", tokens)
            case "another":
                flags = ("--token-host", "other.test")
                monkeypatch.setenv("KEYNET_TOKEN_HOSTS", tokens)
            case "variable":
                monkeypatch.setenv("KEYNET_TOKEN_HOSTS", f"git.test, {tokens}")
            case "login":
                credentials.save(SavedLogin(token_hosts=(tokens,)))
        access = ("--username", registry.user, "--password-stdin", *flags)
        status = keynet("registry", "tags", f"http://{host}/team/app", *access)
        shown = capsys.readouterr()
        allowed = way in ("flag", "variable", "login")
        assert status == (0 if allowed else 5)
        asked = [seen for seen in registry.seen if "/token" in seen.url]
        assert bool(asked) == allowed
        if not allowed:
            assert f"http://{tokens}/token" in shown.err
            assert f"--token-host {tokens} or KEYNET_TOKEN_HOSTS" in " ".join(shown.err.split())


def test_the_platform_is_a_token_server_of_its_own_registry_only(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded() as (registry, host, tokens):
        monkeypatch.setenv("KEYNET_SERVER_URL", f"http://{tokens}/app-training")
        monkeypatch.setenv("KEYNET_HARBOR_URL", f"http://{host}")
        monkeypatch.setenv("KEYNET_HARBOR_USERNAME", registry.user)
        monkeypatch.setenv("KEYNET_HARBOR_PASSWORD", registry.password)
        assert keynet("registry", "tags", f"http://{host}/team/app") == 0
        typed(monkeypatch, registry.password)
        monkeypatch.setenv("KEYNET_HARBOR_URL", "https://another.test")
        access = ("--username", registry.user, "--password-stdin")
        assert keynet("registry", "tags", f"http://{host}/team/app", *access) == 5


def test_a_token_host_that_is_none_is_a_usage_error(capsys: Capture) -> None:
    flags = ("--token-host", "git.test/jwt")
    assert keynet("registry", "tags", "https://registry.test/team/app", *flags) == 2
    assert "git.test/jwt" in capsys.readouterr().err


@pytest.mark.medium
@pytest.mark.parametrize("command", ["info", "manifest"])
def test_the_platform_of_an_index_can_be_chosen(
    filled: Filled, capsys: Capture, command: str
) -> None:
    platforms = [{"os": "linux", "architecture": name} for name in ("arm64", "s390x")]
    entries = [
        entry(store_image(filled.registry, "multi", None, platform=platform), platform)
        for platform in platforms
    ]
    store_index(filled.registry, "multi", "1", entries)
    name = f"http://{filled.host}/multi:1"
    assert keynet("registry", command, name) == 5
    shown = capsys.readouterr().err
    assert "it has: linux/arm64, linux/s390x" in shown
    assert "--platform" in shown
    assert keynet("registry", command, name, "--platform", "linux/aarch64", "--json") == 0
    assert entries[0]["digest"] in capsys.readouterr().out
    assert keynet("registry", command, name, "--platform", "linux/amd 64") == 2
    assert "not a valid platform" in capsys.readouterr().err
