"""Bringing an environment to what its project declares; nothing is run when nothing changed since the last time."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from envmgr.environments.record import Environment
from envmgr.packages import engine as engines
from envmgr.packages.declared import Declared
from envmgr.packages.engine import Workplace

_STATE = "envmgr-sync.json"  # in the environment


def sync(place: Workplace, wanted: Declared, *, engine: str | None = None) -> str | None:
    """Install what is `wanted`; returns the name of the engine that did, None when there was nothing to do.

    Raises EnvironmentFailedError.
    """
    environment = place.environment
    if current(environment, wanted):
        return None
    (environment.path / _STATE).unlink(missing_ok=True)
    chosen = place.engine(engine)
    outdated = [file for file in wanted.wheels if _has(environment, file)]
    if wanted.arguments:
        engines.install(chosen, place, wanted.arguments)
    if outdated:  # another build of the same version is no reason for pip to install it
        engines.install(chosen, place, ["--no-deps", "--force-reinstall", *map(str, outdated)])
    state = {"declared": wanted.digest, "installed": installed(environment), "engine": chosen.name}
    staged = environment.path / f".{_STATE}.{os.getpid()}"
    staged.write_text(json.dumps(state), encoding="utf-8")
    staged.replace(environment.path / _STATE)
    return chosen.name


def _has(environment: Environment, wheel: Path) -> bool:
    """Whether some version of what `wheel` holds is installed."""
    return any(environment.path.glob(f"lib/*/site-packages/{wheel.name.partition('-')[0]}-*.dist-info"))


def current(environment: Environment, wanted: Declared) -> bool:
    """Whether the last sync was for the same declaration, and nobody changed the environment since."""
    try:
        state = json.loads((environment.path / _STATE).read_text(encoding="utf-8"))
        return bool(state["declared"] == wanted.digest and state["installed"] == installed(environment))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def installed(environment: Environment) -> str:
    """Return a hash over the distributions in `environment`: their names, versions and when they were put there."""
    found = sorted(
        (entry.name, entry.stat().st_mtime_ns)
        for library in environment.path.glob("lib/*/site-packages")
        for entry in os.scandir(library)
        if entry.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
    )
    return hashlib.sha256(repr(found).encode()).hexdigest()
