"""Logins that podman and buildah store, for the user's own commands."""

from collections.abc import Sequence

from keynet.errors import EngineError
from keynet.plan import RegistryAccess
from keynet.process import shell
from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.podman_login import private_auth
from keynet.runtime.probing.reasons import error_line
from keynet.text import _, fill

__all__ = ["remove", "store"]

_TIMEOUT_S = 60


def store(prefix: Sequence[str], engine: str, access: RegistryAccess) -> None:
    """Store a login; the password goes to the program's standard input.

    Args:
        prefix: The program with its global options.

    Raises:
        EngineError: The engine refuses.
    """
    with private_auth(access) as auth:
        arguments = podman_args.login_arguments(access, auth.cert_dir)
        command = shell.Command((*prefix, *arguments), stdin=access.password)
        finished = shell.run(command, timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not log in to {host}: {said}"),
                engine=engine,
                host=access.host,
                said=error_line(finished.stderr),
            ),
            _("keynet push works without it: it passes the credentials itself."),
        )


def remove(prefix: Sequence[str], engine: str, host: str) -> None:
    """Remove a login; one that is not there is not an error.

    Raises:
        EngineError: The engine refuses.
    """
    finished = shell.run(shell.Command((*prefix, "logout", host)), timeout_s=_TIMEOUT_S)
    if finished.status != 0 and "not logged" not in finished.stderr.lower():
        raise EngineError(
            fill(
                _("{engine} could not log out of {host}: {said}"),
                engine=engine,
                host=host,
                said=error_line(finished.stderr),
            ),
            _("Remove the entry of this host from the engine's auth.json."),
        )
