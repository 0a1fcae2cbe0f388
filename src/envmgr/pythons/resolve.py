"""The resolution rule: which pin applies to a directory, and which Python it selects.

The order is: variable, nearest version file, global default, system. `shims/shim.sh` and the hooks implement the same
rule; tests/conformance runs one table of cases against all implementations.
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
GUARD = variables.SHIM  # the process in which a shim started the shim of another tool


@dataclass(frozen=True)
class ResolvedPin:
    """The pin that applies to `directory`, and the directory's project, also if the pin is from a variable."""

    pin: Pin | None
    project: Path | None
    directory: Path | None = None

    @property
    def words(self) -> str:
        """The pin's words; `system` without a pin."""
        return self.pin.words if self.pin else "system"

    @property
    def requests(self) -> tuple[VersionRequest, ...]:
        """The requests of the pin in order; `system` without a pin."""
        return self.pin.requests if self.pin else (VersionRequest.parse("system"),)

    @property
    def location(self) -> str:
        """The source of the pin for messages: a variable's name or `file:line`, or that there is none."""
        return self.pin.location if self.pin else "no version file and no global default"


def resolve_pin(home: Home, directory: Path, environ: Environ, *, variable: str = pins.VARIABLE) -> ResolvedPin:
    """Return the pin that applies to `directory` under `environ`.

    `variable` is the name for messages if a command-line option set the variable. Raises UsageError for a malformed
    pin.
    """
    if named := pins.parse(environ.get(pins.VARIABLE, ""), variable=variable):
        return ResolvedPin(named, pins.nearest_project(directory, ceilings(environ)), directory)
    nearest = pins.nearest_pin(directory, ceilings(environ))
    return ResolvedPin(nearest or pins.read(home.default), nearest.project if nearest else None, directory)


def ceilings(environ: Environ) -> list[Path]:
    """Return the directories in and above which version files are ignored, from a list in the format of PATH."""
    return [Path(entry) for entry in environ.get(CEILINGS, "").split(os.pathsep) if entry.startswith("/")]


def installed_interpreter(store: Store, resolved: ResolvedPin, request: VersionRequest) -> Interpreter:
    """Return the installed interpreter for one request of `resolved`.

    Raises NotInstalledError, or NoSuchVersionError for a name that no linked interpreter has; both name the pin's
    source.
    """
    if found := store.find(request):
        return found
    raise missing_error(store, request, place=f" ({resolved.location})")


def missing_error(store: Store, request: VersionRequest, *, place: str = "") -> NoSuchVersionError | NotInstalledError:
    """Return the error for a request that no installed interpreter matches, with `place` at the end of its message.

    Only linked interpreters have names, so an unknown name cannot be installed.
    """
    if request.name is not None:
        names = ", ".join(sorted({build.tag for build in store.builds() if store.interpreter(build).linked}))
        return NoSuchVersionError(
            f"no Python is called {request.text}{place}",
            hint=f"the names are {names}" if names else "no Python has a name; `envmgr link` gives one",
        )
    return NotInstalledError(
        f"Python {request.text} is not installed{place}",
        hint=f"run `envmgr install {shlex.quote(request.text)}`",
    )


def find_on_path(command: str, home: Home, environ: Environ) -> Path | None:
    """Return the first `command` on PATH that is no shim of envmgr's and in no environment of envmgr's; or None.

    A shim of pyenv or another tool may run envmgr's shim again: directories of shims are skipped if GUARD has the id of
    this process.
    """
    from_other_shim = environ.get(GUARD) == str(os.getpid())
    shim = home.shell / "shim.sh"
    for entry in environ.get("PATH", os.defpath).split(os.pathsep):
        if (
            not entry.startswith("/")
            or entry.startswith(f"{home.envs}/")
            or (from_other_shim and entry.endswith("/shims"))
        ):
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
    """Return whether two paths are the same existing file."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
