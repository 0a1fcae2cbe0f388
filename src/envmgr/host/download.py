"""Downloads: files whose sha256 is known, fetched from the first host that has them, and gone on with after a cut."""

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

ProgressCallback = Callable[[int, int | None], None]  # bytes that are here, bytes that there are
LARGEST = 1 << 30  # bytes; the largest archive of a Python, a full debug build, has about 200 million
_TRIES = 5  # without more bytes than ever before
_ATTEMPTS = 200  # of one download, however many bytes each brings
_PAUSE = 0.1  # seconds before the second round over the hosts; doubles with each round


def fetch(
    network: Network, urls: Sequence[str], to: Path, sha256: str, *, watch: ProgressCallback | None = None
) -> Path:
    """Put the file that one of `urls` has at `to`, verified against `sha256`; returns `to`. Raises as `held` does."""
    with locked_fetch(network, urls, to, sha256, watch=watch) as file:
        return file


@contextmanager
def locked_fetch(
    network: Network, urls: Sequence[str], to: Path, sha256: str, *, watch: ProgressCallback | None = None
) -> Iterator[Path]:
    """Do that, and give the file under its lock: until the block ends, nobody who asks for the lock removes it.

    What is there already and right is not fetched again. A download that broke off goes on from `to` + `.part`; of
    several processes one works and the others wait for it. Raises DownloadError, ChecksumError, and EnvmgrError when
    the disk does not take it.
    """
    part = to.with_name(f"{to.name}.part")
    with ExitStack() as stack:
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock.exclusive(lock_path(to), timeout=3600))
            if not _is(to, sha256):
                _fetch(network, urls, part, sha256, watch or (lambda *_: None)).replace(to)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise EnvmgrError(f"{to.parent}: cannot be written: {error.strerror}", hint=_room(to.parent)) from error
        yield to


def lock_path(to: Path) -> Path:
    """Return the file that is locked while `to` is fetched or used."""
    return to.with_name(f".{to.name}.lock")


def digest(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    return _hashed(path).hexdigest()


def _fetch(network: Network, urls: Sequence[str], part: Path, sha256: str, watch: ProgressCallback) -> Path:
    """Try the hosts in turn, in rounds with growing pauses, as long as one is left that may still answer.

    Progress is more bytes than there ever were: a server that breaks off and then starts anew makes none.
    """
    if _is(part, sha256):
        return part
    live, problems, turn, most, idle = list(urls), dict[str, DownloadError](), 0, _size(part), 0
    for _ in range(_ATTEMPTS):
        if not live or idle == _TRIES:
            break
        url, held = live[turn % len(live)], _size(part)
        try:
            _verify(part, _transfer(network, url, part, watch), sha256, without_credentials(url))
        except TransientError as problem:
            problems[url] = problem
            turn += 1
            most, idle = max(most, _size(part)), 0 if _size(part) > most else idle + 1
            _pause(problem, idle, len(live))
        except DownloadError as problem:
            problems[url] = problem
            if isinstance(problem, ChecksumError) and held:  # it may be the old part that was wrong
                part.unlink(missing_ok=True)
                idle += 1
            else:
                live.remove(url)
        else:
            return part
    raise _summary(list(problems.values()))


def _pause(problem: TransientError, idle: int, hosts: int) -> None:
    """Wait as long as the server asks for, or before another round over the hosts."""
    if idle < _TRIES and (problem.wait or idle % hosts == 0):
        time.sleep(problem.wait or _PAUSE * 2 ** (idle // hosts))


def _transfer(network: Network, url: str, part: Path, watch: ProgressCallback) -> str:
    """Add to `part` what is missing; returns the sha256 of the whole, which costs least while the bytes are at hand."""
    held = _size(part)
    with network.open(url, {"Range": f"bytes={held}-"} if held else None) as reply:
        if reply.status != 206:  # noqa: PLR2004 - partial content
            held = 0
        elif not reply.headers.get("content-range", "").startswith(f"bytes {held}-"):
            raise ChecksumError(
                f"{without_credentials(url)}: answered with another part of the file than was asked for"
            )
        hashed = _hashed(part) if held else hashlib.sha256()
        length = reply.headers.get("content-length", "")
        total = held + int(length) if length.isascii() and length.isdigit() else None
        _ensure_size(total or 0, url)
        with part.open("ab" if held else "wb") as file:
            for chunk in reply.chunks:
                held += len(chunk)
                _ensure_size(held, url)
                file.write(chunk)
                hashed.update(chunk)
                watch(held, total)
    if total is not None and held != total:
        raise TransientError(f"{without_credentials(url)}: broke off after {held} of {total} bytes")
    return hashed.hexdigest()


def _ensure_size(size: int, url: str) -> None:
    if size > LARGEST:
        raise DownloadError(
            f"{without_credentials(url)}: larger than {LARGEST >> 20} MB, which no archive of a Python is"
        )


def _verify(part: Path, found: str, sha256: str, url: str) -> None:
    """Compare the hash, and remove what is wrong."""
    if found == sha256:
        return
    with part.open("rb") as file:
        page = file.read(256).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    part.unlink()
    if page:
        raise ChecksumError(
            f"{url} answered with a web page, not with the file", hint="a log-in page or a proxy stands between"
        )
    raise ChecksumError(
        f"{url}: the sha256 is {found}, not {sha256}",
        hint="the download was thrown away; the file was changed on its way, or the index is wrong",
    )


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and digest(path) == sha256


def _hashed(path: Path) -> hashlib._Hash:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _summary(problems: list[DownloadError]) -> DownloadError:
    """Make one error of what each host said; a wrong hash is the worst."""
    kind = ChecksumError if any(isinstance(problem, ChecksumError) for problem in problems) else DownloadError
    hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
    return kind("\n".join(problem.message for problem in problems), hint="\n".join(hints) or None)


def _room(folder: Path) -> str:
    with suppress(OSError):
        return f"{shutil.disk_usage(folder).free // 1_000_000} MB are free there; ENVMGR_CACHE_DIR may point elsewhere"
    return "ENVMGR_CACHE_DIR may point elsewhere"
