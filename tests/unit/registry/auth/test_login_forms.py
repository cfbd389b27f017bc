"""Stored logins in the forms in which people and tools leave them."""

import asyncio
import base64
import codecs
import itertools
import json
import os
from pathlib import Path

import pytest

from keynet.errors import UsageError
from keynet.registry.auth.credential_sources import Credential
from keynet.registry.auth.stored_logins import AuthFile, AuthVariable, default_sources
from keynet.secret import Secret
from tests.tables import table
from tests.unit.registry.auth.test_stored_logins import SAYS, entry, find, helper, write

HOST = "registry.test:5000"
HUB_KEYS = (
    "https://index.docker.io/v1/",
    "docker.io",
    "index.docker.io",
    "index.docker.io/v1/",
    "registry-1.docker.io",
    "https://registry-1.docker.io/v2/",
    "https://docker.io",
    "http://index.docker.io/v1/",
)
LONG = "x" * 100


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@table(
    "form",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\n\t " + text.encode() + b"\n\n",
    ],
)
def test_a_file_is_read_in_every_encoding_of_an_editor(tmp_path: Path, form: object) -> None:
    path = tmp_path / "config.json"
    assert callable(form)
    path.write_bytes(form(json.dumps({"auths": {HOST: entry("robot$ü")}}, indent=1)))
    assert find(path, HOST) == Credential("robot$ü", Secret("pass:word"))


@pytest.mark.parametrize("content", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b" \r\n"])
def test_a_file_without_text_holds_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert find(path, HOST) is None


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"{\xff\xff")
    with pytest.raises(UsageError, match=str(path)):
        find(path, HOST)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_login_may_be_wrapped_or_end_with_a_newline(tmp_path: Path, newline: str) -> None:
    plain = encoded(f"robot$a:{LONG}")
    lines = [plain[start : start + 76] for start in range(0, len(plain), 76)]
    for auth in (
        newline.join(lines) + newline,
        plain + newline,
        encoded(f"robot$a:{LONG}{newline}"),
    ):
        path = write(tmp_path / "config.json", {"auths": {HOST: {"auth": auth}}})
        assert find(path, HOST) == Credential("robot$a", Secret(LONG))


def test_a_password_that_is_not_utf8_goes_as_it_is(tmp_path: Path) -> None:
    from keynet.registry.auth.token_exchange import basic_header

    raw = "user:pässword".encode("latin-1")
    stored = {"auth": base64.b64encode(raw).decode()}
    found = find(write(tmp_path / "config.json", {"auths": {HOST: stored}}), HOST)
    assert found is not None
    assert base64.b64decode(basic_header(found).reveal().removeprefix("Basic ")) == raw


@table(
    "other",
    [
        f"https://{HOST}", f"https://{HOST}/", f"https://{HOST}/v1/", f"http://{HOST}/v2/",
        f"{HOST}/", f"{HOST}/v1/",
    ],
)  # fmt: skip
def test_the_exact_key_goes_first_in_any_order(tmp_path: Path, other: str) -> None:
    for keys in itertools.permutations((other, HOST)):
        auths = {key: entry("right" if key == HOST else "wrong") for key in keys}
        found = find(write(tmp_path / "config.json", {"auths": auths}), HOST, "team/app")
        assert found is not None
        assert found.username == "right"


@pytest.mark.parametrize(
    ("name", "first"),
    [("config.json", "https://index.docker.io/v1/"), ("auth.json", "docker.io")],
)
def test_of_docker_hubs_keys_the_one_that_the_files_owner_writes_goes_first(
    tmp_path: Path, name: str, first: str
) -> None:
    for keys in (HUB_KEYS, tuple(reversed(HUB_KEYS))):
        auths = {key: entry("right" if key == first else "wrong") for key in keys}
        found = find(write(tmp_path / name, {"auths": auths}), "docker.io", "team/app")
        assert found is not None
        assert found.username == "right"


@pytest.mark.parametrize("key", HUB_KEYS)
def test_docker_hub_is_found_under_each_of_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    path = write(tmp_path / "config.json", {"auths": {key: entry()}})
    assert find(path, "docker.io") is not None
    helper(tmp_path, monkeypatch, SAYS)
    path = write(tmp_path / "config.json", {"credHelpers": {key: "fake"}})
    found = find(path, "docker.io")
    assert found is not None
    assert found.password.reveal() == "for https://index.docker.io/v1/"
    assert find(path, HOST) is None


def test_a_helper_is_asked_under_podmans_name_of_docker_hub_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = 'echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"for $server\\"}"'
    absent = "{ echo credentials not found in native keychain; exit 1; }"
    helper(tmp_path, monkeypatch, f"read server; test $server = docker.io || {absent}; {says}")
    found = find(write(tmp_path / "config.json", {"credsStore": "fake"}), "docker.io")
    assert found == Credential("u", Secret("for docker.io"))


def test_no_helper_may_be_named_for_a_registry(tmp_path: Path) -> None:
    content = {
        "credHelpers": {HOST: "", "other.test": None},
        "credsStore": "not-installed",
        "auths": {HOST: entry(), "null.test": None},
    }
    path = write(tmp_path / "config.json", content)
    assert find(path, HOST) is not None
    assert find(path, "other.test") is None


def test_namespaces_of_docker_hub_have_keys_of_their_own(tmp_path: Path) -> None:
    auths = {"docker.io": entry("host"), "docker.io/team": entry("team")}
    path = write(tmp_path / "auth.json", {"auths": auths})
    for repository, user in (("team/app", "team"), ("teams/app", "host")):
        found = find(path, "docker.io", repository)
        assert found is not None
        assert found.username == user


def test_the_old_file_of_docker_is_read(tmp_path: Path) -> None:
    write(tmp_path / ".dockercfg", {HOST: {**entry("old"), "email": "a@b.test"}})
    *_others, last = default_sources({"HOME": str(tmp_path)})
    found = asyncio.run(last.find(HOST, ""))
    assert found is not None
    assert found.username == "old"


def test_docker_auth_config_goes_before_every_file(tmp_path: Path) -> None:
    content = json.dumps({"auths": {HOST: entry("of-the-variable")}})
    own = write(tmp_path / "own.json", {"auths": {HOST: entry("file"), "b.test": entry("file")}})
    given = {"DOCKER_AUTH_CONFIG": content, "REGISTRY_AUTH_FILE": str(own), "HOME": str(tmp_path)}
    first, second, *_others = default_sources(given)
    assert isinstance(first, AuthVariable)
    assert second == AuthFile(own)
    found = asyncio.run(first.find(HOST, "team/app"))
    assert found is not None
    assert found.username == "of-the-variable"
    assert asyncio.run(first.find("b.test", "")) is None
    assert entry("of-the-variable")["auth"] not in repr(first)


def test_docker_auth_config_may_name_a_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, SAYS)
    source = AuthVariable(Secret(json.dumps({"credHelpers": {HOST: "fake"}})))
    assert asyncio.run(source.find(HOST, "")) == Credential("get", Secret(f"for {HOST}"))


def test_docker_auth_config_may_be_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "DOCKER_AUTH_CONFIG", {"auths": {HOST: entry()}})
    first, *_others = default_sources({"DOCKER_AUTH_CONFIG": str(file), "HOME": str(tmp_path)})
    assert first == AuthFile(file)


@pytest.mark.parametrize("content", ["{", "hunter2hunter2", '{"auths": {"r": "hunter2hunter2"}}'])
def test_a_variable_that_cannot_be_read_is_named_without_its_value(content: str) -> None:
    (source, *_others) = default_sources({"DOCKER_AUTH_CONFIG": content, "HOME": os.devnull})
    with pytest.raises(UsageError, match="DOCKER_AUTH_CONFIG") as caught:
        asyncio.run(source.find(HOST, ""))
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {source!r}"


@pytest.mark.parametrize("content", ["", "  ", "\n"])
def test_an_empty_variable_is_not_set(content: str) -> None:
    first, *_others = default_sources({"DOCKER_AUTH_CONFIG": content, "HOME": "/nowhere"})
    assert isinstance(first, AuthFile)


def test_a_helper_is_not_run_for_each_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    helper(tmp_path, monkeypatch, f"echo run >> {runs}; {SAYS}")
    source = AuthFile(write(tmp_path / "config.json", {"credsStore": "fake"}))

    async def run() -> list[Credential | None]:
        return [await source.find(HOST, repository) for repository in ("a", "b", "c", "")]

    assert asyncio.run(run()) == [Credential("get", Secret(f"for {HOST}"))] * 4
    assert runs.read_text().split() == ["run"]


def test_docker_reads_a_url_with_any_path_and_podman_a_name_with_one(tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", {"auths": {f"HTTPS://{HOST}/api/v2/": entry("url")}})
    assert find(path, HOST) is not None
    path = write(tmp_path / "config.json", {"auths": {f"{HOST}/team": entry("namespace")}})
    assert find(path, HOST) is None
    assert find(path, HOST, "team/app") is not None


def test_the_user_name_of_an_identity_token_is_known_in_a_file_too(tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", {"auths": {HOST: entry("<token>", "idt")}})
    assert find(path, HOST) == Credential("", Secret("idt"), identity=True)
