"""Logins that docker stores, for the user's own commands."""

from keynet.errors import EngineError
from keynet.net.hosts import is_loopback
from keynet.plan import RegistryAccess
from keynet.process import shell
from keynet.runtime.probing.reasons import error_line
from keynet.text import _, fill

__all__ = ["remove", "store"]

_TIMEOUT_S = 60


def store(binary: str, access: RegistryAccess) -> None:
    """Store a login; the password goes to the program's standard input.

    Raises:
        EngineError: docker refuses.
    """
    argv = (binary, "login", "--username", access.username, "--password-stdin", access.host)
    finished = shell.run(shell.Command(argv, stdin=access.password), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        hint = _("keynet push works without it: it passes the credentials itself.")
        if access.ca_cert is not None and not is_loopback(access.host):
            hint += " " + fill(
                _("docker's daemon reads the CA from {path}: copy it there."),
                path=f"/etc/docker/certs.d/{access.host}/ca.crt",
            )
        raise EngineError(
            fill(
                _("docker could not log in to {host}: {said}"),
                host=access.host,
                said=error_line(finished.stderr),
            ),
            hint,
        )


def remove(binary: str, host: str) -> None:
    """Remove a login; one that is not there is not an error.

    Raises:
        EngineError: docker refuses.
    """
    finished = shell.run(shell.Command((binary, "logout", host)), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        raise EngineError(
            fill(
                _("docker could not log out of {host}: {said}"),
                host=host,
                said=error_line(finished.stderr),
            ),
            _("Remove the entry of this host from ~/.docker/config.json."),
        )
