"""Install the packages of a recipe in a container, for docker's legacy builder.

Its RUN cannot mount the build files, so its Containerfile has two stages, and copying from the
first to the second one writes each package twice more. A container of the base image gets the
build files by ``docker cp``, installs, removes them, and is committed as one layer on the base.
"""

import contextlib
import hashlib
import io
import json
import re
import secrets
import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from keynet.files import owners
from keynet.files.uninterrupted import uninterrupted
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import Recipe
from keynet.process import shell
from keynet.process.background import background
from keynet.runtime.build import install_files, layer_cache, rendering
from keynet.runtime.build.rendering import Rendered

__all__ = ["CONTAINERS", "InstallationFailed", "NotStarted", "install", "owner_of"]

# The names of the containers begin like this. Labels would go into the image.
CONTAINERS: Final = "keynet-packages-"

_TIMEOUT_S: Final = 120.0
# Of a base image's config, what a commit loses, or what a container does and RUN does not.
_LOST: Final = ("OnBuild", "StopSignal", "Shell", "Healthcheck", "Volumes")
# What docker's client may add to a container: the proxies of its configuration, for example, whose
# passwords a commit would put into the image.
_KEPT: Final = ("Env", "Labels", "ExposedPorts", "WorkingDir")
# What docker itself exits with if it cannot start a container's program.
_NOT_STARTED: Final = (125, 126, 127)
_ID: Final = re.compile("[0-9a-f]{64}")
_HOST: Final = "localhost"
_REFUSED: Final = "Error response from daemon:"


class NotStarted(Exception):
    """The daemon makes or starts no such container."""


class InstallationFailed(Exception):
    """The program that installs failed, or there is no room for the image."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def install(
    binary: str,
    recipe: Recipe,
    rendered: tuple[Rendered, str],
    project: str,
    *,
    inspection: shell.Command,
    pull: Callable[[], object],
    architecture: str,
    network: str,
    no_cache: bool,
    on_line: shell.OnLine,
    removing: contextlib.ExitStack,
) -> Rendered | None:
    """Make an image with the packages, or find the one of an earlier build.

    Args:
        rendered: See ``rendering.packages``.
        project: See ``layer_cache.project_name``.
        inspection: Prints the base image as JSON, as ``docker image inspect`` does.
        pull: Pulls it if the daemon does not have it; its failure is not an error.
        architecture: That of the daemon, as OCI spells it.
        network: "" for docker's default.
        on_line: Gets the lines that docker would write for a stage with this RUN.
        removing: When it is closed, the container is gone, whose removal goes on until then.

    Returns:
        The Containerfile of the image on these packages; None where RUN does what a container of
        this base image cannot.

    Raises:
        InstallationFailed: See there; ``on_line`` got the reason.
        NotStarted: See there.
    """
    base = _base_image(inspection, pull, architecture)
    if base is None:
        return None
    build_files, fingerprint = rendered
    key = _key(base, fingerprint)
    on_line(f"Step 1/2 : FROM {recipe.from_name}")
    on_line(f"Step 2/2 : RUN {json.dumps(install_files.command(key=key, removing=True))}")
    image = None if no_cache else _known(binary, project, key)
    if image is not None:
        on_line(" ---> Using cache")
    else:
        name = f"{CONTAINERS}{owners.token()}-{secrets.token_hex(4)}"
        container = _Container(binary, name)
        with contextlib.ExitStack() as failed:
            failed.callback(container.remove_uninterrupted)
            container.create(base, build_files, key, network)
            container.install(on_line)
            image = container.commit(base.user, on_line)
            removing.enter_context(container.being_removed())
            failed.pop_all()
    on_line(f" ---> {image[:12]}")
    return rendering.on_packages(recipe, image)


@frozen
class _BaseImage:
    """A base image in the daemon's store.

    ``user`` is "" for root; ``kept`` is the part of its config that its containers must share.
    """

    image_id: str
    user: str
    kept: Mapping[str, object]


def _base_image(
    inspection: shell.Command, pull: Callable[[], object], architecture: str
) -> _BaseImage | None:
    """Return the base image if a container of it can stand for RUN, else None."""
    found = _inspected(inspection)
    if found is None:
        pull()
        found = _inspected(inspection) or {}
    config = found.get("Config")
    if not isinstance(config, dict) or any(config.get(each) for each in _LOST):
        return None
    if Platform("linux", str(found.get("Architecture"))).architecture != architecture:
        return None
    user = str(config.get("User") or "")
    if not rendering.is_user(user):
        return None
    return _BaseImage(str(found.get("Id")), user, _kept(config))


def _kept(config: Mapping[str, Any]) -> Mapping[str, object]:
    """Return what a commit takes from a container's config; empty values are all the same."""
    return {name: config.get(name) or None for name in _KEPT}


def _inspected(inspection: shell.Command) -> Mapping[str, Any] | None:
    finished = shell.run(inspection, timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        return None
    try:
        (found,) = json.loads(finished.stdout)
    except (TypeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _key(base: _BaseImage, fingerprint: str) -> str:
    """Return what identifies the installed packages; it is shown in the image's history."""
    return f"sha256:{hashlib.sha256(f'{base.image_id} {fingerprint}'.encode()).hexdigest()}"


def _known(binary: str, project: str, key: str) -> str | None:
    """Return the id of the image that an earlier build of the project left, if its key fits."""
    template = "{{.ID}} {{.CreatedBy}}"
    name = layer_cache.first_stage(project)
    argv = (binary, "history", "--no-trunc", "--format", template, name)
    finished = shell.run(shell.Command(argv), timeout_s=_TIMEOUT_S)
    newest = finished.stdout.partition("\n")[0].split()
    if finished.status != 0 or key not in newest[1:]:
        return None
    found = newest[0].removeprefix("sha256:")
    return found if _ID.fullmatch(found) else None


@frozen
class _Container:
    """A container in which packages are installed; ``create`` it, and ``remove`` it in any case."""

    binary: str
    name: str

    def create(self, base: _BaseImage, rendered: Rendered, key: str, network: str) -> None:
        """Create it with the build files.

        Args:
            key: See ``_key``.
            network: "" for docker's default.

        Raises:
            NotStarted: The daemon refuses.
        """
        # The image's config would have this machine's name, else.
        flags = ["--name", self.name, "--hostname", _HOST, "--user", "0", "--log-driver", "none"]
        flags += ["--network", network] if network else []
        # No entrypoint at all: the builder never finds ENTRYPOINT [] in its cache on an image
        # that has one.
        argv = ("--entrypoint", "", base.image_id, *install_files.command(key=key, removing=True))
        created = self._run("create", *flags, *argv)
        if created.status != 0:
            raise NotStarted(created.stderr)
        made = _inspected(shell.Command((self.binary, "container", "inspect", self.name))) or {}
        config = made.get("Config")
        if not isinstance(config, dict) or _kept(config) != base.kept:
            raise NotStarted("the container's config is not that of its image")
        files = partial(_write, rendered)
        argv = (self.binary, "cp", "-", f"{self.name}:/")
        copied = shell.run(shell.Command(argv, stdin=files), timeout_s=None)
        if copied.status != 0:
            raise NotStarted(copied.stderr)

    def install(self, on_line: shell.OnLine) -> None:
        """Install.

        Raises:
            InstallationFailed: See there.
            NotStarted: The daemon cannot start it.
        """
        argv = (self.binary, "start", "--attach", self.name)
        finished = shell.run(
            shell.Command(argv), timeout_s=None, on_stdout=on_line, on_stderr=on_line
        )
        if finished.status in _NOT_STARTED or finished.stderr.startswith(_REFUSED):
            raise NotStarted(finished.stderr)
        if finished.status != 0:
            raise InstallationFailed(finished.status)

    def commit(self, user: str, on_line: shell.OnLine) -> str:
        """Make an image of it and return its id.

        Raises:
            InstallationFailed: There is no room for it, for example.
        """
        argv = (self.binary, "commit", "--change", f"USER {user or '0'}", self.name)
        finished = shell.run(shell.Command(argv), timeout_s=None, on_stderr=on_line)
        if finished.status != 0:
            raise InstallationFailed(finished.status)
        return finished.stdout.strip().removeprefix("sha256:")

    @contextlib.contextmanager
    def being_removed(self) -> Iterator[None]:
        """Remove it while the block goes on; it is gone at the end, however that comes."""
        removed = False

        def remove() -> None:
            nonlocal removed
            self.remove()
            removed = True

        try:
            with background(remove):
                yield
        finally:
            # An error in the block may have come before the program was started.
            if not removed:
                self.remove_uninterrupted()

    def remove_uninterrupted(self) -> None:
        """Remove it in a step that no signal divides."""
        with uninterrupted():
            self.remove()

    def remove(self) -> None:
        """Remove it, even while it runs; if it does not exist, nothing happens."""
        argv = (self.binary, "rm", "--force", "--volumes", self.name)
        shell.run(shell.Command(argv, tidying=True), timeout_s=_TIMEOUT_S)

    def _run(self, *arguments: str, timeout_s: float | None = _TIMEOUT_S) -> shell.Finished:
        return shell.run(shell.Command((self.binary, *arguments)), timeout_s=timeout_s)


def owner_of(name: str) -> str | None:
    """Return the token of the process whose container this is; None for any other name."""
    found = re.fullmatch(rf"{CONTAINERS}({owners.PATTERN})-[0-9a-f]+", name)
    return found[1] if found else None


def _write(rendered: Rendered, pipe: BinaryIO) -> None:
    """Write the build files as a tar."""
    files = {f"{install_files.FOLDER}/{name}": name for name in rendered.build_files}
    folders = {str(parent) for path in files for parent in Path(path).parents}
    with tarfile.open(fileobj=pipe, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for folder in sorted(folders - {"/"}):
            member = tarfile.TarInfo(folder.lstrip("/"))
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for path, name in sorted(files.items()):
            content = rendered.build_files[name]
            member = tarfile.TarInfo(path.lstrip("/"))
            member.mode = 0o755 if name in rendered.executables else 0o644
            if isinstance(content, bytes):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                with content.open("rb") as file:
                    member.size = content.stat().st_size
                    tar.addfile(member, file)
