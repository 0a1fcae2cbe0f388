"""The Python and the environment that are active in a directory, with the reason; every command uses this result.

Shims and hooks are other implementations of the same resolution rule (docs/reference/state-on-disk.md);
tests/conformance checks all of them against one table. Nothing here may write.
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
    """The active Python and environment of a directory.

    `resolved` is the pin and the project. `reason` is one of the constants above. `external` is the project's own
    `.venv`, if it is allowed and unchanged; `recorded` the environment of envmgr that the record names, even if it does
    not work. `variables` are the allowed ones. `problem` is the error of an invalid pin; `check_pin` raises it, because
    an allowed `.venv` is usable without a valid pin.
    """

    resolved: ResolvedPin
    reason: str
    external: Environment | None = None
    recorded: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    problem: UsageError | None = None

    @property
    def environments(self) -> Iterator[Environment]:
        """Yield the environments whose commands are found, first the active one."""
        if self.external:
            yield self.external
        if self.recorded and self.recorded.works:
            yield self.recorded

    @property
    def environment(self) -> Environment | None:
        """Return the active environment, None where commands come from an interpreter."""
        return next(self.environments, None)

    @property
    def mismatch(self) -> str | None:
        """Return why the allowed `.venv` does not match the pin; None where it does, or none is allowed."""
        pin = self.resolved.pin
        if not (self.external and pin and self.resolved.project) or external.matches(self.external, pin):
            return None
        build = external.python_build(self.external)
        return f"{self.external.path} has Python {build.version if build else '?'}, not {pin.words} ({pin.location})"

    def check_pin(self) -> None:
        """Raise UsageError where the pin is invalid."""
        if self.problem:
            raise self.problem

    def interpreter(self, home: Home) -> Interpreter | None:
        """Return the installed interpreter of the pin's first request; None where that is `system`.

        Raises UsageError, NotInstalledError, NoSuchVersionError, BrokenInterpreterError.
        """
        self.check_pin()
        first = self.resolved.requests[0]
        return (
            None if first.system else resolve.installed_interpreter(Store(home), self.resolved, first).ensure_working()
        )


def active_python(home: Home, directory: Path, environ: Environ, *, request: str | None = None) -> ActivePython:
    """Return the Python and the environment that are active in `directory`.

    `request` is the value of the option --python and replaces the pin. An allowed `.venv` has priority over a pin, and
    over `request` where it matches that. Raises UsageError for an invalid pin, unless an allowed `.venv` is active.
    """
    ceilings, problem = resolve.ceilings(environ), None
    source = _OPTION if request else pins.VARIABLE
    variables = {**environ, pins.VARIABLE: request} if request else environ
    try:
        resolved = resolve.resolve_pin(home, directory, variables, variable=source)
    except UsageError as error:
        resolved, problem = ResolvedPin(None, pins.nearest_project(directory, ceilings), directory), error
    grant = trust.granted(home, directory, resolved.project, environ)
    venv = None
    if grant.venv and grant.directory:
        venv = Environment(grant.venv, Path(os.path.realpath(grant.directory)), "", external=True)
    if request and venv and resolved.pin and not external.matches(venv, resolved.pin):
        venv = None
    if problem and not (venv and not request):
        raise problem
    recorded = record.lookup(home, resolved.project, resolved.words) if resolved.project and not problem else None
    return ActivePython(resolved, _reason(home, resolved, venv), venv, recorded, grant.variables, problem)


def _reason(home: Home, resolved: ResolvedPin, venv: Environment | None) -> str:
    """Return the reason: one of the constants above."""
    if venv:
        return ALLOWED
    if resolved.pin is None:
        return SYSTEM
    if resolved.pin.source is None:
        return OPTION if resolved.pin.variable == _OPTION else VARIABLE
    return DEFAULT if resolved.pin.source == home.default else PIN
