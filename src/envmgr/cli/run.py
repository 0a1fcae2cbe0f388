"""`envmgr run`: run one command with the Python and in the environment of a project."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from envmgr.cli import Context
from envmgr.cli.ensure import ensure_environment, ensure_installed
from envmgr.environments import activation
from envmgr.host import process
from envmgr.shell import programs, shims
from envmgr.shell.active import ActivePython, active_python


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-p", "--python", "request", metavar="REQUEST", help="Use this Python instead of the pin.")
@click.option("--no-install", is_flag=True, help="Use only Pythons that are installed.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run_command(context: Context, request: str | None, command: tuple[str, ...], *, no_install: bool) -> int:
    """Run COMMAND with the Python and in the environment that are active here.

    A missing Python is installed and a missing environment made first, as by `envmgr use`. With --python, the
    interpreter itself is used where the project has no environment for it. Every installed pythonX.Y is on PATH, for
    tox, nox and similar tools.
    """
    here = active_python(context.home, context.cwd, context.environ, request=request)
    variables = _variables(context, here, make=not request, install=not no_install)
    program = shutil.which(command[0], path=variables["PATH"])
    if program is None:
        raise programs.missing_error(context.home, here, command[0])
    if programs.installs(Path(program).name, command[1:]):
        return shims.run_installer(context.home, Path(program), command, variables)
    return process.exec_program(Path(program), command, variables)


def _variables(context: Context, here: ActivePython, *, make: bool, install: bool) -> dict[str, str]:
    """Return the variables for the command: of the active environment, made if `make`, else of the interpreters."""
    environ = {**context.environ, **here.variables}
    environment = ensure_environment(context, here, install=install) if make else here.environment
    if environment:
        return activation.environment_variables(context.home, environment, environ)
    found = ensure_installed(context, here.resolved, install=install)
    working = [interpreter for interpreter in found if interpreter.works]
    if found and not working:
        raise found[0].missing_error()
    return activation.interpreter_variables(context.home, working, environ)
