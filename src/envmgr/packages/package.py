"""The project's own package: a fingerprint of what it is built from, and its wheel, built once per fingerprint."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import EnvironmentFailedError
from envmgr.host import lock
from envmgr.packages import engine as engines
from envmgr.packages.engine import Workplace

# at the top of a project, never part of its package
_BESIDE = {"build", "dist", "tests", "test", "docs", "doc", "benchmarks", "node_modules", "venv", "changelog.d"}
_ANYWHERE = {"__pycache__"}


def fingerprint(project: Path) -> str:
    """Return a hash over the files that a build of `project` may read: all but tests, docs, and hidden directories."""
    whole = hashlib.sha256()
    for file in sorted(_files(project)):
        whole.update(f"{file.relative_to(project)}\0".encode(errors="surrogateescape"))
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _files(project: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(project):
        beside = _BESIDE if folder == str(project) else set[str]()
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or name in _ANYWHERE or name in beside or name.endswith(".egg-info"))
        ]
        found = (Path(folder, name) for name in files)
        yield from (file for file in found if file.is_file() and file.suffix != ".pyc")


def wheel(place: Workplace, engine: str | None, cache: Path, mark: str) -> Path:
    """Return the wheel of the project at `mark`, its fingerprint: from `cache`, or built now.

    Whoever comes second waits and finds it. A wheel that is for one Python only is kept for that environment. Raises
    EnvironmentFailedError, StoreBusyError.
    """
    folder = cache / "wheels" / record.folder(place.home, place.environment.project).name
    own, shared = folder / f"{mark}-{place.environment.key}", folder / mark
    with lock.exclusive(folder / ".lock"):
        for kept in (shared, own):
            if found := next(kept.glob("*.whl"), None):
                return found
        return _build(place, engine, own, shared)


def _build(place: Workplace, engine: str | None, own: Path, shared: Path) -> Path:
    staged = shared.with_name("staged")
    try:
        for old in shared.parent.iterdir():
            if not old.name.startswith(shared.name):
                shutil.rmtree(old, ignore_errors=True)
        staged.mkdir()
        built = engines.build(place.engine(engine), place, staged)
        kept = shared if built.name.endswith("-none-any.whl") else own
        return staged.rename(kept) / built.name
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or staged}: {error.strerror}") from error
