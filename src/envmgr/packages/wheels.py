"""The project's own package: a fingerprint of what it is built from, and its wheel, built once per fingerprint."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import EnvironmentFailedError
from envmgr.host import lock
from envmgr.packages import engines
from envmgr.packages.engines import Target

# at the top of a project, never part of its package
_BESIDE = {"build", "dist", "tests", "test", "docs", "doc", "benchmarks", "node_modules", "venv", "changelog.d"}
_ANYWHERE = {"__pycache__"}
_DAY = 86400.0  # seconds


def fingerprint(project: Path, variables: Mapping[str, str] | None = None) -> str:
    """Return a hash over the files that a build of `project` may read, and the `variables` that may change it.

    The files are all but tests, docs, hidden directories and coverage data.
    """
    whole = hashlib.sha256(repr(sorted((variables or {}).items())).encode(errors="surrogateescape"))
    for path in sorted(_files(project)):
        whole.update(f"{path.relative_to(project)}\0".encode(errors="surrogateescape"))
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:16]


def _files(project: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(project):
        beside = _BESIDE if folder == str(project) else set[str]()
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or name in _ANYWHERE or name in beside or name.endswith(".egg-info"))
        ]
        found = (Path(folder, name) for name in files if not name.startswith(".coverage"))
        yield from (file for file in found if file.is_file() and file.suffix != ".pyc")


def project_wheel(place: Target, engine: str | None, cache: Path, mark: str, *, from_sdist: bool = False) -> Path:
    """Return the wheel of the project at `mark`, its fingerprint: from `cache` or built now.

    `from_sdist` builds it from the sdist. The first build of a fingerprint tells whether its wheel is for every
    Python; the others wait for it. Wheels for one Python only are kept for their environment, and built side by side.
    Raises EnvironmentFailedError, StoreBusyError.
    """
    folder = cache / "wheels" / record.environments_folder(place.home, place.environment.project).name
    own, shared = folder / f"{mark}-{place.environment.key}", folder / mark
    several = folder / f"{mark}.platform"  # this wheel is for one Python only
    with lock.exclusive(folder / ".lock"):
        if found := _kept(shared) or _kept(own):
            return found
        if not several.exists():
            _remove_others(folder, mark)
            built = _build(place, engine, own, shared, from_sdist=from_sdist)
            if built.parent == own:
                several.touch()
            return built
    with lock.exclusive(folder / f".{own.name}.lock"):
        return _kept(own) or _build(place, engine, own, shared, from_sdist=from_sdist)


def _kept(folder: Path) -> Path | None:
    return next(folder.glob("*.whl"), None)


def _remove_others(folder: Path, mark: str) -> None:
    """Remove the wheels of other fingerprints that are older than a day: a run may still be installing a newer one."""
    limit = time.time() - _DAY
    for old in folder.iterdir():
        if old.is_dir() and not old.name.startswith(mark) and old.stat().st_mtime < limit:
            shutil.rmtree(old, ignore_errors=True)


def _build(place: Target, engine: str | None, own: Path, shared: Path, *, from_sdist: bool) -> Path:
    staged = own.with_name(f"staged-{own.name}")
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        built = engines.build(place.engine(engine), place, staged, from_sdist=from_sdist)
        kept = shared if built.name.endswith("-none-any.whl") else own
        return staged.rename(kept) / built.name
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or staged}: {error.strerror}") from error
