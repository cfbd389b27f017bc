"""The errors on a line of a requirements file: what it asks for, and what to do instead."""

import re
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files.beneath import LeavesFolder
from keynet.recipe.dependencies.lines.references import Local
from keynet.recipe.dependencies.lines.requirement_lines import Undecodable
from keynet.text import N_, _, fill, printable

__all__ = [
    "includes_itself",
    "is_of_conda",
    "local_index",
    "malformed",
    "missing",
    "neither",
    "not_a_folder",
    "of_conda",
    "outside",
    "project_outside",
    "too_deep",
    "undecodable",
    "unknown_option",
    "unreadable",
]

# ``conda list --export``: name, version and mostly the build.
_OF_CONDA: Final = r"(?a)[\w.-]{1,100}=[\w.!+-]{1,100}(?:=[\w.+-]{1,100})?"
# ``conda list --explicit`` and ``pip list``.
_EXPLICIT: Final = "@EXPLICIT"
_OF_PIP: Final = r"(?a)Package\s+Version\b.*|[\w.-]{1,100}\s+[0-9][\w.!+-]{0,100}(?:\s+/.*)?"


# What is in the place of a requirements file: its first line, what it is, and what to do.
_OTHER_FILES: Final = (
    (
        r"version https://git-lfs\.github\.com/spec/.*",
        N_("{where}: the file is a Git LFS pointer, not the list itself."),
        N_("Download it first: git lfs pull"),
    ),
    (
        r"<{7}(?:\s.*)?",
        N_("{where}: the file has both sides of a merge conflict."),
        N_("Keep one of them, and remove the lines <<<<<<<, ======= and >>>>>>>."),
    ),
    (
        r"(?i)<(?:!doctype|html)\b.*",
        N_("{where}: the file is a web page, not a list of packages."),
        N_("Download it again; a page is what a server sends without a login."),
    ),
)


def undecodable(path: Path, error: Undecodable) -> ContextInvalid:
    """Return the error on a file that is not in its encoding."""
    if not error.known:
        return ContextInvalid(
            fill(
                _("{path}:{line}: the encoding {name} is not known."),
                path=path,
                line=error.line,
                name=printable(error.encoding, 60),
            ),
            _("Save the file as UTF-8 and remove that declaration."),
        )
    return ContextInvalid(
        fill(
            _("The requirements file {path} is not {encoding}: see line {line}."),
            path=path,
            encoding="UTF-8" if error.encoding == "utf-8" else printable(error.encoding, 60),
            line=error.line,
        ),
        _("Save it as UTF-8, or name its encoding in the first line: # -*- coding: cp949 -*-"),
    )


def too_deep(where: str, most: int) -> ContextInvalid:
    """Return the error on files that include one another endlessly."""
    return ContextInvalid(
        fill(_("{where}: more than {most} files include one another."), where=where, most=most),
        _("List the requirements in fewer files."),
    )


def includes_itself(where: str, path: Path) -> ContextInvalid:
    """Return the error on a file that includes itself, also through others."""
    return ContextInvalid(
        fill(_("{where}: the requirements file {path} includes itself."), where=where, path=path),
        _("Remove the -r line that includes it again."),
    )


def missing(where: str, written: str, resolved: Path) -> ContextInvalid:
    """Return the error on a path where nothing is."""
    if is_of_conda(written) or _is_of_pip(written) or _of_another_file(where, written):
        return malformed(where, written, "")
    return ContextInvalid(
        fill(
            _("{where}: {path} ({resolved}) does not exist."),
            where=where,
            path=printable(written, 300),
            resolved=resolved.absolute(),
        ),
        _("Correct the path: it is relative to the file that contains it, or to the context."),
    )


def outside(where: str, written: str) -> ContextInvalid:
    """Return the error on a path that leads out of the context, itself or through a link."""
    return ContextInvalid(
        fill(
            _("{where}: {path} is outside the build context."),
            where=where,
            path=printable(written, 300),
        ),
        _(
            "Choose a context that holds both (--context DIR), copy it into this one, or install "
            "it from a package index."
        ),
    )


def project_outside(where: str, path: Path) -> ContextInvalid:
    """Return the error on a project that will not be in the image."""
    return ContextInvalid(
        fill(
            _("{where}: the project {path} is outside the build context."),
            where=where,
            path=path,
        ),
        _("Pass a context that contains it: --context DIR."),
    )


def unreadable(where: str, path: str, error: OSError) -> ContextInvalid:
    """Return the error on a path that cannot be read."""
    if isinstance(error, LeavesFolder):
        return outside(where, path)
    return ContextInvalid(
        fill(
            _("{where}: {path} cannot be read: {reason}."),
            where=where,
            path=printable(path, 300),
            reason=error.strerror or str(error),
        ),
        _("Check the path, and that it is a regular file or folder that you may read."),
    )


def neither(where: str, path: Path) -> ContextInvalid:
    """Return the error on a file that cannot be installed."""
    return ContextInvalid(
        fill(
            _("{where}: {path} is neither a project nor an archive that pip installs."),
            where=where,
            path=path,
        ),
        _("Use -r FILE to include a requirements file."),
    )


def not_a_folder(where: str, path: Path) -> ContextInvalid:
    """Return the error on a ``--find-links`` that names something else."""
    return ContextInvalid(
        fill(_("{where}: {path} is not a directory of the build context."), where=where, path=path),
        _("Copy the archives into the context, or use a URL."),
    )


def two_indexes(where: str, name: str) -> ContextInvalid:
    """Return the error for a package that two projects take from different indexes."""
    return ContextInvalid(
        fill(
            _("{where}: {name} comes from another index than in a project that is installed too."),
            where=where,
            name=printable(name, 100),
        ),
        _("Name the same index in both, or write a lock file, for example with: uv lock"),
    )


def hashes_and_pins(where: str, name: str) -> ContextInvalid:
    """Return the error for hashes together with a package that has an index of its own."""
    return ContextInvalid(
        fill(
            _(
                "{where}: {name} comes from an index of its own, but other requirements have "
                "hashes."
            ),
            where=where,
            name=printable(name, 100),
        ),
        _("uv cannot install both without a lock file: run uv lock, and push its folder."),
    )


def local_index(where: str, url: str) -> ContextInvalid:
    """Return the error on a package index on a disk."""
    return ContextInvalid(
        fill(
            _("{where}: the package index {url} exists on this machine only."),
            where=where,
            url=printable(url, 200),
        ),
        _("Serve it over http, or list archives of the context as ./wheels/NAME.whl."),
    )


def of_conda(where: str, found: Local) -> ContextInvalid:
    """Return the error on a line that ``pip freeze`` writes in an environment of conda."""
    return ContextInvalid(
        fill(
            _(
                "{where}: {name} is listed by a path of the machine that built its conda package "
                "({path}), which exists nowhere else."
            ),
            where=where,
            name=printable(found.name, 100),
            path=printable(found.path, 200),
        ),
        _(
            "`pip freeze` writes such lines in an environment of conda. List names and versions "
            "instead: pip list --format=freeze > requirements.txt"
        ),
    )


def unknown_option(where: str, name: str) -> ContextInvalid:
    """Return the error on an option that pip does not read in a file."""
    return ContextInvalid(
        fill(
            _("{where}: pip takes no option {name} in a requirements file."),
            where=where,
            name=printable(name, 60),
        ),
        _("Remove it; what belongs to pip's command line has no place in the file."),
    )


def is_of_conda(line: str) -> bool:
    """Report whether a line looks like one of ``conda list --export``."""
    return re.fullmatch(_OF_CONDA, line.strip()) is not None or line.strip() == _EXPLICIT


def _is_of_pip(line: str) -> bool:
    return re.fullmatch(_OF_PIP, line.strip()) is not None


def _of_another_file(where: str, line: str) -> ContextInvalid | None:
    for first, message, hint in _OTHER_FILES:
        if re.fullmatch(first, line.strip()):
            return ContextInvalid(fill(_(message), where=where), _(hint))
    return None


def malformed(where: str, line: str, reason: str) -> ContextInvalid:
    """Return the error on a line that is not a requirement."""
    if (other := _of_another_file(where, line)) is not None:
        return other
    if _is_of_pip(line):
        return ContextInvalid(
            fill(
                _("{where}: {line} is how `pip list` shows a package, for people."),
                where=where,
                line=printable(line, 200),
            ),
            _(
                "Write NAME==VERSION in its place, or let pip list the environment: "
                "pip list --format=freeze > requirements.txt"
            ),
        )
    if is_of_conda(line):
        return ContextInvalid(
            fill(
                _("{where}: {line} is how conda lists a package, which no Python index knows."),
                where=where,
                line=printable(line, 200),
            ),
            _(
                "Write NAME==VERSION in its place, or let pip list the environment: "
                "pip list --format=freeze > requirements.txt"
            ),
        )
    return ContextInvalid(
        fill(
            _("{where}: {line} is not a valid requirement: {reason}."),
            where=where,
            line=printable(line, 200),
            reason=printable(" ".join(reason.split()), 200).rstrip("."),
        ),
        _("Correct the line, for example: numpy>=1.26,<2"),
    )
