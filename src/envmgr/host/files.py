"""Small files and links: atomic writes, and reads that do not block on a FIFO or a device.

A writer stages the file as `.NAME.envmgr-PID` beside the target and renames it, so that a reader sees the old content
or the new one; `clean_up` removes staged files of killed writers. Nothing is flushed to the disk.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_SIZE = 16 * 1024 * 1024  # bytes; settings, records, receipts and indexes are far smaller
_STAGED = re.compile(r"\..+\.envmgr-([1-9][0-9]{0,8})", re.ASCII | re.DOTALL)
_BLOCK = 65536
_FICLONE = 0x40049409  # of Linux; other systems reject it
_NO_REFLINK = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS}


class NotRegularError(OSError):
    """A path of a directory, FIFO, socket or device where a regular file is needed."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path at which the block must make a file or link, and rename that to `path` afterwards.

    Two threads must not replace the same path. Raises OSError naming `path`, also for an OSError of the block.
    """
    staged = path.with_name(f".{path.name.lstrip('.')}.envmgr-{os.getpid()}")
    try:
        staged.unlink(missing_ok=True)
        yield staged
        staged.replace(path)
    except BaseException as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise


def write_atomically(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    """Write `content` to the regular file `path`; text is encoded as UTF-8 with surrogateescape (PEP 383).

    A replaced file keeps its permissions unless `mode` is given, and its owner where the system permits that; a link is
    replaced, not followed. Raises OSError naming `path`.
    """
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    with replacing(path) as staged:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            _keep_owner_and_mode(descriptor, path, mode)
    clean_up(path.parent)


def link_atomically(link: Path, target: str | Path) -> bool:
    """Make `link` a symbolic link to `target`; returns False, without writing, where it is one already.

    Raises OSError naming `link`. The caller must run `clean_up` on the directory, once for all its links.
    """
    with suppress(OSError):
        if os.readlink(link) == str(target):  # noqa: PTH115 - compared as text
            return False
    with replacing(link) as staged:
        staged.symlink_to(target)
    return True


def read_regular(path: Path | str, *, limit: int = MAX_SIZE, own_only: bool = False) -> bytes:
    """Return the content of the regular file at `path`; a link is followed.

    With `own_only`, root may not read a file of another user. Raises FileNotFoundError, NotRegularError, OSError with
    EFBIG for more than `limit` bytes, other OSErrors, and ValueError for a path with a NUL.
    """
    _ensure_regular(os.stat(path), path)  # noqa: PTH116 - before opening, since opening a device may have effects
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        _ensure_regular(status, path)
        if own_only and os.geteuid() == 0 and status.st_uid != 0:
            raise PermissionError(errno.EPERM, "belongs to another user", str(path))
        data = _read_up_to(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def read_text(path: Path | str, *, limit: int = MAX_SIZE, errors: str = "strict") -> str:
    """Return the UTF-8 text of the regular file at `path`, with its line ends unchanged.

    Raises what `read_regular` raises, and UnicodeDecodeError (a ValueError).
    """
    return read_regular(path, limit=limit).decode(errors=errors)


def reflink(source: str, target: str) -> bool:
    """Make `target` a copy-on-write clone of `source`; returns False where the file system has no support.

    Btrfs, XFS and bcachefs support it (ioctl_ficlonerange(2)). The clone has the times of `source`, and its mode with
    write permission for the owner. Raises OSError for a missing source and an existing target.
    """
    import fcntl

    try:
        with open(source, "rb") as old, open(target, "xb") as new:  # noqa: PTH123 - called a thousand times
            status = os.fstat(old.fileno())
            fcntl.ioctl(new, _FICLONE, old.fileno())
            os.fchmod(new.fileno(), status.st_mode | stat.S_IWUSR)
            os.utime(new.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        if error.errno not in _NO_REFLINK:
            raise
        os.unlink(target)  # noqa: PTH108
        return False
    return True


def clean_up(folder: Path) -> None:
    """Remove the staged files and links of ended processes from `folder`; never raises OSError."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - only the names are needed
            found = _STAGED.fullmatch(name)
            if found and not is_running(int(found[1])):
                with suppress(OSError):
                    (folder / name).unlink()


def is_running(pid: int) -> bool:
    """Return whether a process with the number `pid` exists, of any user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _keep_owner_and_mode(descriptor: int, path: Path, mode: int | None) -> None:
    """Set owner and permissions of the open staged file to those of the regular file at `path`, or to `mode`."""
    with suppress(OSError):  # no such file, no access to the directory, no right to change the owner
        before = os.lstat(path)
        if stat.S_ISREG(before.st_mode):
            mode = stat.S_IMODE(before.st_mode) & 0o777 if mode is None else mode
            os.fchown(descriptor, before.st_uid, before.st_gid)
    if mode is not None:
        os.fchmod(descriptor, mode)


def _ensure_regular(status: os.stat_result, path: Path | str) -> None:
    """Raise NotRegularError unless `status` is of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(errno.EINVAL, "not a regular file", str(path))


def _read_up_to(descriptor: int, limit: int) -> bytes:
    """Return the content up to `limit` bytes."""
    blocks: list[bytes] = []
    while limit > 0 and (block := os.read(descriptor, min(_BLOCK, limit))):
        blocks.append(block)
        limit -= len(block)
    return b"".join(blocks)
