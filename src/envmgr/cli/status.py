"""`envmgr status`: show the active Python and environment, the pin that selects them, and their state."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click

from envmgr.cli import Context, console
from envmgr.environments import external, record
from envmgr.environments.health import Health, check_health
from envmgr.errors import EnvmgrError
from envmgr.packages.engines import Target
from envmgr.pythons import resolve
from envmgr.pythons.store import Interpreter
from envmgr.shell.active import ActivePython, active_python


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status_command(context: Context, *, as_json: bool) -> int:
    """Show the active Python and environment, the file and line or the variable that selects them, and their state.

    Where no Python can be run, the exit code is that of the shim: 2 for an invalid pin, 3 or 4 for a missing Python, 7
    for a broken one.
    """
    try:
        here = active_python(context.home, context.cwd, context.environ)
    except EnvmgrError as error:
        if not as_json:
            raise
        console.data(json.dumps({**dict.fromkeys(_KEYS), "error": _error(error)}, indent=2))
        return error.exit_code
    fields, problem = _fields(context, here)
    if as_json:
        console.data(json.dumps(fields, indent=2))
    else:
        console.table(chain(_rows(here, fields, problem), _minor_row(context, here, fields["version"])))
    return problem.exit_code if problem else 0


_KEYS = (
    "version",
    "replaced",
    "python",
    "reason",
    "request",
    "origin",
    "project",
    "environment",
    "venv",
    "engine",
    "error",
)


def _fields(context: Context, here: ActivePython) -> tuple[dict[str, Any], EnvmgrError | None]:
    """Return the fields that `--json` prints, and the error that a shim would end with, if any."""
    interpreter, problem = None, None
    try:
        interpreter = here.interpreter(context.home)
    except EnvmgrError as error:
        problem = error if here.problem or not here.environment else None  # an environment does not need the alias
    values = {
        "version": _version(here, interpreter),
        "replaced": bool(interpreter and not here.external and interpreter.replaced),
        "python": _text(_python(context, here, interpreter, problem)),
        "reason": here.reason,
        "request": None if here.problem else here.resolved.words,
        "origin": _origin(here),
        "project": _text(here.resolved.project),
        "environment": _environment(context, here, interpreter),
        "venv": _venv(here),
        "engine": _engine(context, here),
        "error": _error(problem) if problem else None,
    }
    return {key: values[key] for key in _KEYS}, problem


def _text(path: Path | None) -> str | None:
    """Return a path as JSON has it."""
    return str(path) if path else None


def _version(here: ActivePython, interpreter: Interpreter | None) -> str | None:
    """Return the version of the active Python, None for the system's."""
    if here.external:
        build = external.python_build(here.external)
        return str(build.version) if build else None
    return str(interpreter.build.version) if interpreter else None


def _python(
    context: Context, here: ActivePython, interpreter: Interpreter | None, problem: EnvmgrError | None
) -> Path | None:
    """Return the program that `python` runs; for the system, that of `python3`, which always exists."""
    if here.environment:
        return here.environment.bin / "python"
    if interpreter:
        return interpreter.executable
    return None if problem else resolve.find_on_path("python3", context.home, context.environ)


def _origin(here: ActivePython) -> dict[str, Any] | None:
    """Return the origin of the pin: a variable, or a file and its line."""
    pin = here.resolved.pin
    if pin is None:
        return None
    if pin.source is None:
        return {"variable": pin.variable, "file": None, "line": None}
    return {"variable": None, "file": str(pin.source), "line": pin.lines[0]}


def _environment(context: Context, here: ActivePython, interpreter: Interpreter | None) -> dict[str, Any] | None:
    """Return the allowed or the recorded environment with its state, None where there is none."""
    found = here.external or here.recorded
    if found is None:
        return None
    state = check_health(context.home, found, None if found.external else interpreter)
    if here.mismatch:
        state = Health("stale", here.mismatch)
    return {
        "path": str(found.path),
        "external": found.external,
        "state": state.state,
        "detail": state.reason or None,
    }


def _venv(here: ActivePython) -> dict[str, Any] | None:
    """Return the `.venv` of the project, None where there is none; `target` is the text of a link."""
    if here.resolved.project is None:
        return None
    link = here.resolved.project / record.VENV_LINK
    target = record.link_target(link)
    if target is None and not link.exists():
        return None
    active_path = here.environment.path if here.environment else None
    links_to_active = target is not None and target == active_path
    return {"path": str(link), "target": _text(target), "active": links_to_active or (here.external is not None)}


def _engine(context: Context, here: ActivePython) -> str | None:
    """Return the engine that `sync` would use, None where there is none."""
    try:
        environment = here.environment
        return Target(context.home, environment, context.environ).engine().name if environment else None
    except EnvmgrError:
        return None


def _error(error: EnvmgrError) -> dict[str, Any]:
    """Return an error as JSON has it."""
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}


def _rows(here: ActivePython, fields: dict[str, Any], problem: EnvmgrError | None) -> Iterator[tuple[str, str]]:
    """Yield the rows of the table: a name and a value each."""
    version = fields["version"] or (f"{problem.message}; {problem.hint or ''}" if problem else "system")
    yield "python", f"{version}, replaced since it was linked; link it again" if fields["replaced"] else version
    if fields["python"]:
        yield "path", fields["python"]
    yield "request", here.problem.message if here.problem else here.resolved.words
    yield "selected by", "`envmgr allow`" if here.external else here.resolved.location
    if here.resolved.project:
        yield "project", str(here.resolved.project)
    yield from _environment_rows(here, fields)


def _environment_rows(here: ActivePython, fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the rows on the environment, the engine and `.venv`."""
    made, venv = fields["environment"], fields["venv"]
    if made:
        yield "environment", f"{made['path']} (allowed)" if here.external else made["path"]
        yield "state", f"{made['state']}: {made['detail']}" if made["detail"] else made["state"]
    elif here.resolved.project and not here.problem and not here.resolved.requests[0].system:
        yield "state", "no environment; `envmgr use` makes it"
    if fields["engine"]:
        yield "installs with", fields["engine"]
    if venv and not here.external:
        other = f"links to {venv['target']}" if venv["target"] else "is not envmgr's"
        yield record.VENV_LINK, "links to the environment" if venv["active"] else other


def _minor_row(context: Context, here: ActivePython, version: str | None) -> Iterator[tuple[str, str]]:
    """Yield the row on `python3.12` where PATH finds the link in the shims, not the environment's own."""
    if here.environment and version:
        name = f"python{'.'.join(version.split('.')[:2])}"
        link = context.home.shims / name
        if shutil.which(name, path=context.environ.get("PATH")) == str(link):
            yield name, f"{link}, the interpreter without the environment"
