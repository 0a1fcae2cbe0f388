"""Which environments would lose their Python if builds were removed. Reads only."""

from __future__ import annotations

from collections.abc import Collection

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home
from envmgr.pythons.store import Store
from envmgr.versions.version import Build


def dependent_environments(home: Home, builds: Collection[Build]) -> list[Environment]:
    """Return the environments that run on one of `builds`, and whose alias no other installed build answers.

    A linked one may answer the alias, but environments that were made on installed builds need not start on it.
    """
    store = Store(home)
    lost = {name for build in builds for name in _names(build)}
    others = [build for build in store.builds() if build not in builds and not store.interpreter(build).linked]
    kept = {name for build in others for name in _names(build)}
    return [environment for environment in record.environments(home) if environment.base in lost - kept]


def _names(build: Build) -> tuple[str, ...]:
    return build.minor_alias, build.patch_alias, build.build_alias, str(build)
