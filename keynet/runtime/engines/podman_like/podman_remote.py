"""What a push by a remote podman needs in addition: the registry's digest, and a hint at its CA."""

import json

from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.process import shell
from keynet.runtime.build.push_log import push_error
from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.podman_login import RegistryAuth
from keynet.text import _, fill

__all__ = ["ca_hint", "pushed_digest"]


def pushed_digest(
    prefix: tuple[str, ...], engine: str, target: Reference, auth: RegistryAuth, timeout_s: float
) -> Digest:
    """Return the registry's digest, which a remote podman does not report for a push.

    A pull downloads the manifest only, since every layer is there. The image then has two
    digests in this repository: the one of the store and the one of the registry.

    Args:
        prefix: The engine's argv up to the verb.
        engine: Its name, for the message.
        timeout_s: Of each command.

    Raises:
        RegistryError: The image cannot be pulled again, or has no digest.
    """

    def run(*arguments: str) -> shell.Finished:
        return shell.run(shell.Command((*prefix, *arguments)), timeout_s=timeout_s)

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


def ca_hint(target: Reference) -> str:
    """Explain where podman's service reads the registry's CA."""
    return fill(
        _(
            "Copy the CA to /etc/containers/certs.d/{host}/ca.crt on the machine of podman's "
            "service."
        ),
        host=target.registry,
    )
