"""The command line: one module per verb, imported when the verb is called. Only `console` prints."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

import click

from envmgr import __version__
from envmgr.cli import console
from envmgr.cli.commands import Group
from envmgr.errors import UsageError
from envmgr.host import ownership, paths, platforms
from envmgr.host.paths import Environ, Home

# verb -> its help; the click command is `<verb>_command` in the module envmgr.cli.<verb>
VERBS = {
    "use": "Pin a Python here (or globally), make the environment, and activate it.",
    "install": "Download and install Pythons.",
    "uninstall": "Remove installed Pythons.",
    "upgrade": "Install the newest patch or rebuild of what is installed.",
    "list": "List installed, or available, Pythons.",
    "find": "Print the path of the Python that matches a request.",
    "link": "Use Pythons that this machine already has.",
    "prune": "Remove unused Pythons, templates and archives.",
    "refresh": "Fetch the newest index of Pythons.",
    "mirror": "Pack, collect and serve Python archives.",
    "env": "List, locate, repair and remove environments.",
    "sync": "Install the requirements of the project into its environment.",
    "run": "Run a command with a project's Python.",
    "test": "Run the project's tests over many Pythons.",
    "matrix": "Print the test cells for a CI system.",
    "which": "Print the path of the program that a command runs.",
    "whence": "List the Pythons and environments that have a command.",
    "status": "Show the active Python and environment, and the pin that selects them.",
    "doctor": "Check the setup of this machine and shell.",
    "allow": "Allow a project to activate its own .venv and to set variables.",
    "deny": "Revoke what was allowed.",
    "setup": "Add the hook to your shell.",
    "completion": "Print the completion script for a shell.",
}


@dataclass(frozen=True)
class Context:
    """The variables and the directory of this process, and the store: read once and passed to every verb."""

    environ: Environ
    cwd: Path
    home: Home

    @property
    def cache(self) -> Path:
        """The cache directory."""
        return paths.cache(self.environ)


# commands of the shell function `envmgr` of the hooks, which change the shell itself
HOOK_COMMANDS = {
    "shell": "Use another Python in this shell only: VERSION, --unset, or - for the previous one.",
    "deactivate": "Deactivate the environment until you leave the project.",
    "activate": "Activate it again.",
    "unload": "Remove the hook from this shell.",
}
# commands of pyenv, uv, virtualenv, direnv, mise and tox -> the hint that names the command of envmgr
OTHER_TOOLS_COMMANDS = {
    "add": "add the requirement to pyproject.toml or requirements.txt, then run `envmgr sync`",
    "create": "`envmgr use VERSION` makes the environment",
    "edit": "write the version file with `envmgr use VERSION`",
    "exec": "`envmgr run COMMAND`",
    "global": "`envmgr use --global VERSION`",
    "hook": "`envmgr setup` adds the hook to your shell",
    "info": "`envmgr status`",
    "init": "`envmgr setup` adds the hook to your shell, `envmgr use VERSION` pins a Python in this directory",
    "latest": "`envmgr list --available VERSION`",
    "local": "`envmgr use VERSION`",
    "lock": "envmgr installs from a lock file and does not write one; use the tool that writes yours",
    "ls": "`envmgr list`",
    "pin": "`envmgr use VERSION`",
    "pip": "`envmgr run pip`, or `pip` alone",
    "prefix": "`envmgr find VERSION`",
    "python": "`envmgr install`, `envmgr list`, `envmgr find` and `envmgr use`",
    "rehash": "shims are kept up to date without it",
    "remove": "`envmgr env remove` removes an environment, `envmgr uninstall` a Python",
    "reshim": "shims are kept up to date without it",
    "root": "`envmgr status` shows the paths in use, `envmgr doctor` the store",
    "shims": "`envmgr doctor` shows where the shims are",
    "tool": "`pipx` installs tools into environments of their own",
    "update": "`envmgr upgrade` installs new patches, `envmgr refresh` fetches the index of Pythons",
    "venv": "`envmgr use VERSION` makes the environment",
    "version": "`envmgr status` shows the Python in use, `envmgr --version` the version of envmgr",
    "versions": "`envmgr list`",
    "virtualenv": "`envmgr use VERSION` makes the environment",
    "virtualenvs": "`envmgr env list`",
}


class _Verbs(Group):
    """The group of all verbs; it imports the module of a verb only when the verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in VERBS:
            return None
        module = importlib.import_module(f"envmgr.cli.{name}_" if name == "list" else f"envmgr.cli.{name}")
        command = getattr(module, f"{name}_command")
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))
        with formatter.section("Commands of the hook, after `envmgr setup`"):
            formatter.write_dl(list(HOOK_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args[0] in HOOK_COMMANDS:
                raise UsageError(
                    f"`envmgr {args[0]}` works only in a shell with the hook, and this shell has not loaded it",
                    hint="run `envmgr setup`, and open a new shell; in scripts, set ENVMGR_VERSION or use `envmgr run`",
                ) from error
            raise UsageError(f"no such command: {args[0]!a}", hint=_suggestion(args[0])) from error


def _suggestion(word: str) -> str:
    """Return the hint for a `word` that is no command: the command to type instead."""
    import difflib

    near = difflib.get_close_matches(word, [*VERBS, *HOOK_COMMANDS], n=1)
    return OTHER_TOOLS_COMMANDS.get(word) or (
        f"did you mean `envmgr {near[0]}`?" if near else "`envmgr --help` lists the commands"
    )


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="envmgr %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Install Pythons, make environments, run tests; the environment of a project is active when you enter it."""
    platforms.ensure_supported(os.name)
    home = paths.home(os.environ)
    if ctx.invoked_subcommand not in {"completion", "doctor"}:  # doctor reports the problem itself
        ownership.ensure_usable(home)
    ctx.obj = Context(os.environ, paths.working_directory(os.environ), home)


def main(argv: list[str]) -> int:
    """Run one command line and return the exit code; raises EnvmgrError, OSError and KeyboardInterrupt.

    `envmgr help VERB` is `envmgr VERB --help`, as in git, pyenv and uv. `cli.main` of click is not called: it turns a
    broken pipe into exit code 1, and reads a variable for click's own completion.
    """
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    try:
        with cli.make_context("envmgr", argv) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        console.data(error.format_message())
        return 0
    except click.ClickException as error:
        usage = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else None
        raise UsageError(error.format_message(), hint=usage) from error
    return result if isinstance(result, int) else 0
