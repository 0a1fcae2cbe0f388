"""From a ruling to an environment that works and is tied to its project: for `use` and `sync`."""

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
    """An environment, what it runs on, and notes for the user; `made` is whether it is new."""

    environment: Environment
    interpreter: Interpreter
    notes: tuple[str, ...]
    made: bool


def ensure_possible(home: Home, ruling: ResolvedPin) -> None:
    """Raise where `provide` could make no environment, whatever is installed: UsageError, EnvironmentFailedError."""
    if ruling.project is None:
        raise UsageError("no version file rules here", hint="pin a Python with `envmgr use 3.12`")
    binding.ensure_bindable(ruling.project)
    request = ruling.requests[0]
    if found := Store(home).find(request):
        base_interpreter.base_python(home, found)
    else:
        base_interpreter.ensure_release_supported(request.text, request.release)


def ensure_environment(
    home: Home, ruling: ResolvedPin, environ: Environ, *, pip: bool = True
) -> BoundEnvironment | None:
    """Make the environment that `ruling` asks for, on an installed interpreter; None where the system's Python rules.

    Raises UsageError where no project is, NotInstalledError, EnvironmentFailedError.
    """
    if ruling.project is None:
        raise UsageError("no version file rules here", hint="pin a Python with `envmgr use 3.12`")
    binding.ensure_bindable(ruling.project)
    request = ruling.requests[0]
    if request.system:
        return None
    interpreter = resolve.installed_interpreter(Store(home), ruling, request)
    project = Path(os.path.realpath(ruling.project))
    notes = [*rebind_moved(home, project), *_inherited(home, project, ruling.words)]
    known = set(record.environments_folder(home, project).glob("*"))
    environment = builder.build(home, project, interpreter, environ, pip=pip)
    notes += binding.bind(home, ruling.project, ruling.words, environment)
    return BoundEnvironment(environment, interpreter, tuple(notes), environment.path not in known)


def rebind_moved(home: Home, project: Path) -> Iterator[str]:
    """Give a project that was moved to `project` (a real path) its environments back; yields a note on that."""
    if before := binding.rebind(home, project):
        yield f"the environments of {before}, which was moved here, are those of {project} now"


def _inherited(home: Home, project: Path, words: str) -> Iterator[str]:
    """Yield a note where the environment on record may have been made for another project at the same path.

    Its `.venv` is not there any more: it was removed, or the whole directory was, and is a new one.
    """
    found = record.lookup(home, project, words)
    if found and found.works and not os.path.lexists(project / record.VENV_LINK):
        yield f"{found.path} was made before and is used again; `envmgr env remove {found.label}` removes it"
