"""Whose store this is: one user's; others may read one of root's (docs/adr/0086-a-store-has-one-user.md)."""

from __future__ import annotations

import os
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import access
from envmgr.host.paths import Home

_ROOT = 0
_OWN = "run this as its owner, or set ENVMGR_HOME to a directory of yours"


def ensure_usable(home: Home, *, user: int | None = None) -> None:
    """Raise UsageError unless the store is ours or root's, nobody else can write to it, and we can read it.

    We are `user`, by default the effective user. None of its directories may be a link. A store that does not exist yet
    may not be made by root in a directory of another user: after `sudo -E`, HOME is that user's.
    """
    us = os.geteuid() if user is None else user
    if not home.root.exists():
        _ensure_ours_to_make(home.root, us)
        return
    _ensure_ours(home.root, us)
    for folder in (home.versions, home.aliases, home.requests, home.envs, home.projects, home.shims, home.shell):
        if folder.is_symlink():
            raise UsageError(
                f"{folder}: is a link; the directories of a store must not be", hint="ENVMGR_HOME moves the whole store"
            )
        if folder.exists():
            _ensure_ours(folder, us)


def _ensure_ours_to_make(root: Path, user: int) -> None:
    above = next(place for place in root.parents if place.exists())
    if user == _ROOT and above.stat().st_uid != _ROOT:
        raise UsageError(
            f"{root}: would be made by root in a directory of another user, {above}",
            hint="run this without sudo, or set ENVMGR_HOME to a directory of root's",
        )


def _ensure_ours(folder: Path, user: int) -> None:
    status = folder.stat()
    if status.st_uid not in {user, _ROOT}:
        raise UsageError(f"{folder}: this store belongs to another user", hint=_OWN)
    if who := access.writers(folder, status, user):
        raise UsageError(
            f"{folder}: others can write to this store ({', '.join(who)})",
            hint=f"run `chmod -R go-w {folder}`, or set ENVMGR_HOME to a directory of yours",
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UsageError(f"{folder}: this store cannot be read", hint=_OWN)
