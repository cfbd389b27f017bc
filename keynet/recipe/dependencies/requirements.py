"""Read requirements files, and rewrite them so that they install anywhere.

Included files, local archives and find-links directories of the context become part of one set
of files, which refers to nothing outside the set. A local project is replaced by its
dependencies; its code is in the context already.

Source: pip's "Requirements File Format".
"""

import codecs
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.files import limited_read, places
from keynet.text import _, fill, printable

__all__ = ["RequirementsReader"]

_LARGEST_TEXT: Final = 5_000_000
_LARGEST_ARCHIVE: Final = 5_000_000_000
_ARCHIVES: Final = (".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_COMMENT: Final = re.compile(r"(?:^|\s+)#.*$")
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTION: Final = re.compile(
    r"(?P<flag>--[a-z][a-z-]*|-[recfi])(?:\s*=\s*|\s+|(?<=^-[recfi]))(?P<value>\S.*)"
)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:git|hg|svn|bzr)\+")
_NAMED: Final = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\])?\s*(?:$|[<>=!~;(,]|@\s*(?P<url>\S+))"
)
_LOCAL: Final = re.compile(r"(?P<path>.*?)(?P<extras>\[[^\]/]*\])?(?P<rest>\s+(?:;|--).*)?")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class RequirementsReader:
    """Collect ``files`` and ``import_paths`` of ``Dependencies``.

    Every method raises ContextInvalid, with file and line.
    """

    def __init__(self, context: Path, environment: Mapping[str, str]) -> None:
        self.files: dict[str, bytes] = {}
        self.import_paths: list[str] = []
        self.notices: list[Notice] = []
        self._context = context.resolve()
        self._environment = environment
        self._roots = [self._context]
        self._names: dict[Path, str] = {}
        self._open: list[Path] = []

    def add_file(self, path: Path, *, trusted: bool = False) -> str:
        """Add a requirements file and its includes; return its name in ``files``.

        Args:
            trusted: The user named this file, so it and its siblings may be outside the context.
        """
        real = path.resolve()
        if trusted:
            self._roots.append(real.parent)
        if real in self._open:
            raise ContextInvalid(
                fill(_("The requirements file {path} includes itself."), path=path),
                _("Remove the -r line that includes it again."),
            )
        if real in self._names:
            return self._names[real]
        text = self._read(real, path, trusted=trusted)
        name = f"requirements-{len(self._names)}.txt" if self._names else "requirements.txt"
        self._names[real] = name
        self._open.append(real)
        lines = list(self._rewritten(text, path))
        self._open.pop()
        self.files[name] = "".join(line + "\n" for line in lines).encode()
        return name

    def add_project(self, directory: Path, extras: tuple[str, ...] = ()) -> str:
        """Add a project's dependencies as a requirements file; return its name."""
        # Imports packaging (15 ms), which only projects need.
        from keynet.recipe.dependencies import pyproject

        declared = pyproject.read(directory / "pyproject.toml", extras)
        lines = list(declared.dependencies)
        for named in declared.files:
            lines.append(f"-r {self.add_file(directory / named)}")
        self._add_path(directory)
        name = f"requirements-{len(self._names)}.txt" if self._names else "requirements.txt"
        self._names[(directory / "pyproject.toml").resolve() / ",".join(extras)] = name
        self.files[name] = "".join(line + "\n" for line in lines).encode()
        return name

    @property
    def installs(self) -> bool:
        """Report whether any file names a distribution, not only options and comments."""
        return any(
            (line and not line.startswith("-")) or line.startswith(("-e", "--editable"))
            for content in self.files.values()
            for line in (_COMMENT.sub("", text).strip() for text in content.decode().splitlines())
        )

    def _add_path(self, directory: Path) -> None:
        source = directory / "src"
        root = source if source.is_dir() else directory
        inside = root.resolve().relative_to(self._context).as_posix()
        if inside not in self.import_paths:
            self.import_paths.append(inside)

    def _read(self, real: Path, path: Path, *, trusted: bool) -> str:
        if not any(real.is_relative_to(root) for root in self._roots):
            raise ContextInvalid(
                fill(_("The requirements file {path} is outside the build context."), path=path),
                _("Move it into the context, or pass it with --requirements FILE."),
            )
        content = read_bytes(path, _LARGEST_TEXT, regular_only=not trusted)
        encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8")
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            raise ContextInvalid(
                fill(_("The requirements file {path} is not UTF-8."), path=path),
                _("Save it as UTF-8."),
            ) from error

    def _rewritten(self, text: str, path: Path) -> Iterator[str]:
        """Yield as many lines as the file has, so that pip's line numbers stay correct."""
        for number, raw, logical in _logical_lines(text):
            line = _COMMENT.sub("", self._expanded(logical)).strip()
            changed = self._line(line, path.parent, f"{path}:{number}") if line else None
            if changed is None:
                yield from (self._expanded(physical) for physical in raw)
            else:
                yield changed
                yield from [""] * (len(raw) - 1)

    def _expanded(self, line: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = self._environment.get(match[1], "")
            return found if found and "\n" not in found else match[0]

        return _VARIABLE.sub(value, line)

    def _line(self, line: str, directory: Path, where: str) -> str | None:
        """Rewrite one line; None if it can stay unchanged."""
        option = _OPTION.fullmatch(line)
        if option:
            return self._option(option["flag"], _unquoted(option["value"]), directory, where)
        if line.startswith("-"):
            return None
        named = _NAMED.match(line)
        if named and named["url"] is not None:
            is_local = named["url"].startswith("file:")
            return self._local(line[named.start("url") :], directory, where) if is_local else None
        if named and not line.partition(" ")[0].endswith(_ARCHIVES):
            return None
        if _URL.match(line) and not line.startswith("file:"):
            return None
        return self._local(line, directory, where)

    def _option(self, flag: str, value: str, directory: Path, where: str) -> str | None:
        is_file_url = value.startswith("file:")
        if _URL.match(value) and not is_file_url:
            return None
        target = _file_url_path(value, where) if is_file_url else directory / value
        match flag:
            case "-r" | "--requirement" | "-c" | "--constraint":
                _existing(target, where)
                short = "-c" if flag in ("-c", "--constraint") else "-r"
                return f"{short} {self.add_file(target)}"
            case "-e" | "--editable":
                return self._local(value, directory, where)
            case "-f" | "--find-links":
                return f"--find-links {self._links(self._near(value, directory), where)}"
            case "-i" | "--index-url" | "--pypi-url" | "--extra-index-url":
                raise ContextInvalid(
                    fill(
                        _("{where}: the package index {url} exists on this machine only."),
                        where=where,
                        url=printable(value, 200),
                    ),
                    _("Serve it over http, or list archives of the context as ./wheels/NAME.whl."),
                )
        return None

    def _local(self, text: str, directory: Path, where: str) -> str:
        """Rewrite a line that names an archive or a project of the context."""
        parts = _LOCAL.fullmatch(text)
        if parts is None:
            raise _missing(Path(text), where)
        written, extras, rest = parts["path"], parts["extras"] or "", parts["rest"] or ""
        is_url = written.startswith("file:")
        path = _file_url_path(written, where) if is_url else self._near(written, directory)
        real = _existing(path, where)
        if not any(real.is_relative_to(root) for root in self._roots):
            raise ContextInvalid(
                fill(_("{where}: {path} is outside the build context."), where=where, path=path),
                _("Copy it into the context, or install it from a package index."),
            )
        if real.is_file():
            return f"./{self._archive(real, where)}{extras}{rest}"
        names = tuple(name.strip() for name in extras.strip("[]").split(",") if name.strip())
        self.notices.append(
            Notice(
                fill(
                    _(
                        "{where}: the project itself is not installed, only its dependencies. Its "
                        "modules are imported from the context; its commands and compiled "
                        "extensions are missing."
                    ),
                    where=where,
                ),
                "note",
            )
        )
        if not real.is_relative_to(self._context):
            raise ContextInvalid(
                fill(
                    _("{where}: the project {path} is outside the build context."),
                    where=where,
                    path=path,
                ),
                _("Pass a context that contains it: --context DIR."),
            )
        return f"-r {self.add_project(real, names)}"

    def _near(self, written: str, directory: Path) -> Path:
        """Resolve a path next to the file, else in the folder where pip is started."""
        near, started = directory / written, self._context / written
        try:
            return started if started.exists() and not near.exists() else near
        except (OSError, ValueError):
            return near

    def _links(self, directory: Path, where: str) -> str:
        real = _existing(directory, where)
        if not real.is_dir() or not any(real.is_relative_to(root) for root in self._roots):
            raise ContextInvalid(
                fill(
                    _("{where}: {path} is not a directory of the build context."),
                    where=where,
                    path=directory,
                ),
                _("Copy the archives into the context, or use a URL."),
            )
        for archive in sorted(real.iterdir()):
            if archive.name.endswith(_ARCHIVES) and archive.is_file():
                self._archive(archive, where)
        return "archives"

    def _archive(self, path: Path, where: str) -> str:
        if not path.name.endswith(_ARCHIVES):
            raise ContextInvalid(
                fill(
                    _("{where}: {path} is neither a project nor an archive that pip installs."),
                    where=where,
                    path=path,
                ),
                _("Use -r FILE to include a requirements file."),
            )
        name = f"archives/{path.name}"
        content = read_bytes(path, _LARGEST_ARCHIVE, regular_only=True)
        if self.files.get(name, content) != content:
            raise ContextInvalid(
                fill(
                    _("{where}: there are two different archives named {name}."),
                    where=where,
                    name=path.name,
                ),
                _("Keep one of them."),
            )
        self.files[name] = content
        return name


def read_bytes(path: Path, limit: int, *, regular_only: bool) -> bytes:
    """Return the content of a file that the user named.

    Args:
        limit: In bytes.
        regular_only: Refuse pipes and devices.

    Raises:
        ContextInvalid: The file is unreadable or larger than ``limit``.
    """
    try:
        content = limited_read.read(path, limit, regular_only=regular_only)
    except OSError as error:
        raise ContextInvalid(
            fill(
                _("{path} ({resolved}) cannot be read: {reason}."),
                path=path,
                resolved=places.real(path),
                reason=error.strerror or error,
            ),
            _("Check the path and its permissions."),
        ) from error
    if content is None:
        raise ContextInvalid(
            fill(_("{path} is too large for a list of dependencies."), path=path),
            _("Check that the right file is named."),
        )
    return content


def _logical_lines(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Join continued lines as pip does; yield number, physical and joined lines."""
    raw: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(), start=1):
        if not raw:
            start = number
        raw.append(line)
        if line.endswith("\\") and not _COMMENT.match(line):
            continue
        yield start, raw, _joined(raw)
        raw = []
    if raw:
        yield start, raw, _joined(raw)


def _joined(lines: list[str]) -> str:
    if len(lines) == 1:
        return lines[0].rstrip("\\")
    last = lines[-1]
    return "".join(line.strip("\\") for line in lines[:-1]) + (
        " " + last if _COMMENT.match(last) else last.rstrip("\\")
    )


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value


def _file_url_path(url: str, where: str) -> Path:
    parts = urlsplit(url.partition("#")[0])
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise _missing(Path(url), where)
    return Path(unquote(parts.path))


def _existing(path: Path, where: str) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        # Absent, a loop of links, too long, or with a NUL.
        raise _missing(path, where) from error


def _missing(path: Path, where: str) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("{where}: {path} ({resolved}) does not exist."),
            where=where,
            path=path,
            resolved=path.absolute(),
        ),
        _("Correct the path: it is relative to the file that contains it, or to the context."),
    )
