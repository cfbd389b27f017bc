"""uv on this host, without any configuration or login but those of the plan.

Source: uv, "Command-line reference".
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keynet.direct.base.target_python import TargetPython, uv_platform
from keynet.direct.packages.source_builds import BUILD_VARIABLES
from keynet.errors import BuildFailed
from keynet.files import folder_parents, places
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import Dependencies, HostNetwork
from keynet.process import shell
from keynet.process.programs import WITHOUT_GIT
from keynet.process.shell import Command
from keynet.runtime.build import uv_program
from keynet.runtime.build.inside import pip_options
from keynet.runtime.build.inside.pip_options import Options
from keynet.secret import Secret
from keynet.text import _, fill

__all__ = ["Uv", "prepared"]

_PINNED: Final = "pinned/pyproject.toml"
_TIMEOUT_S: Final = 3600.0
_KEPT: Final = frozenset({"LANG", "LC_ALL", "TMPDIR", "TZ"})


@frozen
class Uv:
    """uv with a private folder that holds the files to choose from, under ``folder``."""

    program: Path
    top: Path
    folder: Path
    options: Options
    environment: Mapping[str, str | Secret | None]
    target: tuple[str, ...]
    builder: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the files that name the packages."""
        pinned = (_PINNED,) if (self.folder / _PINNED).exists() else ()
        return ("requirements.txt", *pinned)

    def run(
        self, *arguments: str, unchecked: bool = False, timeout_s: float = _TIMEOUT_S
    ) -> shell.Finished:
        """Run uv's pip; ``unchecked`` leaves the hashes of requirements alone.

        Raises:
            EngineTimeout: It takes longer.
        """
        common = ("--no-config", "--no-python-downloads", "--no-progress", "--python")
        flags = [
            flag for flag in self.options.flags() if not (unchecked and flag == "--require-hashes")
        ]
        command = Command(
            (
                *(str(self.program), "--directory", str(self.folder), "pip", *arguments),
                *(*common, self.builder or sys.executable, *self.target, *flags),
                *(() if self.builder else ("--only-binary", ":all:")),
                *("--index-strategy", "unsafe-best-match"),
            ),
            self.environment,
        )
        return shell.run(command, timeout_s=timeout_s)


@contextmanager
def prepared(
    dependencies: Dependencies,
    network: HostNetwork,
    python: TargetPython,
    platform: Platform,
    builder: str = "",
) -> Iterator[Uv]:
    """Write what uv reads to a private folder, where no configuration of others is found.

    Args:
        builder: A Python of this machine that may build packages; "" takes wheels alone.

    Raises:
        BuildFailed: The dependencies need pip, or there is no uv for this.
    """
    named = uv_platform(python, platform)
    if named is None:
        raise BuildFailed(
            fill(_("There are no wheels for {platform}."), platform=platform),
            _("Build with an engine: --builder docker, podman or buildah."),
        )
    program = uv_program.find()
    if program is None:
        raise BuildFailed(
            _("keynet's own uv is missing, which chooses the packages."),
            _("Install keynet again, or build with an engine: --builder docker."),
        )
    places.make_private(places.cache() / "direct")
    # Links are made by the thousand: in memory where that is possible.
    parent = folder_parents.memory()
    with living("direct", parent) as top:
        try:
            uv = _written(top, program, dependencies, network, (python.full, named), builder)
        except OSError as error:
            raise BuildFailed(
                fill(
                    _("The requirements could not be copied to {folder}: {why}."),
                    folder=parent,
                    why=error.strerror or error,
                ),
                _("Free some space there, then try again."),
            ) from error
        yield uv


def _written(
    top: Path,
    program: Path,
    dependencies: Dependencies,
    network: HostNetwork,
    target: tuple[str, str],
    builder: str,
) -> Uv:
    """Write what uv reads to the folder ``top``, and return how it is called there.

    Args:
        target: The Python and uv's name of the platform.

    Raises:
        BuildFailed: The requirements want what only pip can do.
        OSError: There is no room for it.
    """
    cache = places.cache()
    written = top / "written"
    for path, content in dependencies.files.items():
        file = written / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.symlink_to(content)
    settings = {"HOME": str(top), "XDG_CONFIG_DIRS": str(top), "PIP_CONFIG_FILE": os.devnull}
    if network.pip_conf is not None:
        configuration = top / "pip.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(network.pip_conf.reveal(), encoding="utf-8")
        settings["PIP_CONFIG_FILE"] = str(configuration)
    options = pip_options.read(written / "requirements.txt", pip_options.configured(settings, top))
    _refuse(options)
    folder = options.write(top / "for-uv")
    own = {"HOME": str(top), "UV_CACHE_DIR": str(cache / "direct" / "uv")}
    own |= {"PATH": os.defpath} if builder else WITHOUT_GIT
    if network.netrc is not None:
        logins = top / "netrc"
        logins.touch(mode=0o600)
        logins.write_text(network.netrc.reveal(), encoding="utf-8")
        own["NETRC"] = str(logins)
    if network.ca_bundle is not None:
        bundle = top / "ca.pem"
        bundle.write_bytes(network.ca_bundle)
        own["SSL_CERT_FILE"] = str(bundle)
    cleaned: dict[str, str | Secret | None] = {
        name: None for name in os.environ if name not in _KEPT
    }
    secret = {name: Secret(value) for name, value in options.variables().items()}
    flags = ("--python-version", target[0], "--python-platform", target[1])
    environment = {**cleaned, **network.proxies, **secret, **own}
    if builder:
        environment |= BUILD_VARIABLES
    return Uv(program, top, folder, options, environment, flags, builder)


def _refuse(options: Options) -> None:
    reasons = list(options.only_pip)
    if options.values.get("no-binary"):
        reasons.append(_("no-binary asks for packages that are built from source"))
    if reasons:
        raise BuildFailed(
            fill(_("Packages cannot be chosen without an engine: {why}."), why="; ".join(reasons)),
            _("Build with an engine: --builder docker, podman or buildah."),
        )
