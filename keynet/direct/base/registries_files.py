"""Find the files of podman's configuration of registries: the user's, else the system's.

Source: containers-registries.conf(5); containers/image, ``sysregistriesv2.newConfigWrapper``.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keynet.direct.base import registries_conf
from keynet.direct.base.registries_conf import RegistriesConf
from keynet.errors import ValidationError
from keynet.files import ownership, places
from keynet.text import _, fill, printable

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
        ValidationError: A file cannot be read, is not valid, or can be changed by another user.
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
        part = ownership.distrusted(file)
        if part is not None:
            raise _of_others(file, part)
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from error
    if len(content) > _LARGEST:
        raise _unusable(file, _("it is too large"))
    return content


def _of_others(file: Path, part: Path) -> ValidationError:
    shown = shlex.quote(printable(part))
    return ValidationError(
        fill(
            _("{file} is not used: another user than you or root owns or can change {part}."),
            file=file,
            part=part,
        ),
        fill(
            _(
                "It decides where base images come from. Run: chmod go-w {part}; where it belongs "
                "to another user: chown {user} {part}"
            ),
            part=shown,
            user=os.geteuid(),
        ),
    )


def _unusable(file: Path, why: str) -> ValidationError:
    return ValidationError(
        fill(_("{file} cannot be used: {why}."), file=file, why=why),
        _("It names the registries of base images. Make it readable, or remove it."),
    )
