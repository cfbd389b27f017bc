"""docker: a daemon behind a socket, tcp, ssh or a context; legacy builder and BuildKit."""

import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from keynet.errors import EngineError
from keynet.events import Emit, LogLine
from keynet.net.hosts import is_loopback
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess
from keynet.process import shell
from keynet.runtime.build import host_files, image_names, kept_images, layer_cache, one_stage
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.push_log import PushLog, docker_digest, push_error
from keynet.runtime.build.staging import keep_containerfile, stage
from keynet.runtime.engine import (
    Built,
    Invocation,
    Kept,
    RegistryAuth,
    WorkingEngine,
    cannot_run,
    version_numbers,
)
from keynet.runtime.engines import docker_args, docker_tar_context
from keynet.runtime.probing.reasons import last_words
from keynet.text import _, fill

__all__ = ["Docker", "save_by"]

_FIRST_WITH_OCI: Final = (25,)
_FIRST_WITH_MOUNTS: Final = (20, 10)
# The client's advice on the builder, which keynet has chosen because it works here.
_ADVICE = re.compile(
    r"DEPRECATED: The legacy builder|\s+BuildKit is currently disabled|\s+environment-variable\.$"
    r"|\s+Install the buildx component|\s+https://docs\.docker\.com/go/buildx"
)


@dataclass(frozen=True, slots=True)
class Docker:
    """docker as a ``Builder``."""

    usable: WorkingEngine
    # What is asked ahead of a build.
    asked: shell.Running | None = None

    @property
    def name(self) -> str:
        """Give ``docker``."""
        return "docker"

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """See ``Builder.unsupported``."""
        found = cannot_run(self.usable, plan)
        if self._way.mode == docker_args.LEGACY:
            found += docker_args.only_buildkit(plan)
        return found

    @contextmanager
    def ahead(self, plan: BuildPlan) -> Iterator["Docker"]:
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
        """Build with ``docker build``; see ``Builder.build``."""
        project = image_names.project_name(plan)
        name = image_names.build_name(project) if target is None else str(_tagged(target))
        log = BuildLog()

        def on_line(line: str) -> None:
            line = host_files.hidden(line)
            log.feed(line)
            if not _ADVICE.match(line):
                emit(LogLine(line, "build"))

        if self._mounts:
            plan = host_files.mounting(plan)
        if self._can_mount(plan):
            pull = partial(self._pull, plan, auth, on_line)
            plan = one_stage.taken(plan, self._user_question(plan), pull, self.asked)
        done = False
        try:
            with stage(plan, emit) as staged:
                iidfile = staged.private / "image-id"
                arguments = docker_args.build_arguments(
                    plan,
                    staged,
                    self._way,
                    name=name,
                    iidfile=iidfile,
                    network=self._network(plan),
                    more=host_files.secrets(plan, staged),
                )
                legacy = self._way.mode == docker_args.LEGACY
                command = shell.Command(
                    (self._way.binary, *arguments),
                    environment={
                        **docker_args.environment(self._way, auth),
                        **plan.host_network.proxies,
                    },
                    stdin=partial(docker_tar_context.write, plan, staged) if legacy else None,
                )
                finished = shell.run(command, timeout_s=None, on_stdout=on_line, on_stderr=on_line)
                if finished.status != 0 or not iidfile.exists():
                    path = keep_containerfile(plan, project)
                    raise log.failure(self.name, finished.status, path)
                image_id = iidfile.read_text().strip().removeprefix("sha256:")
            done = True
        finally:
            if not done:
                layer_cache.keep((self._way.binary,), project, log.tops)
        return Built(self.name, image_id, name, project, tuple(log.tops[:-1]))

    def push(self, built: Built, target: Reference, auth: RegistryAuth, emit: Emit) -> Pushed:
        """Push by the name that it was built under; see ``Builder.push``."""
        log = PushLog(emit)
        named = str(_tagged(target))
        assert built.name == named, "built for another target"
        finished = shell.run(
            shell.Command(
                (self._way.binary, "push", named),
                environment=docker_args.environment(self._way, auth),
                terminal=True,
            ),
            timeout_s=None,
            on_stdout=log.feed,
            on_stderr=log.feed,
        )
        digest = docker_digest(finished.stdout)
        if finished.status != 0 or digest is None:
            raise push_error(self.name, target, finished.stderr or finished.stdout)
        log.finish()
        return Pushed(target, digest)

    def save(self, built: Built, destination: str, emit: Emit) -> None:
        """Write an archive or a layout; see ``Builder.save``."""
        save_by(
            destination,
            lambda file: self._run("save", "--output", str(file), built.name, timeout_s=None),
        )

    @property
    def saves(self) -> frozenset[str]:
        """See ``Builder.saves``: docker archives, since docker 25 also the OCI's."""
        oci = {"oci", "oci-archive"} if _writes_oci(self.usable) else set[str]()
        return frozenset({"docker-archive", *oci})

    def login(self, access: RegistryAccess) -> None:
        """Store a login; see ``Builder.login``."""
        binary = self._way.binary
        finished = shell.run(
            shell.Command(
                (binary, "login", "--username", access.username, "--password-stdin", access.host),
                stdin=access.password,
            ),
            timeout_s=60,
        )
        if finished.status != 0:
            hint = _("A push does not need it: keynet brings its own credentials.")
            if access.ca_cert is not None and not is_loopback(access.host):
                hint += " " + fill(
                    _("docker's daemon reads the CA from {path}."),
                    path=f"/etc/docker/certs.d/{access.host}/ca.crt",
                )
            raise EngineError(
                fill(
                    _("docker could not log in to {host}: {said}"),
                    host=access.host,
                    said=last_words(finished.stderr),
                ),
                hint,
            )

    def logout(self, host: str) -> None:
        """Forget a login; see ``Builder.logout``."""
        finished = self._run("logout", host)
        if finished.status != 0:
            raise EngineError(
                fill(
                    _("docker could not log out of {host}: {said}"),
                    host=host,
                    said=last_words(finished.stderr),
                ),
                _("Remove the entry from ~/.docker/config.json by hand."),
            )

    def removing(self, built: Built) -> AbstractContextManager[None]:
        """Leave one tag a project; see ``Builder.removing``."""
        return layer_cache.removing((self._way.binary,), built)

    def kept(self) -> list[Kept]:
        """See ``Builder.kept``."""
        return kept_images.listed(
            (self._way.binary,), "Repository", self.usable.endpoint or self.name
        )

    def drop(self, images: Sequence[str]) -> None:
        """See ``Builder.drop``."""
        kept_images.drop((self._way.binary,), images)

    @property
    def _way(self) -> Invocation:
        return self.usable.way

    def _network(self, plan: BuildPlan) -> str:
        """Use the host's network where the daemon has none, or where the way out is loopback."""
        if self._way.network:
            return self._way.network
        network = plan.host_network
        addresses = [secret.reveal() for secret in network.proxies.values()]
        if network.pip_conf is not None:
            addresses.append(network.pip_conf.reveal())
        local = any(
            mark in address
            for address in addresses
            for mark in ("://127.", "://localhost", "://[::1]", "@127.", "@localhost")
        )
        return "host" if local else ""

    @property
    def _mounts(self) -> bool:
        modern = self._way.mode != docker_args.LEGACY
        return modern and version_numbers(self.usable.version) >= _FIRST_WITH_MOUNTS

    def _can_mount(self, plan: BuildPlan) -> bool:
        return self._mounts and one_stage.is_offered(plan)

    def _user_question(self, plan: BuildPlan) -> shell.Command:
        inspect = ("image", "inspect", "--format", "{{.Config.User}}", str(plan.base))
        return shell.Command((self._way.binary, *inspect))

    def _pull(
        self, plan: BuildPlan, auth: RegistryAuth | None, on_line: shell.OnLine
    ) -> shell.Finished:
        command = shell.Command(
            (self._way.binary, *docker_args.pull_arguments(plan)),
            environment=docker_args.environment(self._way, auth),
        )
        return shell.run(command, timeout_s=None, on_stdout=on_line, on_stderr=on_line)

    def _run(self, *arguments: str, timeout_s: float | None = 120) -> shell.Finished:
        return shell.run(shell.Command((self._way.binary, *arguments)), timeout_s=timeout_s)


def _tagged(target: Reference) -> Reference:
    """Push one tag: without one docker would push all that it has of the repository."""
    return target if target.tag else target.with_tag("latest")


def _writes_oci(usable: WorkingEngine) -> bool:
    return version_numbers(usable.version) >= _FIRST_WITH_OCI


def save_by(destination: str, write: Callable[[Path], shell.Finished]) -> None:
    """Let docker write an archive, and unpack it where a layout is wanted.

    Raises:
        EngineError: Nothing was written.
    """
    kind, _colon, path = destination.partition(":")
    file = Path(path) if kind != "oci" else Path(f"{path}.partial.tar")
    try:
        finished = write(file)
        if finished.status != 0:
            raise EngineError(
                fill(
                    _("docker could not write the image to {destination}: {said}"),
                    destination=destination,
                    said=last_words(finished.stderr),
                ),
                _("See whether the folder exists, is writable and has room."),
            )
        if kind == "oci":
            _unpack_layout(file, Path(path))
    finally:
        if kind == "oci":
            file.unlink(missing_ok=True)


def _unpack_layout(file: Path, folder: Path) -> None:
    """Write the layout's own files, whose names its specification gives; nothing else.

    Not ``extractall``: Debian 12's Python has no filter for it yet.
    """
    with tarfile.open(file) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or name.is_absolute() or ".." in name.parts:
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as written:
                shutil.copyfileobj(content, written)
