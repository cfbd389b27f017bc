"""The backend's JSON: wire models, and the checked values made of them.

The answer to a sign-in is in ``sign_in_answer``: only a login needs it.

Source: docs/reference/backend.md.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from keynet.errors import BackendError, ValidationError
from keynet.frozen import frozen
from keynet.oci.reference import Reference, is_path_component
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = [
    "Account",
    "Project",
    "ProjectPage",
    "SignedIn",
    "Text",
    "UploadKey",
    "Wire",
    "WireProjects",
    "WireUploadKey",
]

Text = Annotated[str, StringConstraints(max_length=10_000)]


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


class Wire(BaseModel):
    """The base of the wire models."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        # Building a model takes milliseconds; most commands use few of them.
        defer_build=True,
    )


class _WireAuthor(Wire):
    display_name: Text | None = None


class _WireProject(Wire):
    id: int
    title: Text | None = None
    summary: Text | None = None
    task_type: Text | None = None
    author: _WireAuthor | None = None

    def checked(self) -> Project:
        return Project(
            id=self.id,
            title=printable(self.title or "", 200),
            summary=printable(self.summary or "", 500),
            task_type=printable(self.task_type or "", 60),
            author=printable((self.author and self.author.display_name) or "", 100),
        )


class _WireMeta(Wire):
    total: int | None = None


class WireProjects(Wire):
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


class _WireCommand(Wire):
    tag: Text | None = None
    push: Text


class WireUploadKey(Wire):
    """An upload key in either form."""

    id: int
    upload_key: str
    command: Text | _WireCommand | None = None

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
