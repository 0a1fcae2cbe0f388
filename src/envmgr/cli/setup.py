"""`envmgr setup`: add the line that loads the hook to the shell's rc file, or remove it."""

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
@click.option("--remove", is_flag=True, help="Remove the line again: for SHELL, or for all shells.")
@click.pass_obj
def setup_command(context: Context, shell: str | None, *, only_print: bool, remove: bool) -> None:
    """Add the hook to SHELL (by default, the current one): one line in its rc file, shown before it is written."""
    if remove:
        _remove(context, [shells.shell_named(shell)] if shell else list(shells.SHELLS.values()))
        return
    selected = shells.shell_named(shell or detect.current_shell(context.environ))
    line = selected.line(context.home)
    if only_print:
        console.data(f"{line}  {rc.MARK}")
        return
    edits = [rc.plan_addition(file, line) for file in selected.select_files(selected.rc_files(context.environ))]
    shims.refresh(context.home)
    for edit in edits:
        _write(edit)
    console.say(f"Open a new {selected.name}, or run here: {selected.load(context.home)}")


def _remove(context: Context, shells: Sequence[Shell]) -> None:
    """Remove the line from the rc files of `shells`; files without it are not written and may be read-only."""
    files = dict.fromkeys(file for shell in shells for file in shell.rc_files(context.environ))
    edits = [rc.plan_removal(file) for file in files if rc.has_line(file)]
    for edit in edits:
        _write(edit)
    if not edits:
        console.say("No rc file has the line.")
    console.say(f"Open shells keep the hook until `envmgr unload`; {context.home.root} is not changed.")


def _write(edit: rc.Edit) -> None:
    """Print a change, then write it."""
    console.say(f"{edit.path}: {'unchanged' if edit.before == edit.after else 'changed'}")
    for row in edit.diff.splitlines():
        console.say(f"  {row}")
    rc.write(edit)
