"""A project that has its environment already, so that no hook needs to ask for one."""

from __future__ import annotations

import sys
from pathlib import Path

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home


def settle(home: Home, project: Path, words: str = "3.12", *, entered: Path | None = None) -> Path:
    """Pin `project` to `words`, put its environment on record, also as `entered`; return the environment."""
    project.mkdir(parents=True)
    (project / ".python-version").write_text(f"{words}\n")
    made = Environment(record.environments_folder(home, project) / "3.12", project, "3.12")
    made.bin.mkdir(parents=True)
    (made.bin / "python").symlink_to(sys.executable)
    (made.path / record.METADATA).write_text(record.dump(made))
    file = record.record_file(home, project, words)
    file.parent.mkdir(parents=True)
    file.write_text(f"{made.path.relative_to(home.root)}\n")
    if entered:
        entered.symlink_to(project)
        link = record.record_folder(home, entered)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.parent)
        (link / record.REAL).write_text(f"{project}\n")
    return made.path
