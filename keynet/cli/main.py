"""The ``keynet`` command group: commands load when they are called, errors become statuses."""

import codecs
import errno
import io
import os
import signal
import sys
from importlib import import_module
from types import FrameType, ModuleType
from typing import Final, NoReturn

import click

from keynet import __version__
from keynet.errors import Interrupted, KeynetError, UsageError
from keynet.text import N_, _, fill, printable

__all__ = ["cli", "run"]

INTERRUPTED: Final = 130
BUG: Final = 70
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)

# Name on the command line -> module and attribute below keynet.cli.commands, and its one line.
_COMMANDS: Final = {
    "build": ("build:build", N_("Build the image of a training script, without a login.")),
    "clean": ("clean:clean", N_("Remove what keynet left on this machine.")),
    "completion": ("completion:completion", N_("Print the completion script of a shell.")),
    "config": ("config:config", N_("Show, locate or clear the saved login.")),
    "doctor": ("doctor:doctor", N_("Tell which engines work here, and why others do not.")),
    "image": ("image:image", N_("Push, pull and inspect image archives.")),
    "login": ("login:login", N_("Sign in to a training platform.")),
    "logout": ("login:logout", N_("Forget the saved login.")),
    "params": ("params:params", N_("Show the hyperparameters of a script or a pushed image.")),
    "project": ("project:project", N_("List and select the platform's projects.")),
    "push": ("push:push", N_("Build the image of a training script and push it.")),
    "registry": ("registry:registry", N_("Look into a container registry.")),
    "sandbox": ("sandbox:sandbox", N_("Run a training platform on this machine, to try keynet.")),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = target[0].split(":")
        command = getattr(import_module(f"keynet.cli.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(_COMMANDS[name][1])) for name in sorted(_COMMANDS)])


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_("Start with: keynet login https://api.example.com, then keynet push train.py"),
)
@click.version_option(__version__, "--version", "-V", prog_name="keynet")
def cli() -> None:
    """Push a Python training script to a training platform.

    No Docker daemon is needed: docker, podman and buildah are tried, the first that works is used.
    """


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and give its exit status (SPEC 10)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    _spare_imports()
    _escape_what_output_cannot_write()
    try:
        status = cli.main(args=arguments, prog_name="keynet", standalone_mode=False)
    except (click.Abort, Interrupted, KeyboardInterrupt):
        click.echo(_("Interrupted."), err=True)
        return INTERRUPTED
    except KeynetError as error:
        _show(error)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) has gone.
        _forget_output()
        return 1
    except Exception as error:  # noqa: BLE001 - a bug must end in a status of its own
        return _show_other(error)
    return status if isinstance(status, int) else 0


def _spare_imports() -> None:
    """Keep libraries from loading what no command uses: 0.1 s of each push."""
    # pydantic reads the metadata of every installed package to find plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # httpx loads its own command line, with rich and pygments, where it can be imported.
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules.setdefault("httpx._main", None)


def _escape_what_output_cannot_write() -> None:
    """Write what a terminal's encoding lacks (EUC-KR has no ✔) as JSON would: it stays valid."""
    codecs.register_error("keynet-escape", _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="keynet-escape")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    import json

    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Take SIGTERM and SIGHUP the way of Ctrl-C, so that everything is cleaned up."""
    raise KeyboardInterrupt


def _show(error: KeynetError) -> None:
    if error.message:
        click.echo(f"{_('Error')}: {error.message}", err=True)
    if error.hint:
        for number, line in enumerate(error.hint.splitlines()):
            click.echo(
                f"{_('Hint') if number == 0 else '':>5}{':' if number == 0 else ' '} {line}",
                err=True,
            )


def _forget_output() -> None:
    """Let what standard output did not take be tried no more, also not at exit."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def _show_other(error: Exception) -> int:
    if isinstance(error, FileNotFoundError) and not _stands_somewhere():
        gone = UsageError(
            _("The current folder does not exist any more."), _("Change to another: cd DIR")
        )
        _show(gone)
        return gone.exit_status
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        from keynet.cli.bug import show_bug

        show_bug(error)
        return BUG
    what = printable(error.filename) if error.filename else _("the output")
    if not error.filename:
        _forget_output()
    full = KeynetError(
        fill(_("Cannot write {what}: {why}."), what=what, why=error.strerror),
        _("Make room on that disk."),
    )
    _show(full)
    return full.exit_status


def _stands_somewhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return False
    return True
