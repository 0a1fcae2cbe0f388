from __future__ import annotations

import pytest
from rule_stage import Scene, built

from envmgr.environments import record
from envmgr.shell import shims


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The stage, its store and a system; programs on it print the path they were started by."""
    return built(tmp_path_factory.mktemp("rule"))


@pytest.fixture(scope="session")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Another, whose projects were entered through their links before, and where nothing answers the hooks' calls."""
    scene = built(tmp_path_factory.mktemp("hooked"))
    for link, project in (("linked", "shop"),):
        entered = record.record_folder(scene.home, scene.root / link)
        entered.parent.mkdir(parents=True)
        entered.symlink_to(record.record_folder(scene.home, scene.root / project))
        (entered / record.REAL).write_text(f"{scene.root / project}\n")
    (scene.home.shell / shims.LAUNCHER).unlink()
    return scene
