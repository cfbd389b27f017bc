"""A builder without a binary and without a store: Python alone, as others may write one.

It has what ``Builder`` asks for and nothing else. What it builds is an archive in a folder, which
it pushes by ``keynet.registry``.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keynet.events import Emit, LogLine
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, Recipe, RegistryAccess
from keynet.registry import push_docker_tar
from keynet.runtime.engine import AnyBuilder, Unusable, WorkingEngine
from tests.fakes.archives import FakeImage, Member, docker_old, make_image, tar, write

__all__ = ["ArchiveBuilder", "Archived", "Offered"]


@dataclass(frozen=True, slots=True)
class Archived:
    """What it built: an archive of one image."""

    file: Path
    image: FakeImage


class ArchiveBuilder:
    """Put the context's files into one layer of an archive, and push that."""

    def __init__(self, folder: Path) -> None:
        self.engine = WorkingEngine("archive", "1.0", "archive 1.0 (Python alone)")
        self._folder = folder

    def unsupported(self, plan: BuildPlan) -> list[str]:
        return ["it runs nothing"] if plan.needs_run else []

    def build(
        self, plan: BuildPlan, access: RegistryAccess | None, emit: Emit, target: Reference | None
    ) -> Archived:
        assert isinstance(plan.recipe, Recipe)
        workdir = plan.recipe.workdir.removeprefix("/")
        members = [
            Member(f"{workdir}/{entry.path}", (plan.context / entry.path).read_bytes())
            for entry in plan.files
        ]
        image = make_image([tar(members)], [str(target)] if target else [])
        emit(LogLine(f"{len(members)} files", "build"))
        return Archived(write(self._folder / "built.tar", docker_old(image)), image)

    def push(
        self, built: Archived, target: Reference, access: RegistryAccess, emit: Emit
    ) -> Pushed:
        assert access.password is not None
        pushing = push_docker_tar(
            built.file,
            f"http://{access.host}" if access.insecure else access.host,
            target.repository,
            target.tag,
            auth=(access.username, access.password.reveal()),
            ca_cert=access.ca_cert,
            insecure=access.insecure,
            emit=emit,
        )
        return Pushed(target, Digest.parse(asyncio.run(pushing)))

    def release(self, built: Archived) -> None:
        built.file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Offered:
    """A candidate that always works, and is tried each time."""

    make: Callable[[], AnyBuilder]
    name: str = "archive"
    installed: bool = True

    def remembered(self) -> AnyBuilder | Unusable | None:
        return None

    def probe(self) -> AnyBuilder | Unusable:
        return self.make()
