"""Choose and fetch the wheels for an image, with uv on the host and nothing of a repository run.

uv resolves for the image's Python and platform into a lock, from wheels alone: what would be built
from source is refused, since building runs a package's own code. It then links the files of the
unpacked wheels in its cache, which shows where they are.

Source: PEP 751 (pylock.toml); uv, "Command-line reference".
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.wheel import Wheel
from keynet.direct.packages import package_lock, prepared_uv
from keynet.direct.packages.base_satisfied import names_in, plan_on_base
from keynet.direct.packages.choice_errors import (
    from_source,
    hashes_differ,
    not_fetched,
    not_resolved,
)
from keynet.direct.packages.given_hashes import not_given
from keynet.direct.packages.vcs_requirements import from_version_control
from keynet.errors import BuildFailed
from keynet.events import Emit, LogLine
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import Dependencies, HostNetwork
from keynet.text import _, fill, printable

__all__ = ["Chosen", "choose_lock", "fetch_wheels"]

_LOCK: Final = "pylock.keynet.toml"
_MOST_METADATA: Final = 1 << 20
# Stands in a lock for the folder that uv has worked in: another one is used to fetch.
_TOP: Final = "/keynet/direct"
_PYTHON: Final = re.compile(r"^requires-python = .*\n", re.MULTILINE)
_NOTHING: Final = BasePackages()


@frozen
class Chosen:
    """The wheels of all packages, sorted by name, and the packages of their lock."""

    wheels: tuple[Wheel, ...] = ()
    packages: tuple[Mapping[str, Any], ...] = ()


def choose_lock(
    dependencies: Dependencies,
    network: HostNetwork,
    python: TargetPython,
    platform: Platform,
    emit: Emit,
    *,
    base: BasePackages = _NOTHING,
    builder: str = "",
) -> str:
    """Return a lock (pylock.toml) of the wheels for an image, for ``fetch_wheels``.

    Args:
        base: What the base brings: what fits of it is not in the lock.
        builder: A Python of this machine that may build packages; "" takes wheels alone.

    Raises:
        NoWheel: A package has no wheel for the image.
        BuildFailed: The packages contradict each other, or cannot be built.
    """
    with prepared_uv.prepared(dependencies, network, python, platform, builder) as uv:
        unbuilt = [] if builder else from_version_control(uv.options.texts.values())
        if unbuilt:
            raise from_source(unbuilt)
        refused, packages = _locked(uv, uv.sources)
        brought = names_in(base)
        if brought and (refused or any(each.get("name") in brought for each in packages)):
            plan = plan_on_base(uv.run, base, uv.sources, uv.top / "on-base")
            if plan.refused:
                raise not_resolved(plan.refused, python, platform)
            refused, packages = _locked(uv, [*uv.sources, *plan.arguments(uv.top / "plan")])
        if refused:
            raise not_resolved(refused, python, platform)
        if uv.options.switched_on("require-hashes"):
            wrong = not_given(uv.options.texts.values(), packages)
            if wrong:
                raise hashes_differ(wrong)
        for package in packages:
            emit(LogLine(f"{package.get('name')}=={package.get('version')}", "wheels"))
        text = (uv.folder / _LOCK).read_text("utf-8")
        # Of the image's Python, while uv fetches with this machine's.
        return _PYTHON.sub("", text, count=1).replace(str(uv.top), _TOP)


def fetch_wheels(
    lock: str,
    dependencies: Dependencies,
    network: HostNetwork,
    python: TargetPython,
    platform: Platform,
    *,
    builder: str = "",
) -> Chosen:
    """Return the wheels of a lock; they stay in keynet's cache.

    Args:
        builder: See ``choose_lock``.

    Raises:
        BuildFailed: A wheel cannot be fetched or built, or is not the one of the lock.
    """
    packages = _packages(lock)
    if not packages:
        return Chosen()
    with prepared_uv.prepared(dependencies, network, python, platform, builder) as uv:
        (uv.folder / _LOCK).write_text(lock.replace(_TOP, str(uv.top)), encoding="utf-8")
        unpacked = uv.folder / "unpacked"
        arguments = ("--target", str(unpacked), "--no-deps", "--link-mode", "symlink")
        done = uv.run("install", "--quiet", *arguments, "--requirement", _LOCK, unchecked=True)
        if done.status != 0:
            raise not_fetched(done.stderr, built=bool(builder))
        return _chosen(unpacked, packages)


def _locked(uv: prepared_uv.Uv, sources: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """Write the lock of what these files and arguments name; return its packages.

    The first value is what uv has written if there is no lock, else "".
    """
    # uv would prefer the versions of an earlier one.
    (uv.folder / _LOCK).unlink(missing_ok=True)
    # What is said of hashes is checked later: it is not a part of this command.
    arguments = ("--quiet", "--no-header", "--format", "pylock.toml", "-o", _LOCK, *sources)
    done = uv.run("compile", *arguments, unchecked=True)
    if done.status != 0:
        return done.stderr or str(done.status), []
    return "", _packages((uv.folder / _LOCK).read_text("utf-8"))


def _packages(lock: str) -> list[dict[str, Any]]:
    return [each for each in tomllib.loads(lock).get("packages", []) if isinstance(each, dict)]


def _chosen(unpacked: Path, packages: list[dict[str, Any]]) -> Chosen:
    installed = {}
    for metadata in sorted(unpacked.glob("*.dist-info/METADATA")):
        real = metadata.resolve()
        if real.is_relative_to(unpacked):
            raise BuildFailed(
                fill(_("uv did not link {path} to its cache."), path=metadata.parent.name),
                _("Build with an engine (--builder), and report this."),
            )
        installed[real] = _identity(real)
    tags = {name: _tags(real.with_name("WHEEL")) for real, (name, _version) in installed.items()}
    locked = package_lock.narrowed(packages, tags)
    hashes = package_lock.wheel_hashes(locked)
    wheels = []
    for real, (name, version) in installed.items():
        root = real.parent.parent
        key = hashes.get(name) or _content_key(root)
        wheels.append(Wheel(name, version, key, root, real.parent.name))
    return Chosen(tuple(sorted(wheels, key=lambda wheel: wheel.name)), tuple(locked))


def _tags(file: Path) -> frozenset[str]:
    """Return what a wheel runs on, each by itself; nothing where it does not say so."""
    return frozenset(
        value.strip()
        for line in _head(file).splitlines()
        for name, _colon, value in [line.partition(":")]
        if name == "Tag"
    )


def _identity(metadata: Path) -> tuple[str, str]:
    lines = _head(metadata).splitlines()
    fields = dict(line.partition(":")[::2] for line in lines if ":" in line)
    return _normalised(fields.get("Name", "").strip()), printable(
        fields.get("Version", "").strip(), 60
    )


def _head(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_METADATA).decode("utf-8", "replace").partition("\n\n")[0]
    except FileNotFoundError:
        return ""


def _content_key(root: Path) -> str:
    """Return a hash of a wheel that came from a folder of this machine, by its content."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            mode = path.stat().st_mode & 0o100
            whole.update(f"{path.relative_to(root)}\0{mode}\0{digest}\0".encode())
    return f"content-{whole.hexdigest()}"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
