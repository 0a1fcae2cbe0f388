"""Who else can write to a path: its owner, its mode, and its POSIX access control list (acl(5)).

The lists of macOS and of NFSv4 are not read: Python has no interface for them.
"""

from __future__ import annotations

import os
import shlex
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from envmgr.errors import UsageError

_ACL = "system.posix_acl_access"
_ACL_VERSION = 2
_USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x02, 0x04, 0x08, 0x10, 0x20  # linux/posix_acl.h
_WRITE = 2
_ROOT = 0


def ensure_private(path: Path, *, sticky: bool = False, user: int | None = None) -> None:
    """Raise UsageError unless what `path` leads to is ours or root's, and nobody else can write to it.

    `sticky` accepts a directory that others can write to when its sticky bit keeps them from replacing our entries.
    We are `user`, by default the effective user. A group counts as nobody else where it is the private group of that
    user. Raises OSError for a path that is not there.
    """
    us = os.geteuid() if user is None else user
    status = path.stat()
    if status.st_uid not in {us, _ROOT}:
        raise UsageError(f"{path}: belongs to another user", hint="only what is yours can be used here")
    if sticky and status.st_mode & stat.S_ISVTX:
        return
    if writers(path, status, us):
        quoted = shlex.quote(str(path))
        raise UsageError(
            f"{path}: other users can write to it",
            hint=f"run `chmod go-w {quoted}` first (and `setfacl -b {quoted}` where it has an access control list)",
        )


def writers(path: Path, status: os.stat_result, user: int) -> list[str]:
    """Return who can write to `path` beside `user` and root, as `user 2`, `group 60`, `others`; empty for nobody."""
    return [
        f"{kind} {number}" if kind != "others" else kind
        for kind, number, permissions in _permissions(path, status)
        if permissions & _WRITE and not _is_us(kind, number, user)
    ]


def _permissions(path: Path, status: os.stat_result) -> Iterator[tuple[str, int, int]]:
    """Yield (`user`, `group` or `others`; its number; its permissions as bits 4, 2, 1) for all but the owner."""
    try:
        entries = parse_acl(os.getxattr(path, _ACL))
    except (OSError, AttributeError):  # no list, a filesystem without them, a platform without the call
        yield "group", status.st_gid, status.st_mode >> 3 & 7
        yield "others", -1, status.st_mode & 7
        return
    mask = next((bits for tag, bits, _ in entries if tag == _MASK), 7)
    for tag, bits, number in entries:
        if tag == _USER:
            yield "user", number, bits & mask
        elif tag in {_GROUP_OBJ, _GROUP}:
            yield "group", status.st_gid if tag == _GROUP_OBJ else number, bits & mask
        elif tag == _OTHER:
            yield "others", -1, bits


def parse_acl(data: bytes) -> list[tuple[int, int, int]]:
    """Return (tag, permissions, number) of each entry; a list of an unknown form lets everybody write."""
    if len(data) % 8 != 4 or struct.unpack_from("<I", data)[0] != _ACL_VERSION:  # noqa: PLR2004 - header 4, entries 8
        return [(_OTHER, _WRITE, 0)]
    return list(struct.iter_unpack("<HHI", data[4:]))


def _is_us(kind: str, number: int, user: int) -> bool:
    """Whether a user is `user` or root, or a group the private group of one of these."""
    if kind == "user":
        return number in {user, _ROOT}
    return kind == "group" and any(_is_private_group(number, one) for one in (user, _ROOT))


def _is_private_group(group: int, user: int) -> bool:
    """Whether a group is the private one of `user`: it has the user's name, and no other member (pam_umask(8))."""
    import grp  # late, as few paths are writable for a group
    import pwd

    try:
        name, found = pwd.getpwuid(user).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}
