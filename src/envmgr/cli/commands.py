"""Two kinds of commands that click does not have: one that changes which commands exist, and a group with full help."""

from __future__ import annotations

from contextlib import suppress

import click

from envmgr.errors import EnvmgrError
from envmgr.host.paths import Home


class ChangingCommand(click.Command):
    """A command that installs or removes programs: after it, shims and environments are brought up to date.

    That happens also after a failure, because a part may have been done. The failure is then the one that is reported.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, then, unless it is a dry run, refresh the shims of `ctx.obj.home`; raises EnvmgrError."""
        if ctx.params.get("dry_run"):
            return super().invoke(ctx)
        try:
            result = super().invoke(ctx)
        except BaseException:
            with suppress(EnvmgrError, OSError):
                refresh(ctx.obj.home)
            raise
        refresh(ctx.obj.home)
        return result


class Group(click.Group):
    """A group whose help shows the whole first sentence of each command; click cuts it at 45 characters."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section of commands."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def refresh(home: Home) -> None:
    """Make shims match the programs that the store holds, and environments the patch that they run on."""
    if home.versions.is_dir():
        from envmgr.environments import builder
        from envmgr.shell import shims

        shims.refresh(home)
        builder.update_versions(home)
