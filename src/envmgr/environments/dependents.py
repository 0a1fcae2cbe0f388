"""The environments that depend on installed builds. Reads only."""

from __future__ import annotations

from collections.abc import Collection

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home
from envmgr.pythons.store import Store
from envmgr.versions.version import Build


def dependent_environments(home: Home, builds: Collection[Build]) -> list[Environment]:
    """Return the environments that would lose their Python if `builds` were removed.

    These run on one of `builds`, and no other installed build matches their alias. Linked builds do not count: an
    environment that was made on an installed build need not start on a linked one.
    """
    store = Store(home)
    removed = {name for build in builds for name in _names(build)}
    others = [build for build in store.builds() if build not in builds and not store.interpreter(build).linked]
    kept = {name for build in others for name in _names(build)}
    return [environment for environment in record.environments(home) if environment.base in removed - kept]


def _names(build: Build) -> tuple[str, ...]:
    """Return the bases that environments on `build` may have: its aliases and its own name."""
    return build.minor_alias, build.patch_alias, build.build_alias, str(build)
