"""`envmgr status`: which Python rules here, who decided, and how its environment is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.environments import record
from envmgr.environments.health import health
from envmgr.environments.record import Environment
from envmgr.errors import EnvmgrError
from envmgr.packages.engine import Workplace
from envmgr.pythons import resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Interpreter, Store


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(context: Context, *, as_json: bool) -> None:
    """Tell which Python rules here, which file and line or variable decided, and how its environment is."""
    facts = _facts(context, resolve.ruling(context.home, context.cwd, context.environ))
    if as_json:
        console.data(json.dumps(facts, indent=2))
    else:
        console.table((name, value) for name, value in facts.items() if value)


def _facts(context: Context, ruling: Ruling) -> dict[str, str | None]:
    interpreter, problem = _interpreter(context, ruling)
    environment = record.lookup(context.home, ruling.project, ruling.words) if ruling.project else None
    facts = {
        "python": _version(interpreter) if interpreter else problem,
        "path": str(_path(context, ruling, interpreter, environment) or "") or None,
        "asked for": ruling.words,
        "decided by": ruling.origin,
        "project": str(ruling.project) if ruling.project else None,
        "environment": str(environment.path) if environment else None,
    }
    if ruling.project and not ruling.requests[0].system:
        facts["state"] = str(health(context.home, environment, interpreter))
        facts["installs with"] = _engine(context, environment)
        facts[record.LINK] = _link(ruling, environment)
    return facts


def _interpreter(context: Context, ruling: Ruling) -> tuple[Interpreter | None, str]:
    """Return the interpreter that rules, else None and why."""
    if ruling.requests[0].system:
        return None, "system"
    try:
        return resolve.interpreter(Store(context.home), ruling, ruling.requests[0]).checked(), ""
    except EnvmgrError as error:
        return None, f"{error.message}; {error.hint}" if error.hint else error.message


def _version(interpreter: Interpreter) -> str:
    version = str(interpreter.build.version)
    return f"{version}, replaced since it was linked; link it again" if interpreter.changed else version


def _path(
    context: Context, ruling: Ruling, interpreter: Interpreter | None, environment: Environment | None
) -> Path | None:
    if environment and environment.works:
        return environment.bin / "python"
    if ruling.requests[0].system:
        return resolve.system("python3", context.home, context.environ)
    return interpreter.executable if interpreter else None


def _engine(context: Context, environment: Environment | None) -> str | None:
    """Return what `sync` would install with."""
    try:
        return Workplace(context.home, environment, context.environ).engine().name if environment else None
    except EnvmgrError as error:
        return error.message


def _link(ruling: Ruling, environment: Environment | None) -> str | None:
    """Say what the project's `.venv` is, None where there is none."""
    assert ruling.project  # noqa: S101 - for the type checker
    link = ruling.project / record.LINK
    target = record.target(link)
    if environment and target == environment.path:
        return "leads to the environment"
    if target:
        return f"leads to {target}"
    return "is not envmgr's" if link.exists() else None
