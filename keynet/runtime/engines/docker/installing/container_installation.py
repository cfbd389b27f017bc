"""Install a recipe's packages in a container, for daemons whose RUN cannot mount."""

import contextlib
from functools import partial
from pathlib import Path

from keynet.plan import BuildPlan, Recipe
from keynet.process import shell
from keynet.runtime.build import layer_cache, rendering, uv_program
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import keep_containerfile
from keynet.runtime.engine import WorkingEngine
from keynet.runtime.engines.docker.docker_args import LEGACY, Invocation, build_network
from keynet.runtime.engines.docker.docker_bases import DockerBases
from keynet.runtime.engines.docker.installing import docker_packages

__all__ = ["install"]


def install(
    invocation: Invocation,
    engine: WorkingEngine,
    plan: BuildPlan,
    config: Path | None,
    log: BuildLog,
    on_line: shell.OnLine,
    removing: contextlib.ExitStack,
) -> Rendered | None:
    """Install in a container if RUN cannot mount; None leaves it to RUN.

    A daemon on another host has uv as an image, and would get it again with each container.
    """
    recipe, project, bases = plan.recipe, layer_cache.project_name(plan), DockerBases(invocation)
    if (
        invocation.mode != LEGACY
        or invocation.remote
        or not (isinstance(recipe, Recipe) and plan.needs_run)
        or not all(each.architecture == engine.architecture for each in plan.platforms)
    ):
        return None
    uv = uv_program.for_plan(plan, engine.architecture)
    try:
        return docker_packages.install(
            invocation.binary,
            recipe,
            rendering.packages(recipe, plan.host_network, uv),
            project,
            inspection=bases.inspection(recipe.from_name),
            pull=partial(bases.pull, plan, config, on_line),
            architecture=engine.architecture,
            network=build_network(invocation, plan),
            no_cache=plan.no_cache,
            on_line=on_line,
            removing=removing,
        )
    except docker_packages.NotStarted:
        # RUN fails for the same reason, and the builder then says so, or it does not.
        return None
    except docker_packages.InstallationFailed as error:
        kept = keep_containerfile(
            plan, rendering.two_stages(recipe, plan.host_network, uv), project
        )
        raise log.failure(engine.name, error.status, kept, plan.base) from error
