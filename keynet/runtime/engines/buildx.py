"""docker with a builder of buildx that lies elsewhere: it builds there and pushes from there.

Such a builder has a cache and no store. So building leaves the result in its cache, and
pushing or saving asks it for the same build once more, of which every step is cached, with
another output. Neither image nor layers pass through this host unless they are saved here.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from keynet.events import Emit, LogLine
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess
from keynet.process import shell
from keynet.runtime.build import host_files, image_names
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.push_log import push_error
from keynet.runtime.build.staging import Stage, keep_containerfile, stage
from keynet.runtime.engine import Built, Kept, RegistryAuth, WorkingEngine, cannot_run
from keynet.runtime.engines import docker_args
from keynet.runtime.engines.docker import Docker, save_by
from keynet.secret import Secret

__all__ = ["Buildx"]

_EXPORTING: Final = re.compile(r"(?P<vertex>#\d+) exporting to ")
_CONFIG: Final = "containerimage.config.digest"
_MANIFEST: Final = "containerimage.digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached(Built):
    """A result in the builder's cache, with all that asking for it again takes.

    ``arguments`` end before the output; they name files of ``stage``, there until ``release``.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str | Secret | None]
    stage: Stage
    release: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Buildx:
    """docker as a ``Builder`` whose BuildKit runs elsewhere."""

    usable: WorkingEngine

    @property
    def name(self) -> str:
        """Give ``docker``."""
        return "docker"

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """See ``Builder.unsupported``."""
        return cannot_run(self.usable, plan)

    @contextlib.contextmanager
    def ahead(self, plan: BuildPlan) -> Iterator["Buildx"]:
        """Ask nothing; see ``Builder.ahead``."""
        yield self

    def build(
        self,
        plan: BuildPlan,
        auth: RegistryAuth | None,
        emit: Emit,
        target: Reference | None = None,
    ) -> Built:
        """Build into the builder's cache; see ``Builder.build``."""
        plan = host_files.mounting(plan)
        kept = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            staged = stack.enter_context(stage(plan, emit))
            built = self._built(plan, auth, staged, kept.close, emit)
            kept.push(stack.pop_all())
        return built

    def push(self, built: Built, target: Reference, auth: RegistryAuth, emit: Emit) -> Pushed:
        """Let the builder send it; see ``Builder.push``."""
        named = target if target.tag else target.with_tag("latest")
        output = f"type=image,name={named},push=true,store=false"
        if auth.insecure:
            output += ",registry.insecure=true"
        changed = docker_args.environment(self.usable.way, auth)
        finished, told = self._again(built, output, changed, emit)
        if finished.status != 0:
            raise push_error("docker buildx", target, finished.stderr or finished.stdout)
        try:
            return Pushed(target, Digest.parse(str(told[_MANIFEST])))
        except KeyError as error:
            raise push_error("docker buildx", target, finished.stderr) from error

    def save(self, built: Built, destination: str, emit: Emit) -> None:
        """Fetch the image from the builder; see ``Builder.save``."""
        form = "docker" if destination.startswith("docker-archive:") else "oci"

        def write(file: Path) -> shell.Finished:
            output = f"type={form},name={built.project}:latest,dest={file}"
            return self._again(built, output, {}, emit)[0]

        save_by(destination, write)

    def login(self, access: RegistryAccess) -> None:
        """Store a login for the docker client; see ``Builder.login``."""
        Docker(self.usable).login(access)

    def logout(self, host: str) -> None:
        """Forget a login; see ``Builder.logout``."""
        Docker(self.usable).logout(host)

    @property
    def saves(self) -> frozenset[str]:
        """See ``Builder.saves``."""
        return frozenset({"oci", "oci-archive", "docker-archive"})

    @contextlib.contextmanager
    def removing(self, built: Built) -> Iterator[None]:
        """Remove the staged files; the builder's cache is its own to collect."""
        _cached(built).release()
        yield

    def kept(self) -> list[Kept]:
        """See ``Builder.kept``: a builder has a cache only, which is its own to collect."""
        return []

    def drop(self, images: Sequence[str]) -> None:
        """See ``Builder.drop``."""
        assert not images, "it keeps none"

    def _built(
        self,
        plan: BuildPlan,
        auth: RegistryAuth | None,
        staged: Stage,
        release: Callable[[], None],
        emit: Emit,
    ) -> _Cached:
        project = image_names.project_name(plan)
        log = BuildLog()

        def on_line(line: str) -> None:
            line = host_files.hidden(line)
            log.feed(line)
            emit(LogLine(line, "build"))

        environment: dict[str, str | Secret | None] = {
            **docker_args.environment(self.usable.way, auth),
            **plan.host_network.proxies,
        }
        secrets = host_files.secrets(plan, staged)
        result = staged.private / "built.json"
        # Without a name nothing of it stays in an image store that the builder may have.
        output = _output("type=image", result, staged)
        finished = shell.run(
            shell.Command((*self._arguments(plan, staged), *secrets, *output), environment),
            timeout_s=None,
            on_stdout=on_line,
            on_stderr=on_line,
        )
        if finished.status != 0:
            raise log.failure(self.name, finished.status, keep_containerfile(plan, project))
        told = _read(result)
        return _Cached(
            engine=self.name,
            image_id=str(told.get(_CONFIG) or told.get(_MANIFEST, "")).partition(":")[2],
            name=image_names.build_name(project),
            project=project,
            stored=False,
            # From the cache, even if the first time was not.
            arguments=(*self._arguments(replace(plan, no_cache=False), staged), *secrets),
            environment=environment,
            stage=staged,
            release=release,
        )

    def _arguments(self, plan: BuildPlan, staged: Stage) -> tuple[str, ...]:
        way = self.usable.way
        return (way.binary, *docker_args.builder_arguments(plan, staged, way))

    def _again(
        self, built: Built, output: str, changed: Mapping[str, str], emit: Emit
    ) -> tuple[shell.Finished, Mapping[str, Any]]:
        cached = _cached(built)
        result = cached.stage.private / "result.json"
        result.unlink(missing_ok=True)
        exporting = ""

        def on_line(line: str) -> None:
            # The steps, all cached, were shown before.
            nonlocal exporting
            if found := _EXPORTING.match(line):
                exporting = f"{found['vertex']} "
            if exporting and line.startswith(exporting):
                emit(LogLine(line, "push"))

        argv = (*cached.arguments, *_output(output, result, cached.stage))
        finished = shell.run(
            shell.Command(argv, {**cached.environment, **changed}),
            timeout_s=None,
            on_stdout=on_line,
            on_stderr=on_line,
        )
        return finished, _read(result) if finished.status == 0 else {}


def _output(output: str, result: Path, staged: Stage) -> tuple[str, ...]:
    return ("--metadata-file", str(result), "--output", output, str(staged.root))


def _cached(built: Built) -> _Cached:
    assert isinstance(built, _Cached), "built by another builder"
    return built


def _read(file: Path) -> Mapping[str, Any]:
    """Read buildx's metadata; very old ones write none."""
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
