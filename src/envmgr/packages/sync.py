"""Bringing an environment to what its project declares; nothing is run when nothing changed since the last time."""

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


def sync_environment(place: Target, wanted: Requirements, *, engine: str | None = None) -> str | None:
    """Install what is `wanted`; returns the name of the engine that did, None when there was nothing to do.

    Of two that sync one environment at once, the second waits. Raises EnvironmentFailedError, StoreBusyError.
    """
    if is_current(place.environment, wanted):
        return None
    with lock.exclusive(place.environment.path / _LOCK):
        return None if is_current(place.environment, wanted) else _install(place, wanted, place.engine(engine))


def _install(place: Target, wanted: Requirements, engine: Engine) -> str:
    environment = place.environment
    (environment.path / _STATE).unlink(missing_ok=True)
    outdated = [file for file in wanted.wheels if _has(environment, file)]
    if wanted.arguments:
        engines.install(engine, place, wanted.arguments)
    if outdated:  # another build of the same version is no reason for pip to install it
        engines.install(engine, place, ["--no-deps", "--force-reinstall", *map(str, outdated)])
    state = {
        "declared": wanted.digest,
        "project": str(environment.project),
        "installed": installed_digest(environment),
        "engine": engine.name,
    }
    files.write_atomically(environment.path / _STATE, json.dumps(state))
    return engine.name


def _has(environment: Environment, wheel: Path) -> bool:
    """Whether some version of what `wheel` holds is installed."""
    return any(environment.path.glob(f"lib/*/site-packages/{wheel.name.partition('-')[0]}-*.dist-info"))


def is_current(environment: Environment, wanted: Requirements) -> bool:
    """Whether the last sync was for the same declaration, and nobody changed the environment since.

    An editable installation names the project's directory, so a project that was moved is synced anew.
    """
    try:
        state = json.loads(files.read_text(environment.path / _STATE))
        here = str(environment.project)
        same = state["declared"] == wanted.digest and state.get("project", here) == here
        return bool(same and state["installed"] == installed_digest(environment))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def installed_digest(environment: Environment) -> str:
    """Return a hash over the distributions in `environment`: their names, versions and when they were put there."""
    found = sorted(
        (entry.name, entry.stat().st_mtime_ns)
        for library in environment.path.glob("lib/*/site-packages")
        for entry in os.scandir(library)
        if entry.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
    )
    return hashlib.sha256(repr(found).encode()).hexdigest()
