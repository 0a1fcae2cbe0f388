"""The health of an environment: whether its Python, project, pin and shared files are intact. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from envmgr.environments import manifest
from envmgr.environments.base_interpreter import base_python
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter


@dataclass(frozen=True)
class Health:
    """`state` is fresh, stale, changed, broken, orphaned or none; `reason` explains it, empty when fresh."""

    state: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.reason}" if self.reason else self.state


def check_health(
    home: Home, environment: Environment | None, interpreter: Interpreter | None = None, *, thorough: bool = False
) -> Health:
    """Return the health of `environment`; None has the state none.

    The state stale is only found with the `interpreter` that the pin means now, the state changed only if `thorough`,
    which compares each file that is shared with the template and takes some milliseconds.
    """
    if environment is None:
        return Health("none", "`envmgr use` makes it")
    if not environment.works:
        return Health("broken", f"its Python ({environment.base or 'unknown'}) is missing; `envmgr use` recreates it")
    if not environment.project.is_dir():
        return Health("orphaned", "its project does not exist; if it was moved, run `envmgr use` there")
    if interpreter and environment.base != _key(home, interpreter):
        return Health(
            "stale", f"it runs on {environment.base}, the pin now means {interpreter.alias}; run `envmgr use`"
        )
    if thorough and (names := manifest.changed(environment.path)):
        return Health("changed", f"{len(names)} files that environments share were changed; run `envmgr env repair`")
    return Health("fresh")


def _key(home: Home, interpreter: Interpreter) -> str:
    """Return the key of environments on `interpreter`, the empty string where none can be made."""
    try:
        return base_python(home, interpreter).key
    except EnvironmentFailedError:
        return ""
