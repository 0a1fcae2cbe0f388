"""Git: where a directory's repository is, and what it tracks. Its configuration is untrusted and starts no program."""

from __future__ import annotations

from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import files, process
from envmgr.host.paths import Environ

_PATIENCE = 60.0  # seconds
_SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit"),  # a directory of the project that looks like a repository is none
)


def git_directory(folder: Path) -> Path | None:
    """Return the git directory of the work tree that `folder` is in (gitrepository-layout(5)), None outside of any."""
    for place in (folder, *folder.parents):
        found = place / ".git"
        if found.is_dir():
            return found
        try:
            text = files.read_text(found, errors="surrogateescape")
        except (OSError, ValueError):
            continue
        if text.startswith("gitdir: "):
            return place / text.removeprefix("gitdir: ").rstrip("\n")
    return None


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
