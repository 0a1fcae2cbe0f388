"""`envmgr setup`: the one line in the shell's rc file."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.shell import detect, dialects, shims
from envmgr.shell import setup as rc


@click.command()
@click.argument("shell", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the line, and change nothing.")
@click.option("--remove", is_flag=True, help="Take the line away again.")
@click.pass_obj
def setup(context: Context, shell: str | None, *, only_print: bool, remove: bool) -> None:
    """Add the hook to SHELL (default: the one that you are in): one line in its rc file, shown before it is written."""
    dialect = dialects.named(shell or detect.shell(context.environ))
    line = dialect.line(context.home)
    if only_print:
        console.data(f"{line}  {rc.MARK}")
        return
    files = dialect.rc_files(context.environ)
    if remove:
        edits = [rc.removing(file) for file in files]
    else:
        edits = [rc.adding(file, line) for file in dialect.chosen(files)]
        shims.refresh(context.home)
    for edit in edits:
        if edit.before != edit.after or not remove:
            console.say(f"{edit.path}: {'unchanged' if edit.before == edit.after else 'changed'}")
        for row in edit.diff.splitlines():
            console.say(f"  {row}")
        rc.write(edit)
    if not remove:
        console.say(f"Open a new {dialect.name}, or run here: {dialect.load(context.home)}")
