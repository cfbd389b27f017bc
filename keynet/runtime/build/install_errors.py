"""Explain from a build's log why an installation failed. Pure.

The words are those of uv and pip, and of keynet's own program in the build.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from keynet.frozen import frozen
from keynet.text import N_, _, fill, printable, stacked

__all__ = ["OWN", "Explained", "Installation", "read"]

# In each line of keynet's program in the build.
OWN: Final = "keynet: "
# Not compiled at import: they are for builds that fail.
# BuildKit: "#7 0.52 text".
_PREFIX: Final = r"\A#\d+ \d+\.\d+ "
# docker's legacy builder shows what goes to standard error in red.
_COLOUR: Final = r"\x1b\[[0-9;]*m"
_STARTED: Final = r"keynet: (?:uv|pip) installs for Python (?P<python>\S+) from (?P<index>[^(]*)"
_OWN: Final = r"keynet: (?!(?:uv|pip) installs )(?!\S+ answers )(?P<what>.*)"


@frozen
class Explained:
    """Why an installation failed, and what to do next."""

    message: str
    hint: str


@frozen
class _Cause:
    """One kind of failure, with marked texts; REQ in a pattern stands for a requirement."""

    what: str
    hint: str
    patterns: tuple[str, ...]


_REQ: Final = r"(?P<requirement>[A-Za-z0-9](?:[^\s`,;:]*[^\s`,;:.])?)"
# Packages of PyPI that only name another one.
_STUB: Final = r"(?P<requirement>(?:sklearn|pytorch|nvidia-cudnn)(?![\w-])[^`'\"\s]*)"
_TOOLS: Final = N_(
    "Choose a base image with build tools (python:3.11 instead of python:3.11-slim), or a version "
    "that has a wheel."
)

_UNREACHABLE: Final = N_("the build cannot reach the package index")
_FAILING: Final = N_("the package index has a failure of its own")
_LIST: Final = N_("the build cannot read the list at {requirement}")

# The first kind that occurs anywhere in the log counts, so causes come before consequences.
_CAUSES: Final = (
    _Cause(
        N_("the disk is full"),
        N_("Free some space, for example with: keynet clean --images"),
        (r"no space left on device", r"disk quota exceeded"),
    ),
    _Cause(
        N_("a requirement comes from a git repository, and the base image has no git"),
        N_(
            "Choose a base image that has git (--base-image python:3.11), or list the URL of an "
            "archive: NAME @ https://example.com/NAME-1.0.tar.gz"
        ),
        (
            r"git executable not found",
            r"cannot find command 'git'",
            r"no such file or directory: '?git\b",
        ),
    ),
    _Cause(
        N_("a git repository that a requirement names cannot be read"),
        N_("Check its URL and revision. A build has no SSH key: use https, with a token."),
        (r"git operation failed", r"git (?:clone|fetch|checkout|version)\b.* did not run"),
    ),
    _Cause(
        N_("the archive of {requirement} does not have the hash that the requirements state"),
        N_("Renew the hashes (uv pip compile --generate-hashes), or check the index's copy."),
        (r"hash mismatch for `REQ`", r"^\s+REQ from https?://.*:$", r"do not match the hashes"),
    ),
    _Cause(
        N_("some requirements have hashes, and {requirement} has none"),
        N_("State a version and a hash for each: uv pip compile --generate-hashes"),
        (
            r"in `--require-hashes` mode, all requirements must .*, but found: REQ",
            r"in `?--require-hashes`? mode",
            r"hashes are required in --require-hashes mode",
        ),
    ),
    _Cause(
        N_("the package index refuses the login"),
        N_(
            "Put user and password into PIP_INDEX_URL, pip.conf or ~/.netrc, and check them. The "
            "logins of ~/.netrc are for indexes that your own settings name, such as "
            "PIP_EXTRA_INDEX_URL: the project alone gets none."
        ),
        (
            r"keynet: \S+ answers (?:401|403|407) for REQ",
            r"\b40[137] (?:client )?error\b",
            r"lack of valid authentication credentials",
            r"http status client error \(40[137]",
        ),
    ),
    _Cause(
        N_("the certificate of the package index is not trusted"),
        N_("Set SSL_CERT_FILE or PIP_CERT to your company's CA."),
        (r"invalid peer certificate", r"unknownissuer", r"certificate[_ ]verify[_ ]fail"),
    ),
    _Cause(
        _LIST,
        N_("Check its address and the network, or copy the list into the project."),
        (r"remote requirements file: `?https?://(?:[^\s/`@]*@)?(?P<requirement>[^\s`?#]+)",),
    ),
    _Cause(
        _UNREACHABLE,
        N_("Check the network: HTTPS_PROXY, PIP_INDEX_URL and the DNS of this machine."),
        (
            r"keynet: \S+ answers nothing",
            r"tcp connect error",
            r"dns error",
            r"operation timed out",
            r"temporary failure in name resolution",
            r"name or service not known",
            r"newconnectionerror|connecttimeouterror|proxyerror|max retries exceeded",
            r"network is unreachable",
        ),
    ),
    _Cause(
        N_("the archive of {requirement} is damaged"),
        N_("Build or download it again."),
        (
            r"failed to read `REQ @ file:",
            r"wheel '?REQ'? located at .* is invalid",
            r"end of central directory",
        ),
    ),
    _Cause(
        N_("a file that the requirements name by its URL is not there"),
        N_("Correct the URL, or list the package by its name."),
        (
            r"http status client error \(4(?:04|10)",
            r"\b4(?:04|10) client error\b",
            r"http error 4(?:04|10) while getting",
            r"accessing remote requirements file",
        ),
    ),
    _Cause(
        _FAILING,
        N_("Try again later, or use another index (PIP_INDEX_URL)."),
        (r"http status server error", r"keynet: \S+ answers 5\d\d for REQ"),
    ),
    _Cause(
        N_("{requirement} stands for another package: its source refuses to be built"),
        N_("Require the one that is meant: torch for pytorch, scikit-learn for sklearn."),
        (
            rf"all versions of {_STUB} have no usable wheels",
            rf"failed to (?:download and )?build `{_STUB}",
            rf"the '{_STUB}' pypi package is deprecated",
            rf'you tried to install "{_STUB}"',
        ),
    ),
    _Cause(
        N_("{requirement} has to be compiled, and the base image lacks the compiler or headers"),
        _TOOLS,
        (
            r"unable to execute '?[\w./-]*(?:gcc|cc|g\+\+|clang)",
            r"command '[\w./-]*(?:gcc|cc|g\+\+|clang)' failed",
            r"no such file or directory: '(?:gcc|cc|g\+\+|clang|make|cmake|ninja|cargo|rustc)'",
            r"cmake_c(?:xx)?_compiler not set",
            r"unknown compiler\(s\)",
            r"can't find rust compiler",
            r"python\.h: no such file",
        ),
    ),
    _Cause(
        N_("{requirement} has no file for the image's platform"),
        N_(
            "If another system alone needs it, say so in its line: "
            "NAME; sys_platform == 'win32'. Otherwise choose another base image (--base-image): "
            "most packages have no file for alpine."
        ),
        (r"wheels are available for `REQ` \([^)]*\) on the following platform",),
    ),
    _Cause(
        N_("no version of {requirement} is for this Python and platform"),
        N_(
            "Choose a base image with a Python that it supports (--base-image), or another version."
        ),
        (
            r"because (?:only )?REQ (?:has|have) no (?:\w+ )?wheels",
            r"requires a different python",
            r"REQ is not a supported wheel on this platform",
            r"(?:current|requested) python version \([^)]*\) does not satisfy \S+ and REQ depends",
            r"current python version \([^)]*\) does not satisfy",
            r"ignored the following versions that require a different python",
        ),
    ),
    _Cause(
        N_("the index has no package {requirement}"),
        N_(
            "Check the spelling. A package of your company's index needs its address "
            "(PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, or --extra-index-url in the file)."
        ),
        (
            r"because REQ was not found in the (?:package registry|cache|provided)",
            r"satisfies the requirement REQ.* \(from versions: none\)",
        ),
    ),
    _Cause(
        N_("no version fits {requirement}"),
        N_("Ask for a version that the index has, or use another Python (--base-image)."),
        (
            r"there (?:is|are) no versions? of REQ",
            r"satisfies the requirement REQ.* \(from versions: [^n]",
            r"because only (?:the following versions of )?REQ\S* (?:is|are) available",
        ),
    ),
    _Cause(
        N_("the requirements contradict each other"),
        N_("Loosen or remove one of the versions that the log names."),
        (
            r"resolutionimpossible",
            r"conflicting dependencies",
            r"your requirements are unsatisfiable",
        ),
    ),
    _Cause(
        N_("the source of {requirement} cannot be built"),
        _TOOLS,
        (
            r"failed to (?:download and )?build `REQ",
            r"failed building wheel for REQ",
            r"subprocess-exited-with-error",
            r"metadata-generation-failed",
        ),
    ),
    _Cause(
        N_("a line of the requirements is not valid"),
        N_("Correct the line that the log names."),
        (r"couldn't parse requirement", r"invalid requirement", r"expected package name"),
    ),
    _Cause(
        N_("the base image has no python3"),
        N_("Choose a base image with Python, such as python:3.11-slim (--base-image)."),
        (
            r"\bpython3\b[^/]*(?:not found|no such file)",
            r"(?:not found|no such file)[^/]*\bpython3\b",
        ),
    ),
)


@frozen
class Installation:
    """What a log says of an installation: with which Python, from which index, what went wrong.

    ``found`` has the number of each cause with a requirement that it names, or "".
    """

    python: str
    index: str
    own: str
    found: Mapping[int, str]

    @property
    def hint(self) -> str:
        """Return what to do about the first known cause, "" without one."""
        return _(_CAUSES[min(self.found)].hint) if self.found else ""

    @property
    def is_network(self) -> bool:
        """Report whether the index does not answer, or only with a failure of its own."""
        network = (_UNREACHABLE, _FAILING, _LIST)
        return bool(self.found) and _CAUSES[min(self.found)].what in network

    def explained(self, base: str) -> Explained:
        """Explain why the installation failed.

        Args:
            base: The base image.
        """
        reason = self._reason() or printable(self.own, 300).rstrip(".") or _("see the log")
        what = fill(_("The dependencies could not be installed: {reason}."), reason=reason)
        if not self.python:
            return Explained(stacked(what, fill(_("Base image: {base}"), base=base)), self._next())
        where = fill(
            _("Base image: {base}, with Python {python}\nPackage index: {index}"),
            base=base,
            python=self.python,
            index=self.index,
        )
        return Explained(stacked(what, where), self._next())

    def _next(self) -> str:
        return self.hint or _("Fix what the last lines of the log name, then build again.")

    def _reason(self) -> str:
        if not self.found:
            return ""
        first = min(self.found)
        named = [self.found[first], *self.found.values()]
        requirement = next((name for name in named if name), "") or _("a requirement")
        return fill(_(_CAUSES[first].what), requirement=requirement)


def read(own: Iterable[str], lines: Iterable[str]) -> Installation:
    """Read the log of an installation that failed.

    Args:
        own: The lines of keynet's program in the build, oldest first; see ``OWN``.
        lines: The other ones.
    """
    python = index = what = ""
    known = [_bare(line) for line in lines]
    for line in map(_bare, own):
        if started := re.match(_STARTED, line):
            python, index = started["python"], started["index"].strip()
            continue
        if said := re.match(_OWN, line):
            what = what or said["what"]
        known.append(line)
    found: dict[int, str] = {}
    for number, pattern in _patterns():
        if not found.get(number):
            matches = filter(None, map(pattern.search, known))
            named = [each.groupdict().get("requirement") or "" for each in matches]
            if named:
                found[number] = next(filter(None, named), "")
    return Installation(python, index, what, found)


def _bare(line: str) -> str:
    return re.sub(_PREFIX, "", re.sub(_COLOUR, "", line), count=1)


def _patterns() -> Iterator[tuple[int, re.Pattern[str]]]:
    for number, cause in enumerate(_CAUSES):
        for pattern in cause.patterns:
            yield number, re.compile(pattern.replace("REQ", _REQ), re.IGNORECASE)
