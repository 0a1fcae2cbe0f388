"""The variables of a process that runs inside an environment, or on bare interpreters."""

from __future__ import annotations

import os
from collections.abc import Sequence

from envmgr.environments.record import Environment
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter


def environment_variables(home: Home, inner: Environment, environ: Environ) -> dict[str, str]:
    """Return `environ` as it is inside of environment `inner`: its commands first, no other environment active."""
    variables = _without_active_environment(home, environ) | {
        "VIRTUAL_ENV": str(inner.path),
        "VIRTUAL_ENV_PROMPT": inner.name,
    }
    return _prepend_to_path(home, [str(inner.bin)], variables)


def interpreter_variables(home: Home, found: Sequence[Interpreter], environ: Environ) -> dict[str, str]:
    """Return `environ` with the commands of bare interpreters first, and no environment active.

    They are reached through their aliases, as by the shims: what remembers the path follows patch upgrades.
    """
    return _prepend_to_path(
        home, [str(home.aliases / one.alias / "bin") for one in found], _without_active_environment(home, environ)
    )


def _without_active_environment(home: Home, environ: Environ) -> dict[str, str]:
    """Return `environ` without any active environment: its variables, and its commands on PATH."""
    variables = dict(environ)
    active = variables.pop("VIRTUAL_ENV", "")
    for name in ("VIRTUAL_ENV_PROMPT", "PYTHONHOME", "__PYVENV_LAUNCHER__"):
        variables.pop(name, None)
    entries = variables.get("PATH", os.defpath).split(os.pathsep)
    ours = f"{home.envs}/"
    gone = f"{active}/bin" if active else None
    variables["PATH"] = os.pathsep.join(entry for entry in entries if entry != gone and not entry.startswith(ours))
    return variables


def _prepend_to_path(home: Home, commands: list[str], variables: dict[str, str]) -> dict[str, str]:
    """Put `commands` first on PATH, then the links `pythonX.Y`, which stock tools look for (tox, nox, Poetry)."""
    rest = [entry for entry in variables["PATH"].split(os.pathsep) if entry != str(home.shims)]
    variables["PATH"] = os.pathsep.join([*commands, str(home.shims), *rest])
    return variables
