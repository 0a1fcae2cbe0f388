"""The project's own package: a fingerprint of what it is built from, and its wheel, built once per fingerprint."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import EnvironmentFailedError
from envmgr.packages import engine as engines
from envmgr.packages.engine import Engine, Workplace

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


def wheel(place: Workplace, engine: Engine, cache: Path, mark: str) -> Path:
    """Return the wheel of the project at `mark`, its fingerprint, from `cache` or built now in the environment.

    A wheel for one Python only is kept under that environment's name. Wheels of other marks are removed. Raises
    EnvironmentFailedError.
    """
    folder = cache / "wheels" / record.folder(place.home, place.environment.project).name
    own, shared = folder / f"{mark}-{place.environment.key}", folder / mark
    for kept in (shared, own):
        if found := next(kept.glob("*.whl"), None):
            return found
    staged = folder / f".{mark}-{os.getpid()}"
    try:
        staged.mkdir(parents=True, exist_ok=True)
        built = engines.build(engine, place, staged)
        kept = shared if built.name.endswith("-none-any.whl") else own
        _forget(folder, mark)
        staged.rename(kept)
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return kept / built.name


def _forget(folder: Path, mark: str) -> None:
    for old in folder.iterdir():
        if not old.name.removeprefix(".").startswith(mark):
            shutil.rmtree(old, ignore_errors=True)
