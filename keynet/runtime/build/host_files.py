"""The host's CA and package index for the RUN steps of a user's own Containerfile.

They are mounted where pip looks for settings of the whole system, below the image's own
/etc/pip.conf, as a folder or as files. Of the mount only an empty folder stays in the image. A
recipe of keynet's carries both in its build files instead, and needs no mount.
"""

import configparser
import io
from pathlib import Path
from typing import Final

from keynet.plan import BuildPlan, UserContainerfile

__all__ = ["FILES", "FOLDER", "are_wanted", "write"]

FOLDER: Final = "/etc/xdg/pip"
FILES: Final = ("pip.conf", "ca.pem")


def are_wanted(plan: BuildPlan) -> bool:
    """Report whether the plan's own Containerfile has anything to gain from them."""
    network = plan.host_network
    something = network.ca_bundle is not None or network.pip_conf is not None
    return something and isinstance(plan.recipe, UserContainerfile)


def write(plan: BuildPlan, private: Path) -> Path:
    """Write the files below ``private`` and return their folder."""
    network = plan.host_network
    # Readable inside for every user; outside, the folder above lets only this one in.
    folder = private / "pip"
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
        settings.set("global", "cert", f"{FOLDER}/{certificates.name}")
    text = io.StringIO()
    settings.write(text)
    (folder / "pip.conf").write_text(text.getvalue(), encoding="utf-8")
    (folder / "pip.conf").chmod(0o644)
    return folder
