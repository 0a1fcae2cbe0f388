"""The environment of a project: created where it is missing, and bound to the project and its pin.

Must not install interpreters or packages.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import base_interpreter, binding, builder, record
from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve
from envmgr.pythons.resolve import ResolvedPin
from envmgr.pythons.store import Interpreter, Store


@dataclass(frozen=True)
class BoundEnvironment:
    """An environment bound to its project, its interpreter, and notes for the user; `made` is whether it is new."""

    environment: Environment
    interpreter: Interpreter
    notes: tuple[str, ...]
    made: bool


def ensure_possible(home: Home, resolved: ResolvedPin) -> None:
    """Raise UsageError or EnvironmentFailedError where `ensure_environment` would fail in any case.

    A missing interpreter is not such a case: it can be installed.
    """
    if resolved.project is None:
        raise UsageError("no version file applies here", hint="pin a Python with `envmgr use 3.12`")
    binding.ensure_bindable(resolved.project)
    request = resolved.requests[0]
    if found := Store(home).find(request):
        base_interpreter.base_python(home, found)
    else:
        base_interpreter.ensure_release_supported(request.text, request.release)


def ensure_environment(
    home: Home, resolved: ResolvedPin, environ: Environ, *, pip: bool = True
) -> BoundEnvironment | None:
    """Return the environment of the pin `resolved`, created if need be and bound to its project.

    Returns None where the pin means the system's Python. Raises UsageError without a project, NotInstalledError,
    EnvironmentFailedError, StoreBusyError.
    """
    if resolved.project is None:
        raise UsageError("no version file applies here", hint="pin a Python with `envmgr use 3.12`")
    binding.ensure_bindable(resolved.project)
    request = resolved.requests[0]
    if request.system:
        return None
    interpreter = resolve.installed_interpreter(Store(home), resolved, request)
    project = Path(os.path.realpath(resolved.project))
    notes = [*rebind_moved(home, project), *_reused(home, project, resolved.words)]
    known = set(record.environments_folder(home, project).glob("*"))
    environment = builder.build(home, project, interpreter, environ, pip=pip)
    notes += binding.bind(home, resolved.project, resolved.words, environment)
    return BoundEnvironment(environment, interpreter, tuple(notes), environment.path not in known)


def rebind_moved(home: Home, project: Path) -> Iterator[str]:
    """Bind the environments of a project that was moved to `project` (a real path); yields a note for the user."""
    if before := binding.rebind(home, project):
        yield f"{before} was moved to {project}: its environments belong to the new path now"


def _reused(home: Home, project: Path, words: str) -> Iterator[str]:
    """Yield a note where the recorded environment may have been made for another project at the same path.

    In that case the link `.venv` is missing: it was removed, alone or with the whole project directory.
    """
    found = record.lookup(home, project, words)
    if found and found.works and not os.path.lexists(project / record.VENV_LINK):
        yield f"{found.path} exists already and is used again; `envmgr env remove {found.label}` removes it"
