"""The rule that picks: variable, nearest version file, global default, system. `shims/shim.sh` tells the same in sh.

tests/conformance holds the table that keeps the two, and the hooks, saying one thing.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import NoSuchVersionError, NotInstalledError
from envmgr.host import variables
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions import pins
from envmgr.versions.pins import Pin
from envmgr.versions.request import VersionRequest

CEILINGS = variables.CEILING_DIRS
GUARD = variables.SHIM  # the process that a shim has sent to the shim of another tool


@dataclass(frozen=True)
class ResolvedPin:
    """Which pin rules `directory`, and which project it is in; a pin by variable keeps the directory's project."""

    pin: Pin | None
    project: Path | None
    directory: Path | None = None

    @property
    def words(self) -> str:
        """The pin's words; `system` when nothing rules."""
        return self.pin.words if self.pin else "system"

    @property
    def requests(self) -> tuple[VersionRequest, ...]:
        """What is asked for, most wanted first."""
        return self.pin.requests if self.pin else (VersionRequest.parse("system"),)

    @property
    def location(self) -> str:
        """Who decided: a variable's name, `file:line`, or that nothing did."""
        return self.pin.location if self.pin else "no version file and no global default"


def resolve_pin(home: Home, directory: Path, environ: Environ, *, said: str = pins.VARIABLE) -> ResolvedPin:
    """Return what rules `directory` under `environ`; `said` is who set the variable, where an option did.

    Raises UsageError for a pin that cannot be understood.
    """
    if named := pins.parse(environ.get(pins.VARIABLE, ""), variable=said):
        return ResolvedPin(named, pins.nearest_project(directory, ceilings(environ)), directory)
    nearest = pins.nearest_pin(directory, ceilings(environ))
    return ResolvedPin(nearest or pins.read(home.default), nearest.project if nearest else None, directory)


def ceilings(environ: Environ) -> list[Path]:
    """Return the directories in and above which no project is looked for, from a list as in PATH."""
    return [Path(entry) for entry in environ.get(CEILINGS, "").split(os.pathsep) if entry.startswith("/")]


def installed_interpreter(store: Store, ruling: ResolvedPin, request: VersionRequest) -> Interpreter:
    """Return the installed interpreter for one request of `ruling`.

    Raises NotInstalledError, or NoSuchVersionError for a name that no linked interpreter has; both name the place.
    """
    if found := store.find(request):
        return found
    raise missing_error(store, request, place=f" ({ruling.location})")


def missing_error(store: Store, request: VersionRequest, *, place: str = "") -> NoSuchVersionError | NotInstalledError:
    """Return the error for a request that no installed interpreter answers; `place` is appended to its message.

    Only linked interpreters have names, so that one that is not there does not exist.
    """
    if request.name is not None:
        names = ", ".join(sorted({build.tag for build in store.builds() if store.interpreter(build).linked}))
        return NoSuchVersionError(
            f"no Python is called {request.text}{place}",
            hint=f"the names are {names}" if names else "no Python has a name yet; `envmgr link` gives one",
        )
    return NotInstalledError(
        f"Python {request.text} is not installed{place}",
        hint=f"run `envmgr install {shlex.quote(request.text)}`",
    )


def find_on_path(command: str, home: Home, environ: Environ) -> Path | None:
    """Return `command` as the rest of PATH has it: not in our shims or environments, nor a link to a shim.

    The shims of pyenv and others may hand back to us; those are passed over when this same process has been there, as
    GUARD tells.
    """
    been = environ.get(GUARD) == str(os.getpid())
    shim = home.shell / "shim.sh"
    for entry in environ.get("PATH", os.defpath).split(os.pathsep):
        if not entry.startswith("/") or entry.startswith(f"{home.envs}/") or (been and entry.endswith("/shims")):
            continue
        found = Path(entry) / command
        if os.access(found, os.X_OK) and found.is_file() and not _same(entry, home.shims) and not _same(found, shim):
            return found
    return None


def versions_with(store: Store, command: str) -> Iterator[str]:
    """Yield the aliases of the installed interpreters that have `command`, newest first."""
    for build in sorted(store.builds(), reverse=True):
        if os.access(store.home.versions / str(build) / "bin" / command, os.X_OK):
            yield build.patch_alias


def _same(one: Path | str, other: Path) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
