"""Follow an engine's build log: step, image of each stage, last lines, cause."""

import re
from collections import deque
from typing import Final

from keynet.errors import BuildFailed
from keynet.oci.reference import Reference
from keynet.runtime.build import install_errors
from keynet.runtime.probing import reasons
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["BuildLog"]

_TAIL: Final = 20
# Lines that are searched for the cause of a failure, and characters of each: what explains
# something is short, and comes late.
_SEARCHED_LINES: Final = 2000
_SEARCHED: Final = 1000
# In keynet's own step that installs, whatever its options are.
_INSTALLING: Final = "/keynet/install.py"

# buildah and podman: "STEP 3/5: RUN x", "[1/2] STEP 3/5: RUN x"; docker: "Step 3/5 : RUN x".
_STEP = re.compile(r"(?:\[(?P<stage>\d+)/\d+\] )?STEP \d+(?:/\d+)? ?: (?P<text>.*)", re.IGNORECASE)
# "--> 7a779408ee3", "--> Using cache 7a77…", " ---> 7a779408ee3b"; not "--> Pushing…".
_IMAGE = re.compile(r" ?-{2,3}> (?:Using cache )?(?P<id>[0-9a-f]{10,64})")
_BUILT = re.compile(r"(?:Successfully built |sha256:)?(?P<id>[0-9a-f]{12,64})$")
# BuildKit, plain progress: "#7 [stage-1 2/3] RUN x", then "#7 0.52 text" or "#7 ERROR: why".
_VERTEX = re.compile(r"#(?P<number>\d+) (?P<text>\[[^\]]+\] .*)")
_VERTEX_ERROR = re.compile(r"#(?P<number>\d+) ERROR: ")
# docker's legacy builder goes on as if these instructions of the base were part of FROM.
_TRIGGERS = re.compile(r"# Executing \d+ build triggers?")
# In a recipe, what keynet does not write is an instruction of the base image.
_FOREIGN = re.compile(
    r"(?:\[[^\]]*\] )?(?:RUN|COPY|ADD) "
    rf"(?!build/|context/|--from=|.*{re.escape(_INSTALLING)})"
)
_VERTEX_NOISE = re.compile(
    r"#\d+ (?:sha256:|transferring |resolve |extracting |DONE|CACHED|\.\.\.)"
)

# Not compiled at import: they are for builds that fail.
_CAUSES: Final = (
    (r"no space left on device|disk is full|disk quota exceeded", "disk"),
    (
        r"manifest unknown|name unknown|manifest for .* not found|repository does not exist"
        r"|: not found$|short-name .* did not resolve|no such image|image not known",
        "base",
    ),
    (r"exec format error", "platform"),
    (r"x509:|certificate (?:verify failed|signed by unknown)", "ca"),
    (r"gave HTTP response to HTTPS client|first record does not look like a TLS", "plain"),
    (r"unauthorized|authentication required|access.*denied", "login"),
    (
        r"No matching distribution|Could not find a version|ResolutionImpossible"
        r"|Invalid requirement",
        "requirements",
    ),
    (
        r"connection refused|no such host|Temporary failure in name resolution|i/o timeout"
        r"|Network is unreachable|NewConnectionError|ProxyError",
        "network",
    ),
)


class BuildLog:
    """Follow a build line by line; ``image_id`` is "" until the log names the image.

    ``has_logins`` is set by who knows that the images of stages hold a password.
    """

    def __init__(self) -> None:
        self.image_id = ""
        self.has_logins = False
        self._step = ""
        self._vertices: dict[str, str] = {}
        self._failed_vertex = ""
        self._stage_images: list[str] = []
        self._in_from_step = False
        self._triggers = False
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._searched: deque[str] = deque(maxlen=_SEARCHED_LINES)
        self._own: deque[str] = deque(maxlen=_TAIL)

    def feed(self, line: str) -> None:
        """Read the next line of the log, without its newline."""
        if line.strip() and not _VERTEX_NOISE.match(line):
            self._tail.append(line)
        start = line[:_SEARCHED]
        (self._own if install_errors.OWN in start else self._searched).append(start)
        if _TRIGGERS.match(line):
            self._triggers = True
        if step := _STEP.match(line):
            self._begin_step(step["text"].strip())
        elif vertex := _VERTEX.match(line):
            self._vertices[vertex["number"]] = self._step = vertex["text"]
        elif failed := _VERTEX_ERROR.match(line):
            self._failed_vertex = self._vertices.get(failed["number"], "")
        elif image := _IMAGE.match(line):
            self._record_image(image["id"])
        elif built := _BUILT.fullmatch(line.strip()):
            self.image_id = built["id"]

    @property
    def step(self) -> str:
        """Return the step that runs or has failed, "" before the first one."""
        return self._failed_vertex or self._step

    @property
    def tail(self) -> list[str]:
        """Return the last lines, at most 20, oldest first."""
        return list(self._tail)

    @property
    def lost_layer(self) -> bool:
        """Report whether another process removed a layer; see ``reasons.lost_layer``."""
        return reasons.lost_layer("\n".join(self._tail))

    @property
    def stage_images(self) -> list[str]:
        """Return the newest image of each stage, in order, without stages that have none."""
        return [image for image in self._stage_images if image]

    def failure(
        self, engine: str, status: int, containerfile: str, base: Reference | None = None
    ) -> BuildFailed:
        """Return the error of a failed build.

        Args:
            engine: Its name.
            status: Its exit status.
            containerfile: The path under which the user can read the Containerfile.
            base: The base image of a recipe; None for a Containerfile of the user's own.
        """
        installation = install_errors.read(self._own, self._searched)
        hint = self._hint(installation)
        if base is not None and _INSTALLING in self.step:
            explained = installation.explained(str(base))
            what, hint = explained.message, explained.hint
        elif base is not None and self._is_triggered:
            what = fill(
                _("{base} adds instructions of its own to each build (ONBUILD), and they failed."),
                base=base,
            )
            hint = _(
                "Use a base image without ONBUILD, or write a Containerfile that suits it "
                "(--dockerfile)."
            )
        elif self.step:
            what = fill(
                _("{engine} could not build the image: it failed at {step}"),
                engine=engine,
                step=printable(self.step, 300),
            )
        else:
            what = fill(
                _("{engine} could not build the image (exit status {status})."),
                engine=engine,
                status=status,
            )
        tail = Block.of((printable(line, 500) for line in self._tail), indent="  ")
        where = fill(_("Containerfile: {path}"), path=containerfile)
        return BuildFailed(stacked(what, tail, where), hint, brief=stacked(what, where))

    @property
    def _is_triggered(self) -> bool:
        """Report whether the step that failed is the base's own, not one that keynet wrote."""
        return (self._triggers and self._in_from_step) or bool(_FOREIGN.match(self.step))

    def _begin_step(self, step: str) -> None:
        self._step = step
        self._in_from_step = step.upper().startswith("FROM ")
        if self._in_from_step:
            self._stage_images.append("")

    def _record_image(self, image: str) -> None:
        # The image after a FROM step is the base image, which does not belong to the build.
        if self._stage_images and not self._in_from_step:
            self._stage_images[-1] = image

    def _hint(self, installation: install_errors.Installation) -> str:
        hints = {
            "disk": _("The disk is full. Free some space, for example with: keynet clean --images"),
            "base": _("Check that the base image's name and tag exist (--base-image, FROM)."),
            "platform": _(
                "The base image is for another platform, whose programs do not run here: choose "
                "this one with --platform, or install qemu-user-static where the engine runs."
            ),
            "ca": _(
                "A certificate is not trusted. Set SSL_CERT_FILE to your company's CA, or run "
                "keynet login --ca-cert FILE; docker's daemon reads "
                "/etc/docker/certs.d/HOST/ca.crt."
            ),
            "plain": _(
                "The base image's registry speaks plain http. Use its https address, let the "
                "engine accept it (insecure registries), or log in if it is the platform's: "
                "keynet login"
            ),
            "login": _("The base image's registry requires a login: log in to it with the engine."),
            "requirements": _(
                "A requirement cannot be installed. Check its name, its version and the Python "
                "version of the base image."
            ),
            "network": _(
                "The build has no network. Check HTTPS_PROXY, PIP_INDEX_URL and the host's DNS."
            ),
        }
        lines = (*self._own, *self._searched)
        causes = {
            cause
            for pattern, cause in _CAUSES
            if any(re.search(pattern, line, re.IGNORECASE) for line in lines)
        }
        for cause, hint in hints.items():
            if cause in causes:
                if cause in ("requirements", "network"):
                    return installation.hint or hint
                return hint
        return installation.hint or _("Fix the failing step shown above, then push again.")
