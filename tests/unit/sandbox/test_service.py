"""The sandbox's web service, called without a network."""

import asyncio
import base64
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from keynet.sandbox import authority
from keynet.sandbox.database import Store
from keynet.sandbox.service import Platform, application
from keynet.secret import Secret

USER, PASSWORD = "user@example.com", "correct horse"


class Service:
    """The application, called as a client would."""

    def __init__(self, folder: Path, store: Store) -> None:
        signer = authority.token_signer(folder)
        self._app = application(
            Platform(store, "http://127.0.0.1:5000", Secret("admin-password"), signer)
        )
        self._token = ""

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(ask())

    def sign_in(self) -> dict[str, Any]:
        body = {"email": USER, "password": PASSWORD}
        answer = self.call("POST", "/v1/auth/sign-in/one-time", json=body)
        assert answer.status_code == 200
        value = answer.json()
        assert isinstance(value, dict)
        return value

    def signed(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        self._token = self._token or self.sign_in()["accessToken"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return self.call(method, path, headers=headers, **arguments)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests: hashing a password is slow on purpose."""
    folder = tmp_path_factory.mktemp("sandbox")
    with Store(folder / "platform.sqlite") as store:
        store.add_user(USER, "Sandbox User", PASSWORD)
        store.add_projects(3)
        yield Service(folder, store)


@pytest.mark.medium
def test_a_sign_in_has_the_form_of_the_specification(service: Service) -> None:
    answer = service.sign_in()
    assert set(answer) == {"accessToken", "accessTokenExpiresAt", "user", "harbor"}
    assert answer["harbor"]["username"] == f"robot${answer['user']['id'].replace('-', '')}"
    assert answer["harbor"]["url"] == "http://127.0.0.1:5000"
    assert datetime.fromisoformat(answer["accessTokenExpiresAt"]).tzinfo is not None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": USER, "password": "wrong"}, 401),
        ({"email": "nobody@example.com", "password": PASSWORD}, 401),
        ({"email": USER}, 400),
        ([], 400),
    ],
)
def test_a_wrong_sign_in_is_refused(service: Service, body: object, status: int) -> None:
    answer = service.call("POST", "/v1/auth/sign-in/one-time", json=body)
    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.medium
def test_projects_come_in_pages(service: Service) -> None:
    answer = service.signed("GET", "/app-training/v1/projects/trainable?page=1&limit=2").json()
    assert [project["id"] for project in answer["content"]] == [3]
    assert answer["meta"] == {"total": 3, "page": 1, "limit": 2, "maxPage": 1}
    assert set(answer["content"][0]) == {"id", "title", "summary", "taskType", "author"}


@pytest.mark.parametrize("query", ["page=-1", "limit=0", "limit=1000", "page=x", "page=²"])
def test_a_page_that_cannot_be_is_refused(service: Service, query: str) -> None:
    assert service.signed("GET", f"/v1/projects/trainable?{query}").status_code == 400


def test_a_key_comes_in_the_form_of_its_project(service: Service) -> None:
    sent = {
        "modelName": "m",
        "hyperParameters": [
            {"name": "lr", "type": "float", "default": 0.1},
            {"name": "data", "type": "str", "default": None},
        ],
    }
    older = service.signed("POST", "/v1/projects/1/trains/images", json=sent).json()
    newer = service.signed("POST", "/v1/projects/2/trains/images", json=sent).json()
    assert older["command"] == "python train.py --lr 0.1 --data"
    image = f"127.0.0.1:5000/kitech-model/{newer['uploadKey']}:latest"
    assert newer["command"]["push"] == f"docker push {image}"
    assert newer["projectId"] == 2
    assert older["uploadKey"] != newer["uploadKey"]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/v1/projects/1/trains/images", {}, 422, "modelName"),
        ("/v1/projects/1/trains/images", {"modelName": "m"}, 422, "hyperParameters"),
        (
            "/v1/projects/1/trains/images",
            {"modelName": "m", "hyperParameters": [{"name": "a", "type": "complex"}]},
            422,
            "hyperParameters[0].type",
        ),
        (
            "/v1/projects/1/trains/images",
            {"modelName": "m", "hyperParameters": [3]},
            422,
            "hyperParameters[0]",
        ),
        ("/v1/projects/99/trains/images", {}, 404, ""),
        (f"/v1/projects/{10**30}/trains/images", {}, 404, ""),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_field(
    service: Service, path: str, body: object, status: int, field: str
) -> None:
    answer = service.signed("POST", path, json=body)
    assert answer.status_code == status
    assert field in [error["field"] for error in answer.json().get("errors", [{"field": ""}])]


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(service: Service, content: bytes) -> None:
    answer = service.signed("POST", "/v1/projects/1/trains/images", content=content)
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused(service: Service) -> None:
    content = b" " * 1_100_000
    answer = service.call("POST", "/v1/auth/sign-in/one-time", content=content)
    assert answer.status_code == 413


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "x"}])
def test_without_a_token_nothing_is_shown(service: Service, headers: dict[str, str]) -> None:
    answer = service.call("GET", "/v1/projects/trainable", headers=headers)
    assert answer.status_code == 401


@pytest.mark.medium
def test_registry_tokens_want_the_robots_password(service: Service) -> None:
    harbor = service.sign_in()["harbor"]
    path = "/service/token?service=x&scope=repository:kitech-model/k:push"
    good = service.call("GET", path, auth=(harbor["username"], harbor["password"]))
    assert _granted(good) == [{"type": "repository", "name": "kitech-model/k", "actions": ["push"]}]
    for username, password in (
        (harbor["username"], "wrong"),
        ("robot$other", harbor["password"]),
        ("admin", harbor["password"]),
        (USER, PASSWORD),
    ):
        assert service.call("GET", path, auth=(username, password)).status_code == 401
    for authorization in ("Basic !", "Bearer x", "Basic /w==", "Basic"):
        answer = service.call("GET", path, headers={"Authorization": authorization})
        assert answer.status_code == 401
    assert _granted(service.call("GET", path)) == []
    assert service.call("GET", path, auth=("admin", "admin-password")).status_code == 200


def test_docker_learns_that_there_is_no_oauth(service: Service) -> None:
    assert service.call("POST", "/service/token").status_code == 405


@pytest.mark.slow
def test_state_outlives_a_restart_and_holds_no_password(tmp_path: Path) -> None:
    file = tmp_path / "platform.sqlite"
    with Store(file) as store:
        store.add_user(USER, "u", PASSWORD)
        store.add_projects(2)
        user = store.sign_in(USER, PASSWORD)
        assert user is not None
        token, _expires = store.issue_token(user)
        robot = store.issue_robot(user)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert not [s for s in (PASSWORD, token, robot) if s.encode() in content]
    with Store(file) as store:
        store.add_user(USER, "u", PASSWORD)
        store.add_projects(2)
        assert store.user_of_token(token) == user
        assert store.is_robot(user.robot, robot)
        assert store.projects(0, 10)[1] == 2
        assert store.sign_in(USER, PASSWORD) == user
        assert store.sign_in(USER, "wrong") is None


def _granted(answer: httpx.Response) -> object:
    import json

    claims = answer.json()["token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["access"]
