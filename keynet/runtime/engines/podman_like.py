"""Drive podman or buildah through one build, push or login; their argv is in ``containers``.

The two share their builder's code, its store and so the way to tidy up after it.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.events import Emit, LogLine, Notice
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess
from keynet.process import shell
from keynet.runtime.build import host_files, image_names, kept_images, layer_cache, one_stage
from keynet.runtime.build.authfiles import registry_auth
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.push_log import PushLog, push_error
from keynet.runtime.build.staging import Stage, keep_containerfile, scratch, stage
from keynet.runtime.engine import (
    Built,
    Invocation,
    Kept,
    RegistryAuth,
    WorkingEngine,
    cannot_run,
    version_numbers,
)
from keynet.runtime.engines import podman_args
from keynet.runtime.engines.dialect import Dialect
from keynet.runtime.probing.reasons import last_words
from keynet.text import _, fill

__all__ = ["Engine"]

_MARKER: Final = "keynet-build"
_TIMEOUT_S: Final = 120.0
# A build that another process on the same store has disturbed: buildah before 1.43.
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Engine:
    """podman or buildah as a ``Builder``."""

    dialect: Dialect
    usable: WorkingEngine
    # What is asked ahead of a build.
    asked: shell.Running | None = None

    @property
    def name(self) -> str:
        """Give ``podman`` or ``buildah``."""
        return self.dialect.name

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """See ``Builder.unsupported``."""
        return cannot_run(self.usable, plan)

    @contextlib.contextmanager
    def ahead(self, plan: BuildPlan) -> Iterator["Engine"]:
        """Ask for the user of the base image; see ``Builder.ahead``."""
        if not self._can_mount(plan):
            yield self
            return
        with shell.start(self._user_question(plan)) as asked:
            yield replace(self, asked=asked)

    def build(
        self,
        plan: BuildPlan,
        auth: RegistryAuth | None,
        emit: Emit,
        target: Reference | None = None,
    ) -> Built:
        """Build in a stage of its own; see ``Builder.build``."""
        project = image_names.project_name(plan)
        name = image_names.build_name(project)
        if self._can_mount(plan):
            pull = partial(self._pull, plan, auth, lambda line: emit(LogLine(line, "build")))
            plan = one_stage.taken(plan, self._user_question(plan), pull, self.asked)
        with scratch() as temporary, stage(plan, emit) as staged:
            command = shell.Command(
                (*self._prefix, *self._build_arguments(plan, staged, auth, name)),
                environment={**plan.host_network.proxies, "TMPDIR": str(temporary)},
            )
            for tries_left in reversed(range(_TRIES)):
                log = BuildLog()
                status = self._run_build(command, _marker(staged), project, log, emit)
                if status == 0 and log.image_id:
                    return Built(self.name, log.image_id, name, project, tuple(log.tops[:-1]))
                if not (tries_left and log.lost_layer):
                    break
                emit(Notice(_("Others work on the same images; building again."), "note"))
        raise log.failure(self.name, status, keep_containerfile(plan, project))

    def push(self, built: Built, target: Reference, auth: RegistryAuth, emit: Emit) -> Pushed:
        """Push by id; see ``Builder.push``."""
        digestfile = auth.authfile.with_name(f"digest-{built.image_id[:12]}")
        remote = self._way.remote
        arguments = podman_args.push_arguments(
            built.image_id, target, auth, None if remote else digestfile
        )
        log = PushLog(emit)
        with scratch() as temporary:
            finished = shell.run(
                shell.Command(
                    (*self._prefix, *arguments),
                    environment={"TMPDIR": str(temporary)},
                    terminal=True,
                ),
                timeout_s=None,
                on_stdout=log.feed,
                on_stderr=log.feed,
            )
        if finished.status != 0:
            engine = f"{self.name} --remote" if remote else self.name
            raise push_error(engine, target, finished.stderr or finished.stdout)
        log.finish()
        if remote:
            return Pushed(target, self._digest_by_pulling(built, target, auth))
        return Pushed(target, Digest.parse(digestfile.read_text().strip()))

    def save(self, built: Built, destination: str, emit: Emit) -> None:
        """Write the image into a folder or an archive; see ``Builder.save``."""
        with scratch() as temporary:
            finished = shell.run(
                shell.Command(
                    (*self._prefix, *self._save_arguments(built, destination)),
                    environment={"TMPDIR": str(temporary)},
                ),
                timeout_s=None,
                on_stderr=lambda line: emit(LogLine(line, "save")),
            )
        if finished.status != 0:
            raise EngineError(
                fill(
                    _("{engine} could not write the image to {destination}: {said}"),
                    engine=self.name,
                    destination=destination,
                    said=last_words(finished.stderr),
                ),
                _("See whether the folder exists, is writable and has room."),
            )

    def login(self, access: RegistryAccess) -> None:
        """Store a login; see ``Builder.login``."""
        with registry_auth(access) as auth:
            arguments = podman_args.login_arguments(access, auth.cert_dir)
            finished = shell.run(
                shell.Command((*self._prefix, *arguments), stdin=access.password), timeout_s=60
            )
        if finished.status != 0:
            raise EngineError(
                fill(
                    _("{engine} could not log in to {host}: {said}"),
                    engine=self.name,
                    host=access.host,
                    said=last_words(finished.stderr),
                ),
                _("A push does not need it: keynet brings its own credentials."),
            )

    def logout(self, host: str) -> None:
        """Forget a login; see ``Builder.logout``."""
        finished = shell.run(shell.Command((*self._prefix, "logout", host)), timeout_s=60)
        if finished.status != 0 and "not logged" not in finished.stderr.lower():
            raise EngineError(
                fill(
                    _("{engine} could not log out of {host}: {said}"),
                    engine=self.name,
                    host=host,
                    said=last_words(finished.stderr),
                ),
                _("Remove the entry from its auth.json by hand."),
            )

    def removing(self, built: Built) -> AbstractContextManager[None]:
        """Leave one tag a project; see ``Builder.removing``."""
        return layer_cache.removing(self._prefix, built)

    def kept(self) -> list[Kept]:
        """See ``Builder.kept``."""
        if self._way.root:
            return []
        store = self.usable.endpoint or self.usable.facts.get("graph_root", self.name)
        return kept_images.listed(self._prefix, self.dialect.repository, store)

    def drop(self, images: Sequence[str]) -> None:
        """See ``Builder.drop``."""
        kept_images.drop(self._prefix, images)

    @property
    def saves(self) -> frozenset[str]:
        """See ``Builder.saves``."""
        return frozenset({"oci", "oci-archive", "docker-archive"})

    @property
    def _way(self) -> Invocation:
        return self.usable.way

    @property
    def _prefix(self) -> tuple[str, ...]:
        return self.dialect.prefix(self._way)

    def _save_arguments(self, built: Built, destination: str) -> tuple[str, ...]:
        kind, _colon, path = destination.partition(":")
        if self._way.remote:
            # ``push`` would write where the service runs.
            form = "oci-dir" if kind == "oci" else kind
            return ("save", "--format", form, "--output", path, built.image_id)
        name = f"{built.project}:latest" if kind == "docker-archive" else "latest"
        return ("push", built.image_id, f"{destination}:{name}")

    def _can_mount(self, plan: BuildPlan) -> bool:
        modern = version_numbers(self.usable.version) >= self.dialect.mounts_since
        return modern and one_stage.is_offered(plan)

    def _user_question(self, plan: BuildPlan) -> shell.Command:
        inspect = ("inspect", *self.dialect.inspect_user, str(plan.base))
        return shell.Command((*self._prefix, *inspect))

    def _pull(
        self, plan: BuildPlan, auth: RegistryAuth | None, on_line: shell.OnLine
    ) -> shell.Finished:
        arguments = podman_args.pull_arguments(plan, auth)
        command = shell.Command(
            (*self._prefix, *arguments), environment=dict(plan.host_network.proxies)
        )
        # Its standard output is the image's id alone.
        return shell.run(command, timeout_s=None, on_stderr=on_line)

    def _build_arguments(
        self,
        plan: BuildPlan,
        staged: Stage,
        auth: RegistryAuth | None,
        name: str,
    ) -> tuple[str, ...]:
        arguments = podman_args.build_arguments(plan, staged, self._way, auth=auth, name=name)
        verb, *rest = arguments
        marker = _marker(staged)
        if self._way.remote:
            return (verb, *self.dialect.build_flags(self._way), *rest)
        marker.touch()
        if (mounted := host_files.volume(plan, staged)) is not None:
            rest = [f"--volume={mounted}", *rest]
        return (
            verb,
            *self.dialect.build_flags(self._way),
            f"--secret=id={_MARKER},src={marker}",
            *rest,
        )

    def _run_build(
        self, command: shell.Command, marker: Path, project: str, log: BuildLog, emit: Emit
    ) -> int:
        """Run ``build`` once and give its status.

        The working containers of a build that came to no image are removed, and what it
        cached is named.
        """

        def on_line(line: str) -> None:
            log.feed(line)
            emit(LogLine(line, "build"))

        status = -1
        try:
            finished = shell.run(command, timeout_s=None, on_stdout=on_line, on_stderr=on_line)
            status = finished.status
        finally:
            if status != 0 or not log.image_id:
                for container in self._working_containers(marker):
                    self._run("rm", *self.dialect.rm_flags, container)
                layer_cache.keep(self._prefix, project, log.tops)
        return status

    def _working_containers(self, marker: Path) -> list[str]:
        """Find this build's containers by the marker that the builder wrote down for each.

        A service elsewhere tidies up itself when its client goes away.
        """
        if self._way.remote:
            return []
        store = Path(self.usable.facts.get("graph_root", "/nonexistent"))
        found = []
        for state in store.glob(f"{self.usable.storage_driver}-containers/*/userdata/buildah.json"):
            with contextlib.suppress(OSError):
                if str(marker) in state.read_text(encoding="utf-8", errors="replace"):
                    found.append(state.parent.parent.name)
        return found

    def _digest_by_pulling(self, built: Built, target: Reference, auth: RegistryAuth) -> Digest:
        """Ask a remote podman for the registry's digest, which its push does not tell.

        Every layer is there already, so only the manifest comes; then the image has two
        digests in this repository: the one it had in the store, and the registry's.
        """
        flags = podman_args.remote_auth_flags(auth)
        pulled = self._run("pull", "--quiet", *flags, str(target))
        told = self._run("image", "inspect", "--format", "json", str(target))
        self._run("rmi", str(target))
        try:
            image = json.loads(told.stdout)[0]
            repository = f"{target.name}@"
            digests = [each for each in image["RepoDigests"] if each.startswith(repository)]
            others = [each for each in digests if not each.endswith(image["Digest"])]
            return Digest.parse((others or digests)[0].removeprefix(repository))
        except (ValueError, LookupError, TypeError) as error:
            raise push_error(self.name, target, pulled.stderr or told.stderr) from error

    def _run(self, *arguments: str) -> shell.Finished:
        return shell.run(shell.Command((*self._prefix, *arguments)), timeout_s=_TIMEOUT_S)


def _marker(staged: Stage) -> Path:
    return staged.private / "marker"
