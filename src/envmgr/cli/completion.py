"""`envmgr completion`: for shells that do not load the hook, which brings its own completion."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.errors import UsageError
from envmgr.shell import shells, shims

_FILES = {"bash": "completion.bash", "zsh": "_envmgr", "fish": "completion.fish"}


@click.command()
@click.argument("shell")
@click.pass_obj
def completion(context: Context, shell: str) -> None:
    """Print what loads the completion for SHELL: bash, zsh or fish.

    It stays right when envmgr is upgraded. The hook that `envmgr setup` adds loads it by itself.
    """
    if shell not in _FILES:
        raise UsageError(f"no completion for this shell: {shell!a}", hint="there is one for " + ", ".join(_FILES))
    shims.refresh(context.home)
    file = shells.shell_named(shell).quoted(str(context.home.shell / _FILES[shell]))
    if shell == "zsh":
        console.data("#compdef envmgr")
        file = f'{file} "$@"'
    console.data(f"{'source' if shell == 'fish' else '.'} {file}")
