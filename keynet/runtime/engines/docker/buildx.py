"""Build and push with a remote builder of buildx.

Such a builder has a cache but no image store. A build leaves its result in the cache; a push or
a save runs the same build again with another output, and every step is cached. Image and layers
only pass through this host if they are saved here.
"""

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final

from keynet.errors import KeynetError
from keynet.events import Emit, LogLine
from keynet.files import places
from keynet.frozen import frozen
from keynet.net.hosts import is_loopback
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess, UserContainerfile
from keynet.process import shell
from keynet.runtime.build import layer_cache, rendering, uv_program
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.push_log import push_error
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import Stage, keep_containerfile, stage
from keynet.runtime.engine import LocalImage, WorkingEngine, version_numbers
from keynet.runtime.engines.docker import docker_args, docker_mounts, docker_saving
from keynet.runtime.engines.docker.docker import Docker
from keynet.runtime.engines.docker.docker_args import Invocation
from keynet.runtime.engines.docker.logins.docker_login import private_config
from keynet.runtime.lacking import cannot_run, heredocs, several_platforms
from keynet.secret import Secret
from keynet.text import _, fill

__all__ = ["Buildx"]

_EXPORTING: Final = re.compile(r"(?P<vertex>#\d+) exporting to ")
# Of BuildKit, not of docker.
_FIRST_WITH_HEREDOCS: Final = (0, 10)
_CONFIG: Final = "containerimage.config.digest"
_MANIFEST: Final = "containerimage.digest"


@frozen
class BuilderResult:
    """A result in the builder's cache, with everything needed to run the build again.

    ``arguments`` are the argv up to the output; they name files of ``stage``, which exist until
    ``release`` is called.
    """

    image_id: str
    project: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str | Secret | None] = field(repr=False)
    stage: Stage
    release: Callable[[], None]


@frozen
class Buildx:
    """docker with a remote BuildKit, as a ``Builder``, ``Saver`` and ``LoginStore``."""

    engine: WorkingEngine
    invocation: Invocation

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """See ``Builder.unsupported``."""
        version = version_numbers(self.invocation.buildkit.removeprefix("v"))
        since = docker_args.heredocs_since(plan, _FIRST_WITH_HEREDOCS)
        return [
            *cannot_run(self.engine, plan),
            *several_platforms(plan),
            # A builder that was made of a commit has no version.
            *heredocs(plan, version or _FIRST_WITH_HEREDOCS, since),
        ]

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> BuilderResult:
        """Build into the builder's cache; see ``Builder.build``."""
        kept = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            config = stack.enter_context(private_config(access))
            rendered = _rendered(plan, self.engine.architecture)
            staging = contextlib.ExitStack()
            stack.enter_context(staging)
            staged = staging.enter_context(stage(plan, rendered, emit))
            built = self._built(plan, rendered, config, staged, kept.close, emit)
            kept.push(staging.pop_all())
        return built

    def push(
        self, built: BuilderResult, target: Reference, access: RegistryAccess, emit: Emit
    ) -> Pushed:
        """Let the builder push the image; see ``Builder.push``."""
        named = target if target.tag else target.with_tag("latest")
        output = f"type=image,name={named},push=true,store=false"
        if access.insecure or (access.ca_cert is None and is_loopback(access.host)):
            output += ",registry.insecure=true"
        with private_config(access) as config:
            changed = docker_args.environment(self.invocation, config)
            finished, metadata = _rerun(built, output, changed, emit)
        if finished.status != 0:
            raise _push_error(target, finished.stderr or finished.stdout)
        try:
            return Pushed(target, Digest.parse(str(metadata[_MANIFEST])))
        except KeyError as error:
            raise _push_error(target, finished.stderr) from error

    def release(self, built: BuilderResult) -> None:
        """Remove the staged files; the builder collects its cache itself."""
        built.release()

    @property
    def formats(self) -> frozenset[str]:
        """See ``Saver.formats``."""
        return frozenset({"oci", "oci-archive", "docker-archive"})

    def local(self, built: BuilderResult) -> LocalImage:
        """See ``Saver.local``."""
        return LocalImage(built.project, built.image_id, stored=False)

    def save(self, built: BuilderResult, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Download the image from the builder; see ``Saver.save``."""
        form = "docker" if format == "docker-archive" else "oci"

        def write(file: Path) -> shell.Finished:
            destination = f"dest={file}"
            if not places.is_plain(str(file)):
                # One field of a CSV record.
                destination = '"' + destination.replace('"', '""') + '"'
            output = f"type={form},name={built.project}:latest,{destination}"
            return _rerun(built, output, {}, emit)[0]

        docker_saving.save(format, path, write)

    def login(self, access: RegistryAccess) -> None:
        """Store a login for the docker client; see ``LoginStore.login``."""
        Docker(self.engine, self.invocation).login(access)

    def logout(self, host: str) -> None:
        """Remove a login; see ``LoginStore.logout``."""
        Docker(self.engine, self.invocation).logout(host)

    def _built(
        self,
        plan: BuildPlan,
        rendered: Rendered,
        config: Path | None,
        staged: Stage,
        release: Callable[[], None],
        emit: Emit,
    ) -> BuilderResult:
        project = layer_cache.project_name(plan)
        log = BuildLog()

        def on_line(line: str) -> None:
            line = docker_mounts.without_mounts(line)
            log.feed(line)
            emit(LogLine(line, "build"))

        environment: dict[str, str | Secret | None] = {
            **docker_args.environment(self.invocation, None),
            **plan.host_network.proxies,
        }
        secrets = docker_mounts.secret_flags(plan, rendered, staged.private)
        result = staged.private / "built.json"
        # Without a name, nothing stays in the image store, if the builder has one.
        output = _output("type=image", result, staged)
        argv = (*self._arguments(plan, staged), *secrets, *output)
        signed_in = docker_args.environment(self.invocation, config)
        finished = shell.run(
            shell.Command(argv, {**environment, **signed_in}),
            timeout_s=None,
            on_stdout=on_line,
            on_stderr=on_line,
        )
        if finished.status != 0:
            kept = keep_containerfile(plan, rendered, project)
            raise log.failure(self.engine.name, finished.status, kept, plan.base)
        metadata = _read(result)
        image_id = str(metadata.get(_CONFIG) or metadata.get(_MANIFEST, ""))
        return BuilderResult(
            image_id=image_id.partition(":")[2],
            project=project,
            # Running it again must use the cache, even with --no-cache.
            arguments=(*self._arguments(replace(plan, no_cache=False), staged), *secrets),
            environment=environment,
            stage=staged,
            release=release,
        )

    def _arguments(self, plan: BuildPlan, staged: Stage) -> tuple[str, ...]:
        invocation = self.invocation
        arguments = docker_args.remote_build_arguments(plan, staged, invocation)
        return (invocation.binary, *arguments)


def _rendered(plan: BuildPlan, architecture: str) -> Rendered:
    if isinstance(plan.recipe, UserContainerfile):
        return docker_mounts.render(plan, plan.recipe)
    # One stage needs the base image's user, and a builder cannot report it.
    uv = uv_program.for_plan(plan, architecture)
    return rendering.two_stages(plan.recipe, plan.host_network, uv)


def _rerun(
    built: BuilderResult, output: str, changed: Mapping[str, str], emit: Emit
) -> tuple[shell.Finished, Mapping[str, Any]]:
    """Run the build again with another output; return its end and buildx's metadata."""
    result = built.stage.private / "result.json"
    result.unlink(missing_ok=True)
    exporting = ""

    def on_line(line: str) -> None:
        # Only the export: the steps, all cached, were shown by the build.
        nonlocal exporting
        if found := _EXPORTING.match(line):
            exporting = f"{found['vertex']} "
        if exporting and line.startswith(exporting):
            emit(LogLine(line, "push"))

    argv = (*built.arguments, *_output(output, result, built.stage))
    finished = shell.run(
        shell.Command(argv, {**built.environment, **changed}),
        timeout_s=None,
        on_stdout=on_line,
        on_stderr=on_line,
    )
    return finished, _read(result) if finished.status == 0 else {}


def _push_error(target: Reference, output: str) -> KeynetError:
    hint = fill(
        _(
            'Set the CA in the builder\'s buildkitd.toml: [registry."{host}"] '
            'ca=["FILE"] (docker buildx create --buildkitd-config), or in its system.'
        ),
        host=target.registry,
    )
    return push_error("docker buildx", target, output, ca_hint=hint)


def _output(output: str, result: Path, staged: Stage) -> tuple[str, ...]:
    return ("--metadata-file", str(result), "--output", output, str(staged.root))


def _read(file: Path) -> Mapping[str, Any]:
    """Return buildx's metadata; {} for very old versions, which write none."""
    try:
        metadata = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return metadata if isinstance(metadata, dict) else {}
