"""``keynet completion bash|zsh|fish``."""

import click

from keynet.cli.help_pages import help_page
from keynet.text import _


@click.command(
    help=help_page(
        _("Generate the completion script for a shell."),
        "\b\n"
        'bash:  eval "$(keynet completion bash)"     # ~/.bashrc\n'
        'zsh:   eval "$(keynet completion zsh)"      # ~/.zshrc\n'
        "fish:  keynet completion fish > ~/.config/fish/completions/keynet.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    from click.shell_completion import get_completion_class

    root = ctx.find_root()
    kind = get_completion_class(shell)
    assert kind is not None, _("click supports bash, zsh and fish")
    script = kind(root.command, {}, "keynet", "_KEYNET_COMPLETE").source()
    # click's script for fish would cut a description at its first comma.
    click.echo(script.replace('(string split "," ', '(string split --max 1 "," '))
