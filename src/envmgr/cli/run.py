"""`envmgr run`: run one command as it would run in an active project."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from envmgr.cli import Context
from envmgr.environments import inside, record
from envmgr.host import process
from envmgr.pythons import resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Store
from envmgr.shell import programs, trust
from envmgr.versions import pins


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "-p", "--python", "request", metavar="REQUEST", help="Use this Python instead of the one that rules here."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(context: Context, request: str | None, command: tuple[str, ...]) -> None:
    """Run COMMAND with the Python, and in the environment, that rules here.

    Every installed pythonX.Y is on PATH, so that tox, nox and their kin find them.
    """
    environ = dict(context.environ)
    if request:
        environ[pins.VARIABLE] = request
    ruling = resolve.ruling(context.home, context.cwd, environ, said="--python" if request else pins.VARIABLE)
    variables = _variables(context, ruling, environ)
    program = shutil.which(command[0], path=variables["PATH"])
    if program is None:
        raise programs.missing(context.home, ruling, command[0])
    process.become(Path(program), command, variables)


def _variables(context: Context, ruling: Ruling, environ: dict[str, str]) -> dict[str, str]:
    """Return the variables for the command: of what was allowed, the environment on record, or the interpreters."""
    grant = trust.granted(context.home, context.cwd, ruling.project, resolve.ceilings(environ))
    environ |= grant.variables
    if grant.venv:
        return inside.foreign(context.home, grant.venv, record.sanitized(grant.venv.parent.name), environ)
    environment = record.lookup(context.home, ruling.project, ruling.words) if ruling.project else None
    if environment and environment.works:
        return inside.environment(context.home, environment, environ)
    store = Store(context.home)
    found = [resolve.interpreter(store, ruling, request) for request in ruling.requests if not request.system]
    working = [interpreter for interpreter in found if interpreter.works]
    if found and not working:
        raise found[0].lost()
    return inside.interpreters(context.home, working, environ)
