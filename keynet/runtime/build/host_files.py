"""The host's CA and package index, for RUN steps of a user's own Containerfile.

They are mounted, as a folder or as single files, where pip looks for system-wide settings of
lower priority than the image's own /etc/pip.conf. Only an empty folder of the mount stays in the
image. Recipes of keynet need no mount: they have both files among their build files.

Source: pip documentation, "Configuration files" (XDG_CONFIG_DIRS).
"""

import io
from pathlib import Path
from typing import Final

from keynet.plan import BuildPlan, UserContainerfile

__all__ = ["FILES", "FOLDER", "are_needed", "write"]

FOLDER: Final = "/etc/xdg/pip"
FILES: Final = ("pip.conf", "ca.pem")


def are_needed(plan: BuildPlan) -> bool:
    """Report whether the plan has a user's Containerfile and a CA or index settings."""
    network = plan.host_network
    something = network.ca_bundle is not None or network.pip_conf is not None
    return something and isinstance(plan.recipe, UserContainerfile)


def write(plan: BuildPlan, private: Path) -> Path:
    """Write pip.conf and ca.pem to a new folder in ``private``, and return it.

    Without a CA there is no ca.pem.
    """
    import configparser

    network = plan.host_network
    # Every user of the image must be able to read it. On the host, ``private`` protects it.
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
