"""Send an image of the engine's store to a registry, or write it to a folder or an archive."""

import json
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.events import Emit, LogLine
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.process import shell
from keynet.runtime.build.layer_cache import CachedImage
from keynet.runtime.build.push_log import PushLog, push_error
from keynet.runtime.build.staging import scratch
from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation
from keynet.runtime.engines.podman_like.podman_login import RegistryAuth
from keynet.runtime.probing.reasons import error_line
from keynet.text import _, fill

__all__ = ["push", "save"]

_TIMEOUT_S: Final = 120.0


def push(
    dialect: Dialect,
    invocation: Invocation,
    image_id: str,
    target: Reference,
    auth: RegistryAuth,
    emit: Emit,
) -> Digest:
    """Push an image by its id and return its digest in the registry.

    Raises:
        RegistryError: The engine could not push it.
    """
    prefix = dialect.prefix(invocation)
    digestfile = auth.authfile.with_name("digest")
    remote = invocation.remote
    arguments = podman_args.push_arguments(image_id, target, auth, None if remote else digestfile)
    log = PushLog(emit)
    with scratch() as temporary:
        finished = shell.run(
            shell.Command(
                (*prefix, *arguments), environment={"TMPDIR": str(temporary)}, terminal=True
            ),
            timeout_s=None,
            on_stdout=log.feed,
            on_stderr=log.feed,
        )
    if finished.status != 0:
        raise push_error(
            dialect.name,
            target,
            finished.stderr or finished.stdout,
            ca_hint=_ca_hint(target) if remote else "",
        )
    log.finish()
    if remote:
        return _pushed_digest(prefix, dialect.name, target, auth)
    return Digest.parse(digestfile.read_text().strip())


def save(
    dialect: Dialect,
    invocation: Invocation,
    built: CachedImage,
    format: str,  # noqa: A002
    path: Path,
    emit: Emit,
) -> None:
    """Write an image to a folder or an archive.

    Raises:
        EngineError: The engine could not write it.
    """
    arguments = podman_args.save_arguments(invocation, built.image_id, built.project, format, path)
    with scratch() as temporary:
        finished = shell.run(
            shell.Command(
                (*dialect.prefix(invocation), *arguments), environment={"TMPDIR": str(temporary)}
            ),
            timeout_s=None,
            on_stderr=lambda line: emit(LogLine(line, "save")),
        )
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not write the image to {destination}: {said}"),
                engine=dialect.name,
                destination=f"{format}:{path}",
                said=error_line(finished.stderr),
            ),
            _("Check that the folder exists, is writable and has enough free space."),
        )


def _pushed_digest(
    prefix: tuple[str, ...], engine: str, target: Reference, auth: RegistryAuth
) -> Digest:
    """Return the registry's digest, which a remote podman does not report for a push.

    A pull downloads the manifest only, since every layer is there. The image then has two
    digests in this repository: the one of the store and the one of the registry.

    Args:
        prefix: The engine's argv up to the verb.
        engine: Its name, for the message.

    Raises:
        RegistryError: The image cannot be pulled again, or has no digest.
    """

    def run(*arguments: str) -> shell.Finished:
        return shell.run(shell.Command((*prefix, *arguments)), timeout_s=_TIMEOUT_S)

    pulled = run("pull", "--quiet", *podman_args.remote_auth_flags(auth), str(target))
    inspected = run("image", "inspect", "--format", "json", str(target))
    run("rmi", str(target))
    try:
        image = json.loads(inspected.stdout)[0]
        repository = f"{target.name}@"
        digests = [each for each in image["RepoDigests"] if each.startswith(repository)]
        others = [each for each in digests if not each.endswith(image["Digest"])]
        return Digest.parse((others or digests)[0].removeprefix(repository))
    except (ValueError, LookupError, TypeError) as error:
        raise push_error(engine, target, pulled.stderr or inspected.stderr) from error


def _ca_hint(target: Reference) -> str:
    """Explain where podman's service reads the registry's CA."""
    return fill(
        _(
            "Copy the CA to /etc/containers/certs.d/{host}/ca.crt on the machine of podman's "
            "service."
        ),
        host=target.registry,
    )
