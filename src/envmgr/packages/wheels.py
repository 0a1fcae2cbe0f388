"""The wheel of a project, built once per fingerprint of its sources, and cached."""

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

# directories at the top of a project that are not packaged, by convention
_NOT_PACKAGED = {"build", "dist", "tests", "test", "docs", "doc", "benchmarks", "node_modules", "venv", "changelog.d"}
_NOT_SOURCES = {"__pycache__"}
_DAY = 86400.0  # seconds


def fingerprint(project: Path, variables: Mapping[str, str] | None = None) -> str:
    """Return a hash of the files that a build of `project` may read, and of the `variables` that may change it.

    The files are those of the project without tests, docs, hidden directories and coverage data.
    """
    total = hashlib.sha256(repr(sorted((variables or {}).items())).encode(errors="surrogateescape"))
    for path in sorted(_files(project)):
        total.update(f"{path.relative_to(project)}\0".encode(errors="surrogateescape"))
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:16]


def _files(project: Path) -> Iterator[Path]:
    """Yield the files that a build of `project` may read."""
    for folder, folders, files in os.walk(project):
        skipped = _NOT_PACKAGED if folder == str(project) else set[str]()
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or name in _NOT_SOURCES or name in skipped or name.endswith(".egg-info"))
        ]
        found = (Path(folder, name) for name in files if not name.startswith(".coverage"))
        yield from (file for file in found if file.is_file() and file.suffix != ".pyc")


def project_wheel(target: Target, engine: str | None, cache: Path, mark: str, *, from_sdist: bool = False) -> Path:
    """Return the wheel of the target's project at the fingerprint `mark`, from `cache` or built now.

    `from_sdist` builds it from the sdist. The first build of a fingerprint shows whether the wheel is for every Python
    (`-none-any`); other processes wait for it. Wheels for one Python are cached per environment and built in parallel.
    Raises UsageError for an unknown engine, EnvironmentFailedError, StoreBusyError.
    """
    folder = cache / "wheels" / record.environments_folder(target.home, target.environment.project).name
    own, shared = folder / f"{mark}-{target.environment.key}", folder / mark
    platform_marker = folder / f"{mark}.platform"  # exists where the wheel is for one Python only
    with lock.exclusive(folder / ".lock"):
        if found := _cached(shared) or _cached(own):
            return found
        if not platform_marker.exists():
            _remove_others(folder, mark)
            built = _build(target, engine, own, shared, from_sdist=from_sdist)
            if built.parent == own:
                platform_marker.touch()
            return built
    with lock.exclusive(folder / f".{own.name}.lock"):
        return _cached(own) or _build(target, engine, own, shared, from_sdist=from_sdist)


def _cached(folder: Path) -> Path | None:
    """Return the wheel in the directory `folder`, None where there is none."""
    return next(folder.glob("*.whl"), None)


def _remove_others(folder: Path, mark: str) -> None:
    """Remove the wheels of other fingerprints that are a day old; another run may be installing a newer one."""
    limit = time.time() - _DAY
    for old in folder.iterdir():
        if old.is_dir() and not old.name.startswith(mark) and old.stat().st_mtime < limit:
            shutil.rmtree(old, ignore_errors=True)


def _build(target: Target, engine: str | None, own: Path, shared: Path, *, from_sdist: bool) -> Path:
    """Build the wheel in a staging directory and rename that to `shared` or `own`; returns the wheel."""
    staged = own.with_name(f"staged-{own.name}")
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        built = engines.build(target.engine(engine), target, staged, from_sdist=from_sdist)
        final = shared if built.name.endswith("-none-any.whl") else own
        return staged.rename(final) / built.name
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or staged}: {error.strerror}") from error
