"""The distributions that requirements bring with them, as uv resolves them on this host.

Nothing is installed and nothing is built: where uv would have to run code to know, the answer is
that it is unknown.
"""

import contextlib
import hashlib
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from keynet.errors import EngineError
from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.files.living_folders import living
from keynet.oci.platform import Platform
from keynet.plan import Dependencies
from keynet.process.programs import WITHOUT_GIT
from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.lines.plain_lines import plain_name
from keynet.secret import Secret

__all__ = ["named", "resolve"]

_START: Final = "requirements.txt"
_PINNED: Final = "pinned/pyproject.toml"
_OVERRIDES: Final = "overrides.txt"
# Each of their versions is source alone, without dependencies: where nothing is built they would
# hide all that the requirements bring (hydra and omegaconf need the first one). Source: PyPI.
_SOURCE_ONLY: Final = frozenset(["antlr4-python3-runtime", "docopt", "pathtools", "wget"])
_LIMIT_S: Final = 15.0
_KEPT: Final = 64
_REPOSITORY: Final = re.compile(rb"\b(?:git|hg|svn|bzr)\+", re.IGNORECASE)
_ARCHIVES: Final = (".whl", ".tar.gz", ".zip")
_MOST_LINES: Final = 20_000
_TRIPLES: Final = {
    "amd64": "x86_64-unknown-linux-gnu",
    "arm64": "aarch64-unknown-linux-gnu",
}


def named(files: Mapping[str, bytes | Path]) -> frozenset[str]:
    """Return the canonical names of the distributions that requirements files name."""
    found = set()
    for name, content in files.items():
        if isinstance(content, Path) or not name.endswith(".txt"):
            if name.endswith(".whl"):
                found.add(_archive_name(name))
            continue
        for line in content.decode("utf-8", "replace").splitlines()[:_MOST_LINES]:
            written = line.partition(" --")[0].partition(" #")[0].rstrip("\\ ")
            found.add(plain_name(written) or _parsed_name(written))
    return frozenset(found) - {""}


def _parsed_name(line: str) -> str:
    """Return the canonical name in a requirement; "" if it is not one."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return canonical(Requirement(line).name)
    except InvalidRequirement:
        return ""


def resolve(
    dependencies: Dependencies,
    python: tuple[int, int],
    platform: Platform,
    indexes: Mapping[str, str | Secret],
    uv: str,
) -> frozenset[str] | None:
    """Return the canonical names of all that would be installed; None where that is unknown.

    A few that cannot be resolved without a build are always among them. The answer is kept in
    keynet's cache, so that a change of the code asks no index.

    Args:
        python: (major, minor) of the image.
        indexes: Variables of uv that name the package indexes and their logins.
        uv: The program.
    """
    triple = _TRIPLES.get(platform.architecture)
    if triple is None or _needs_git(dependencies.files):
        return None
    key = _key(dependencies.files, python, triple)
    cache = DiskCache(places.cache(), "resolved", _KEPT)
    known = cache.get(key)
    if known is None:
        answer = _ask(dependencies.files, python, triple, indexes, uv)
        if answer is None:
            return None
        known = answer.encode()
        # Otherwise the next push asks again.
        with contextlib.suppress(OSError):
            cache.put(key, known)
    return frozenset(known.decode().split()) | _SOURCE_ONLY


def _ask(
    files: Mapping[str, bytes | Path],
    python: tuple[int, int],
    triple: str,
    indexes: Mapping[str, str | Secret],
    uv: str,
) -> str | None:
    from keynet.process.shell import Command, run

    with living("resolution", Path(tempfile.gettempdir())) as temporary:
        folder = temporary / "files"
        folder.mkdir()
        overrides = temporary / _OVERRIDES
        overrides.write_text("".join(f"{name}; sys_platform == 'none'\n" for name in _SOURCE_ONLY))
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
        argv = (
            *(uv, "--directory", str(folder), "pip", "compile", _START),
            *([_PINNED] if _PINNED in files else []),
            *("--override", str(overrides)),
            *(
                "--python",
                sys.executable,
                "--no-config",
                "--no-python-downloads",
                "--only-binary",
                ":all:",
                "--quiet",
            ),
            *("--python-version", "{}.{}".format(*python), "--python-platform", triple),
            *("--index-strategy", "unsafe-best-match", "--no-header", "--no-annotate"),
            *("--no-emit-index-url", "--no-emit-find-links"),
        )
        environment = {"UV_CACHE_DIR": str(places.cache() / "uv"), **indexes, **WITHOUT_GIT}
        try:
            finished = run(Command(argv, environment=environment), timeout_s=_LIMIT_S)
        except EngineError:
            return None
    if finished.status != 0:
        return None
    return "\n".join(sorted(_names(finished.stdout)))


def _names(resolved: str) -> Iterator[str]:
    """Iterate over the names in uv's output: ``six==1.16.0 ; marker``, ``./archives/x-1-….whl``."""
    for line in resolved.splitlines():
        written = line.split(" ", 1)[0]
        if not written or written.startswith(("#", "-")):
            continue
        if written.endswith(_ARCHIVES):
            yield _archive_name(written)
        else:
            yield canonical(re.split(r"[=\[]", written, maxsplit=1)[0])


def _archive_name(path: str) -> str:
    return canonical(PurePosixPath(path).name.partition("-")[0])


def _needs_git(files: Mapping[str, bytes | Path]) -> bool:
    """Report whether the files name a repository: uv, which finds no git, need not be asked."""
    return any(
        _REPOSITORY.search(content)
        for name, content in files.items()
        if isinstance(content, bytes) and name.endswith(".txt")
    )


def _key(files: Mapping[str, bytes | Path], python: tuple[int, int], triple: str) -> str:
    whole = hashlib.sha256(repr((python, triple)).encode())
    for name, content in sorted(files.items()):
        whole.update(f"{name}\0".encode())
        whole.update(content if isinstance(content, bytes) else str(content).encode())
    return whole.hexdigest()
