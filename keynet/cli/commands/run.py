"""``keynet run``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import BUILDERS, build_options
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.cli.render import Verbosity
    from keynet.runtime.workspace.container_run import Outcome
    from keynet.settings import Settings
    from keynet.steps.run import RunOptions

_SCRIPTS: Final = (".py", ".ipynb")


@click.command(
    help=help_page(
        _("Run a training script or an image here, with limits, before it is pushed."),
        _(
            "A script is built first, or its cached image is taken; its options are those "
            "of keynet build. The program's output and exit status are passed on, and its "
            "container is removed."
        ),
        examples=[
            "keynet run train.py -- --epochs 1",
            "keynet run train.py --memory 8g --output results",
            "keynet run registry.example.com/team/image:1 -- python -m pytest",
        ],
    )
)
@click.argument("image_or_script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS]...")
@click.option("--cpus", metavar="NUMBER", help=_("CPUs that the program may use.  [default: 1]"))
@click.option(
    "--memory", "-m", metavar="SIZE",
    help=_("Memory, such as 2g.  [default: 512m; half of the host's for a script]"),
)  # fmt: skip
@click.option(
    "--network", metavar="NAME",
    help=_("Network, or none.  [default: keynet-network, which is created]"),
)  # fmt: skip
@click.option(
    "--gpus", metavar="all|LIST", help=_("GPUs: all, or their numbers with commas between.")
)
@click.option(
    "--env", "-e", "variables", metavar="NAME[=VALUE]", multiple=True,
    help=_("Variable; without a value that of this shell. May be repeated."),
)  # fmt: skip
@click.option(
    "--mount", "mounts", metavar="DIR:TARGET[:ro]", multiple=True,
    help=_("Folder or file of the host, or as docker's --mount. May be repeated."),
)  # fmt: skip
@click.option(
    "--output", "-o", metavar="DIR[:FROM]",
    help=_("Copy what the program writes to /output (or FROM) into this folder."),
)  # fmt: skip
@click.option("--writable", is_flag=True, help=_("Let the program write everywhere in its image."))
@click.option(
    "--privileged", is_flag=True, help=_("Give the container all rights on its host. Dangerous.")
)
@click.option("--verbose", "-v", is_flag=True, help=_("Also show the commands that keynet runs."))
@click.option("--quiet", "-q", is_flag=True, help=_("Show only warnings and errors."))
@build_options
def run(
    image_or_script: str,
    arguments: tuple[str, ...],
    cpus: str | None,
    memory: str | None,
    network: str | None,
    gpus: str | None,
    variables: tuple[str, ...],
    mounts: tuple[str, ...],
    output: str | None,
    writable: bool,
    privileged: bool,
    verbose: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    from keynet.cli.render import Verbosity

    verbosity = Verbosity.of(quiet=quiet, verbose=verbose)
    limits = {
        "cpus": cpus,
        "memory": memory,
        "network": network,
        "privileged": privileged or None,
        "read_only": False if writable else None,
    }
    options = _options(arguments, variables, mounts, output, gpus)
    if _is_script(image_or_script):
        return _run_script(Path(image_or_script), limits, options, flags, verbosity)
    return _run_image(image_or_script, limits, options, flags, verbosity)


def _is_script(name: str) -> bool:
    return os.path.isfile(name) or name.endswith(_SCRIPTS)  # noqa: PTH113


def _run_script(
    script: Path,
    limits: Mapping[str, object],
    options: "RunOptions",
    flags: dict[str, Any],
    verbosity: "Verbosity",
) -> int:
    from dataclasses import replace

    from keynet.cli.build_request import build_request
    from keynet.cli.render import show
    from keynet.errors import BuildFailed, EngineError, InvalidRunSettings, RunNotStarted
    from keynet.steps import run as step
    from keynet.steps.running.settings_of_runs import runtime_settings

    built = {name: flags.pop(name) for name in ("build_args", "labels", "secrets")}
    modes = {name: flags.pop(name) for name in ("no_cache", "strict")}
    request = build_request(script, flags.pop("context"), flags, **built, **modes)
    options = replace(options, settings=runtime_settings(request.context, limits))
    try:
        with show(verbosity) as emit:
            return _status(step.run_script(request, options, emit))
    except (BuildFailed, InvalidRunSettings, RunNotStarted):
        raise
    except EngineError as error:
        raise RunNotStarted(error.message, error.hint) from error


def _run_image(
    image: str,
    limits: Mapping[str, object],
    options: "RunOptions",
    flags: Mapping[str, Any],
    verbosity: "Verbosity",
) -> int:
    from dataclasses import replace

    from keynet.cli.render import show
    from keynet.errors import EngineError, InvalidRunSettings, RunNotStarted
    from keynet.steps import run as step
    from keynet.steps.running.settings_of_runs import runtime_settings

    _refuse_build_options(flags)
    options = replace(options, settings=runtime_settings(None, limits))
    try:
        with show(verbosity) as emit:
            return _status(
                step.run_image(
                    image,
                    options,
                    emit,
                    builder=_builder(flags["builder"]),
                    access=lambda: step.own_registry(_merged(flags["builder"])),
                )
            )
    except (InvalidRunSettings, RunNotStarted):
        raise
    except EngineError as error:
        raise RunNotStarted(error.message, error.hint) from error


def _builder(flag: str | None) -> str:
    """Return the engine that a flag or the environment names.

    All settings together need a library that takes longer to import than an engine to answer.
    """
    named = os.environ.get("KEYNET_BUILDER", "").strip()
    if flag is None and named and named not in BUILDERS:
        # The error of all settings.
        return _merged(flag).builder
    return flag or named or BUILDERS[0]


def _merged(builder: str | None) -> "Settings":
    from keynet import credentials, settings

    return settings.merge({"builder": builder}, os.environ, {}, credentials.load())


def _refuse_build_options(flags: Mapping[str, Any]) -> None:
    given = [name for name, value in flags.items() if value and name != "builder"]
    if given:
        context = click.get_current_context()
        options = [option for option in context.command.params if option.name == given[0]]
        flag = options[0].opts[0]
        raise click.UsageError(
            fill(_("{flag} is for scripts only: an image is not built."), flag=flag)
        )


def _status(outcome: "Outcome") -> int:
    """Return the program's exit status.

    Raises:
        Interrupted: It did not end after a signal, and was killed.
        RunNotStarted: The engine could not start it.
    """
    from keynet.errors import Interrupted, RunNotStarted
    from keynet.runtime.workspace.container_run import NOT_STARTED

    if outcome.killed or (outcome.interrupted and not outcome.started):
        raise Interrupted
    if not outcome.started and outcome.status == NOT_STARTED:
        raise RunNotStarted(
            fill(_("The container could not be started: {said}"), said=outcome.said), outcome.hint
        )
    return outcome.status


def _options(
    arguments: tuple[str, ...],
    variables: tuple[str, ...],
    mounts: tuple[str, ...],
    output: str | None,
    gpus: str | None,
) -> "RunOptions":
    from keynet.runtime.workspace.container_args import OUTPUT
    from keynet.runtime.workspace.mounts import mount_flag
    from keynet.runtime.workspace.run_settings import output_folder, parse_gpus, parse_variables
    from keynet.steps.run import RunOptions

    folder, inside = output_folder(output) if output is not None else (None, OUTPUT)
    return RunOptions(
        arguments=arguments,
        environment=parse_variables(variables, os.environ),
        mounts=tuple(mount_flag(each, Path.cwd()) for each in mounts),
        gpus=parse_gpus(gpus) if gpus is not None else "",
        output=folder,
        output_from=inside,
    )
