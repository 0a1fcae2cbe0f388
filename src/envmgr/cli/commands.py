"""Two classes of commands that click does not have: one that refreshes the shims, and a group with complete help."""

from __future__ import annotations

from contextlib import suppress

import click

from envmgr.errors import EnvmgrError
from envmgr.host.paths import Home


class ChangingCommand(click.Command):
    """A command that installs or removes programs; after it, the shims and the versions of environments are refreshed.

    That also happens after an error, because a part may be done. The error of the command is the one that is raised.
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
    """A group whose help shows the whole first sentence of each command; click shortens it to 45 characters."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section of commands."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def refresh(home: Home) -> None:
    """Update the shims, and the version in the pyvenv.cfg of each environment; raises EnvmgrError."""
    if home.versions.is_dir():
        from envmgr.environments import builder
        from envmgr.shell import shims

        shims.refresh(home)
        builder.update_versions(home)
