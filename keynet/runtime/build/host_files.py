"""The host's CA and package index for the RUN steps of a user's own Containerfile.

podman and buildah mount a folder where pip looks for settings of the whole system, below
the image's own /etc/pip.conf; BuildKit gets its files as secrets, which each RUN mounts. Of
the mount only an empty folder stays in the image. A generated recipe carries both in its
build files instead, and needs no mount.
"""

import configparser
import io
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet.plan import BuildPlan, UserContainerfile
from keynet.runtime.build.staging import Stage

__all__ = ["hidden", "mounting", "secrets", "volume"]

_PLACE: Final = UserContainerfile.PIP_FOLDER


def volume(plan: BuildPlan, staged: Stage) -> str | None:
    """Write the folder and give ``--volume``'s value; None when there is nothing to mount."""
    if not isinstance(plan.recipe, UserContainerfile) or not _has_any(plan):
        return None
    return f"{_write(plan, staged)}:{_PLACE}:ro"


def mounting(plan: BuildPlan) -> BuildPlan:
    """Take the form of the user's Containerfile whose RUN steps mount BuildKit's secrets."""
    recipe = plan.recipe
    if not isinstance(recipe, UserContainerfile) or not recipe.mounting or not _has_any(plan):
        return plan
    return replace(plan, recipe=replace(recipe, text=recipe.mounting))


def secrets(plan: BuildPlan, staged: Stage) -> list[str]:
    """Write the files that a plan of ``mounting`` wants, and give their ``--secret`` flags."""
    recipe = plan.recipe
    if not isinstance(recipe, UserContainerfile) or recipe.text != recipe.mounting:
        return []
    folder = _write(plan, staged)
    files = [folder / name for name in recipe.PIP_FILES]
    return [f"--secret=id=keynet-{file.name},src={file}" for file in files if file.exists()]


def hidden(line: str) -> str:
    """Take the flags that nobody has written out of a line of the build's log."""
    return line.replace(f"{UserContainerfile.MOUNTS} ", "")


def _has_any(plan: BuildPlan) -> bool:
    return plan.host_network.ca_bundle is not None or plan.host_network.pip_conf is not None


def _write(plan: BuildPlan, staged: Stage) -> Path:
    network = plan.host_network
    # Readable inside for every user; outside, the folder above lets only this one in.
    folder = staged.private / "pip"
    folder.mkdir(mode=0o755)
    settings = configparser.RawConfigParser()
    if network.pip_conf is not None:
        settings.read_string(network.pip_conf.reveal())
    if network.ca_bundle is not None:
        certificates = folder / "ca.pem"
        certificates.write_bytes(network.ca_bundle)
        certificates.chmod(0o644)
        if not settings.has_section("global"):
            settings.add_section("global")
        settings.set("global", "cert", f"{_PLACE}/{certificates.name}")
    text = io.StringIO()
    settings.write(text)
    (folder / "pip.conf").write_text(text.getvalue(), encoding="utf-8")
    (folder / "pip.conf").chmod(0o644)
    return folder
