"""Downloads with known sha256, from the first host that has the file; interrupted ones are resumed."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from envmgr.errors import ChecksumError, DownloadError, EnvmgrError
from envmgr.host import lock
from envmgr.host.network import Network, without_credentials
from envmgr.host.reply import TransientError

ProgressCallback = Callable[[int, int | None], None]  # bytes downloaded, bytes in total if known
MAX_BYTES = 1 << 30  # the largest archive of a Python, a full debug build, has about 200 million
_IDLE_ATTEMPTS = 5  # in a row without progress
_ATTEMPTS = 200  # of one download, also with progress
_PAUSE = 0.1  # seconds before the second round over the hosts; doubles with each round


def fetch(
    network: Network, urls: Sequence[str], to: Path, sha256: str, *, watch: ProgressCallback | None = None
) -> Path:
    """Download a file from one of `urls` to `to`, verify its `sha256`, and return `to`.

    Raises what `locked_fetch` raises.
    """
    with locked_fetch(network, urls, to, sha256, watch=watch) as file:
        return file


@contextmanager
def locked_fetch(
    network: Network, urls: Sequence[str], to: Path, sha256: str, *, watch: ProgressCallback | None = None
) -> Iterator[Path]:
    """Download a file as `fetch` does and yield it locked: no process that takes the lock removes it in the block.

    A file with the right sha256 is not downloaded again. An interrupted download is resumed from `to` + `.part`. Of
    several processes one downloads and the others wait. Raises DownloadError, ChecksumError, and EnvmgrError where
    the file cannot be written.
    """
    part = to.with_name(f"{to.name}.part")
    with ExitStack() as stack:
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock.exclusive(lock_path(to), timeout=3600))
            if not _is_valid(to, sha256):
                _fetch(network, urls, part, sha256, watch or (lambda *_: None)).replace(to)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise EnvmgrError(
                f"{to.parent}: cannot be written: {error.strerror}", hint=_free_space(to.parent)
            ) from error
        yield to


def lock_path(to: Path) -> Path:
    """Return the lock file of `to`."""
    return to.with_name(f".{to.name}.lock")


def digest(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    return _sha256(path).hexdigest()


def _fetch(network: Network, urls: Sequence[str], part: Path, sha256: str, watch: ProgressCallback) -> Path:
    """Download to `part`, trying the hosts in turn, in rounds with growing pauses, until all have failed for good.

    Progress means that `part` has become larger than ever before: a server that starts anew each time makes none.
    """
    if _is_valid(part, sha256):
        return part
    usable, problems, turn, largest, idle = list(urls), dict[str, DownloadError](), 0, _size(part), 0
    for _ in range(_ATTEMPTS):
        if not usable or idle == _IDLE_ATTEMPTS:
            break
        url, resumed = usable[turn % len(usable)], _size(part) > 0
        try:
            _verify(part, _transfer(network, url, part, watch), sha256, without_credentials(url))
        except TransientError as problem:
            problems[url] = problem
            turn += 1
            largest, idle = max(largest, _size(part)), 0 if _size(part) > largest else idle + 1
            _pause(problem, idle, len(usable))
        except DownloadError as problem:
            problems[url] = problem
            if isinstance(problem, ChecksumError) and resumed:  # the old part may have been wrong
                part.unlink(missing_ok=True)
                idle += 1
            else:
                usable.remove(url)
        else:
            return part
    raise _summary(list(problems.values()))


def _pause(problem: TransientError, idle: int, hosts: int) -> None:
    """Wait for the server's Retry-After, or before another round over the hosts."""
    if idle < _IDLE_ATTEMPTS and (problem.wait or idle % hosts == 0):
        time.sleep(problem.wait or _PAUSE * 2 ** (idle // hosts))


def _transfer(network: Network, url: str, part: Path, watch: ProgressCallback) -> str:
    """Append the missing bytes to `part`; returns the sha256 of the whole file, computed on the way."""
    size = _size(part)
    with network.open(url, {"Range": f"bytes={size}-"} if size else None) as reply:
        if reply.status != 206:  # noqa: PLR2004 - partial content
            size = 0
        elif not reply.headers.get("content-range", "").startswith(f"bytes {size}-"):
            raise ChecksumError(f"{without_credentials(url)}: answered with another part of the file than requested")
        sha256 = _sha256(part) if size else hashlib.sha256()
        length = reply.headers.get("content-length", "")
        total = size + int(length) if length.isascii() and length.isdigit() else None
        _ensure_size(total or 0, url)
        with part.open("ab" if size else "wb") as file:
            for chunk in reply.chunks:
                size += len(chunk)
                _ensure_size(size, url)
                file.write(chunk)
                sha256.update(chunk)
                watch(size, total)
    if total is not None and size != total:
        raise TransientError(f"{without_credentials(url)}: ended after {size} of {total} bytes")
    return sha256.hexdigest()


def _ensure_size(size: int, url: str) -> None:
    """Raise DownloadError for a size above the limit."""
    if size > MAX_BYTES:
        raise DownloadError(f"{without_credentials(url)}: larger than {MAX_BYTES >> 20} MB, the limit for an archive")


def _verify(part: Path, found: str, sha256: str, url: str) -> None:
    """Remove `part` and raise ChecksumError where `found` is not `sha256`."""
    if found == sha256:
        return
    with part.open("rb") as file:
        page = file.read(256).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    part.unlink()
    if page:
        raise ChecksumError(
            f"{url} answered with a web page, not with the file",
            hint="a log-in page or a proxy may have answered instead",
        )
    raise ChecksumError(
        f"{url}: the sha256 is {found}, not {sha256}",
        hint="the download was deleted; either the file was changed in transit, or the index is wrong",
    )


def _is_valid(path: Path, sha256: str) -> bool:
    return path.is_file() and digest(path) == sha256


def _sha256(path: Path) -> hashlib._Hash:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _summary(problems: list[DownloadError]) -> DownloadError:
    """Return one error with the messages of all hosts; a ChecksumError where any is one."""
    kind = ChecksumError if any(isinstance(problem, ChecksumError) for problem in problems) else DownloadError
    hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
    return kind("\n".join(problem.message for problem in problems), hint="\n".join(hints) or None)


def _free_space(folder: Path) -> str:
    """Return the hint for a file that cannot be written: the free space, if known, and the variable to set."""
    hint = "set ENVMGR_CACHE_DIR to another directory"
    with suppress(OSError):
        return f"{shutil.disk_usage(folder).free // 1_000_000} MB are free there; {hint}"
    return hint
