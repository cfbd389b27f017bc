"""Read what an engine says of a push: the digest, or in the registry's words why not."""

import re
from typing import Final

from keynet.errors import (
    EngineError,
    KeynetError,
    RegistryDenied,
    RegistryError,
    RegistryUnreachable,
)
from keynet.events import (
    BlobFinished,
    BlobMounted,
    BlobSkipped,
    BlobStarted,
    Emit,
    Event,
    LogLine,
)
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.text import _, printable

__all__ = ["PushLog", "docker_digest", "push_error"]

_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64}) size: (\d+)")
_LAST_LINES: Final = 6
# docker: "5f70bf18a086: Pushed"; podman and buildah: "Copying blob 5f70… skipped: already exists".
_DOCKER_LAYER = re.compile(r"(?P<blob>[0-9a-f]{12}): (?P<state>[A-Z].*)")
_COPIED = re.compile(r"Copying (?:blob|config) (?:sha256:)?(?P<blob>[0-9a-f]{12,64})(?P<rest>.*)")


class PushLog:
    """Fed a push's lines, tells each layer's fate as events; no engine tells its bytes."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._open: dict[str, bool] = {}

    def feed(self, line: str) -> None:
        """Take the next line; also handed on as a ``LogLine``."""
        self._emit(LogLine(line, "push"))
        if layer := _DOCKER_LAYER.fullmatch(line.strip()):
            self._docker(layer["blob"], layer["state"])
        elif copied := _COPIED.match(line.strip()):
            self._begin(copied["blob"])
            if "skipped" in copied["rest"]:
                self._end(copied["blob"], BlobSkipped(copied["blob"], None))

    def finish(self) -> None:
        """The push is over and worked: whatever has begun is there."""
        for blob, begun in list(self._open.items()):
            if begun:
                self._end(blob, BlobFinished(blob))

    def _docker(self, blob: str, state: str) -> None:
        self._begin(blob)
        if state.startswith("Pushed"):
            self._end(blob, BlobFinished(blob))
        elif state.startswith("Layer already exists"):
            self._end(blob, BlobSkipped(blob, None))
        elif state.startswith("Mounted from"):
            self._end(blob, BlobMounted(blob, None))

    def _begin(self, blob: str) -> None:
        if blob not in self._open:
            self._open[blob] = True
            self._emit(BlobStarted(blob, None))

    def _end(self, blob: str, event: Event) -> None:
        if self._open.get(blob):
            self._open[blob] = False
            self._emit(event)


def docker_digest(output: str) -> Digest | None:
    """Find the digest in what ``docker push`` prints last; None when it is not there."""
    found = _DIGEST.search(output)
    return Digest.parse(found[1]) if found else None


def push_error(engine: str, target: Reference, output: str) -> KeynetError:
    """Turn a failed push's output into an error in words; the first rule that fits wins."""
    said = _said(output)
    for pattern, make in _RULES:
        if pattern.search(output):
            return make(engine, target, said)
    return RegistryError(
        _("{engine} could not push {target}: {said}").format(
            engine=engine, target=target, said=said
        ),
        _("See whether the registry works: keynet doctor"),
    )


def _said(output: str) -> str:
    lines = [line.strip() for line in re.split("[\r\n]+", output) if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)error|denied|unauthorized|unknown", line)]
    return printable(" ".join(errors[-1:] or lines[-_LAST_LINES:]), 800)


def _quota(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryError(
        _("The project's quota at {host} is used up: {said}").format(
            host=target.registry, said=said
        ),
        _("Delete old images there, or ask the platform's operators for more room."),
        status=403,
        code="DENIED",
    )


def _denied(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryDenied(
        _("{host} refuses the push of {target}: {said}").format(
            host=target.registry, target=target, said=said
        ),
        _(
            "The account behind the login was revoked, has expired, may not write there, or the "
            "quota is used up. Sign in again: keynet login"
        ),
        status=403,
        code="DENIED",
    )


def _unauthorized(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryDenied(
        _("{host} does not accept the login: {said}").format(host=target.registry, said=said),
        _("Sign in again: keynet login"),
        status=401,
        code="UNAUTHORIZED",
    )


def _immutable(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryError(
        _("The tag of {target} is immutable at the registry: {said}").format(
            target=target, said=said
        ),
        _("Push again: a new upload key gives a new repository; or lift the project's tag rule."),
        status=412,
        code="PRECONDITION",
    )


def _too_large(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryError(
        _("A layer is too large for {host} or a proxy before it (413): {said}").format(
            host=target.registry, said=said
        ),
        _("Leave big files out with .dockerignore, or have the proxy's body limit raised."),
        status=413,
    )


def _throttled(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryError(
        _("{host} takes no more requests for now (429): {said}").format(
            host=target.registry, said=said
        ),
        _("Wait a minute and push again."),
        status=429,
        code="TOOMANYREQUESTS",
        temporary=True,
    )


def _unknown_ca(engine: str, target: Reference, said: str) -> RegistryError:
    hint = _("Name the registry's CA: keynet login --ca-cert FILE, or KEYNET_CA_CERT.")
    if engine == "podman --remote":
        hint = _(
            "podman's service looks for the CA in /etc/containers/certs.d/{host}/ca.crt (on the "
            "service's machine): put it there."
        ).format(host=target.registry)
    elif engine == "docker buildx":
        hint = _(
            'The builder reads the CA from its buildkitd.toml: [registry."{host}"] '
            'ca=["FILE"] (docker buildx create --buildkitd-config), or from its system.'
        ).format(host=target.registry)
    elif engine == "docker":
        hint = _(
            "docker's daemon looks for the CA in /etc/docker/certs.d/{host}/ca.crt (on the "
            "daemon's machine): put it there."
        ).format(host=target.registry)
    return RegistryUnreachable(
        _("{engine} does not trust the certificate of {host}: {said}").format(
            engine=engine, host=target.registry, said=said
        ),
        hint,
    )


def _unreachable(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryUnreachable(
        _("{host} could not be reached: {said}").format(host=target.registry, said=said),
        _("See the network, the proxy variables and the registry's address: keynet doctor"),
        temporary=True,
    )


def _disk_full(engine: str, target: Reference, said: str) -> KeynetError:
    return EngineError(
        _("The disk is full while {engine} prepares {target}: {said}").format(
            engine=engine, target=target, said=said
        ),
        _("Make room, for example with: keynet clean"),
    )


def _server_failed(engine: str, target: Reference, said: str) -> RegistryError:
    return RegistryError(
        _("The registry {host} failed: {said}").format(host=target.registry, said=said),
        _("Push again in a while; tell the platform's operators when it stays so."),
        status=500,
        temporary=True,
    )


_RULES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (r"quota|exceed the configured upper limit|insufficient storage", _quota),
        (r"immutable|\b412\b|precondition", _immutable),
        (r"\b413\b|entity too large|request body too large|size_?invalid", _too_large),
        (r"\b429\b|too ?many ?requests", _throttled),
        (r"x509|certificate signed by unknown|certificate is not trusted|tls: ", _unknown_ca),
        (r"\b401\b|unauthorized|authentication required|no basic auth", _unauthorized),
        (r"\b403\b|denied|forbidden", _denied),
        (r"no space left on device|disk quota exceeded", _disk_full),
        (
            r"connection refused|no such host|i/o timeout|no route to host|network is unreachable"
            r"|context deadline exceeded|connection reset|server gave HTTP response|: EOF",
            _unreachable,
        ),
        (r"\b50[0234]\b|internal server error|bad gateway|service unavailable", _server_failed),
    )
)
