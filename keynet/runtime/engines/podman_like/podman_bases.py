"""Base images in the store of podman or buildah, and how they get there."""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from keynet.events import Emit, LogLine
from keynet.frozen import frozen
from keynet.oci import base_config
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Recipe, RegistryAccess
from keynet.process import shell
from keynet.runtime.build import store_images
from keynet.runtime.build.staging import scratch
from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.podman_login import RegistryAuth, private_auth

__all__ = ["PodmanBases"]

_SHORT_NAME: Final = "did not resolve to an alias"
# Both engines name what was built on this machine like this.
_LOCAL: Final = "localhost/"
_ID: Final = r"(?:sha256:)?[0-9a-f]{12,64}"
_TIMEOUT_S: Final = 120.0


@frozen
class PodmanBases:
    """The images that builds of one engine start from; ``prefix`` is its argv up to the verb.

    ``users`` is that of the same engine with the user's own store, where ``prefix`` names
    keynet's; else it is empty.
    """

    prefix: tuple[str, ...]
    users: tuple[str, ...] = ()

    def inspection(self, name: str) -> shell.Command:
        """Return the command that prints an image as JSON."""
        return shell.Command((*self.prefix, "inspect", "--type", "image", name))

    def inspect(self, name: str) -> BaseFacts | None:
        """See ``Inspecting.inspect``; an image that the user has built here is copied first."""
        found = self._document(self.prefix, name)
        if self.users and (not found or _is_local(name, found)) and self._bring(name, found):
            found = self._document(self.prefix, name)
        return base_config.read_inspected(found) if found else None

    def _document(self, prefix: tuple[str, ...], name: str) -> Mapping[str, Any]:
        argv = (*prefix, "inspect", "--type", "image", name)
        # Interrupted, it leaves empty files there.
        with scratch() as temporary:
            command = shell.Command(argv, environment={"TMPDIR": str(temporary)})
            return store_images.document(shell.run(command, timeout_s=_TIMEOUT_S))

    def _bring(self, name: str, own: Mapping[str, Any]) -> bool:
        """Copy an image of the user's store that keynet's lacks, or has another one for.

        Only what no registry has: all else is pulled.
        """
        theirs = self._document(self.users, name)
        image = _image_id(theirs)
        if not image or not _is_local(name, theirs) or image == _image_id(own):
            return False
        full = name if name.startswith(_LOCAL) else f"{_LOCAL}{name}"
        with scratch() as temporary:
            archive = f"docker-archive:{temporary / 'image.tar'}"
            named = archive if re.fullmatch(_ID, name) else f"{archive}:{full}"
            for command in ((*self.users, "push", image, named), (*self.prefix, "pull", archive)):
                finished = shell.run(
                    shell.Command(command, environment={"TMPDIR": str(temporary)}), timeout_s=None
                )
                if finished.status != 0:
                    # The build reports that the image is absent.
                    return False
        return True

    def fetch(
        self,
        plan: BuildPlan,
        name: str,
        platform: Platform,
        access: RegistryAccess | None,
        emit: Emit,
    ) -> str:
        """See ``Inspecting.fetch``; a short name may be Docker Hub's."""
        with contextlib.ExitStack() as stack:
            auth = None if access is None else stack.enter_context(private_auth(access))
            wanted = replace(plan, platforms=(platform,))
            finished = self.pull(wanted, auth, emit, name)
            if _SHORT_NAME in finished.stderr:
                finished = self.pull(wanted, auth, emit, str(Reference.parse(name)))
        return store_images.failure(finished)

    def pull(
        self, plan: BuildPlan, auth: RegistryAuth | None, emit: Emit, name: str | None = None
    ) -> shell.Finished:
        """Pull an image as the build would, by default the recipe's base."""
        arguments = podman_args.pull_arguments(plan, auth, name)
        with scratch() as temporary:
            command = shell.Command(
                (*self.prefix, *arguments),
                environment={**plan.host_network.proxies, "TMPDIR": str(temporary)},
            )
            # Standard output only has the image's id.
            return shell.run(
                command, timeout_s=None, on_stderr=lambda line: emit(LogLine(line, "build"))
            )

    def with_full_name(self, plan: BuildPlan, auth: RegistryAuth | None, emit: Emit) -> BuildPlan:
        """Return the plan with Docker Hub's image for a short name that the engine refuses.

        Without ``unqualified-search-registries`` it only knows short names of its own images.
        """
        recipe, facts = plan.recipe, plan.base_facts
        if not isinstance(recipe, Recipe) or not recipe.base_name:
            return plan
        if facts is None or facts.digest is None or recipe.base_name.endswith(str(facts.digest)):
            return plan
        finished = self.pull(plan, auth, emit)
        if _SHORT_NAME not in finished.stderr:
            return plan
        return replace(plan, recipe=replace(recipe, base_name=""))


def _image_id(found: Mapping[str, Any]) -> str:
    """Return an image's id from what podman or buildah prints of it."""
    return str(found.get("Id") or found.get("FromImageID") or "").removeprefix("sha256:")


def _is_local(name: str, found: Mapping[str, Any]) -> bool:
    """Report whether an image was built on this machine, as its names say; an id may be."""
    tags = found.get("RepoTags")
    names = [*(tags if isinstance(tags, list) else ()), found.get("FromImage")]
    return re.fullmatch(_ID, name) is not None or any(
        str(each).startswith(_LOCAL) for each in names
    )
