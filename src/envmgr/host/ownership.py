"""Ownership of the store: one user; a store of root may be read by all (docs/adr/0086-a-store-has-one-user.md)."""

from __future__ import annotations

import os
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import access
from envmgr.host.paths import Home

_ROOT = 0
_HINT = "run this as its owner, or set ENVMGR_HOME to a directory of yours"


def ensure_usable(home: Home, *, user: int | None = None) -> None:
    """Raise UsageError unless the store belongs to `user` or root, no other user can write to it, and we can read it.

    `user` is the effective user by default. None of the store's directories may be a link. Root may not make a new
    store in a directory of another user: after `sudo -E`, HOME is that user's.
    """
    user = os.geteuid() if user is None else user
    if not home.root.exists():
        _ensure_may_make(home.root, user)
        return
    _ensure_own(home.root, user)
    for folder in (home.versions, home.aliases, home.requests, home.envs, home.projects, home.shims, home.shell):
        if folder.is_symlink():
            raise UsageError(
                f"{folder}: a directory of a store must not be a link", hint="set ENVMGR_HOME to move the whole store"
            )
        if folder.is_dir():  # a file in its place is reported by the writer that needs the directory
            _ensure_own(folder, user)


def _ensure_may_make(root: Path, user: int) -> None:
    """Raise UsageError where root would make the store in a directory of another user."""
    parent = next(folder for folder in root.parents if folder.exists())
    if user == _ROOT and parent.stat().st_uid != _ROOT:
        raise UsageError(
            f"{root}: would be made by root in a directory of another user, {parent}",
            hint="run this without sudo, or set ENVMGR_HOME to a directory of root's",
        )


def _ensure_own(folder: Path, user: int) -> None:
    """Raise UsageError unless `user` or root owns the directory, no other user can write to it, and we can read it."""
    status = folder.stat()
    if status.st_uid not in {user, _ROOT}:
        raise UsageError(f"{folder}: this store belongs to another user", hint=_HINT)
    if others := access.writers(folder, status, user):
        raise UsageError(
            f"{folder}: others can write to this store ({', '.join(others)})",
            hint=f"run `chmod -R go-w {folder}`, or set ENVMGR_HOME to a directory of yours",
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UsageError(f"{folder}: this store cannot be read", hint=_HINT)
