"""`envmgr setup`: the one line in the shell's rc file."""

from __future__ import annotations

from collections.abc import Sequence

import click

from envmgr.cli import Context, console
from envmgr.shell import detect, shells, shims
from envmgr.shell import setup as rc
from envmgr.shell.shells import Shell


@click.command()
@click.argument("shell", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the line, and change nothing.")
@click.option("--remove", is_flag=True, help="Take the line away again: for SHELL, or for all shells.")
@click.pass_obj
def setup(context: Context, shell: str | None, *, only_print: bool, remove: bool) -> None:
    """Add the hook to SHELL (default: the one that you are in): one line in its rc file, shown before it is written."""
    if remove:
        _remove(context, [shells.shell_named(shell)] if shell else list(shells.SHELLS.values()))
        return
    dialect = shells.shell_named(shell or detect.current_shell(context.environ))
    line = dialect.line(context.home)
    if only_print:
        console.data(f"{line}  {rc.MARK}")
        return
    edits = [rc.plan_addition(file, line) for file in dialect.select_files(dialect.rc_files(context.environ))]
    shims.refresh(context.home)
    for edit in edits:
        _write(edit)
    console.say(f"Open a new {dialect.name}, or run here: {dialect.load(context.home)}")


def _remove(context: Context, shells: Sequence[Shell]) -> None:
    """Take the line out of the rc files of `shells`; files without it are not touched, and may be read-only."""
    files = dict.fromkeys(file for dialect in shells for file in dialect.rc_files(context.environ))
    edits = [rc.plan_removal(file) for file in files if rc.has_line(file)]
    for edit in edits:
        _write(edit)
    if not edits:
        console.say("No rc file has the line.")
    console.say(f"Shells that are open keep the hook until `envmgr unload`; {context.home.root} stays as it is.")


def _write(edit: rc.Edit) -> None:
    """Show a change, then make it."""
    console.say(f"{edit.path}: {'unchanged' if edit.before == edit.after else 'changed'}")
    for row in edit.diff.splitlines():
        console.say(f"  {row}")
    rc.write(edit)
