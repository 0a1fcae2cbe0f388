"""Git: where a directory's repository is, and what it tracks. Its configuration is untrusted and starts no program."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import files, process
from envmgr.host.paths import Environ, upwards

_PATIENCE = 60.0  # seconds
_SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit"),  # a directory of the project that looks like a repository is none
)


def git_directory(folder: Path) -> Path | None:
    """Return the git directory of the work tree that `folder` is in (gitrepository-layout(5)), None outside of any."""
    return next((found for place in upwards(folder) if (found := _named(place / ".git"))), None)


def common_directory(entry: Path) -> Path | None:
    """Return the git directory that all work trees of a repository share; `entry` is the `.git` of one of them.

    None where that is no repository, or does not own the work tree: an unpacked directory can bring a `.git` that leads
    to any repository. A link counts for none, and a file only where the repository names it (a linked work tree) or
    lies in the git directory of an enclosing work tree (a submodule).
    """
    found = None if entry.is_symlink() else _named(entry)
    if found is None:
        return None
    real = _real(found)
    common = _real(real / (_line(real / "commondir") or "."))
    named = _line(real / "gitdir")
    owned = entry.is_dir() or (bool(named) and _real(real / named) == _real(entry)) or _encloses(entry, real)
    return common if owned and real.is_relative_to(common) and (common / "HEAD").is_file() else None


def append_line(file: Path, line: str) -> None:
    """Add a line to a file of a git directory, or make that file; raises OSError.

    Does nothing where it, or its directory, is a link or no regular file, or has another name: writing would change a
    file elsewhere.
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


def _named(entry: Path) -> Path | None:
    """Return the directory that a `.git` is or names, None where it is nothing of that kind."""
    if entry.is_dir():
        return entry
    text = _text(entry)
    return entry.parent / text.removeprefix("gitdir: ").rstrip("\n") if text.startswith("gitdir: ") else None


def _encloses(entry: Path, real: Path) -> bool:
    """Whether the git directory `real` lies in that of a work tree which encloses the one of `entry`."""
    return any(real.is_relative_to(_real(place / ".git")) for place in entry.parent.parents)


def _real(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a NUL in the path
        return path


def _line(file: Path) -> str:
    return _text(file).strip()


def _text(file: Path) -> str:
    """Return the text of a regular file, nothing where there is none."""
    try:
        return files.read_text(file, errors="surrogateescape")
    except (OSError, ValueError):
        return ""


def tracks(path: Path, environ: Environ) -> bool:
    """Whether git tracks `path` or anything below it, also under another case of its name.

    Raises UsageError in a repository where git does not answer, CommandNotFoundError where there is no git.
    """
    if git_directory(path.parent) is None:
        return False
    variables = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    argv = ["git", *_SAFE, "ls-files", "--", f":(literal,icase){path.name}"]
    outcome = process.run(argv, environ=variables, cwd=path.parent, timeout=_PATIENCE)
    if outcome.code:
        raise UsageError(f"{path.parent}: git does not say what it tracks: {outcome.text.strip()}")
    return bool(outcome.text)
