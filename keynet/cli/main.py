"""The ``keynet`` command group: commands load when they are called."""

from importlib import import_module
from typing import Final

import click

__all__ = ["cli", "run"]

# Name on the command line -> module and attribute below keynet.cli.commands.
_COMMANDS: Final = {
    "build": "build:build",
    "clean": "clean:clean",
    "completion": "completion:completion",
    "config": "config:config",
    "doctor": "doctor:doctor",
    "image": "image:image",
    "login": "login:login",
    "logout": "login:logout",
    "params": "params:params",
    "project": "project:project",
    "ps": "clean:ps",
    "push": "push:push",
    "registry": "registry:registry",
    "run": "run:run",
    "sandbox": "sandbox:sandbox",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command = getattr(import_module(f"keynet.cli.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup)
def cli() -> None:
    """Push a Python training script to a training platform."""


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and give its exit status."""
    cli(arguments, standalone_mode=False)
    return 0
