"""The project's tree: a hash over the files that a test run may read, and a copy of them for cells that ask for one.

The files are those that git tracks or would add; without git, all but hidden directories and caches.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from envmgr.errors import CommandNotFoundError
from envmgr.host import process
from envmgr.host.paths import Environ, upwards

_CACHES = {"__pycache__", "node_modules", "build", "dist", ".git", ".tox", ".nox", ".venv", "venv", ".mypy_cache"}
_CACHES |= {".ruff_cache", ".pytest_cache", ".hypothesis", ".cache", ".eggs"}


def files(project: Path, environ: Environ) -> Iterator[Path]:
    """Yield the files of a project, relative to it, in a fixed order."""
    names = _git_files(project, environ) if any((place / ".git").exists() for place in upwards(project)) else None
    for name in sorted(_walk(project) if names is None else names):
        if not name.rpartition("/")[2].startswith(".coverage") and os.path.lexists(project / name):
            yield Path(name)


def _git_files(project: Path, environ: Environ) -> list[str] | None:
    """Return the files that git tracks or would add; the repository's configuration must not run a program."""
    careful = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    try:
        outcome = process.run(
            [*careful, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            environ={**environ, "GIT_OPTIONAL_LOCKS": "0"},
            cwd=project,
        )
    except CommandNotFoundError:
        return None
    return None if outcome.code else [name for name in outcome.text.split("\0") if name]


def _walk(project: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(project):
        folders[:] = [name for name in folders if name not in _CACHES and not name.endswith(".egg-info")]
        yield from (os.path.relpath(os.path.join(folder, name), project) for name in names)  # noqa: PTH118


def digest(project: Path, environ: Environ) -> str:
    """Return a hash over the contents, names and kinds of the project's files."""
    whole = hashlib.sha256()
    for name in files(project, environ):
        path = project / name
        whole.update(f"{name}\0{path.is_symlink()}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            whole.update(os.fsencode(path.readlink()))
        elif path.is_file():
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def copy(project: Path, folder: Path, environ: Environ) -> Path:
    """Copy the project's files into `folder`, in place of what was there; returns the copy, named as the project."""
    shutil.rmtree(folder, ignore_errors=True)
    root = folder / (project.name or "project")
    for name in files(project, environ):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (project / name).is_symlink() or (project / name).is_file():
            shutil.copy2(project / name, target, follow_symlinks=False)
    root.mkdir(parents=True, exist_ok=True)
    return root
