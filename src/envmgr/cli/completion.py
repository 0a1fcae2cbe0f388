"""`envmgr completion`: print the completion script, for shells without the hook."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.errors import UsageError
from envmgr.shell import shells, shims

_FILES = {"bash": "completion.bash", "zsh": "_envmgr", "fish": "completion.fish"}


@click.command()
@click.argument("shell")
@click.pass_obj
def completion_command(context: Context, shell: str) -> None:
    """Print the script that loads the completion for SHELL: bash, zsh or fish.

    It stays valid after an upgrade of envmgr. The hook that `envmgr setup` adds loads the completion itself.
    """
    if shell not in _FILES:
        raise UsageError(f"no completion for this shell: {shell!a}", hint="there is one for " + ", ".join(_FILES))
    shims.refresh(context.home)
    file = shells.shell_named(shell).quoted(str(context.home.shell / _FILES[shell]))
    if shell == "zsh":
        console.data("#compdef envmgr")
        file = f'{file} "$@"'
    console.data(f"{'source' if shell == 'fish' else '.'} {file}")
