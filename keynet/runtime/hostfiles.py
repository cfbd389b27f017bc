"""The host's CA and package index for the RUN steps of a user's own Containerfile.

podman and buildah mount a folder where pip looks for settings of the whole system, below
the image's own /etc/pip.conf. Of the mount only an empty folder stays in the image. A
generated recipe carries both in its build files instead, and needs no mount.
"""

import configparser
import io
from typing import Final

from keynet.plan import BuildPlan, UserContainerfile
from keynet.runtime.staging import Stage

__all__ = ["volume"]

_PLACE: Final = "/etc/xdg/pip"


def volume(plan: BuildPlan, staged: Stage) -> str | None:
    """Write the folder and give ``--volume``'s value; None when there is nothing to mount."""
    network = plan.host_network
    if not isinstance(plan.recipe, UserContainerfile):
        return None
    if network.ca_bundle is None and network.pip_conf is None:
        return None
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
    return f"{folder}:{_PLACE}:ro"
