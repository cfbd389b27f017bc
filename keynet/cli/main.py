"""The ``keynet`` command group: lazy loading of commands, exit statuses."""

import codecs
import errno
import io
import os
import signal
import sys
from importlib import import_module
from types import ModuleType
from typing import Final

import click

from keynet import __version__
from keynet.cli.help_pages import HelpFormatter, help_page
from keynet.errors import Interrupted, KeynetError, UsageError
from keynet.process import signals
from keynet.text import N_, _, cells, fill, printable, translate_libraries

__all__ = ["cli", "run"]

INTERRUPTED: Final = 130
BUG: Final = 70
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_NO_DESCRIPTORS: Final = (errno.EMFILE, errno.ENFILE)

# Name of a command -> its module and attribute below keynet.cli.commands, and its summary.
_COMMANDS: Final = {
    "build": ("build:build", N_("Build the image of a training script, without a login.")),
    "clean": ("clean:clean", N_("Remove what keynet left behind.")),
    "completion": ("completion:completion", N_("Generate the completion script for a shell.")),
    "config": ("config:config", N_("Show or clear the saved login.")),
    "doctor": (
        "doctor:doctor",
        N_("Check whether a push would work here, and what to fix."),
    ),
    "explain": ("reading.explain:explain", N_("Show what an image is made of.")),
    "image": ("image:image", N_("Push, pull and inspect image archives.")),
    "login": ("login:login", N_("Log in to a training platform.")),
    "logout": ("login:logout", N_("Log out and remove the saved login.")),
    "params": (
        "reading.params:params",
        N_("Show the hyperparameters of a script or a pushed image."),
    ),
    "project": ("project:project", N_("List and select projects of the platform.")),
    "ps": ("ps:ps", N_("List what keynet has on this machine.")),
    "push": ("push:push", N_("Build the image of a training script and push it.")),
    "registry": ("registry:registry", N_("Query a container registry, or delete images from it.")),
    "run": ("run:run", N_("Run a training script or an image here, with limits.")),
    "sandbox": ("sandbox:sandbox", N_("Run a local training platform to try keynet.")),
    "verify": ("reading.verify:verify", N_("Build an image again from its lock, and compare.")),
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # click looks among the commands that are loaded: none of these.
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            if not near:
                raise
            meant = fill(_("Did you mean '{command}'?"), command=near[0])
            raise click.UsageError(f"{error.message} {meant}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(_COMMANDS[name][1])) for name in sorted(_COMMANDS)])


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_("To start: keynet login https://api.example.com, then keynet push train.py"),
    help=help_page(
        _("Push a Python training script to a training platform."),
        _(
            "The image is built with docker, podman or buildah, whichever works on this "
            "machine. No Docker daemon is needed."
        ),
    ),
)
@click.version_option(
    __version__, "--version", "-V", prog_name="keynet", help=_("Show the version and exit.")
)
def cli() -> None:
    """Group the commands."""


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    signals.reset()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What is ignored (nohup) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signals.interrupting)
    _spare_imports()
    _escape_what_output_cannot_write()
    translate_libraries()
    # Of every command's context; click has no other place for it.
    click.Context.formatter_class = HelpFormatter
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
        # The reader (head, less) has closed the pipe.
        _forget_output()
        return 1
    except Exception as error:  # noqa: BLE001 - a bug must end in a status of its own
        return _show_unexpected(error)
    return status if isinstance(status, int) else 0


def _spare_imports() -> None:
    """Keep libraries from loading parts that no command uses: 0.1 s of each push."""
    # pydantic would read the metadata of every installed package to find plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # httpx would load its own command line, with rich and pygments.
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules.setdefault("httpx._main", None)


def _escape_what_output_cannot_write() -> None:
    """Escape characters that the terminal's encoding lacks (EUC-KR has no ✔).

    They are escaped as in JSON, so that JSON output stays valid.
    """
    codecs.register_error("keynet-escape", _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="keynet-escape")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    import json

    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _show(error: KeynetError) -> None:
    titles = [_("Error"), _("Hint")]
    width = max(cells(title) for title in titles)
    error_title, hint_title = (" " * (width - cells(title)) + f"{title}: " for title in titles)
    if error.message:
        click.echo(f"{error_title}{error.message}", err=True)
    for number, line in enumerate(error.hint.splitlines()):
        click.echo(f"{' ' * (width + 2) if number else hint_title}{line}", err=True)


def _forget_output() -> None:
    """Drop buffered output that cannot be written, so that it is not retried at exit."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def _show_unexpected(error: Exception) -> int:
    if isinstance(error, FileNotFoundError) and not _current_folder_exists():
        gone = UsageError(
            _("The current folder no longer exists."), _("Change to another one: cd DIR")
        )
        _show(gone)
        return gone.exit_status
    if isinstance(error, OSError) and error.errno in _NO_DESCRIPTORS:
        few = KeynetError(
            fill(_("Cannot open a file or start a program: {why}."), why=error.strerror),
            _("Raise the limit on open files: ulimit -n 1024"),
        )
        _show(few)
        return few.exit_status
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        from keynet.cli.bug import show_bug

        show_bug(error)
        return BUG
    what = printable(error.filename) if error.filename else _("the output")
    if not error.filename:
        _forget_output()
    full = KeynetError(
        fill(_("Cannot write {what}: {why}."), what=what, why=error.strerror),
        _("Free some space on that disk."),
    )
    _show(full)
    return full.exit_status


def _current_folder_exists() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return False
    return True
