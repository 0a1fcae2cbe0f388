"""Unused parts of the store: superseded builds, and templates without an interpreter. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from envmgr.environments import record
from envmgr.environments.base_interpreter import base_python
from envmgr.errors import EnvironmentFailedError, EnvmgrError
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions import pins
from envmgr.versions.version import Build


def superseded(home: Home) -> list[Build]:
    """Return the installed builds that have a successor and that no environment and no known pin needs."""
    store = Store(home)
    kept = set(store.newest().values()) | _pinned(home)
    needed = {environment.base for environment in record.environments(home)}
    return sorted(
        build
        for build in store.builds()
        if build not in kept and not store.interpreter(build).linked and not needed & _own_names(store, build)
    )


def _own_names(store: Store, build: Build) -> set[str]:
    """Return the bases of environments that run on `build` and not on its successor."""
    return {name for name in (build.patch_alias, build.build_alias) if store.alias(name) == build} | {str(build)}


def _pinned(home: Home) -> set[Build]:
    """Return the builds that match the global default and the version files of projects with an environment."""
    store = Store(home)
    files = {home.default, *(env.project / pins.FILE_NAME for env in record.environments(home))}
    found: set[Build] = set()
    for file in files:
        with suppress(EnvmgrError):  # a malformed version file matches nothing
            if pin := pins.read(file):
                found.update(match.build for request in pin.requests if (match := store.find(request)))
    return found


def stale_templates(home: Home) -> list[Path]:
    """Return the templates that no interpreter of the store uses for new environments."""
    current = set(_current(home))
    return sorted(path for path in home.templates.glob("*") if path not in current)


def _current(home: Home) -> Iterator[Path]:
    """Yield the path of the template of each interpreter, with and without pip; it need not exist."""
    store = Store(home)
    for name in sorted(path.name for path in home.aliases.glob("*")):
        if build := store.alias(name):
            try:
                base = base_python(home, Interpreter(build, home.versions / str(build), name))
            except EnvironmentFailedError:
                continue
            for pip in (True, False):
                yield base.template_path(home, pip=pip)
