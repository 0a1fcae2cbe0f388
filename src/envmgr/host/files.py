"""Small files and links: write one by one rename, read one without waiting for a FIFO or a device.

A writer stages beside the target, as `.NAME.envmgr-PID`, so that the rename stays on one filesystem; `clean_up` removes
what a killed writer left. A reader sees the old file or the new one, never a part. Nothing is flushed to the disk.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LIMIT = 16 * 1024 * 1024  # bytes; settings, records, receipts and indexes are far smaller
_STAGED = re.compile(r"\..+\.envmgr-([1-9][0-9]{0,8})", re.ASCII | re.DOTALL)
_BLOCK = 65536
_FICLONE = 0x40049409  # of Linux; elsewhere an ioctl that no file knows
_NO_REFLINK = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS}


class NotRegularError(OSError):
    """The path leads to a directory, FIFO, socket or device."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path at which the block makes a file or a link, and rename that to `path` afterwards.

    Two threads must not replace the same path. An OSError, of the block too, names `path`.
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
    """Make `path` a regular file with `content` (text in UTF-8, surrogates as the bytes that they stand for).

    A file that is replaced keeps its permissions, and its owner where we may give it away, unless `mode` says
    otherwise; a link is replaced, not followed. Raises OSError naming `path`.
    """
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    with replacing(path) as staged:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            _keep_owner_and_mode(descriptor, path, mode)
    clean_up(path.parent)


def link_atomically(link: Path, target: str | Path) -> bool:
    """Make `link` a symbolic link to `target`; returns False, and writes nothing, when it already is one.

    Raises OSError naming `link`. The caller runs `clean_up` on the directory, once for all its links.
    """
    with suppress(OSError):
        if os.readlink(link) == str(target):  # noqa: PTH115 - its text
            return False
    with replacing(link) as staged:
        staged.symlink_to(target)
    return True


def read_regular(path: Path | str, *, limit: int = LIMIT, own_only: bool = False) -> bytes:
    """Return the content of the regular file that `path` leads to.

    `own_only` refuses, for root, a file of another user. Raises FileNotFoundError, NotRegularError, OSError with
    EFBIG for more than `limit` bytes, other OSErrors, and ValueError for a path with a NUL.
    """
    _ensure_regular(os.stat(path), path)  # noqa: PTH116 - before opening: to open some devices is to operate them
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


def read_text(path: Path | str, *, limit: int = LIMIT, errors: str = "strict") -> str:
    """Return the UTF-8 text of the regular file that `path` leads to; line ends stay as they are.

    Raises what `read_regular` raises, and UnicodeDecodeError (a ValueError).
    """
    return read_regular(path, limit=limit).decode(errors=errors)


def reflink(source: str, target: str) -> bool:
    """Make `target` a copy of `source` that shares its blocks until one is written to; False where that can't be.

    It has the times of `source`, and its mode with the right to write. Only some filesystems can (btrfs, XFS, bcachefs:
    ioctl_ficlonerange(2)). Raises OSError for a source that is not there and a target that is.
    """
    import fcntl

    try:
        with open(source, "rb") as old, open(target, "xb") as new:  # noqa: PTH123 - there are a thousand of them
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
    """Remove from `folder` the staged files and links of processes that no longer run; never raises OSError."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - names are all that is needed
            found = _STAGED.fullmatch(name)
            if found and not runs(int(found[1])):
                with suppress(OSError):
                    (folder / name).unlink()


def runs(pid: int) -> bool:
    """Whether a process with this number runs; True as well for one of another user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _keep_owner_and_mode(descriptor: int, path: Path, mode: int | None) -> None:
    """Give the open staged file the owner and permissions of the regular file that it is about to replace."""
    with suppress(OSError):  # nothing there, a directory that cannot be searched, an owner that we may not give
        before = os.lstat(path)
        if stat.S_ISREG(before.st_mode):
            mode = stat.S_IMODE(before.st_mode) & 0o777 if mode is None else mode
            os.fchown(descriptor, before.st_uid, before.st_gid)
    if mode is not None:
        os.fchmod(descriptor, mode)


def _ensure_regular(status: os.stat_result, path: Path | str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(errno.EINVAL, "not a regular file", str(path))


def _read_up_to(descriptor: int, limit: int) -> bytes:
    """Return what can be read, at most `limit` bytes."""
    blocks: list[bytes] = []
    while limit > 0 and (block := os.read(descriptor, min(_BLOCK, limit))):
        blocks.append(block)
        limit -= len(block)
    return b"".join(blocks)
