"""The sandbox's web service: the platform's API and the registry's tokens.

The API is described in docs/reference/backend.md.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from keynet.frozen import frozen
from keynet.sandbox import registry_tokens
from keynet.sandbox.authority import KeyPair
from keynet.sandbox.database import NEWER_ANSWER, Store, User
from keynet.sandbox.registry.error_answers import HANDLERS
from keynet.secret import Secret

__all__ = ["PREFIX", "TOKEN_PATH", "Platform", "application"]

PREFIX: Final = "/app-training"
TOKEN_PATH: Final = "/service/token"  # noqa: S105 - a path
HARBOR_PROJECT: Final = "kitech-model"
_BODY_LIMIT: Final = 1_000_000
_PAGE_LIMIT: Final = 100
_TYPES: Final = ("str", "int", "float", "bool")


@frozen
class Platform:
    """The state, keys and addresses that the service works with."""

    store: Store
    harbor_url: str
    admin_password: Secret
    signer: KeyPair


class _Refused(Exception):
    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None):
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"status": status, "message": message}
        if errors:
            self.body["errors"] = errors


def application(platform: Platform, registry: Iterable[BaseRoute] = ()) -> Starlette:
    """Create the service; the API is at the root and below ``PREFIX``, as deployed.

    Args:
        registry: The routes of a registry at the same address, none if it has its own.
    """
    endpoints = _Endpoints(platform)
    api = [
        Route("/v1/auth/sign-in/one-time", _guarded(endpoints.sign_in), methods=["POST"]),
        Route("/v1/projects/trainable", _guarded(endpoints.trainable), methods=["GET"]),
        Route(
            "/v1/projects/{project:int}/trains/images",
            _guarded(endpoints.upload_key),
            methods=["POST"],
        ),
    ]
    return Starlette(
        routes=[
            Route(TOKEN_PATH, endpoints.registry_token, methods=["GET"]),
            Mount(PREFIX, routes=api),
            *api,
            *registry,
        ],
        exception_handlers=HANDLERS,
    )


class _Endpoints:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._store = platform.store

    async def sign_in(self, request: Request) -> Response:
        body = await _json(request)
        email, password = body.get("email"), body.get("password")
        if not isinstance(email, str) or not isinstance(password, str):
            raise _Refused(400, "email and password are required")
        user = self._store.sign_in(email, password)
        if user is None:
            raise _Refused(401, "Invalid email or password")
        token, expires = self._store.issue_token(user)
        return JSONResponse(
            {
                "accessToken": token,
                "accessTokenExpiresAt": expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "user": {
                    "id": user.id,
                    "email": user.email,
                    "displayName": user.name,
                    "role": "GENERAL",
                },
                "harbor": {
                    "url": self._platform.harbor_url,
                    "username": user.robot,
                    "password": self._store.issue_robot(user),
                },
            }
        )

    async def trainable(self, request: Request) -> Response:
        self._signed_in(request)
        page = _number(request, "page", 0, 0, 1_000_000)
        limit = _number(request, "limit", 20, 1, _PAGE_LIMIT)
        projects, total = self._store.projects(page, limit)
        content = [
            {
                "id": project.id,
                "title": project.title,
                "summary": project.summary,
                "taskType": project.task_type,
                "author": {"id": project.author_id, "displayName": project.author},
            }
            for project in projects
        ]
        last = max(0, (total - 1) // limit)
        meta = {"total": total, "page": page, "limit": limit, "maxPage": last}
        return JSONResponse({"content": content, "meta": meta})

    async def upload_key(self, request: Request) -> Response:
        user = self._signed_in(request)
        number = request.path_params["project"]
        project = self._store.project(number) if number < 2**63 else None
        if project is None:
            raise _Refused(404, f"There is no project {number}")
        body = await _json(request)
        model_name, hyperparameters = body.get("modelName"), body.get("hyperParameters")
        _check(model_name, hyperparameters)
        assert isinstance(model_name, str)
        assert isinstance(hyperparameters, list)
        id_, key = self._store.add_upload(project, user, model_name, hyperparameters)
        answer: dict[str, Any] = {"id": id_, "uploadKey": key}
        if project.answer == NEWER_ANSWER:
            host = self._platform.harbor_url.partition("://")[2]
            image = f"{host}/{HARBOR_PROJECT}/{key}:latest"
            answer |= {
                "projectId": project.id,
                "model": {"name": model_name},
                "command": {
                    "tag": f"docker tag <YOUR_IMAGE:TAG> {image}",
                    "push": f"docker push {image}",
                },
            }
        else:
            answer["command"] = " ".join(["python train.py", *map(_argument, hyperparameters)])
        return JSONResponse(answer, status_code=201)

    async def registry_token(self, request: Request) -> Response:
        account = None
        if "authorization" in request.headers:
            account = self._account(request.headers["authorization"])
            if account is None:
                error = {"code": "UNAUTHORIZED", "message": "wrong username or password"}
                return JSONResponse({"errors": [error]}, status_code=401)
        access = registry_tokens.granted(request.query_params.getlist("scope"), account)
        token = registry_tokens.sign(self._platform.signer, account or "", access)
        return JSONResponse(
            {"token": token, "access_token": token, "expires_in": registry_tokens.LIFE_S}
        )

    def _account(self, authorization: str) -> str | None:
        scheme, _space, value = authorization.partition(" ")
        try:
            name, _colon, password = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if scheme.lower() != "basic":
            return None
        if name == registry_tokens.ADMIN:
            expected = self._platform.admin_password.reveal()
            return name if hmac.compare_digest(password.encode(), expected.encode()) else None
        return name if self._store.is_robot(name, password) else None

    def _signed_in(self, request: Request) -> User:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        user = self._store.user_of_token(token) if scheme.lower() == "bearer" else None
        if user is None:
            raise _Refused(401, "The access token is missing, expired or revoked")
        return user


def _guarded(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except _Refused as refused:
            return JSONResponse(refused.body, status_code=refused.status)

    return answer


async def _json(request: Request) -> dict[str, Any]:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _BODY_LIMIT:
            raise _Refused(413, "The request is too large")
    try:
        body = json.loads(bytes(content))
    except (ValueError, RecursionError) as e:
        raise _Refused(400, "The request is not JSON") from e
    if not isinstance(body, dict):
        raise _Refused(400, "The request is not a JSON object")
    return body


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise _Refused(400, f"{name} must be between {least} and {most}")
    return int(text)


def _check(model_name: object, hyperparameters: object) -> None:
    errors = []
    if not isinstance(model_name, str) or not model_name.strip():
        errors.append({"field": "modelName", "message": "must not be blank"})
    if not isinstance(hyperparameters, list):
        errors.append({"field": "hyperParameters", "message": "must be a list"})
        hyperparameters = []
    for index, value in enumerate(hyperparameters):
        field = f"hyperParameters[{index}]"
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            errors.append({"field": field, "message": "must have a name"})
        elif value.get("type") not in _TYPES:
            errors.append({"field": f"{field}.type", "message": f"must be one of {_TYPES}"})
    if errors:
        raise _Refused(422, "Validation failed", errors)


def _argument(hyperparameter: dict[str, Any]) -> str:
    default = hyperparameter.get("default")
    flag = f"--{hyperparameter['name']}"
    return flag if default is None else f"{flag} {default}"
