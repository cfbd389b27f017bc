"""Find the files of podman's configuration of registries: the user's, else the system's.

Source: containers-registries.conf(5); containers/image, ``sysregistriesv2.newConfigWrapper``.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keynet.direct.base import registries_conf
from keynet.direct.base.registries_conf import RegistriesConf
from keynet.errors import ValidationError
from keynet.files import places
from keynet.text import _, fill

__all__ = ["load"]

_SYSTEM: Final = Path("/etc/containers")
_LARGEST: Final = 1 << 20


def load(
    environment: Mapping[str, str] | None = None,
    home: Path | None = None,
    system: Path = _SYSTEM,
) -> RegistriesConf:
    """Return the configuration of this user; an empty one where there is none.

    Args:
        environment: By default this process's; ``CONTAINERS_REGISTRIES_CONF`` names a file.

    Raises:
        ValidationError: A file cannot be read, or is not valid.
    """
    variables = os.environ if environment is None else environment
    own = (places.home() if home is None else home) / ".config" / "containers"
    named = variables.get("CONTAINERS_REGISTRIES_CONF", "")
    files = list(_files(named, own, system))
    return registries_conf.parse((str(file), _content(file)) for file in files)


def _files(named: str, own: Path, system: Path) -> Iterator[Path]:
    """Yield the files that exist, the one that counts most last."""
    name, folder = "registries.conf", "registries.conf.d"
    if named:
        yield Path(named)
        folders = [system / folder, own / folder]
    elif (own / name).is_file():
        yield own / name
        folders = [own / folder]
    else:
        yield from (file for file in [system / name] if file.is_file())
        folders = [system / folder, own / folder]
    for each in folders:
        yield from sorted(file for file in each.glob("*.conf") if file.is_file())


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from error
    if len(content) > _LARGEST:
        raise _unusable(file, _("it is too large"))
    return content


def _unusable(file: Path, why: str) -> ValidationError:
    return ValidationError(
        fill(_("{file} cannot be used: {why}."), file=file, why=why),
        _("It names the registries of base images. Make it readable, or remove it."),
    )
