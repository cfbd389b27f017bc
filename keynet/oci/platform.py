"""Platforms: one spelling of each, and which of several runs best where another does.

Source: OCI image-spec, "Image Index", platform variants; containerd's ``platforms`` package.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, Self, TypeVar

from keynet.errors import ValidationError
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = ["DEFAULT", "Platform", "choose", "for_cluster", "host", "pick"]

Candidate = TypeVar("Candidate")

# What kernels, package formats and older images say, and what Go and the OCI do.
_SYSTEMS: Final = {"macos": "darwin"}
_ARCHITECTURES: Final = {
    "x86_64": "amd64", "x86-64": "amd64", "x64": "amd64",
    "i386": "386", "i486": "386", "i586": "386", "i686": "386", "x86": "386",
    "aarch64": "arm64", "arm64e": "arm64",
    "armhf": "arm", "armv7l": "arm", "armv7": "arm", "armel": "arm", "armv6l": "arm",
    "armv5tel": "arm", "armv8l": "arm",
    "ppc64el": "ppc64le", "powerpc64le": "ppc64le", "mips64el": "mips64le",
    "loongarch64": "loong64",
}  # fmt: skip
# What a text of one part may name; its system is linux then, as docker reads it.
_KNOWN: Final = frozenset({
    "386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x",
})  # fmt: skip
_IMPLIED: Final = {"armel": "v6", "armv6l": "v6", "armv5tel": "v5", "armv8l": "v8"}
# What an architecture is without a variant.
_FIRST: Final = {"amd64": "v1", "arm64": "v8"}
_USUAL_ARM: Final = "v7"
_LEVEL: Final = r"v(\d{1,3})(?:\.(\d{1,3}))?"
_VARIANT: Final = r"[vV]?\d{1,3}(?:\.\d{1,3})?"
_PART: Final = re.compile("[A-Za-z0-9._-]+")
# containerd's form with a version of the system: windows(10.0.17763.1)/amd64.
_SYSTEM: Final = r"([A-Za-z0-9._-]+)(?:\(([A-Za-z0-9._-]+)\))?"
# Above every difference of two levels.
_AT_LAST: Final = 1_000_000


@frozen
class Platform:
    """Name a platform: ``linux/amd64``, ``linux/arm/v7``.

    However it is written (``linux/aarch64``, ``linux/arm64/v8``, ``Linux/ARM64``), the same
    platform is the same value. ``variant`` is None where an architecture needs none;
    ``os_version`` is that of Windows images (``10.0.17763.1``).
    """

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None

    def __post_init__(self) -> None:
        system, written = self.os.lower(), self.architecture.lower()
        architecture = _ARCHITECTURES.get(written, written)
        variant = (self.variant or "").lower() or _IMPLIED.get(written, "")
        if architecture in ("amd64", "arm64", "arm"):
            variant = f"v{variant}" if variant[:1].isdecimal() else variant
            if architecture == "arm":
                variant = variant or _USUAL_ARM
            elif variant in (_FIRST[architecture], f"{_FIRST[architecture]}.0"):
                variant = ""
        object.__setattr__(self, "os", _SYSTEMS.get(system, system))
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "variant", variant or None)
        object.__setattr__(self, "os_version", self.os_version or None)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``os/architecture[/variant]``; without a system it is linux on that architecture.

        Raises:
            ValidationError: It has more than three parts, odd characters, or one part that is
                not an architecture.
        """
        parts = text.split("/")
        first = parts[0].lower()
        variant = len(parts) == 1 or (len(parts) == 2 and re.fullmatch(_VARIANT, parts[1]))
        if variant and _ARCHITECTURES.get(first, first) in _KNOWN:
            parts = ["linux", *parts]
        system = re.fullmatch(_SYSTEM, parts[0])
        if system is None or len(parts) not in (2, 3) or not all(map(_PART.fullmatch, parts[1:])):
            raise ValidationError(
                fill(_("{platform!r} is not a valid platform."), platform=printable(text, 100)),
                _("Write it as os/architecture, for example linux/amd64."),
            )
        return cls(system[1], parts[1], parts[2] if len(parts) == 3 else None, system[2])

    @classmethod
    def stated(
        cls, os: str, architecture: str, variant: str | None, os_version: str | None
    ) -> Self | None:
        """Return the platform that a document states; None where it leaves out a part."""
        return cls(os, architecture, variant, os_version) if os and architecture else None

    def __str__(self) -> str:
        version = f"({self.os_version})" if self.os_version else ""
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.os}{version}/{self.architecture}{variant}"

    @property
    def is_unknown(self) -> bool:
        """Whether it stands for no platform, as that of BuildKit's attestations in an index."""
        return self.os == "unknown"

    def matches(self, wanted: Self) -> bool:
        """Report whether what is made for this platform runs where ``wanted`` does."""
        return _distance(self, wanted) is not None


# What is taken of several platforms when none is asked for: what clusters run on, whatever machine
# asks, so that the same command has the same result on each.
DEFAULT: Final = Platform("linux", "amd64")


def choose(
    candidates: Iterable[Candidate],
    wanted: Platform,
    platform_of: Callable[[Candidate], Platform | None],
) -> Candidate | None:
    """Return the candidate that runs best where ``wanted`` does; None where none does.

    The same platform comes first, then the nearest older variant (``arm/v6`` for ``arm/v7``).
    Where ``wanted`` has no variant, any serves at last: ``amd64/v3`` for ``amd64``.
    """
    best: tuple[int, Candidate] | None = None
    for candidate in candidates:
        platform = platform_of(candidate)
        distance = None if platform is None else _distance(platform, wanted)
        if distance is not None and (best is None or distance < best[0]):
            best = distance, candidate
    return None if best is None else best[1]


def pick(
    candidates: Iterable[Candidate],
    wanted: Platform | None,
    platform_of: Callable[[Candidate], Platform | None],
) -> Candidate | None:
    """Choose one of the images of an index or an archive, the same way for both.

    Args:
        wanted: If None, the only image there is, else the one for ``DEFAULT``.
        platform_of: What is for ``unknown/unknown``, as attestations are, is never chosen.

    Returns:
        None where no image runs on ``wanted``.
    """
    images = []
    for candidate in candidates:
        platform = platform_of(candidate)
        if platform is None or not platform.is_unknown:
            images.append(candidate)
    if wanted is None and len(images) == 1:
        return images[0]
    return choose(images, wanted or DEFAULT, platform_of)


def for_cluster(system: str) -> Platform | None:
    """Return what a laptop builds for, unless the user chooses: linux/amd64; None on Linux.

    Args:
        system: As ``sys.platform`` names it.
    """
    return None if system.startswith("linux") else DEFAULT


def host() -> Platform:
    """Return linux on this machine's architecture."""
    import platform

    return Platform("linux", platform.machine())


def _distance(have: Platform, wanted: Platform) -> int | None:
    """Return how far ``have`` lies below ``wanted``, 0 for the same; None where it does not run."""
    if (have.os, have.architecture) != (wanted.os, wanted.architecture):
        return None
    if not _same_system(have.os_version, wanted.os_version):
        return None
    if have.variant == wanted.variant:
        return 0
    levels = _level(have), _level(wanted)
    if levels[0] is not None and levels[1] is not None and levels[0] <= levels[1]:
        return levels[1] - levels[0]
    return _AT_LAST if wanted.variant is None else None


def _same_system(have: str | None, wanted: str | None) -> bool:
    """Report whether major version, minor version and build agree, as Windows asks for."""
    if have is None or wanted is None:
        return True
    return have.split(".")[:3] == wanted.split(".")[:3]


def _level(platform: Platform) -> int | None:
    variant = platform.variant or _FIRST.get(platform.architecture, "")
    found = re.fullmatch(_LEVEL, variant)
    return None if found is None else int(found[1]) * 1000 + int(found[2] or 0)
