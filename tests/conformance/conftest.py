from __future__ import annotations

import pytest
from prepared_projects import PreparedProjects, create_projects

from envmgr.environments import record
from envmgr.shell import shims


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedProjects:
    """The prepared projects, their store and a system; its programs print the path they were started by."""
    return create_projects(tmp_path_factory.mktemp("rule"))


@pytest.fixture(scope="session")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> PreparedProjects:
    """Projects that were entered through their links before; the launcher that hooks call is missing."""
    prepared = create_projects(tmp_path_factory.mktemp("hooked"))
    for link, project in (("linked", "shop"),):
        entered = record.record_folder(prepared.home, prepared.root / link)
        entered.parent.mkdir(parents=True)
        entered.symlink_to(record.record_folder(prepared.home, prepared.root / project))
        (entered / record.REAL).write_text(f"{prepared.root / project}\n")
    (prepared.home.shell / shims.LAUNCHER).unlink()
    return prepared
