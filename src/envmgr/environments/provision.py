"""From a ruling to an environment that works and is tied to its project: for `use` and `sync`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import base, builder, ties
from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Interpreter, Store


@dataclass(frozen=True)
class Provided:
    """An environment, what it runs on, and notes for the user."""

    environment: Environment
    interpreter: Interpreter
    notes: tuple[str, ...]


def refuse(home: Home, ruling: Ruling) -> None:
    """Raise where `provide` could make no environment, whatever is installed: UsageError, EnvironmentFailedError."""
    if ruling.project is None:
        raise UsageError("no version file rules here", hint="pin a Python with `envmgr use 3.12`")
    ties.refuse(ruling.project)
    request = ruling.requests[0]
    if found := Store(home).find(request):
        base.base(home, found)
    else:
        base.refuse(request.text, request.release)


def provide(home: Home, ruling: Ruling, environ: Environ, *, pip: bool = True) -> Provided | None:
    """Make the environment that `ruling` asks for, on an installed interpreter; None where the system's Python rules.

    Raises UsageError where no project is, NotInstalledError, EnvironmentFailedError.
    """
    if ruling.project is None:
        raise UsageError("no version file rules here", hint="pin a Python with `envmgr use 3.12`")
    ties.refuse(ruling.project)
    request = ruling.requests[0]
    if request.system:
        return None
    interpreter = resolve.interpreter(Store(home), ruling, request)
    environment = builder.build(home, Path(os.path.realpath(ruling.project)), interpreter, environ, pip=pip)
    return Provided(environment, interpreter, tuple(ties.tie(home, ruling.project, ruling.words, environment)))
