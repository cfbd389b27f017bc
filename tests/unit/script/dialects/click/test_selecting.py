"""Groups whose class chooses the subcommands when the script runs."""

from pathlib import Path

import pytest

from tests.unit.script.reading import read

GROUP = """\
import click, os, lib
class G(click.Group):
    def list_commands(self, ctx):
        '''Order.'''
        {body}
@click.group(cls=G)
@click.option('--v')
def cli(v): pass
@cli.command()
@click.option('--a')
def run(a): pass
cli()
"""


@pytest.mark.parametrize(
    "body",
    [
        "return sorted(self.commands)",
        "return list(super().list_commands(ctx))",
        "return [name for name in self.commands]",
    ],
)
def test_an_order_of_subcommands_changes_nothing(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, GROUP.format(body=body))
    assert [one.name for one in found.arguments] == ["v", "a"]
    assert found.notes == ()


@pytest.mark.parametrize(
    "body",
    [
        "return [name for name in self.commands if lib.on(name)]",
        "return lib.filtered(super().list_commands(ctx))",
        "self.commands = lib.filtered(self.commands); return super().list_commands(ctx)",
    ],
)
def test_arguments_of_a_chosen_subcommand_are_noted(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, GROUP.format(body=body))
    assert [one.name for one in found.arguments] == ["v", "a"]
    (note,) = found.notes
    assert note.message == "It depends on a condition whether the script has a."


@pytest.mark.parametrize("base", ["Group", "MultiCommand"])
def test_a_group_that_loads_its_subcommands_says_so(tmp_path: Path, base: str) -> None:
    script = f"""
    import click, os, lib
    class Plugins(click.{base}):
        def list_commands(self, ctx):
            return sorted(f[:-3] for f in os.listdir('commands') if f.endswith('.py'))
        def get_command(self, ctx, name):
            return lib.load(name)
    @click.command(cls=Plugins)
    @click.option('--v')
    def cli(v): pass
    cli()
    """
    (note,) = read(tmp_path, script).notes
    assert note.message == (
        "Plugins loads its subcommands when the script runs: arguments may be missing."
    )
