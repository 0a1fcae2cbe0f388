"""The variables of a process that runs with an environment active, or with bare interpreters first on PATH.

Returns new mappings; must not change the variables of this process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from envmgr.environments.record import Environment
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter


def environment_variables(home: Home, environment: Environment, environ: Environ) -> dict[str, str]:
    """Return `environ` with `environment` active: its commands are first on PATH, and no other one is active."""
    variables = _without_active_environment(home, environ) | {
        "VIRTUAL_ENV": str(environment.path),
        "VIRTUAL_ENV_PROMPT": environment.name,
    }
    return _prepend_to_path(home, [str(environment.bin)], variables)


def interpreter_variables(home: Home, interpreters: Sequence[Interpreter], environ: Environ) -> dict[str, str]:
    """Return `environ` with the commands of `interpreters` first on PATH, and no environment active.

    The entries on PATH go through the aliases, as the shims do, so that a program that stores such a path follows
    patch upgrades.
    """
    commands = [str(home.aliases / interpreter.alias / "bin") for interpreter in interpreters]
    return _prepend_to_path(home, commands, _without_active_environment(home, environ))


def _without_active_environment(home: Home, environ: Environ) -> dict[str, str]:
    """Return `environ` without the variables of an active environment and without its entries on PATH."""
    variables = dict(environ)
    active = variables.pop("VIRTUAL_ENV", "")
    for name in ("VIRTUAL_ENV_PROMPT", "PYTHONHOME", "__PYVENV_LAUNCHER__"):
        variables.pop(name, None)
    entries = variables.get("PATH", os.defpath).split(os.pathsep)
    store_prefix = f"{home.envs}/"
    active_bin = f"{active}/bin" if active else None
    variables["PATH"] = os.pathsep.join(
        entry for entry in entries if entry != active_bin and not entry.startswith(store_prefix)
    )
    return variables


def _prepend_to_path(home: Home, commands: list[str], variables: dict[str, str]) -> dict[str, str]:
    """Put `commands` first on PATH, then `shims/` with its links `pythonX.Y`, which tox, nox and Poetry look for."""
    others = [entry for entry in variables["PATH"].split(os.pathsep) if entry != str(home.shims)]
    variables["PATH"] = os.pathsep.join([*commands, str(home.shims), *others])
    return variables
