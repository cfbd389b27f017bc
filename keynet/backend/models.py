"""The backend's JSON: wire models, and the checked values made of them.

Source: docs/reference/backend.md.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from keynet.errors import BackendError, ValidationError
from keynet.frozen import frozen
from keynet.moments import in_utc
from keynet.oci.reference import Reference, is_path_component
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["Account", "Project", "ProjectPage", "SignedIn", "UploadKey"]

_Text = Annotated[str, StringConstraints(max_length=10_000)]
_Credential = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


@frozen
class Account:
    """A Harbor account; ``url`` is as in the platform's answer, with its scheme."""

    url: str
    username: str
    password: Secret


@frozen
class SignedIn:
    """The result of a sign-in; the names are safe to show."""

    token: Secret
    expires_at: datetime | None
    email: str
    display_name: str
    harbor: Account


@frozen
class Project:
    """A project that this user may push to; every text is safe to show."""

    id: int
    title: str
    summary: str = ""
    task_type: str = ""
    author: str = ""

    def __str__(self) -> str:
        title = f" {self.title}" if self.title else ""
        kind = f" ({self.task_type})" if self.task_type else ""
        author = f" - {self.author}" if self.author else ""
        return f"[{self.id}]{title}{kind}{author}"


@frozen
class ProjectPage:
    """One page; ``page`` is counted from 0, ``total`` is None when it is unknown."""

    projects: tuple[Project, ...]
    page: int
    total: int | None


@frozen
class UploadKey:
    """The name under which this image may be pushed.

    ``image`` is set when the platform answered where to push (the newer form), ``command`` when
    it answered how the image will be run (the older form).
    """

    id: int
    key: str
    image: Reference | None = None
    command: str | None = None


class _Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        # Building a model takes milliseconds; most commands use few of them.
        defer_build=True,
    )


class _WireUser(_Wire):
    email: _Text = ""
    display_name: _Text | None = None


class _WireHarbor(_Wire):
    url: _Credential
    username: _Credential
    password: _Credential


class WireSignIn(_Wire):
    """The answer to a sign-in."""

    access_token: _Credential
    access_token_expires_at: datetime | None = None
    user: _WireUser = Field(default_factory=_WireUser)
    harbor: _WireHarbor

    def checked(self) -> SignedIn:
        """Return the value; a time without a zone is UTC."""
        expires = self.access_token_expires_at
        # They go into headers: what would break a header is refused here, without showing it.
        for value in (self.access_token, self.harbor.username, self.harbor.password):
            if not value.isprintable() or not value.isascii():
                raise BackendError(
                    _("The platform's sign-in answer has credentials with unexpected characters.")
                )
        return SignedIn(
            token=Secret(self.access_token),
            expires_at=expires and in_utc(expires),
            email=printable(self.user.email, 300),
            display_name=printable(self.user.display_name or "", 300),
            harbor=Account(self.harbor.url, self.harbor.username, Secret(self.harbor.password)),
        )


class _WireAuthor(_Wire):
    display_name: _Text | None = None


class _WireProject(_Wire):
    id: int
    title: _Text | None = None
    summary: _Text | None = None
    task_type: _Text | None = None
    author: _WireAuthor | None = None

    def checked(self) -> Project:
        return Project(
            id=self.id,
            title=printable(self.title or "", 200),
            summary=printable(self.summary or "", 500),
            task_type=printable(self.task_type or "", 60),
            author=printable((self.author and self.author.display_name) or "", 100),
        )


class _WireMeta(_Wire):
    total: int | None = None


class WireProjects(_Wire):
    """One page of projects."""

    content: list[_WireProject]
    meta: _WireMeta | None = None

    def checked(self, page: int) -> ProjectPage:
        """Return the value."""
        return ProjectPage(
            tuple(project.checked() for project in self.content),
            page,
            self.meta.total if self.meta else None,
        )


class _WireCommand(_Wire):
    tag: _Text | None = None
    push: _Text


class WireUploadKey(_Wire):
    """An upload key in either form."""

    id: int
    upload_key: str
    command: _Text | _WireCommand | None = None

    def checked(self) -> UploadKey:
        """Return the value.

        Raises:
            BackendError: The key is not a path component, or the push command has no image.
        """
        if not is_path_component(self.upload_key):
            raise BackendError(
                fill(
                    _("The platform returned {key!r} as upload key: not valid in an image name."),
                    key=printable(self.upload_key, 100),
                ),
                _("Nothing was built or pushed. Report this to the platform's operators."),
            )
        image = command = None
        match self.command:
            case str() as text:
                command = printable(text)
            case _WireCommand() as commands:
                image = _pushed_image(commands.push)
        return UploadKey(self.id, self.upload_key, image, command)


def _pushed_image(command: str) -> Reference:
    words = command.split()
    error = BackendError(
        fill(
            _("The platform's push command {command!r} does not name an image to push."),
            command=printable(command, 300),
        ),
        _("Nothing was built or pushed. Report this to the platform's operators."),
    )
    if len(words) < 3 or words[1] != "push":
        raise error
    try:
        image = Reference.parse(words[-1])
    except ValidationError as e:
        raise error from e
    if image.digest is not None:
        raise error
    return image if image.tag else image.with_tag("latest")
