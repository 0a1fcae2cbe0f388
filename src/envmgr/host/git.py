"""Git repositories: their directories and tracked files. Their configuration is untrusted and must start no program."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import files, process
from envmgr.host.paths import Environ, upwards

_TIMEOUT = 60.0  # seconds
_SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit"),  # ignores bare repositories inside the project
)


def git_directory(folder: Path) -> Path | None:
    """Return the git directory of the work tree that contains `folder` (gitrepository-layout(5)), else None."""
    return next((found for parent in upwards(folder) if (found := _git_directory_of(parent / ".git"))), None)


def common_directory(entry: Path) -> Path | None:
    """Return the git directory shared by all work trees of a repository; `entry` is the `.git` of one of them.

    Returns None where it is no repository or one that does not own the work tree, since an unpacked archive can contain
    a `.git` that names any repository: a link is refused, and a file must be named by the repository (linked work tree)
    or name a directory in the git directory of an enclosing work tree (submodule).
    """
    found = None if entry.is_symlink() else _git_directory_of(entry)
    if found is None:
        return None
    real = _real(found)
    common = _real(real / (_line(real / "commondir") or "."))
    named = _line(real / "gitdir")
    owned = entry.is_dir() or (bool(named) and _real(real / named) == _real(entry)) or _encloses(entry, real)
    return common if owned and real.is_relative_to(common) and (common / "HEAD").is_file() else None


def append_line(file: Path, line: str) -> None:
    """Append a line to a file of a git directory, and make the file where it is missing; raises OSError.

    Does nothing where the file or its directory is a link, or the file is not regular or has a second hard link: the
    write could change a file outside of the repository.
    """
    file.parent.mkdir(exist_ok=True)
    if file.parent.is_symlink():
        return
    try:
        descriptor = os.open(
            file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666
        )
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:
            return
        raise
    with open(descriptor, "r+b", buffering=0) as opened:  # noqa: PTH123 - a descriptor
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            last = os.pread(descriptor, 1, max(status.st_size - 1, 0))
            opened.write(b"\n" * (last not in {b"", b"\n"}) + line.encode() + b"\n")


def _git_directory_of(entry: Path) -> Path | None:
    """Return the git directory of a `.git`: the directory itself, or the one that the file names; else None."""
    if entry.is_dir():
        return entry
    text = _text(entry)
    return entry.parent / text.removeprefix("gitdir: ").rstrip("\n") if text.startswith("gitdir: ") else None


def _encloses(entry: Path, real: Path) -> bool:
    """Return whether the git directory `real` is inside that of a work tree above `entry`."""
    return any(real.is_relative_to(_real(parent / ".git")) for parent in entry.parent.parents)


def _real(path: Path) -> Path:
    """Return `path` with all links resolved."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a NUL in the path
        return path


def _line(file: Path) -> str:
    """Return the text of a one-line file, empty where it is missing."""
    return _text(file).strip()


def _text(file: Path) -> str:
    """Return the text of a regular file, empty where it is missing or unreadable."""
    try:
        return files.read_text(file, errors="surrogateescape")
    except (OSError, ValueError):
        return ""


def tracks(path: Path, environ: Environ) -> bool:
    """Return whether git tracks `path` or a file below it; the case of the name is ignored.

    Raises UsageError where git fails, CommandNotFoundError where git is not installed.
    """
    if git_directory(path.parent) is None:
        return False
    variables = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    argv = ["git", *_SAFE, "ls-files", "--", f":(literal,icase){path.name}"]
    outcome = process.run(argv, environ=variables, cwd=path.parent, timeout=_TIMEOUT)
    if outcome.code:
        raise UsageError(f"{path.parent}: git cannot list tracked files: {outcome.text.strip()}")
    return bool(outcome.text)
