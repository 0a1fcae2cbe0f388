"""Whether an environment is what its project needs. Reads only."""

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
    """`state` is fresh, stale, changed, broken, orphaned or none; `reason` says why, for people; empty when fresh."""

    state: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.reason}" if self.reason else self.state


def check_health(
    home: Home, environment: Environment | None, interpreter: Interpreter | None = None, *, thorough: bool = False
) -> Health:
    """Return the health of `environment`; stale needs the `interpreter` that its pin asks for now.

    `thorough` looks at every file that it shares with its template, some milliseconds: changed needs that.
    """
    if environment is None:
        return Health("none", "`envmgr use` makes it")
    if not environment.works:
        return Health("broken", f"its Python ({environment.base or 'unknown'}) is gone; `envmgr use` makes it anew")
    if not environment.project.is_dir():
        return Health("orphaned", "its project is gone; if it was moved, `envmgr use` there takes it over")
    if interpreter and environment.base != _key(home, interpreter):
        return Health("stale", f"it runs on {environment.base}, the pin now means {interpreter.alias}; `envmgr use`")
    if thorough and (names := manifest.changed(environment.path)):
        return Health("changed", f"{len(names)} files that environments share were changed; `envmgr env repair`")
    return Health("fresh")


def _key(home: Home, interpreter: Interpreter) -> str:
    try:
        return base_python(home, interpreter).key
    except EnvironmentFailedError:
        return ""
