"""The image's future name in the platform's registry."""

from keynet.errors import UsageError, ValidationError
from keynet.oci.reference import Reference
from keynet.text import _, fill

__all__ = ["check"]


def check(name: str, host: str = "registry.invalid") -> None:
    """Refuse what cannot be the project of an image, before an upload key is spent on it.

    Args:
        host: The registry, if it is known.

    Raises:
        UsageError: The project is not a part of an image name.
    """
    try:
        Reference(host, f"{name}/key", "latest")
    except ValidationError as error:
        raise UsageError(
            fill(
                _("--harbor-project {name!r} cannot be used: {why}"), name=name, why=error.message
            ),
            _("It is the name of a project in the platform's registry, such as kitech-model."),
        ) from error
