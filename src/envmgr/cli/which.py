"""`envmgr which`: print the program that a command runs; without options, `__main__` runs the code of the shim."""

from __future__ import annotations

import click

from envmgr import hook_calls
from envmgr.cli import Context, console
from envmgr.shell import programs
from envmgr.shell.active import active_python


@click.command()
@click.argument("command")
@click.option(
    "-a", "--all", "everything", is_flag=True, help="Print all programs that the command may mean, the first one first."
)
@click.pass_obj
def which_command(context: Context, command: str, *, everything: bool) -> None:
    """Print the path of the program that COMMAND runs here."""
    if not everything:
        console.data(hook_calls.which(context.home, command, context.environ))
        return
    here = active_python(context.home, context.cwd, context.environ)
    found = list(dict.fromkeys(programs.candidates(context.home, here, command, context.environ)))
    for program in found or [programs.find_program(context.home, here, command, context.environ)]:
        console.data(program)
