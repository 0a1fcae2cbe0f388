"""Repair of environments: shared files that were changed in place are replaced by those of an intact template."""

from __future__ import annotations

from pathlib import Path

from envmgr.environments import builder, manifest
from envmgr.environments.base_interpreter import BasePython, base_python
from envmgr.environments.manifest import Manifest
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host import files, lock
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions.version import Build


def repair_environment(home: Home, environment: Environment, environ: Environ) -> list[str]:
    """Replace the changed shared files of `environment` by those of an intact template; returns their names.

    Installed packages stay. Raises EnvironmentFailedError where the template has another version of pip or its Python
    is missing, and StoreBusyError.
    """
    with lock.exclusive(home.lock):
        builder.clean_up(home)
        shared = dict(manifest.shared(environment.path))
        if not any(shared.values()):
            return []
        pip = any("/site-packages/pip/" in name for name in (manifest.load(environment.path) or Manifest()).files)
        template = builder.ensure_template(home, _base_python(home, environment), environ, pip=pip)
        _replace(environment, template, list(shared))
        return [name for name, was_changed in shared.items() if was_changed]


def _base_python(home: Home, environment: Environment) -> BasePython:
    """Return the base Python of `environment`; raises EnvironmentFailedError where it is missing."""
    try:
        build = Store(home).alias(environment.base) or Build.parse(environment.base)
    except UsageError as error:
        raise EnvironmentFailedError(
            f"{environment.path}: its Python ({environment.base}) is missing", hint="`envmgr use` recreates it"
        ) from error
    return base_python(home, Interpreter(build, home.versions / str(build), environment.base))


def _replace(environment: Environment, template: Path, names: list[str]) -> None:
    """Replace the files `names` by those of the template, each by one rename, then write the manifest."""
    contents = manifest.load(template) or Manifest()
    if not contents.files.keys() >= set(names):
        raise EnvironmentFailedError(
            f"{environment.path}: has another version of pip than its template has now",
            hint="recreate it: `envmgr env remove`, then `envmgr use` and `envmgr sync`",
        )
    try:
        for name in names:
            with files.replacing(environment.path / name) as staged:
                builder.link_or_copy(str(template / name), str(staged))
        files.write_atomically(environment.path / manifest.NAME, manifest.dump(contents))
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or environment.path}: {error.strerror}") from error
