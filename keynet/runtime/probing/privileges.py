"""Who runs keynet, and how to word what only root may do."""

import os
import pwd

from keynet.process import programs
from keynet.text import Block, _, fill

__all__ = ["as_root", "installing", "running_as_root", "user_name"]


def user_name() -> str:
    """Return this user's name; its number if /etc/passwd has no entry for it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def running_as_root() -> str:
    """Return the words before a command that needs root, for the user that runs keynet."""
    return _("Run:") if os.geteuid() == 0 else _("Ask your administrator to run:")


def as_root(command: str) -> str:
    """Word a command that needs root; its text is safe to show."""
    return Block(f"{running_as_root()} {command}")


def installing(debian: str, fedora: str) -> str:
    """Word how to install a package with this system's package manager.

    Args:
        debian: The package's name for apt-get.
        fedora: Its name for dnf.
    """
    commands = {"apt-get": f"apt-get install {debian}", "dnf": f"dnf install {fedora}"}
    own = [command for program, command in commands.items() if programs.find(program)]
    if own:
        return as_root(own[0])
    apt, dnf = commands.values()
    return as_root(fill(_("{apt}, or {dnf}"), apt=apt, dnf=dnf))
