"""Which Python and which environment are active in a directory, and why: the one answer that every command gives.

Shims and hooks are other implementations of the same rule (docs/reference/state-on-disk.md); tests/conformance holds
all of them to one table. Reads only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envmgr.environments import external, record
from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve
from envmgr.pythons.resolve import ResolvedPin
from envmgr.pythons.store import Interpreter, Store
from envmgr.shell import trust
from envmgr.versions import pins

ALLOWED, VARIABLE, OPTION, PIN, DEFAULT, SYSTEM = "allowed", "variable", "option", "pin", "default", "system"
_OPTION = "--python"


@dataclass(frozen=True)
class ActivePython:
    """What is active in a directory.

    `ruling` is the pin and the project. `external` is the project's own `.venv`, where the user allowed it and it has
    not changed since; `recorded` the environment of ours that is on record, whether it works or not. `variables` are
    those that the user allowed the project to set. `problem` is why the pin cannot be understood: an error only where
    something but the allowed `.venv` is asked for.
    """

    ruling: ResolvedPin
    reason: str
    external: Environment | None = None
    recorded: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    problem: UsageError | None = None

    @property
    def environments(self) -> Iterator[Environment]:
        """The environments that commands are taken from, first the one that is active."""
        if self.external:
            yield self.external
        if self.recorded and self.recorded.works:
            yield self.recorded

    @property
    def environment(self) -> Environment | None:
        """The environment that is active, None where commands come from an interpreter."""
        return next(self.environments, None)

    @property
    def mismatch(self) -> str | None:
        """Why the allowed `.venv` is not what the pin asks for; None where it is, or nothing was allowed."""
        pin = self.ruling.pin
        if not (self.external and pin and self.ruling.project) or external.matches(self.external, pin):
            return None
        build = external.python_build(self.external)
        return f"{self.external.path} has Python {build.version if build else '?'}, not {pin.words} ({pin.location})"

    def check_pin(self) -> None:
        """Raise UsageError where the pin cannot be understood."""
        if self.problem:
            raise self.problem

    def interpreter(self, home: Home) -> Interpreter | None:
        """Return the installed interpreter that the pin asks for first; None where it is the system's Python.

        Raises UsageError, NotInstalledError, NoSuchVersionError, BrokenInterpreterError.
        """
        self.check_pin()
        first = self.ruling.requests[0]
        return None if first.system else resolve.installed_interpreter(Store(home), self.ruling, first).ensure_working()


def active_python(home: Home, directory: Path, environ: Environ, *, request: str | None = None) -> ActivePython:
    """Return what is active in `directory`; `request`, of an option, replaces the pin.

    An allowed `.venv` comes before any pin, but not before an option that it does not answer. Raises UsageError for a
    pin that cannot be understood, unless an allowed `.venv` is active.
    """
    ceilings, problem = resolve.ceilings(environ), None
    said = _OPTION if request else pins.VARIABLE
    try:
        ruling = resolve.resolve_pin(
            home, directory, {**environ, pins.VARIABLE: request} if request else environ, said=said
        )
    except UsageError as error:
        ruling, problem = ResolvedPin(None, pins.nearest_project(directory, ceilings), directory), error
    grant = trust.granted(home, directory, ruling.project, environ)
    venv = Environment(grant.venv, _real(grant.place), "", external=True) if grant.venv and grant.place else None
    if request and venv and ruling.pin and not external.matches(venv, ruling.pin):
        venv = None
    if problem and not (venv and not request):
        raise problem
    recorded = record.lookup(home, ruling.project, ruling.words) if ruling.project and not problem else None
    return ActivePython(ruling, _reason(home, ruling, venv), venv, recorded, grant.variables, problem)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _reason(home: Home, ruling: ResolvedPin, venv: Environment | None) -> str:
    """Return who decided: one of the words above."""
    if venv:
        return ALLOWED
    if ruling.pin is None:
        return SYSTEM
    if ruling.pin.source is None:
        return OPTION if ruling.pin.variable == _OPTION else VARIABLE
    return DEFAULT if ruling.pin.source == home.default else PIN
