"""Base images in the store of podman or buildah, and how they get there."""

import contextlib
from dataclasses import replace
from typing import Final

from keynet.events import Emit, LogLine
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Recipe, RegistryAccess
from keynet.process import shell
from keynet.runtime.build import store_images
from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.podman_login import RegistryAuth, private_auth

__all__ = ["PodmanBases"]

_SHORT_NAME: Final = "did not resolve to an alias"


@frozen
class PodmanBases:
    """The images that builds of one engine start from; ``prefix`` is its argv up to the verb."""

    prefix: tuple[str, ...]

    def inspection(self, name: str) -> shell.Command:
        """Return the command that prints an image as JSON."""
        return shell.Command((*self.prefix, "inspect", "--type", "image", name))

    def inspect(self, name: str) -> BaseFacts | None:
        """See ``Inspecting.inspect``."""
        return store_images.inspect(self.inspection(name))

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
        command = shell.Command(
            (*self.prefix, *arguments), environment=dict(plan.host_network.proxies)
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
