"""Build and push with docker's daemon: legacy builder and BuildKit."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from keynet.events import Emit, LogLine, Notice
from keynet.files.uninterrupted import uninterrupted
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import (
    BaseFacts,
    BuildPlan,
    Pushed,
    RegistryAccess,
    UserContainerfile,
)
from keynet.process import shell
from keynet.runtime.abilities import TIMEOUT_S
from keynet.runtime.build import layer_cache, rendering, store_images, uv_program
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.layer_cache import CachedImage
from keynet.runtime.build.push_log import PushLog, docker_digest, push_error
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import keep_containerfile, stage
from keynet.runtime.build.uv_program import UvProgram
from keynet.runtime.engine import (
    KeptImage,
    LocalImage,
    WorkingEngine,
    version_numbers,
)
from keynet.runtime.engines.docker import (
    docker_args,
    docker_mounts,
    docker_remains,
    docker_run,
    docker_saving,
    docker_tar_context,
)
from keynet.runtime.engines.docker.docker_args import Invocation
from keynet.runtime.engines.docker.docker_bases import DockerBases
from keynet.runtime.engines.docker.docker_engine import DockerEngine
from keynet.runtime.engines.docker.installing import container_installation, docker_uv
from keynet.runtime.engines.docker.logins import docker_stored_login
from keynet.runtime.engines.docker.logins.docker_login import private_config
from keynet.runtime.lacking import cannot_emulate, cannot_run, heredocs, several_platforms
from keynet.runtime.workspace.container_run import ContainerCommands
from keynet.text import _, fill

__all__ = ["Docker"]

_FIRST_WITH_OCI: Final = (25,)
_FIRST_WITH_MOUNTS: Final = (20, 10)
# Before, BuildKit knew them only with a frontend that the file names in its syntax line.
_FIRST_WITH_HEREDOCS: Final = (23,)
# The client's advice to use another builder. keynet has chosen the one that works here.
_ADVICE = re.compile(
    r"DEPRECATED: The legacy builder|\s+BuildKit is currently disabled|\s+environment-variable\.$"
    r"|\s+Install the buildx component|\s+https://docs\.docker\.com/go/buildx"
)


@frozen
class Docker:
    """docker as a ``Builder``, ``Saver``, ``LayerStore``, ``LoginStore`` and ``Hosting``."""

    engine: WorkingEngine
    invocation: Invocation

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """See ``Builder.unsupported``."""
        found = [
            *cannot_run(self.engine, plan),
            *cannot_emulate(
                self.engine,
                plan,
                own_kernel=docker_args.has_own_kernel(self.invocation, self.engine.endpoint),
            ),
            *several_platforms(plan),
        ]
        if self.invocation.mode == docker_args.LEGACY:
            found += docker_args.unsupported_by_legacy(plan)
            found += heredocs(plan, (), docker_args.NEVER)
            return found
        since = docker_args.heredocs_since(plan, _FIRST_WITH_HEREDOCS)
        found += heredocs(plan, version_numbers(self.engine.version), since)
        if self._bases.named(plan) is None:
            found.append(
                _("BuildKit takes an image by its name, not by its id: give it one with docker tag")
            )
        return found

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> CachedImage:
        """Build with ``docker build``; see ``Builder.build``."""
        project = layer_cache.project_name(plan)
        plan = self._bases.named(plan) or plan
        name = layer_cache.build_name(project) if target is None else str(_tagged(target))
        if target is not None:
            docker_remains.note_target(name)
        log = BuildLog()

        def on_line(line: str) -> None:
            line = docker_mounts.without_mounts(line)
            log.feed(line)
            if not _ADVICE.match(line):
                emit(LogLine(line, "build"))

        done = False
        try:
            with private_config(access) as config:
                image_id = self._build(plan, config, name, log, on_line, emit)
                wanted = store_images.expected_platform(plan, self.engine)
                if not store_images.fits(self._bases.inspection(image_id), wanted):
                    # The legacy builder's cache, or its copy of a base image.
                    emit(Notice(_("The image is for another platform. Building again."), "note"))
                    again = replace(plan, no_cache=True, platforms=(wanted,) if wanted else ())
                    log = BuildLog()
                    image_id = self._build(again, config, name, log, on_line, emit)
                    self._check_platform(image_id, wanted)
            done = True
        finally:
            if not done:
                with uninterrupted():
                    # An interrupt may come when the image has its name already.
                    layer_cache.forget((self.invocation.binary,), name)
                    settle = layer_cache.drop_stages if log.has_logins else layer_cache.keep_stages
                    settle((self.invocation.binary,), project, log.stage_images)
        stages = tuple(log.stage_images[:-1])
        kept, dropped = ((), stages) if log.has_logins else (stages, ())
        return CachedImage(image_id, name, project, kept, dropped)

    def _check_platform(self, image_id: str, wanted: Platform | None) -> None:
        facts = self.inspect(image_id)
        if facts is not None and wanted is not None and not facts.platform.matches(wanted):
            raise store_images.wrong_platform(self.engine, facts.platform, wanted)

    def _build(
        self,
        plan: BuildPlan,
        config: Path | None,
        name: str,
        log: BuildLog,
        on_line: shell.OnLine,
        emit: Emit,
    ) -> str:
        """Build once and return the image's id."""
        with contextlib.ExitStack() as stack:
            # The container of the packages is removed while the image is built.
            rendered = container_installation.install(
                self.invocation, self.engine, plan, config, log, on_line, removing=stack
            )
            if rendered is None:
                rendered = self._rendered(plan, config, on_line)
            log.has_logins = rendered.stage_has_logins
            staged = stack.enter_context(stage(plan, rendered, emit))
            iidfile = staged.private / "image-id"
            arguments = docker_args.build_arguments(
                plan,
                staged,
                self.invocation,
                name=name,
                iidfile=iidfile,
                network=docker_args.build_network(self.invocation, plan),
                more=docker_mounts.secret_flags(plan, rendered, staged.private),
            )
            legacy = self.invocation.mode == docker_args.LEGACY
            command = shell.Command(
                (self.invocation.binary, *arguments),
                environment={
                    **docker_args.environment(self.invocation, config),
                    **plan.host_network.proxies,
                },
                stdin=partial(docker_tar_context.write, plan, rendered, staged) if legacy else None,
            )
            finished = shell.run(command, timeout_s=None, on_stdout=on_line, on_stderr=on_line)
            if finished.status != 0 or not iidfile.exists():
                kept = keep_containerfile(plan, rendered, layer_cache.project_name(plan))
                raise log.failure(self.engine.name, finished.status, kept, plan.base)
            return iidfile.read_text().strip().removeprefix("sha256:")

    def push(
        self, built: CachedImage, target: Reference, access: RegistryAccess, emit: Emit
    ) -> Pushed:
        """Push the image by the name it was built with; see ``Builder.push``."""
        log = PushLog(emit)
        named = str(_tagged(target))
        assert built.name == named, "built for another target"
        with private_config(access) as config:
            finished = shell.run(
                shell.Command(
                    (self.invocation.binary, "push", named),
                    environment=docker_args.environment(self.invocation, config),
                    terminal=True,
                ),
                timeout_s=None,
                on_stdout=log.feed,
                on_stderr=log.feed,
            )
        digest = docker_digest(finished.stdout)
        if finished.status != 0 or digest is None:
            output = finished.stderr or finished.stdout
            raise push_error(self.engine.name, target, output, ca_hint=_daemon_ca(target))
        log.finish()
        return Pushed(target, digest)

    def release(self, built: CachedImage) -> None:
        """Keep one tag for each project; see ``Builder.release``."""
        layer_cache.release((self.invocation.binary,), built)

    @property
    def formats(self) -> frozenset[str]:
        """See ``Saver.formats``: docker-archive, and the OCI formats since docker 25."""
        modern = version_numbers(self.engine.version) >= _FIRST_WITH_OCI
        return frozenset({"docker-archive", *({"oci", "oci-archive"} if modern else ())})

    def local(self, built: CachedImage) -> LocalImage:
        """See ``Saver.local``."""
        return LocalImage(built.project, built.image_id)

    def save(self, built: CachedImage, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Write an archive or a layout; see ``Saver.save``."""
        docker_saving.save(
            format,
            path,
            lambda file: self._run("save", "--output", str(file), built.name, timeout_s=None),
        )

    def login(self, access: RegistryAccess) -> None:
        """Store a login; see ``LoginStore.login``."""
        docker_stored_login.store(self.invocation.binary, access)

    def logout(self, host: str) -> None:
        """Remove a login; see ``LoginStore.logout``."""
        docker_stored_login.remove(self.invocation.binary, host)

    def kept(self) -> list[KeptImage]:
        """See ``LayerStore.kept``."""
        store = self.engine.endpoint or self.engine.name
        return layer_cache.list_images((self.invocation.binary,), "Repository", store)

    def drop(self, images: Sequence[str]) -> None:
        """See ``LayerStore.drop``."""
        layer_cache.drop((self.invocation.binary,), images)

    @property
    def host(self) -> DockerEngine:
        """See ``Hosting.host``."""
        return DockerEngine(self.invocation.binary)

    def container_commands(self, timeout_s: float = TIMEOUT_S) -> ContainerCommands:
        """See ``Running.container_commands``."""
        return docker_run.container_commands(self.invocation, timeout_s, self.engine.endpoint)

    def _rendered(self, plan: BuildPlan, config: Path | None, on_line: shell.OnLine) -> Rendered:
        """Render the recipe, with mounts (of a folder, of secrets) if RUN has them."""
        recipe = plan.recipe
        mounts = (
            self.invocation.mode != docker_args.LEGACY
            and version_numbers(self.engine.version) >= _FIRST_WITH_MOUNTS
        )
        if isinstance(recipe, UserContainerfile):
            return docker_mounts.render(plan, recipe) if mounts else Rendered(recipe.text)
        if not (mounts and plan.needs_run):
            return rendering.two_stages(recipe, plan.host_network, self._uv(plan))
        pull = partial(self._bases.pull, plan, config, on_line)
        user = store_images.user_of(plan, self._bases.inspection(recipe.from_name), pull)
        if user is None:
            # The build reports what is wrong with the base image, and installs nothing.
            return rendering.two_stages(recipe, plan.host_network)
        uv = self._uv(plan)
        one = rendering.one_stage(recipe, plan.host_network, user, uv)
        return one or rendering.two_stages(recipe, plan.host_network, uv)

    def _uv(self, plan: BuildPlan) -> UvProgram | None:
        """Return uv, as an image of this daemon, if the build can use it."""
        architecture = self.engine.architecture
        uv = uv_program.for_plan(plan, architecture)
        return uv and docker_uv.with_image(self.invocation.binary, uv, architecture)

    def inspect(self, name: str) -> BaseFacts | None:
        """See ``Inspecting.inspect``."""
        return self._bases.inspect(name)

    def fetch(
        self,
        plan: BuildPlan,
        name: str,
        platform: Platform,
        access: RegistryAccess | None,
        emit: Emit,
    ) -> str:
        """See ``Inspecting.fetch``."""
        return self._bases.fetch(plan, name, platform, access, emit)

    @property
    def _bases(self) -> DockerBases:
        return DockerBases(self.invocation)

    def _run(self, *arguments: str, timeout_s: float | None = 120) -> shell.Finished:
        return shell.run(shell.Command((self.invocation.binary, *arguments)), timeout_s=timeout_s)


def _tagged(target: Reference) -> Reference:
    """Return the target with a tag: without one, docker would push all tags."""
    return target if target.tag else target.with_tag("latest")


def _daemon_ca(target: Reference) -> str:
    return fill(
        _("Copy the CA to /etc/docker/certs.d/{host}/ca.crt on the machine of docker's daemon."),
        host=target.registry,
    )
