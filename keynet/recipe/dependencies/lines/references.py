"""What one requirement of a requirements file refers to: an index, a URL, or a local path."""

import posixpath
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from keynet.frozen import frozen
from keynet.recipe.dependencies.local_archives import SUFFIXES

__all__ = ["Local", "distribution", "is_conda", "is_url", "local", "named"]

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://|(?:git|hg|svn|bzr)\+|file:")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*+")
# Where conda's packages are built: on its servers, or by conda-build and rattler-build.
_CONDA: Final = ("feedstock_root", "build_artifacts", "/croot/", "conda", "/build/", "/ci/",
                 "/ci_", "bld/", "/work")  # fmt: skip


@frozen
class Local:
    """A path in a requirements file, with its extras in brackets and its marker, or "".

    ``name`` is that of ``NAME @ PATH``, else "". ``subdirectory`` is of an archive or project.
    """

    path: str
    extras: str = ""
    marker: str = ""
    name: str = ""
    subdirectory: str = ""


def is_url(text: str) -> bool:
    """Report whether a text is a URL, also one of a version control system."""
    return _URL.match(text) is not None


def named(text: str) -> bool:
    """Report whether a requirement begins with a name, and is not a path or URL."""
    matched = _NAME.match(text)
    if matched is None or is_url(text):
        return False
    rest = text[matched.end() :].lstrip()
    if rest.startswith("["):
        rest = rest.partition("]")[2].lstrip()
    first = text.partition(";")[0].strip()
    if first.endswith(SUFFIXES) and "@" not in first:
        return False
    return not rest or rest[0] in "<>=!~;(,@" or not ({"/", "\\"} & set(text[: matched.end() + 1]))


def local(text: str) -> Local | None:
    """Return the path that a requirement names; None if it names a distribution or a URL."""
    name = ""
    target = text
    if named(text):
        before, at, after = text.partition("@")
        after = after.strip()
        remote = is_url(after) and not after.startswith("file:")
        if not at or remote or set(before) & set(";<>=!~("):
            return None
        name, target = before.strip(), after
    elif is_url(text) and not text.startswith("file:"):
        return None
    # pip wants a blank only behind URLs, which may contain a semicolon.
    body, _semicolon, marker = target.partition(" ;" if target.startswith("file:") else ";")
    body, extras = _without_extras(body.strip())
    subdirectory = ""
    if body.startswith("file:"):
        body, _hash, fragment = body.partition("#")
        fields = dict(part.partition("=")[::2] for part in fragment.split("&"))
        subdirectory = fields.get("subdirectory", "")
        _egg, bracket, rest = fields.get("egg", "").partition("[")
        extras = extras or (f"[{rest}" if bracket else "")
        body = _path(body)
    name, bracket, rest = name.partition("[")
    extras = extras or (f"[{rest}" if bracket else "")
    return Local(body, extras, marker.strip(), name.strip(), subdirectory)


def is_conda(found: Local) -> bool:
    """Report whether a path that does not exist is of the machine that built a conda package."""
    return bool(found.name) and any(part in f"{found.path}/" for part in _CONDA)


def distribution(archive: str, found: Local) -> str:
    """Return an archive as a requirement: by name and version if its own name has them."""
    stem = posixpath.basename(archive)
    parts = stem.split("-")
    marker = f" ; {found.marker}" if found.marker else ""
    if stem.endswith(".whl") and len(parts) >= 5:
        return f"{parts[0]}{found.extras}=={parts[1]}{marker}"
    name, dash, version = stem.removesuffix(".zip").removesuffix(".tar.gz").rpartition("-")
    return f"{name}{found.extras}=={version}{marker}" if dash else f"./{archive}"


def _without_extras(body: str) -> tuple[str, str]:
    if not body.endswith("]"):
        return body, ""
    at = body.rfind("[")
    return (body, "") if at <= 0 else (body[:at].rstrip(), body[at:])


def _path(url: str) -> str:
    """Return the path of a file URL; one on another machine is a path that does not exist."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/\0"
    if parts.netloc not in ("", "localhost"):
        return "/\0"
    path = unquote(parts.path)
    return path if path.startswith(("/", ".")) else f"./{path}"
