"""Which environments would lose their Python if builds were removed. Reads only."""

from __future__ import annotations

from collections.abc import Collection

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home
from envmgr.pythons.store import Store
from envmgr.versions.version import Build


def dependents(home: Home, builds: Collection[Build]) -> list[Environment]:
    """Return the environments that run on one of `builds`, and whose alias nothing else in the store answers."""
    lost = {name for build in builds for name in _names(build)}
    kept = {name for build in Store(home).builds() if build not in builds for name in _names(build)}
    return [environment for environment in record.environments(home) if environment.base in lost - kept]


def _names(build: Build) -> tuple[str, ...]:
    return build.minor_alias, build.patch_alias, build.build_alias, str(build)
