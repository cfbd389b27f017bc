"""The backend client against a server on loopback that misbehaves in every way."""

import contextlib
import json
import socket
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta, timezone
from email.utils import formatdate
from pathlib import Path

import pytest

from keynet.backend.client import BackendClient
from keynet.errors import BackendError, KeynetError, NotAuthorised, UsageError
from keynet.sandbox import authority
from keynet.secret import Secret
from tests.fakes.backend import FakeBackend, Reply, running_backend
from tests.tables import table
from tests.testbed.certificates import Certificate
from tests.unit.process.waiting import until

TOKEN = "eyJhbGciOiJIUzI1NiJ9.a-token-that-nobody-may-see"
HARBOR = "harbor.example.com"
SIGNED_IN = {
    "accessToken": TOKEN,
    "accessTokenExpiresAt": "2025-11-04T12:00:00.123456789Z",
    "user": {"id": "550e", "email": "user@example.com", "displayName": "홍길동", "role": "GENERAL"},
    "harbor": {
        "url": "https://harbor.example.com",
        "username": "robot$1",
        "password": "eyJ-secret",
    },
    "somethingNew": [1, 2],
}
KEY = {"id": 123, "uploadKey": "abc123xyz456789012345", "command": "python train.py --lr 0.1"}
HYPERPARAMETERS = [
    {"name": "lr", "type": "float", "default": 0.1},
    {"name": "epochs", "type": "int", "default": 10},
]


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    with running_backend() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(backend: FakeBackend, pauses: list[float]) -> Iterator[BackendClient]:
    with BackendClient(backend.url, Secret(TOKEN), sleep=pauses.append) as opened:
        yield opened


def projects(*ids: int, total: int | None = None) -> Reply:
    content = [
        {"id": id_, "title": f"p{id_}", "taskType": "NEW_KIND", "author": {"displayName": "a"}}
        for id_ in ids
    ]
    meta = {} if total is None else {"meta": {"total": total, "page": 0, "limit": 20}}
    return Reply.of({"content": content, **meta})


def ask(client: BackendClient) -> object:
    return client.request_upload_key(7, "model", HYPERPARAMETERS, harbor_host=HARBOR)


@pytest.mark.medium
def test_a_sign_in_gives_token_and_registry_account(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(Reply.of(SIGNED_IN))
    signed = client.sign_in("user@example.com", Secret("pass\ud800word"))
    assert signed.token == Secret(TOKEN)
    assert signed.harbor.username == "robot$1"
    assert signed.expires_at is not None
    assert signed.expires_at.isoformat().startswith("2025-11-04T12:00:00")
    assert backend.seen[0].path == "/v1/auth/sign-in/one-time"
    assert backend.seen[0].json["email"] == "user@example.com"
    assert "authorization" not in backend.seen[0].headers
    assert TOKEN not in repr(signed)
    assert "eyJ-secret" not in repr(signed)


def test_a_sign_in_that_never_expires_has_an_expiry_in_every_zone(
    backend: FakeBackend, client: BackendClient
) -> None:
    never = "9999-12-31T23:59:59-14:00"
    backend.answer(Reply.of(SIGNED_IN | {"accessTokenExpiresAt": never}))
    expires = client.sign_in("user@example.com", Secret("word")).expires_at
    assert expires is not None
    assert expires.astimezone(timezone(timedelta(hours=14))).year == 9999


def test_a_path_prefix_is_kept(backend: FakeBackend) -> None:
    backend.answer(projects(1, total=1))
    with BackendClient(f"{backend.url}/app-training/", Secret(TOKEN)) as client:
        client.trainable_projects()
    assert backend.seen[0].path == "/app-training/v1/projects/trainable?page=0&limit=20"
    assert backend.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_refused_sign_in_says_who_and_why(
    backend: FakeBackend, client: BackendClient, status: int
) -> None:
    backend.answer(Reply.of({"message": "비밀번호가 틀립니다"}, status))
    with pytest.raises(NotAuthorised) as caught:
        client.sign_in("user@example.com", Secret("hunter2hunter2"))
    assert "user@example.com" in caught.value.message
    assert "비밀번호가 틀립니다" in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_server_that_repeats_the_password_is_not_quoted(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(Reply.of({"message": "rejected value [hunter2hunter2]"}, 400))
    with pytest.raises(NotAuthorised) as caught:
        client.sign_in("user@example.com", Secret("hunter2hunter2"))
    assert "rejected value [***]" in caught.value.message
    backend.answer(Reply.of({"message": f"no such token {TOKEN}"}, 401))
    with pytest.raises(NotAuthorised) as refused:
        ask(client)
    assert "no such token ***" in refused.value.message


def test_the_older_answer_gives_a_command(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(Reply.of(KEY, 201))
    key = client.request_upload_key(7, "model", HYPERPARAMETERS, harbor_host=HARBOR)
    assert (key.id, key.key, key.image) == (123, "abc123xyz456789012345", None)
    assert key.command == "python train.py --lr 0.1"
    assert backend.seen[0].path == "/v1/projects/7/trains/images"


@pytest.mark.parametrize(
    ("push", "image"),
    [
        (f"docker push {HARBOR}/kitech-model/k:latest", f"{HARBOR}/kitech-model/k:latest"),
        (f"docker push {HARBOR}/kitech-model/k", f"{HARBOR}/kitech-model/k:latest"),
        (f"docker push {HARBOR}:443/kitech-model/k:v1", f"{HARBOR}:443/kitech-model/k:v1"),
    ],
)
def test_the_newer_answer_gives_the_image(
    backend: FakeBackend, client: BackendClient, push: str, image: str
) -> None:
    backend.answer(Reply.of(KEY | {"command": {"tag": "docker tag x y", "push": push}}))
    key = client.request_upload_key(7, "model", [], harbor_host=HARBOR)
    assert str(key.image) == image
    assert key.command is None


@pytest.mark.parametrize(
    "push",
    [
        "docker push evil.example.com/kitech-model/k:latest",
        f"docker push {HARBOR}.evil.com/kitech-model/k:latest",
        f"docker push {HARBOR}:8443/kitech-model/k:latest",
        "docker push kitech-model/k",
        f"docker push {HARBOR}/KITECH/k",
        f"docker push {HARBOR}/k@sha256:{'a' * 64}",
        f"rm -rf {HARBOR}/k",
        "docker push",
        "",
    ],
)
def test_a_push_command_for_another_registry_or_none_is_refused(
    backend: FakeBackend, client: BackendClient, push: str
) -> None:
    backend.answer(Reply.of(KEY | {"command": {"tag": "", "push": push}}))
    with pytest.raises(BackendError):
        ask(client)


@pytest.mark.parametrize(
    "key", ["", "..", "../x", "a/b", "A", "a b", "-a", "a\n", "x\u001b[31m", "a" * 300, "k:latest"]
)
def test_an_upload_key_that_is_no_path_component_is_refused(
    backend: FakeBackend, client: BackendClient, key: str
) -> None:
    backend.answer(Reply.of(KEY | {"uploadKey": key}))
    with pytest.raises(BackendError) as caught:
        ask(client)
    assert caught.value.message.isprintable()


def test_numbers_travel_as_numbers_and_infinity_as_text(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(Reply.of(KEY))
    values = [1, 1.5, True, None, "1", [1, 2.5], float("inf")]
    sent = [{"name": "h", "type": "float", "default": value} for value in values]
    client.request_upload_key(7, "모델", sent, harbor_host=HARBOR)
    body = backend.seen[0].json
    assert [h["default"] for h in body["hyperParameters"]] == [*values[:-1], "inf"]
    assert body["modelName"] == "모델"
    assert [type(h["default"]) for h in body["hyperParameters"][:3]] == [int, float, bool]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "body",
    [
        {"message": "bad", "errors": [{"field": "hyperParameters[1].default", "message": "odd"}]},
        {"detail": [{"loc": ["body", "hyperParameters", 1, "default"], "msg": "odd"}]},
        {"title": "Bad", "detail": "hyperparameter 'epochs' is odd"},
    ],
)
def test_a_rejection_shows_the_servers_words_and_the_hyperparameter(
    backend: FakeBackend, client: BackendClient, status: int, body: object
) -> None:
    backend.answer(Reply.of(body, status))
    with pytest.raises(BackendError) as caught:
        ask(client)
    assert "odd" in caught.value.message
    assert "epochs: int, default 10" in caught.value.message
    assert "lr: float" not in caught.value.message
    assert caught.value.exit_status == 5


def test_a_rejection_that_names_none_shows_all(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(Reply(400, b"no"))
    with pytest.raises(BackendError, match=r"(?s)no.*lr: float.*epochs: int"):
        ask(client)


@pytest.mark.parametrize(
    ("reply", "kind", "word"),
    [
        (Reply.of({"message": "gone"}, 401), NotAuthorised, "refuses the login"),
        (Reply(403, b"<html>"), NotAuthorised, "refuses the login"),
        (Reply(404), BackendError, "not found"),
        (Reply(429), BackendError, "too many requests"),
        (Reply(500, b"oops"), BackendError, "failed"),
        (Reply(502), BackendError, "failed"),
        (Reply(418), BackendError, "418"),
        (Reply(200, b"<html>hello</html>"), BackendError, "answer cannot be used"),
        (Reply(200, b'{"content": ['), BackendError, "answer cannot be used"),
        (Reply(200, b'{"content": 3}'), BackendError, "answer cannot be used"),
        (Reply(200, b"[" * 100_000), BackendError, "answer cannot be used"),
        (Reply(200, b'{"content": []}', announced=5000), BackendError, "cut off"),
        (Reply(200, b" " * 5_000_000), BackendError, "larger than 4 MB"),
        (Reply(cut=True), BackendError, "cut off"),
    ],
)
def test_each_failure_has_its_own_words(
    backend: FakeBackend, client: BackendClient, reply: Reply, kind: type[KeynetError], word: str
) -> None:
    backend.answer(reply)
    with pytest.raises(kind) as caught:
        client.trainable_projects()
    assert type(caught.value) is kind
    assert word in caught.value.message
    assert caught.value.exit_status == (6 if kind is NotAuthorised else 5)
    assert TOKEN not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


@pytest.mark.parametrize(
    ("reply", "said", "hint"),
    [
        (Reply(502, b"<title>502 Bad Gateway</title><hr>nginx"), "502 Bad Gateway; nginx", "later"),
        (Reply(418, b"no tea today"), "no tea today", "log"),
        (Reply.of({"fault": {"faultstring": "blocked"}}, 409), "blocked", "log"),
        (Reply.of({"errors": [{"message": "one"}, "two"]}, 400), "one; two", "log"),
        (Reply(403, "권한이 없습니다".encode("euc-kr")), "HTTP 403", "permission"),
        (Reply(403, b"not a member \x1b[31mof it\x07"), "not a member of it", "permission"),
        (Reply(200, b"<title>Sign in</title>"), "a page came in its place: Sign in", "URL"),
    ],
)
def test_the_servers_own_text_is_shown(
    backend: FakeBackend, client: BackendClient, reply: Reply, said: str, hint: str
) -> None:
    backend.answer(*[reply] * 4)
    with pytest.raises(KeynetError) as caught:
        client.trainable_projects()
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_refused_token_names_the_login_command(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(Reply(401))
    with pytest.raises(NotAuthorised) as caught:
        ask(client)
    assert f"keynet login {backend.url}" in caught.value.hint


@pytest.mark.parametrize("reply", [Reply(503), Reply(500), Reply(429), Reply(cut=True)])
def test_reading_is_repeated_after_a_passing_failure(
    backend: FakeBackend, client: BackendClient, pauses: list[float], reply: Reply
) -> None:
    backend.answer(reply, reply, projects(1, total=1))
    assert client.trainable_projects().projects[0].id == 1
    assert len(pauses) == 2
    assert pauses[1] > pauses[0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_key_is_asked_for_again_when_the_server_says_when(
    backend: FakeBackend, client: BackendClient, pauses: list[float], status: int
) -> None:
    backend.answer(Reply(status, headers={"Retry-After": "7"}), Reply.of(KEY))
    ask(client)
    assert pauses == [7.0]


def test_a_server_may_say_when_by_a_date(
    backend: FakeBackend, client: BackendClient, pauses: list[float]
) -> None:
    soon, late = (formatdate(time.time() + seconds, usegmt=True) for seconds in (20, 600))
    backend.answer(Reply(503, headers={"Retry-After": soon}), Reply.of(KEY))
    ask(client)
    assert pauses == [pytest.approx(20, abs=5)]
    backend.answer(Reply(429, headers={"Retry-After": late}))
    with pytest.raises(BackendError) as caught:
        ask(client)
    assert len(pauses) == 1
    assert caught.value.hint == "Try again in 10 minutes."


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        Reply(429),
        Reply(500, headers={"Retry-After": "1"}),
        Reply(502),
        Reply(cut=True),
        Reply(200, b"{}", announced=100),
    ],
)
def test_a_key_is_asked_for_once_when_the_first_may_have_counted(
    backend: FakeBackend, client: BackendClient, reply: Reply
) -> None:
    backend.answer(reply)
    with pytest.raises(BackendError):
        ask(client)
    assert len(backend.seen) == 1


@pytest.mark.slow
def test_a_silent_server_is_given_up_and_a_key_is_asked_for_once(backend: FakeBackend) -> None:
    backend.answer(Reply(silent=True))
    pauses: list[float] = []
    with BackendClient(backend.url, Secret(TOKEN), sleep=pauses.append, timeout_s=0.3) as impatient:
        with pytest.raises(BackendError, match="did not answer"):
            ask(impatient)
        # The server may be slower than the client's patience.
        until(lambda: len(backend.seen) >= 1)
        assert (len(backend.seen), pauses) == (1, [])
        with pytest.raises(BackendError, match="did not answer"):
            impatient.trainable_projects()
        until(lambda: len(backend.seen) >= 5)
        assert (len(backend.seen), len(pauses)) == (5, 3)


def test_a_wish_to_wait_for_hours_is_told_not_followed(
    backend: FakeBackend, client: BackendClient, pauses: list[float]
) -> None:
    backend.answer(Reply(429, headers={"Retry-After": "86400"}))
    with pytest.raises(BackendError) as caught:
        ask(client)
    assert not pauses
    assert caught.value.hint == "Try again in 24 hours."


def test_a_key_is_asked_for_again_when_the_connection_was_never_made() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with contextlib.ExitStack() as stack:

        def start(_pause: float) -> None:
            stack.enter_context(running_backend(port)).answer(Reply.of(KEY))

        url = f"http://127.0.0.1:{port}"
        with BackendClient(url, Secret(TOKEN), sleep=start) as client:
            assert client.request_upload_key(7, "m", [], harbor_host=HARBOR).id == 123


def test_a_server_that_is_away_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with (
            BackendClient(url, Secret(TOKEN), sleep=lambda _: None) as client,
            pytest.raises(BackendError, match="did not answer") as caught,
        ):
            client.trainable_projects()
    assert url in caught.value.message


@pytest.mark.parametrize(("number", "tries"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 4)])
def test_a_name_is_looked_up_again_only_when_that_can_help(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float], number: int, tries: int
) -> None:
    asked = []

    def unknown(host: str, *_rest: object, **_options: object) -> None:
        asked.append(host)
        raise socket.gaierror(number, "no luck")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    with (
        BackendClient("https://api.example.com", Secret(TOKEN), sleep=pauses.append) as client,
        pytest.raises(BackendError, match="no luck") as caught,
    ):
        client.trainable_projects()
    assert len(asked) == tries
    assert "name" in caught.value.hint


def test_https_to_a_plain_server_says_so(backend: FakeBackend, pauses: list[float]) -> None:
    url = f"https://127.0.0.1:{backend.port}"
    with (
        BackendClient(url, Secret(TOKEN), sleep=pauses.append) as client,
        pytest.raises(BackendError) as caught,
    ):
        client.trainable_projects()
    assert "https address" in caught.value.hint
    assert not pauses


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_never_follows_a_redirect_to_another_origin(
    backend: FakeBackend, client: BackendClient, status: int
) -> None:
    with running_backend() as other:
        other.answer(projects(1))
        backend.answer(Reply(status, headers={"Location": f"{other.url}/v1?secret=1"}))
        with pytest.raises(BackendError) as caught:
            client.trainable_projects()
        assert other.url in caught.value.message
        assert "secret=1" not in caught.value.message
        assert not other.seen


def test_reading_follows_a_redirect_within_the_server(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(Reply(307, headers={"Location": "/elsewhere"}), projects(1, total=1))
    client.trainable_projects()
    assert backend.seen[1].path == "/elsewhere"
    assert backend.seen[1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("location", ["/", "", "http://[", "javascript:alert(1)"])
def test_a_request_for_a_key_does_not_turn_into_a_read(
    backend: FakeBackend, client: BackendClient, location: str
) -> None:
    backend.answer(Reply(302, headers={"Location": location}))
    with pytest.raises(BackendError):
        ask(client)
    assert len(backend.seen) == 1


def test_a_circle_of_redirects_ends(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(Reply(307, headers={"Location": "/v1/projects/trainable"}))
    with pytest.raises(BackendError, match="circle"):
        client.trainable_projects()


def test_every_page_is_read_and_each_project_once(
    backend: FakeBackend, client: BackendClient
) -> None:
    backend.answer(
        projects(1, 2, total=5), projects(2, 3, total=5), projects(4, 5, total=5), projects(6)
    )
    assert [project.id for project in client.projects()] == [1, 2, 3, 4, 5]
    assert len(backend.seen) == 3


@pytest.mark.parametrize("total", [None, 10_000])
def test_a_server_that_repeats_a_page_for_ever_is_not_believed(
    backend: FakeBackend, client: BackendClient, total: int | None
) -> None:
    backend.answer(projects(*range(20), total=total))
    assert len(list(client.projects())) == 20
    assert len(backend.seen) == 2


def test_no_project_is_one_empty_page(backend: FakeBackend, client: BackendClient) -> None:
    backend.answer(projects(total=0))
    assert [page.projects for page in client.pages()] == [()]


def test_an_unknown_task_is_shown_and_hostile_text_is_tamed(
    backend: FakeBackend, client: BackendClient
) -> None:
    title = "\u001b]0;owned\u0007객체\r\n\u202e모델\u0000"
    author = {"displayName": "홍\u001b[2J길동"}
    wire = {"id": 1, "title": title, "taskType": "NEW_KIND", "author": author}
    backend.answer(Reply.of({"content": [wire, {"id": 2}]}))
    first, second = client.trainable_projects().projects
    assert str(first) == "[1] 객체 모델 (NEW_KIND) - 홍길동"
    assert str(second) == "[2]"


@table(
    "url",
    [
        "http://api.example.com",
        "http://10.0.0.1:8000/app",
        "ftp://api.example.com",
        "https://user:hunter2@api.example.com",
        "https://api.example.com/?token=hunter2",
        "https://api.example.com/#hunter2",
        "https://",
        "",
        "https://a b",
        "https://a:99999",
        "https://[",
        "https://api.example.com\\@evil.com",
        "https://a..b",
        "https://xn--",
        f"https://{'a' * 70}.com",
        "https://*",
        "https://a%20b",
        "https://[::1%lo]x",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        BackendClient(url)
    assert "hunter2" not in caught.value.message


@table(
    ("written", "meant"),
    [
        ("api.example.com", "https://api.example.com"),
        ("HTTPS://API.example.com:443/app/", "https://api.example.com/app"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_address_is_written_one_way(written: str, meant: str) -> None:
    with BackendClient(written) as client:
        assert client.server_url == meant


def test_plain_http_to_another_machine_is_accepted_when_declared() -> None:
    with BackendClient("http://api.example.com", insecure=True) as client:
        assert client.server_url == "http://api.example.com"


@pytest.mark.parametrize("token", ["a\nb", "토큰", "a\x00"])
def test_a_token_that_would_break_a_header_is_refused_unseen(token: str) -> None:
    with pytest.raises(UsageError) as caught:
        BackendClient("https://api.example.com", Secret(token))
    assert token not in caught.value.message


@pytest.mark.medium
def test_a_private_ca_is_trusted_only_when_given(tmp_path: Path) -> None:
    pair, ca = authority.server_certificate(tmp_path, "127.0.0.1")
    with running_backend(certificate=Certificate(pair.certificate_file, pair.key_file)) as backend:
        backend.answer(projects(1, total=1))
        with BackendClient(backend.url, Secret(TOKEN), ca_cert=ca) as client:
            assert client.trainable_projects().total == 1
        with (
            BackendClient(backend.url, Secret(TOKEN)) as client,
            pytest.raises(BackendError, match="not trusted") as caught,
        ):
            client.trainable_projects()
        assert "--ca-cert" in caught.value.hint
        assert len(backend.seen) == 1


@pytest.mark.medium
@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_ca_file_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        BackendClient("https://api.example.com", ca_cert=file)


def test_loopback_is_reached_past_a_proxy(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    backend.answer(projects(1, total=1))
    with BackendClient(backend.url, Secret(TOKEN)) as client:
        assert client.trainable_projects().total == 1


def test_a_proxy_that_cannot_be_used_does_not_show_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:hunter2@proxy")
    with pytest.raises(UsageError) as caught:
        BackendClient("https://api.example.com")
    assert "hunter2" not in caught.value.message
    assert caught.value.__cause__ is None


def test_nothing_shows_the_token(client: BackendClient) -> None:
    assert TOKEN not in repr(client)
    assert json.dumps(SIGNED_IN)
