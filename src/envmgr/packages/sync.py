"""Synchronizing an environment with the requirements of its project; starts nothing where neither has changed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from envmgr.environments.record import Environment
from envmgr.host import files, lock
from envmgr.packages import engines
from envmgr.packages.engines import Engine, Target
from envmgr.packages.requirements import Requirements

_STATE, _LOCK = "envmgr-sync.json", ".envmgr-sync.lock"  # in the environment


def sync_environment(target: Target, requirements: Requirements, *, engine: str | None = None) -> str | None:
    """Install `requirements`; returns the name of the engine that did, None where the environment was current.

    Two processes that sync one environment at once take turns. Raises UsageError for an unknown engine,
    EnvironmentFailedError, StoreBusyError.
    """
    if is_current(target.environment, requirements):
        return None
    with lock.exclusive(target.environment.path / _LOCK):
        return (
            None
            if is_current(target.environment, requirements)
            else _install(target, requirements, target.engine(engine))
        )


def _install(target: Target, requirements: Requirements, engine: Engine) -> str:
    """Install `requirements` and write the state of the environment; returns the engine's name."""
    environment = target.environment
    (environment.path / _STATE).unlink(missing_ok=True)
    outdated = [file for file in requirements.wheels if _is_installed(environment, file)]
    if requirements.arguments:
        engines.install(engine, target, requirements.arguments)
    if outdated:  # pip skips another build of the same version
        engines.install(engine, target, ["--no-deps", "--force-reinstall", *map(str, outdated)])
    state = {
        "declared": requirements.digest,
        "project": str(environment.project),
        "installed": installed_digest(environment),
        "engine": engine.name,
    }
    files.write_atomically(environment.path / _STATE, json.dumps(state))
    return engine.name


def _is_installed(environment: Environment, wheel: Path) -> bool:
    """Return whether any version of the distribution of `wheel` is installed."""
    return any(environment.path.glob(f"lib/*/site-packages/{wheel.name.partition('-')[0]}-*.dist-info"))


def is_current(environment: Environment, requirements: Requirements) -> bool:
    """Return whether the last sync was for equal `requirements` and the environment has not changed since.

    False for a project that was moved, because an editable installation contains the project's path.
    """
    try:
        state = json.loads(files.read_text(environment.path / _STATE))
        here = str(environment.project)
        same = state["declared"] == requirements.digest and state.get("project", here) == here
        return bool(same and state["installed"] == installed_digest(environment))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def installed_digest(environment: Environment) -> str:
    """Return a hash of the distributions in `environment`: their names, versions and modification times."""
    found = sorted(
        (entry.name, entry.stat().st_mtime_ns)
        for library in environment.path.glob("lib/*/site-packages")
        for entry in os.scandir(library)
        if entry.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
    )
    return hashlib.sha256(repr(found).encode()).hexdigest()
