"""The sandbox's state in one SQLite file: users, robots, projects, upload keys."""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from keynet.frozen import frozen

__all__ = ["NEWER_ANSWER", "OLDER_ANSWER", "Project", "Store", "User"]

OLDER_ANSWER: Final = "text"
NEWER_ANSWER: Final = "commands"
_TOKEN_LIFE: Final = timedelta(hours=12)
_SALT_BYTES: Final = 16
_SCHEMA: Final = """
create table if not exists users (
    id text primary key, email text unique not null, name text not null, password blob not null);
create table if not exists tokens (
    hash blob primary key, user text not null references users, expires text not null);
create table if not exists robots (
    hash blob primary key, name text not null, user text not null references users);
create table if not exists projects (
    id integer primary key, title text not null, summary text not null, task_type text not null,
    author_id text not null, author text not null, answer text not null);
create table if not exists uploads (
    id integer primary key, upload_key text unique not null, project integer not null
    references projects, model_name text not null, hyperparameters text not null,
    user text not null references users, created text not null);
create table if not exists facts (name text primary key, value text not null);
"""
_TITLES: Final = (
    ("객체 탐지 모델", "도로 위의 물체를 찾습니다", "OBJECT_DETECTION", "홍길동"),
    ("불량 영역 분할", "부품 사진에서 불량 영역을 나눕니다", "SEGMENTATION", "김영희"),
    ("손글씨 숫자 분류", "손글씨 숫자를 분류합니다", "OBJECT_CLASSIFICATION", "이철수"),
)


@frozen
class User:
    """One user; ``id`` is a UUID."""

    id: str
    email: str
    name: str

    @property
    def robot(self) -> str:
        """The name of this user's registry account."""
        return f"robot${uuid.UUID(self.id).hex}"


@frozen
class Project:
    """One project; ``answer`` is the form of the answer with its upload keys."""

    id: int
    title: str
    summary: str
    task_type: str
    author_id: str
    author: str
    answer: str


class Store:
    """The state of one sandbox; used by one thread."""

    def __init__(self, file: Path) -> None:
        # SQLite would create the file, and its journal, with the mode of the umask.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._db.close()

    def fact(self, name: str, value: str | None = None) -> str | None:
        """Return the value stored under this name, after storing ``value`` if given."""
        if value is not None:
            self._db.execute("insert or replace into facts values (?, ?)", (name, value))
        row = self._db.execute("select value from facts where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def add_user(self, email: str, name: str, password: str) -> None:
        """Add a user, or change the password of an existing one."""
        salt = secrets.token_bytes(_SALT_BYTES)
        self._db.execute(
            "insert into users values (?, ?, ?, ?)"
            " on conflict (email) do update set password = excluded.password",
            (str(uuid.uuid4()), email, name, salt + _slow_hash(password, salt)),
        )

    def add_projects(self, count: int) -> None:
        """Add sample projects up to ``count``; even ones use the newer answer form."""
        present = self._db.execute("select count(*) from projects").fetchone()[0]
        for number in range(present + 1, count + 1):
            title, summary, kind, author = _TITLES[(number - 1) % len(_TITLES)]
            round_ = (number - 1) // len(_TITLES) + 1
            self._db.execute(
                "insert into projects values (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    title if round_ == 1 else f"{title} {round_}",
                    summary,
                    kind,
                    str(uuid.uuid4()),
                    author,
                    OLDER_ANSWER if number % 2 else NEWER_ANSWER,
                ),
            )

    def sign_in(self, email: str, password: str) -> User | None:
        """Return the user with this e-mail address and password, if any."""
        row = self._db.execute(
            "select id, email, name, password from users where email = ?", (email,)
        ).fetchone()
        stored = row[3] if row else bytes(_SALT_BYTES + 64)
        salt, expected = stored[:_SALT_BYTES], stored[_SALT_BYTES:]
        if not hmac.compare_digest(_slow_hash(password, salt), expected) or row is None:
            return None
        return User(row[0], row[1], row[2])

    def issue_token(self, user: User) -> tuple[str, datetime]:
        """Create an API token; return it with its expiry."""
        token, expires = secrets.token_urlsafe(48), datetime.now(UTC) + _TOKEN_LIFE
        self._db.execute(
            "insert into tokens values (?, ?, ?)", (_hash(token), user.id, expires.isoformat())
        )
        return token, expires

    def issue_robot(self, user: User) -> str:
        """Create a password for this user's registry account; older ones stay valid."""
        password = secrets.token_urlsafe(48)
        self._db.execute(
            "insert into robots values (?, ?, ?)", (_hash(password), user.robot, user.id)
        )
        return password

    def user_of_token(self, token: str) -> User | None:
        """Return the user of this token, None if it is unknown or has expired."""
        row = self._db.execute(
            "select users.id, email, name, expires from tokens join users on users.id = user"
            " where hash = ?",
            (_hash(token),),
        ).fetchone()
        if row is None or datetime.fromisoformat(row[3]) <= datetime.now(UTC):
            return None
        return User(row[0], row[1], row[2])

    def is_robot(self, name: str, password: str) -> bool:
        """Report whether this is a valid password of a registry account."""
        row = self._db.execute(
            "select 1 from robots where hash = ? and name = ?", (_hash(password), name)
        ).fetchone()
        return row is not None

    def projects(self, page: int, limit: int) -> tuple[list[Project], int]:
        """Return one page of the projects, and the number of all projects."""
        rows = self._db.execute(
            "select * from projects order by id limit ? offset ?", (limit, page * limit)
        ).fetchall()
        total = self._db.execute("select count(*) from projects").fetchone()[0]
        return [Project(*row) for row in rows], total

    def project(self, number: int) -> Project | None:
        """Return a project, None if there is no such project."""
        row = self._db.execute("select * from projects where id = ?", (number,)).fetchone()
        return Project(*row) if row else None

    def add_upload(
        self, project: Project, user: User, model_name: str, hyperparameters: list[Any]
    ) -> tuple[int, str]:
        """Create an upload key; return its number and the key."""
        key = secrets.token_hex(11)
        cursor = self._db.execute(
            "insert into uploads (upload_key, project, model_name, hyperparameters, user, created)"
            " values (?, ?, ?, ?, ?, ?)",
            (
                key,
                project.id,
                model_name,
                json.dumps(hyperparameters, ensure_ascii=False),
                user.id,
                datetime.now(UTC).isoformat(),
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid, key


def _hash(random_secret: str) -> bytes:
    """Hash a secret of 48 random bytes: it cannot be guessed, so a fast hash will do."""
    return hashlib.sha256(random_secret.encode("utf-8", "surrogatepass")).digest()


def _slow_hash(password: str, salt: bytes) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=2**14, r=8, p=1)
