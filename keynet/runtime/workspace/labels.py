"""Labels of the containers and networks that keynet makes, as one value. Pure.

Images carry ``keynet.managed`` only, so that the same input gives the same image.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Self

from keynet.errors import InvalidRunSettings
from keynet.frozen import frozen
from keynet.moments import in_utc
from keynet.text import _, fill, printable

__all__ = [
    "CREATED",
    "IMAGE_LABELS",
    "MANAGED",
    "OWNER",
    "WORKSPACE_ID",
    "WORKSPACE_NAME",
    "Labels",
]

MANAGED: Final = "keynet.managed"
CREATED: Final = "keynet.created"
WORKSPACE_ID: Final = "keynet.workspace.id"
WORKSPACE_NAME: Final = "keynet.workspace.name"
# The token of the process that a container runs for; see ``files.owners``.
OWNER: Final = "keynet.owner"
IMAGE_LABELS: Final[Mapping[str, str]] = {MANAGED: "true"}

# Far below what a command line takes; engines have no limit of their own.
_LONGEST: Final = 1024


@frozen
class Labels:
    """Labels of one container or network; ``created`` has a time zone.

    Networks are shared by all workspaces and have neither ``workspace_id`` nor
    ``workspace_name``.
    """

    created: datetime
    workspace_id: str = ""
    workspace_name: str = ""

    def __post_init__(self) -> None:
        if self.created.tzinfo is None:
            raise InvalidRunSettings(
                fill(_("The time {moment} has no time zone."), moment=self.created.isoformat()),
                _("Use datetime.now(timezone.utc), or give no time."),
            )
        for key, value in (
            (WORKSPACE_ID, self.workspace_id),
            (WORKSPACE_NAME, self.workspace_name),
        ):
            _check(key, value)

    @classmethod
    def now(cls, workspace_id: str = "", workspace_name: str = "") -> Self:
        """Return labels of something that is made at this moment."""
        return cls(datetime.now(UTC), workspace_id, workspace_name)

    @classmethod
    def parse(cls, labels: Mapping[str, str]) -> Self | None:
        """Return the labels that an engine reports; None if keynet has not set them.

        ``created`` is the start of the epoch if it cannot be read.
        """
        if labels.get(MANAGED) != "true":
            return None
        try:
            created = datetime.fromisoformat(labels.get(CREATED, ""))
        except ValueError:
            created = datetime.fromtimestamp(0, UTC)
        created = in_utc(created)
        known = [labels.get(key, "") for key in (WORKSPACE_ID, WORKSPACE_NAME)]
        try:
            return cls(created, *known)
        except InvalidRunSettings:
            return cls(created)

    def as_mapping(self) -> dict[str, str]:
        """Return the labels by their names, as an engine stores them; empty ones are left out."""
        moment = in_utc(self.created).replace(microsecond=0, tzinfo=None)
        found = {
            MANAGED: "true",
            CREATED: f"{moment.isoformat()}Z",
            WORKSPACE_ID: self.workspace_id,
            WORKSPACE_NAME: self.workspace_name,
        }
        return {key: value for key, value in found.items() if value}

    def flags(self) -> tuple[str, ...]:
        """Return the labels as arguments: docker, podman and buildah spell them alike."""
        return tuple(f"--label={key}={value}" for key, value in self.as_mapping().items())


def _check(key: str, value: str) -> None:
    # A program's arguments end at a NUL byte, and are UTF-8 for every engine.
    broken = "\0" in value or (not value.isascii() and _lone_surrogate(value))
    if broken or len(value.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise InvalidRunSettings(
            fill(
                _("The label {key} cannot be {value}: at most {limit} bytes, without NUL."),
                key=key,
                value=printable(value, 60),
                limit=str(_LONGEST),
            ),
            _("Use a shorter id or name."),
        )


def _lone_surrogate(value: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in value)
