"""Write access of other users to a path, by owner, mode and POSIX access control list (acl(5)).

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
    """Raise UsageError unless the target of `path` belongs to `user` or root, and no other user can write to it.

    `user` is the effective user by default; its private group does not count as another user. `sticky` accepts a
    directory that others can write to where its sticky bit protects the entries of `user`. Raises OSError for a missing
    path.
    """
    user = os.geteuid() if user is None else user
    status = path.stat()
    if status.st_uid not in {user, _ROOT}:
        raise UsageError(f"{path}: belongs to another user", hint="only files of your own can be used here")
    if sticky and status.st_mode & stat.S_ISVTX:
        return
    if writers(path, status, user):
        quoted = shlex.quote(str(path))
        raise UsageError(
            f"{path}: other users can write to it",
            hint=f"run `chmod go-w {quoted}` first (and `setfacl -b {quoted}` where it has an access control list)",
        )


def writers(path: Path, status: os.stat_result, user: int) -> list[str]:
    """Return the users and groups besides `user` and root that can write to `path`: `user 2`, `group 60`, `others`."""
    return [
        f"{kind} {number}" if kind != "others" else kind
        for kind, number, permissions in _permissions(path, status)
        if permissions & _WRITE and not _is_own(kind, number, user)
    ]


def _permissions(path: Path, status: os.stat_result) -> Iterator[tuple[str, int, int]]:
    """Yield (`user`, `group` or `others`; its number; its permissions as bits 4, 2, 1) for each but the owner."""
    try:
        entries = parse_acl(os.getxattr(path, _ACL))
    except (OSError, AttributeError):  # no list, or no support by the file system or the platform
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
    """Return (tag, permissions, number) of each entry; for an unknown format, one that lets all users write."""
    if len(data) % 8 != 4 or struct.unpack_from("<I", data)[0] != _ACL_VERSION:  # noqa: PLR2004 - header 4, entries 8
        return [(_OTHER, _WRITE, 0)]
    return list(struct.iter_unpack("<HHI", data[4:]))


def _is_own(kind: str, number: int, user: int) -> bool:
    """Return whether this is `user` or root, or the private group of one of them."""
    if kind == "user":
        return number in {user, _ROOT}
    return kind == "group" and any(_is_private_group(number, owner) for owner in (user, _ROOT))


def _is_private_group(group: int, user: int) -> bool:
    """Return whether a group has the name of `user` and no other member (pam_umask(8))."""
    import grp  # late, since few paths are writable for a group
    import pwd

    try:
        name, found = pwd.getpwuid(user).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}
