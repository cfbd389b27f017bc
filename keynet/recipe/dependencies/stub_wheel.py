"""A wheel with the metadata of a local project, but without its modules.

The modules are imported from the context. The wheel lets ``importlib.metadata`` and ``pip`` know
the project and gives it its commands. Equal projects give equal bytes.

Source: PyPA specifications "Binary distribution format", "Core metadata", "Entry points".
"""

import base64
import hashlib
import io
import re
import zipfile
from typing import Final

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from keynet.recipe.dependencies.declared import canonical, flat
from keynet.recipe.dependencies.project_metadata import UNKNOWN_VERSION, Metadata

__all__ = ["UNKNOWN_VERSION", "build", "version_of"]

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ENTRY: Final = re.compile(r"[\w.-]+(?: [\w.-]+)*")
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: keynet\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# A package whose folder has another name than the package.
_RENAMED: Final = """\
import os
_folder = {folder!r}
__path__ = [_folder]
__file__ = os.path.join(_folder, "__init__.py")
if os.path.exists(__file__):
    with open(__file__, "rb") as _source:
        exec(compile(_source.read(), __file__, "exec"))
"""


def version_of(metadata: Metadata) -> str:
    """Return the project's version in normal form, ``UNKNOWN_VERSION`` if it is not known."""
    try:
        return str(Version(metadata.version))
    except InvalidVersion:
        return UNKNOWN_VERSION


def build(
    metadata: Metadata, requires: tuple[str, ...], packages: tuple[tuple[str, str], ...] = ()
) -> tuple[str, bytes]:
    """Return the name and the content of the wheel.

    Args:
        metadata: Has a name.
        requires: PEP 508 requirements, without those of extras.
        packages: Names of packages, and the folders in the image that hold their modules.
    """
    stem = canonical(metadata.name).replace("-", "_")
    version = version_of(metadata)
    about = f"{stem}-{version}.dist-info"
    contents = {
        f"{about}/METADATA": _metadata(metadata, version, requires),
        f"{about}/WHEEL": _WHEEL,
    }
    points = _entry_points(metadata)
    if points:
        contents[f"{about}/entry_points.txt"] = points
    for name, folder in packages:
        contents[f"{name.replace('.', '/')}/__init__.py"] = _RENAMED.format(folder=folder)
    record = f"{about}/RECORD"
    lines = [f"{path},{_digest(text)},{len(text.encode())}" for path, text in contents.items()]
    contents[record] = "".join(line + "\n" for line in [*lines, f"{record},,"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, text in contents.items():
            member = zipfile.ZipInfo(path, _EPOCH)
            member.external_attr = 0o100644 << 16
            archive.writestr(member, text)
    return f"{stem}-{version}-py3-none-any.whl", packed.getvalue()


def _metadata(metadata: Metadata, version: str, requires: tuple[str, ...]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {flat(metadata.name)}", f"Version: {version}"]
    if metadata.requires_python:
        lines.append(f"Requires-Python: {flat(metadata.requires_python)}")
    lines += [f"Requires-Dist: {flat(line)}" for line in requires]
    for extra, wanted in metadata.extras.items():
        name = canonical(extra)
        lines.append(f"Provides-Extra: {name}")
        lines += [
            f"Requires-Dist: {_for_extra(line, name)}" for line in wanted if line[:1] not in "-./"
        ]
    return "\n".join(lines) + "\n"


def _for_extra(line: str, extra: str) -> str:
    requirement = Requirement(line)
    own = f'extra == "{extra}"'
    marker = f"({requirement.marker}) and {own}" if requirement.marker else own
    requirement.marker = None
    separator = " ;" if requirement.url else ";"
    return f"{requirement}{separator} {marker}"


def _entry_points(metadata: Metadata) -> str:
    lines = []
    for group, points in sorted(metadata.entry_points.items()):
        kept = [(flat(name), flat(value)) for name, value in points]
        kept = [(name, value) for name, value in kept if _ENTRY.fullmatch(name) and value]
        if kept and _ENTRY.fullmatch(group):
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in kept), ""]
    return "\n".join(lines)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
