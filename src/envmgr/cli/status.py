"""`envmgr status`: which Python and which environment are active here, who decided, and in which state they are."""

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
def status(context: Context, *, as_json: bool) -> int:
    """Tell which Python and environment are active here, which file and line or variable decided, and their state.

    Exits as the shim would where no Python can be run: 2 for a pin that cannot be understood, 3 or 4 for a Python that
    is missing, 7 for one that is gone.
    """
    try:
        here = active_python(context.home, context.cwd, context.environ)
    except EnvmgrError as error:
        if not as_json:
            raise
        console.data(json.dumps({**dict.fromkeys(_KEYS), "error": _error(error)}, indent=2))
        return error.exit_code
    facts, problem = _facts(context, here)
    if as_json:
        console.data(json.dumps(facts, indent=2))
    else:
        console.table(chain(_rows(here, facts, problem), _minor_row(context, here, facts["version"])))
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


def _facts(context: Context, here: ActivePython) -> tuple[dict[str, Any], EnvmgrError | None]:
    """Return the facts that `--json` prints, and the error that a shim would end with, if any."""
    interpreter, problem = None, None
    try:
        interpreter = here.interpreter(context.home)
    except EnvmgrError as error:
        problem = error if here.problem or not here.environment else None  # an environment needs no other Python
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
    return str(path) if path else None


def _version(here: ActivePython, interpreter: Interpreter | None) -> str | None:
    """Return the version of the Python that is active, None where that is the system's."""
    if here.external:
        build = external.python_build(here.external)
        return str(build.version) if build else None
    return str(interpreter.build.version) if interpreter else None


def _python(
    context: Context, here: ActivePython, interpreter: Interpreter | None, problem: EnvmgrError | None
) -> Path | None:
    """Return the program that `python` runs; of the system, `python3`, which it always has."""
    if here.environment:
        return here.environment.bin / "python"
    if interpreter:
        return interpreter.executable
    return None if problem else resolve.find_on_path("python3", context.home, context.environ)


def _origin(here: ActivePython) -> dict[str, Any] | None:
    """Return who asked: a variable, or a file and its line."""
    pin = here.resolved.pin
    if pin is None:
        return None
    if pin.source is None:
        return {"variable": pin.variable, "file": None, "line": None}
    return {"variable": None, "file": str(pin.source), "line": pin.lines[0]}


def _environment(context: Context, here: ActivePython, interpreter: Interpreter | None) -> dict[str, Any] | None:
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
    """Return what stands at `.venv` in the project, None where nothing does; `target` is what a link says."""
    if here.resolved.project is None:
        return None
    link = here.resolved.project / record.VENV_LINK
    target = record.link_target(link)
    if target is None and not link.exists():
        return None
    active_path = here.environment.path if here.environment else None
    leads = target is not None and target == active_path
    return {"path": str(link), "target": _text(target), "active": leads or (here.external is not None)}


def _engine(context: Context, here: ActivePython) -> str | None:
    """Return what `sync` would install with, None where it could not."""
    try:
        environment = here.environment
        return Target(context.home, environment, context.environ).engine().name if environment else None
    except EnvmgrError:
        return None


def _error(error: EnvmgrError) -> dict[str, Any]:
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}


def _rows(here: ActivePython, facts: dict[str, Any], problem: EnvmgrError | None) -> Iterator[tuple[str, str]]:
    """Yield what people read: a name and a value each."""
    version = facts["version"] or (f"{problem.message}; {problem.hint or ''}" if problem else "system")
    yield "python", f"{version}, replaced since it was linked; link it again" if facts["replaced"] else version
    if facts["python"]:
        yield "path", facts["python"]
    yield "request", here.problem.message if here.problem else here.resolved.words
    yield "decided by", "`envmgr allow`" if here.external else here.resolved.location
    if here.resolved.project:
        yield "project", str(here.resolved.project)
    yield from _environment_rows(here, facts)


def _environment_rows(here: ActivePython, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    made, venv = facts["environment"], facts["venv"]
    if made:
        yield "environment", f"{made['path']} (allowed)" if here.external else made["path"]
        yield "state", f"{made['state']}: {made['detail']}" if made["detail"] else made["state"]
    elif here.resolved.project and not here.problem and not here.resolved.requests[0].system:
        yield "state", "no environment; `envmgr use` makes it"
    if facts["engine"]:
        yield "installs with", facts["engine"]
    if venv and not here.external:
        other = f"leads to {venv['target']}" if venv["target"] else "is not envmgr's"
        yield record.VENV_LINK, "leads to the environment" if venv["active"] else other


def _minor_row(context: Context, here: ActivePython, version: str | None) -> Iterator[tuple[str, str]]:
    """Yield what `python3.12` is, where that is a link in the shims to the interpreter of the active environment."""
    if here.environment and version:
        name = f"python{'.'.join(version.split('.')[:2])}"
        link = context.home.shims / name
        if shutil.which(name, path=context.environ.get("PATH")) == str(link):
            yield name, f"{link}, the interpreter without the environment"
