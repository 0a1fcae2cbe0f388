"""Environments for the tools that envmgr runs (tox, hatch, nox); each tool has its own environment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envmgr.environments import builder
from envmgr.environments.record import Environment
from envmgr.errors import NotInstalledError
from envmgr.host.paths import Environ, Home
from envmgr.packages.engines import Target
from envmgr.packages.requirements import Requirements
from envmgr.packages.sync import sync_environment
from envmgr.pythons.store import Store
from envmgr.versions.request import VersionRequest

_PYTHONS = ">=3.10"


def tool_environment(home: Home, cache: Path, environ: Environ, name: str, requirements: Sequence[str]) -> Environment:
    """Return the environment of the tool `name` with `requirements` installed; create and sync it if need be.

    Its project is a directory in `cache`. Raises NotInstalledError where no matching Python is installed,
    EnvironmentFailedError, StoreBusyError.
    """
    project = cache / "tools" / name
    project.mkdir(parents=True, exist_ok=True)
    interpreter = Store(home).find(VersionRequest.parse(_PYTHONS))
    if interpreter is None:
        raise NotInstalledError(f"{name} needs Python {_PYTHONS}", hint="run `envmgr install 3`")
    environment = builder.build(home, project.resolve(), interpreter, environ)
    sync_environment(Target(home, environment, environ), Requirements(tuple(requirements), ()))
    return environment
