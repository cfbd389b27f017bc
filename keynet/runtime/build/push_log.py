"""Follow an engine's push: progress events, the digest, or the error with a hint."""

import re
from collections.abc import Callable
from typing import Final

from keynet.errors import (
    EngineError,
    KeynetError,
    RegistryDenied,
    RegistryError,
    RegistryUnreachable,
)
from keynet.events import (
    BlobAdvanced,
    BlobFinished,
    BlobMounted,
    BlobSkipped,
    BlobStarted,
    Emit,
    Event,
    LogLine,
)
from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.text import N_, _, fill, printable

__all__ = ["PushLog", "docker_digest", "push_error"]

_DIGEST: Final = r"digest: (sha256:[0-9a-f]{64}) size: (\d+)"
_LAST_LINES: Final = 6
# docker: "5f70bf18a086: Pushed", "…: Pushing [=>  ]  12.3MB/57.3MB"; podman and buildah:
# "Copying blob 5f70… skipped: already exists", "… done", "… [=>---] 5.0MiB / 85.8MiB".
_LAYER = re.compile(
    r"(?:(?P<short>[0-9a-f]{12}): (?P<state>[A-Z].*)"
    r"|Copying (?P<what>blob|config) (?:sha256:)?(?P<blob>[0-9a-f]{10,64})(?P<rest>.*))"
)
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_BYTES = re.compile(
    rf"\]\s+(?P<done>{_NUMBER} ?[kKMGT]?i?[bB]) ?/ ?(?P<all>{_NUMBER} ?[kKMGT]?i?[bB])"
)
# A progress bar without sizes: docker's last line about a layer has no total.
_BAR = re.compile(r"\[[=>. -]+\]")
_AMOUNT = re.compile(rf"({_NUMBER}) ?([kKMGT]?)(i?)[bB]")
_NOT_SENT = ("skipped", "Layer already exists")


class PushLog:
    """Emit events for each layer of a push, from the lines of its output.

    Sizes are what the engine prints: rounded, and of layers before compression.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._sizes: dict[str, int | None] = {}
        self._ended: set[str] = set()
        self._logged: set[str] = set()

    def feed(self, line: str) -> None:
        """Read the next line; emit it as a ``LogLine`` unless it only reports progress."""
        layer = _LAYER.fullmatch(line.strip())
        if layer is None:
            self._emit(LogLine(line, "push"))
            return
        blob = layer["short"] or layer["blob"]
        said = layer["state"] or layer["rest"]
        amount, end = _BYTES.search(said), _outcome(blob, said)
        if not _BAR.search(said) and (layer["short"] or end is not None or not said.strip()):
            self._log_once(line.strip().rstrip("| "))
        if blob in self._ended or layer["what"] == "config":
            return
        self._begin(blob, _size(amount["all"]) if amount else None)
        if amount is not None:
            self._emit(BlobAdvanced(blob, _size(amount["done"])))
        elif end is not None:
            self._end(blob, end)

    def finish(self) -> None:
        """Emit the end of all layers that have begun: the push has succeeded."""
        for blob in [each for each in self._sizes if each not in self._ended]:
            self._end(blob, BlobFinished(blob))

    def _log_once(self, line: str) -> None:
        """Emit a line about a layer once: engines redraw it many times a second."""
        if line not in self._logged:
            self._logged.add(line)
            self._emit(LogLine(line, "push"))

    def _begin(self, blob: str, size: int | None) -> None:
        known = self._sizes.get(blob)
        if blob not in self._sizes or (known is None and size is not None):
            self._sizes[blob] = size
            self._emit(BlobStarted(blob, size))

    def _end(self, blob: str, event: Event) -> None:
        self._ended.add(blob)
        self._emit(event)


def _outcome(blob: str, said: str) -> Event | None:
    """Return the event that ends a layer; None if the layer is not finished."""
    if any(word in said for word in _NOT_SENT):
        return BlobSkipped(blob, None)
    if said.startswith("Mounted from"):
        return BlobMounted(blob, None)
    if said.startswith("Pushed") or re.match(r"\s+done\b", said):
        return BlobFinished(blob)
    return None


def _size(text: str) -> int:
    """Return ``85.8MiB`` or ``57.3MB`` in bytes."""
    found = _AMOUNT.fullmatch(text)
    assert found is not None
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** " kmgt".index(found[2].lower() or " "))


def docker_digest(output: str) -> Digest | None:
    """Return the digest from the last line of ``docker push``; None if there is none."""
    found = re.search(_DIGEST, output)
    return Digest.parse(found[1]) if found else None


@frozen
class _FailedPush:
    engine: str
    target: Reference
    said: str
    ca_hint: str


def push_error(engine: str, target: Reference, output: str, *, ca_hint: str = "") -> KeynetError:
    """Return the error of a failed push, from the first rule that matches its output.

    Args:
        engine: Its name, for the message.
        ca_hint: Where the engine reads a registry's CA, if keynet cannot pass the CA to it.
    """
    failed = _FailedPush(engine, target, _error_text(output), ca_hint)
    for pattern, make in _RULES:
        if re.search(pattern, output, re.IGNORECASE):
            return make(failed)
    return RegistryError(
        fill(
            _("{engine} could not push {target}: {said}"),
            engine=engine,
            target=target,
            said=failed.said,
        ),
        _("Check the registry with: keynet doctor"),
    )


def _error_text(output: str) -> str:
    lines = [line.strip() for line in re.split("[\r\n]+", output) if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)error|denied|unauthorized|unknown", line)]
    return printable(" ".join(errors[-1:] or lines[-_LAST_LINES:]), 800)


def _quota(failed: _FailedPush) -> RegistryError:
    return RegistryError(
        fill(
            _("The project's quota on {host} is exceeded: {said}"),
            host=failed.target.registry,
            said=failed.said,
        ),
        _("Delete old images there, or ask the platform's operators for a larger quota."),
        status=403,
        code="DENIED",
    )


def _denied(failed: _FailedPush) -> RegistryError:
    return RegistryDenied(
        fill(
            _("{host} denied the push of {target}: {said}"),
            host=failed.target.registry,
            target=failed.target,
            said=failed.said,
        ),
        _(
            "The account was revoked, has expired or may not write to this repository, or the "
            "quota is exceeded. Sign in again: keynet login"
        ),
        status=403,
        code="DENIED",
    )


def _unauthorized(failed: _FailedPush) -> RegistryError:
    return RegistryDenied(
        fill(
            _("{host} does not accept the login: {said}"),
            host=failed.target.registry,
            said=failed.said,
        ),
        _("Sign in again: keynet login"),
        status=401,
        code="UNAUTHORIZED",
    )


def _immutable(failed: _FailedPush) -> RegistryError:
    return RegistryError(
        fill(
            _("The tag of {target} is immutable on the registry: {said}"),
            target=failed.target,
            said=failed.said,
        ),
        _("Push again, which uses a new repository, or remove the project's immutability rule."),
        status=412,
        code="PRECONDITION",
    )


def _too_large(failed: _FailedPush) -> RegistryError:
    return RegistryError(
        fill(
            _("A layer is too large for {host} or a proxy in front of it (413): {said}"),
            host=failed.target.registry,
            said=failed.said,
        ),
        _("Exclude large files with .dockerignore, or have the proxy's body size limit raised."),
        status=413,
    )


def _throttled(failed: _FailedPush) -> RegistryError:
    return RegistryError(
        fill(
            _("{host} received too many requests (429): {said}"),
            host=failed.target.registry,
            said=failed.said,
        ),
        _("Wait a minute and push again."),
        status=429,
        code="TOOMANYREQUESTS",
        temporary=True,
    )


def _unknown_ca(failed: _FailedPush) -> RegistryError:
    return RegistryUnreachable(
        fill(
            _("{engine} does not trust the certificate of {host}: {said}"),
            engine=failed.engine,
            host=failed.target.registry,
            said=failed.said,
        ),
        failed.ca_hint
        or _("Pass the registry's CA with: keynet login --ca-cert FILE (or set KEYNET_CA_CERT)."),
    )


def _unreachable(failed: _FailedPush) -> RegistryError:
    return RegistryUnreachable(
        fill(
            _("{host} could not be reached: {said}"), host=failed.target.registry, said=failed.said
        ),
        _("Check the network, the proxy variables and the registry's address: keynet doctor"),
        temporary=True,
    )


def _disk_full(failed: _FailedPush) -> KeynetError:
    return EngineError(
        fill(
            _("The disk is full while {engine} prepares {target}: {said}"),
            engine=failed.engine,
            target=failed.target,
            said=failed.said,
        ),
        _("Free some space, for example with: keynet clean --images"),
    )


def _server_failed(failed: _FailedPush) -> RegistryError:
    return RegistryError(
        fill(
            _("The registry {host} failed: {said}"), host=failed.target.registry, said=failed.said
        ),
        _("Push again later. If it still fails, tell the platform's operators."),
        status=500,
        temporary=True,
    )


def _refusal(message: str, hint: str, status: int) -> Callable[[_FailedPush], KeynetError]:
    """Return what makes an error of these texts, which ``N_()`` has marked."""

    def make(failed: _FailedPush) -> KeynetError:
        said = fill(_(message), host=failed.target.registry, target=failed.target, said=failed.said)
        return RegistryError(said, _(hint), status=status)

    return make


_READ_ONLY: Final = _refusal(
    N_("{host} is in read-only mode: {said}"),
    N_("Push again when its owner has ended that mode."),
    403,
)
_MIRROR: Final = _refusal(
    N_("The project of {target} is filled from another registry: {said}"),
    N_("Push to a project of your own: this one only caches or mirrors."),
    403,
)
_ABSENT: Final = _refusal(
    N_("The project or repository of {target} does not exist: {said}"),
    N_("Create it in the registry first, or correct its name."),
    404,
)

# Not compiled at import: re compiles them if a push fails. The first match wins.
_RULES: Final = (
    (r"quota|exceed the configured upper limit|insufficient storage", _quota),
    (r"immutable|\b412\b|precondition|cannot be overwritten", _immutable),
    (r"read[- ]only mode|currently read-only|pushes .{0,80}disabled", _READ_ONLY),
    (r"proxy (cache )?project|pull[- ]through", _MIRROR),
    (
        r"name[ _]unknown|(project|repository|repo) .{0,200}(not found|does not exist|not known)",
        _ABSENT,
    ),
    (r"\b413\b|entity too large|request body too large|size_?invalid", _too_large),
    (r"\b429\b|too ?many ?requests", _throttled),
    (r"x509|certificate signed by unknown|certificate is not trusted|tls: ", _unknown_ca),
    (r"\b401\b|unauthorized|authentication required|no basic auth", _unauthorized),
    (r"\b403\b|denied|forbidden", _denied),
    (r"no space left on device|disk is full|disk quota exceeded", _disk_full),
    (
        r"connection refused|no such host|i/o timeout|no route to host|network is unreachable"
        r"|context deadline exceeded|connection reset|server gave HTTP response|: EOF",
        _unreachable,
    ),
    (r"\b50[0234]\b|internal server error|bad gateway|service unavailable", _server_failed),
)
