"""Build and push with podman or buildah; their argv is in ``podman_args``.

The two share their builder's code and its store, and therefore also the cleanup.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keynet.events import Emit, LogLine, Notice
from keynet.files.uninterrupted import uninterrupted
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Pushed, RegistryAccess, UserContainerfile
from keynet.process import shell
from keynet.runtime.abilities import TIMEOUT_S
from keynet.runtime.build import host_files, layer_cache, rendering, store_images, uv_program
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.layer_cache import CachedImage
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import Stage, keep_containerfile, scratch, stage
from keynet.runtime.engine import (
    KeptImage,
    LocalImage,
    WorkingEngine,
    version_numbers,
)
from keynet.runtime.engines.podman_like import (
    own_store,
    podman_args,
    podman_push,
    working_containers,
)
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation
from keynet.runtime.engines.podman_like.podman_bases import PodmanBases
from keynet.runtime.engines.podman_like.podman_login import RegistryAuth, private_auth
from keynet.runtime.lacking import cannot_emulate, cannot_run, heredocs, several_platforms
from keynet.text import _

if TYPE_CHECKING:
    from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine
    from keynet.runtime.workspace.container_run import ContainerCommands

__all__ = ["PodmanLike", "restore"]

_TIMEOUT_S: Final = 120.0
# Instead of the exit status of a build.
_INTERRUPTED: Final = -1000
# For builds that fail because of another process on the same store: buildah before 1.43.
_TRIES: Final = 3


def restore(dialect: Dialect, engine: WorkingEngine, invocation: Mapping[str, Any]) -> "PodmanLike":
    """Return the builder for an invocation that has passed an earlier trial.

    Raises:
        TypeError, LookupError: The invocation was written by another version of keynet, or its
            folders cannot be used any more.
    """
    return PodmanLike(dialect, engine, own_store.restored(invocation))


@frozen
class PodmanLike:
    """podman or buildah as ``Builder``, ``Saver``, ``LayerStore`` and ``LoginStore``."""

    dialect: Dialect
    engine: WorkingEngine
    invocation: Invocation

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """See ``Builder.unsupported``."""
        return [
            *cannot_run(self.engine, plan),
            *cannot_emulate(self.engine, plan, own_kernel=not self.invocation.remote),
            *several_platforms(plan),
            *heredocs(plan, version_numbers(self.engine.version), self.dialect.heredocs_since),
        ]

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> CachedImage:
        """Build from a stage; see ``Builder.build``."""
        project = layer_cache.project_name(plan)
        built = self._build(plan, project, access, emit)
        wanted = store_images.expected_platform(plan, self.engine)
        with self._forgotten_on_failure(built):
            if store_images.fits(self._bases.inspection(built.image_id), wanted):
                return built
        self._run("rmi", built.name)
        # The layer cache does not distinguish platforms whose base images share their layers.
        emit(Notice(_("The cached layers are for another platform. Building again."), "note"))
        again = replace(plan, no_cache=True, platforms=(wanted,) if wanted else ())
        built = self._build(again, project, access, emit)
        with self._forgotten_on_failure(built):
            facts = self.inspect(built.image_id)
            if facts is not None and wanted is not None and not facts.platform.matches(wanted):
                raise store_images.wrong_platform(self.engine, facts.platform, wanted)
        return built

    @contextlib.contextmanager
    def _forgotten_on_failure(self, built: CachedImage) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with uninterrupted():
                layer_cache.forget(self._prefix, built.name)
            raise

    def _build(
        self, plan: BuildPlan, project: str, access: RegistryAccess | None, emit: Emit
    ) -> CachedImage:
        name = layer_cache.build_name(project)
        with contextlib.ExitStack() as stack:
            auth = None if access is None else stack.enter_context(private_auth(access))
            temporary = stack.enter_context(scratch())
            plan = self._bases.with_full_name(plan, auth, emit)
            rendered = self._rendered(plan, auth, emit)
            staged = stack.enter_context(stage(plan, rendered, emit))
            command = shell.Command(
                (*self._prefix, *self._build_arguments(plan, staged, auth, name)),
                environment={**plan.host_network.proxies, "TMPDIR": str(temporary)},
            )
            for tries_left in reversed(range(_TRIES)):
                log = BuildLog()
                drops = rendered.stage_has_logins
                status = self._run_build(command, staged, name, log, emit, drops=drops)
                if status == 0 and log.image_id:
                    stages = tuple(log.stage_images[:-1])
                    kept_stages, dropped = ((), stages) if drops else (stages, ())
                    return CachedImage(log.image_id, name, project, kept_stages, dropped)
                if not (tries_left and log.lost_layer):
                    break
                emit(Notice(_("Another process changed the same images. Building again."), "note"))
        kept = keep_containerfile(plan, rendered, project)
        raise log.failure(self.engine.name, status, kept, plan.base)

    def push(
        self, built: CachedImage, target: Reference, access: RegistryAccess, emit: Emit
    ) -> Pushed:
        """Push the image by its id; see ``Builder.push``."""
        with private_auth(access) as auth:
            digest = podman_push.push(
                self.dialect, self.invocation, built.image_id, target, auth, emit
            )
            return Pushed(target, digest)

    def release(self, built: CachedImage) -> None:
        """Keep one tag for each project; see ``Builder.release``."""
        layer_cache.release(self._prefix, built)

    @property
    def formats(self) -> frozenset[str]:
        """See ``Saver.formats``."""
        return frozenset({"oci", "oci-archive", "docker-archive"})

    def local(self, built: CachedImage) -> LocalImage:
        """See ``Saver.local``."""
        return LocalImage(built.project, built.image_id)

    def save(self, built: CachedImage, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Write the image to a folder or an archive; see ``Saver.save``."""
        podman_push.save(self.dialect, self.invocation, built, format, path, emit)

    def login(self, access: RegistryAccess) -> None:
        """Store a login; see ``LoginStore.login``."""
        from keynet.runtime.engines.podman_like import podman_stored_login

        podman_stored_login.store(self._prefix, self.engine.name, access)

    def logout(self, host: str) -> None:
        """Remove a login; see ``LoginStore.logout``."""
        from keynet.runtime.engines.podman_like import podman_stored_login

        podman_stored_login.remove(self._prefix, self.engine.name, host)

    def kept(self) -> list[KeptImage]:
        """See ``LayerStore.kept``."""
        if self.invocation.root:
            return []
        store = self.engine.endpoint or self.invocation.graph_root or self.engine.name
        return layer_cache.list_images(self._prefix, self.dialect.repository, store)

    def drop(self, images: Sequence[str]) -> None:
        """See ``LayerStore.drop``."""
        layer_cache.drop(self._prefix, images)

    @property
    def host(self) -> "PodmanEngine":
        """See ``Hosting.host``."""
        from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine

        return PodmanEngine(self.dialect, self.invocation)

    def container_commands(self, timeout_s: float = TIMEOUT_S) -> "ContainerCommands | None":
        """See ``Running.container_commands``."""
        # Only runs need it, and each push would import it.
        from keynet.runtime.engines.podman_like.containers import podman_run

        return podman_run.container_commands(self.dialect, self.invocation, timeout_s)

    @property
    def _prefix(self) -> tuple[str, ...]:
        return self.dialect.prefix(self.invocation)

    def _rendered(self, plan: BuildPlan, auth: RegistryAuth | None, emit: Emit) -> Rendered:
        """Render the recipe, in one stage if RUN can mount a folder of the context."""
        if isinstance(plan.recipe, UserContainerfile):
            return Rendered(plan.recipe.text)
        uv = uv_program.for_plan(plan, self.engine.architecture)
        modern = version_numbers(self.engine.version) >= self.dialect.mounts_since
        if modern and plan.needs_run:
            pull = partial(self._bases.pull, plan, auth, emit)
            user = store_images.user_of(plan, self._bases.inspection(plan.recipe.from_name), pull)
            if user is None:
                # The build reports what is wrong with the base image, and installs nothing.
                return rendering.two_stages(plan.recipe, plan.host_network)
            one = rendering.one_stage(plan.recipe, plan.host_network, user, uv)
            if one is not None:
                return one
        return rendering.two_stages(plan.recipe, plan.host_network, uv)

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
    def _bases(self) -> PodmanBases:
        users = replace(self.invocation, root="", runroot="", driver="")
        own = bool(self.invocation.root)
        return PodmanBases(self._prefix, self.dialect.prefix(users) if own else ())

    def _build_arguments(
        self,
        plan: BuildPlan,
        staged: Stage,
        auth: RegistryAuth | None,
        name: str,
    ) -> tuple[str, ...]:
        arguments = podman_args.build_arguments(plan, staged, self.invocation, auth=auth, name=name)
        verb, *rest = arguments
        if self.invocation.remote:
            return (verb, *self.dialect.build_flags(self.invocation), *rest)
        marker = working_containers.marker_flag(staged.private)
        if host_files.are_needed(plan):
            folder = host_files.write(plan, staged.private)
            rest = [f"--volume={folder}:{host_files.FOLDER}:ro", *rest]
        return (verb, *self.dialect.build_flags(self.invocation), marker, *rest)

    def _run_build(
        self,
        command: shell.Command,
        staged: Stage,
        name: str,
        log: BuildLog,
        emit: Emit,
        *,
        drops: bool,
    ) -> int:
        """Run ``build`` once and return its exit status.

        If it does not give an image, its working containers are removed and its cache is kept,
        unless that holds a password (``drops``).
        """

        def on_line(line: str) -> None:
            log.feed(line)
            emit(LogLine(line, "build"))

        status = _INTERRUPTED
        store = "" if self.invocation.remote else self.invocation.graph_root
        guarded = replace(command, may_end=working_containers.ending(store))
        try:
            finished = shell.run(guarded, timeout_s=None, on_stdout=on_line, on_stderr=on_line)
            status = finished.status
        finally:
            if status != 0 or not log.image_id:
                with uninterrupted():
                    working_containers.remove(
                        staged.private, self.dialect, self.invocation, self.engine.storage_driver
                    )
                    if status in {0, _INTERRUPTED}:
                        # An interrupt may come when the image has its name already.
                        layer_cache.forget(self._prefix, name)
                    settle = layer_cache.drop_stages if drops else layer_cache.keep_stages
                    settle(self._prefix, name.rpartition(":")[0], log.stage_images)
        return status

    def _run(self, *arguments: str) -> shell.Finished:
        return shell.run(shell.Command((*self._prefix, *arguments)), timeout_s=_TIMEOUT_S)
