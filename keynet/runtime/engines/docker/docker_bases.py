"""Base images in the store of docker's daemon, and how they get there."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet.events import Emit, LogLine
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import BaseFacts, BuildPlan, Recipe, RegistryAccess
from keynet.process import shell
from keynet.runtime.build import store_images
from keynet.runtime.engines.docker import docker_args
from keynet.runtime.engines.docker.docker_args import Invocation
from keynet.runtime.engines.docker.logins.docker_login import private_config

__all__ = ["DockerBases"]

_IMAGE_ID: Final = re.compile("(?:sha256:)?[0-9a-f]{12,64}")
_NAMES: Final = "{{range .RepoTags}}{{println .}}{{end}}{{range .RepoDigests}}{{println .}}{{end}}"
_TIMEOUT_S: Final = 120.0


@frozen
class DockerBases:
    """The images that docker's builds start from."""

    invocation: Invocation

    def inspection(self, name: str) -> shell.Command:
        """Return the command that prints an image as JSON."""
        return shell.Command((self.invocation.binary, "image", "inspect", name))

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
        """See ``Inspecting.fetch``."""
        wanted = replace(plan, platforms=(platform,))
        with private_config(access) as config:
            finished = self.pull(wanted, config, lambda line: emit(LogLine(line, "build")), name)
        return store_images.failure(finished)

    def pull(
        self,
        plan: BuildPlan,
        config: Path | None,
        on_line: shell.OnLine,
        name: str | None = None,
    ) -> shell.Finished:
        """Pull an image as the build would, by default the recipe's base."""
        command = shell.Command(
            (self.invocation.binary, *docker_args.pull_arguments(plan, name)),
            environment=docker_args.environment(self.invocation, config),
        )
        return shell.run(command, timeout_s=None, on_stdout=on_line, on_stderr=on_line)

    def named(self, plan: BuildPlan) -> BuildPlan | None:
        """Return the plan with a name of the base image in place of its id.

        BuildKit would look for a repository that is called like the id. None if the image has
        no name.
        """
        recipe = plan.recipe
        if (
            self.invocation.mode == docker_args.LEGACY
            or not isinstance(recipe, Recipe)
            or _IMAGE_ID.fullmatch(recipe.from_name) is None
        ):
            return plan
        argv = (self.invocation.binary, "image", "inspect", "--format", _NAMES, recipe.from_name)
        names = shell.run(shell.Command(argv), timeout_s=_TIMEOUT_S).stdout.split()
        return replace(plan, recipe=replace(recipe, base_name=names[0])) if names else None
