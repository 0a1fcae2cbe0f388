"""Archives: writing and unpacking tar files. The one home of tarfile.

tarfile only parses headers here. What is unpacked is decided member by member, before it is written: one pass, one set
of rules, the decompression running ahead in a thread. That is faster than `tar` and than `TarFile.extractall`.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, cast

from envmgr.errors import DownloadError, EnvmgrError
from envmgr.host import process
from envmgr.host.paths import Environ

_MTIME = 1704067200  # any constant: equal inputs make equal archives
_CHUNK = 1 << 20  # bytes
_AHEAD = 4  # chunks
_LONGEST_HEADER = 1 << 20  # bytes of all the headers of one member: pax, long names, maps of sparse files
_LONGEST_NAME, _DEEPEST = 1024, 64  # characters, directories; the longest and deepest of a Python have about 130 and 12
LARGEST = 4 << 30  # bytes unpacked; the largest full debug build has about 1 GB
MOST = 100_000  # members, and directories that only their names tell of


def write(root: Path, to: Path, *, level: int) -> None:
    """Write the tree `root`, named by its last component, to the file `to` as `.tar.gz`; files and links only."""
    with (
        to.open("wb") as raw,
        gzip.GzipFile("", "wb", level, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                tar.add(path, path.relative_to(root.parent), recursive=False, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Forget whose file it was, and when."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _MTIME
    return member


def unpack(archive: Path, into: Path, environ: Environ, *, largest: int = LARGEST, most: int = MOST) -> None:
    """Unpack `archive` (.tar.gz, .bz2, .xz or .zst) into the empty directory `into`.

    Refused, with DownloadError: absolute names, `..`, links out of the tree, names that go through a link, devices,
    setuid, a name twice, names too long or too deep, more than `largest` bytes or `most` members and directories, and
    what is no archive. Raises EnvmgrError when the disk does not take it, or when nothing here reads zstd. After an
    error, what is in `into` is of no use.
    """
    try:
        with _opened(archive, environ) as packed, ThreadPoolExecutor(1) as ahead:
            stream = _Stream(_chunks(packed, ahead, largest))
            tree = _Tree(into, most)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
                while member := tar.next():
                    stream.begin()
                    tree.add(member, stream)
            tree.finish()
    except DownloadError as error:
        raise DownloadError(f"{archive.name}: refused: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise EnvmgrError(f"{into}: cannot be written: {error.strerror}") from error
    except (tarfile.TarError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        # tarfile lets some headers fail as they may: sparse maps that are none, numbers, headers upon headers
        raise DownloadError(f"{archive.name}: damaged: {error}") from error


def _chunks(packed: IO[bytes], ahead: ThreadPoolExecutor, largest: int) -> Iterator[bytes]:
    """Yield the unpacked bytes; while one chunk is worked on, a thread makes the next ones.

    Several: many small files take longer to write than to unpack, large ones the other way round.
    """
    total, coming = 0, deque(ahead.submit(packed.read, _CHUNK) for _ in range(_AHEAD))
    while chunk := _result(coming.popleft()):
        coming.append(ahead.submit(packed.read, _CHUNK))
        total += len(chunk)
        if total > largest:
            raise DownloadError(f"unpacks to more than {largest} bytes")
        yield chunk


def _result(coming: Future[bytes]) -> bytes:
    try:
        return coming.result()
    except EnvmgrError:
        raise
    except Exception as error:  # every decompressor has its own
        raise tarfile.ReadError(str(error)) from error


class _Stream:
    """The unpacked bytes, as tarfile reads them for the headers and we for the files: forwards only."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = memoryview(b"")
        self._offset = 0
        self._headers = 0

    def begin(self) -> None:
        """Count the bytes of headers anew: the next ones are of another member."""
        self._headers = 0

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield the next `size` bytes, fewer at the end."""
        while size > 0 and (self._held or self._more()):
            piece, self._held = self._held[:size], self._held[size:]
            self._offset += len(piece)
            size -= len(piece)
            yield piece

    def _more(self) -> bool:
        self._held = memoryview(next(self._chunks, b""))
        return bool(self._held)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of headers, or fewer at the end."""
        self._headers += size
        if self._headers > _LONGEST_HEADER:
            raise tarfile.ReadError("a header without end")
        return b"".join(self.pieces(size))

    def tell(self) -> int:
        """Return the position."""
        return self._offset

    def seek(self, offset: int) -> int:
        """Skip to the position `offset`."""
        if offset < self._offset:
            raise tarfile.ReadError("a member that goes backwards")
        for _ in self.pieces(offset - self._offset):
            pass
        return self._offset


class _Tree:
    """What has been unpacked into a directory: no member is written before it has been compared with it."""

    def __init__(self, into: Path, most: int) -> None:
        self._into = str(into)
        self._most, self._made = most, 0
        self._folders = {""}
        self._files: set[str] = set()
        self._links: set[str] = set()  # case folded: where the file system is so, a name must not slip past them
        self._hard: list[tuple[str, str]] = []

    def add(self, member: tarfile.TarInfo, stream: _Stream) -> None:
        """Write one member, or raise DownloadError."""
        name = _name(member.name)
        self._count()
        if member.mode & 0o7000 and not member.issym():
            raise DownloadError(f"a setuid, setgid or sticky member: {name!a}")
        if member.isdir():
            self._folder(name)
            return
        if not name:
            raise DownloadError("a file or link without a name")
        self._folder(name.rpartition("/")[0])
        try:
            self._write(name, member, stream)
        except FileExistsError as error:
            raise DownloadError(f"a name twice: {name!a}") from error

    def finish(self) -> None:
        """Make the hard links: in old archives they come before what they link to."""
        for name, target in self._hard:
            if target not in self._files:
                raise DownloadError(f"a hard link to what is not a file of the archive: {name!a}")
            os.link(f"{self._into}/{target}", f"{self._into}/{name}", follow_symlinks=False)

    def _count(self) -> None:
        self._made += 1
        if self._made > self._most:
            raise DownloadError(f"more than {self._most} members")

    def _folder(self, name: str) -> None:
        if name in self._folders:
            return
        self._count()
        self._folder(name.rpartition("/")[0])
        if name.casefold() in self._links or name in self._files:
            raise DownloadError(f"a name that goes through a link or file: {name!a}")
        with suppress(FileExistsError):  # the same folder in other letters, on a file system that ignores case
            os.mkdir(f"{self._into}/{name}")  # noqa: PTH102 - thousands of times
        self._folders.add(name)

    def _write(self, name: str, member: tarfile.TarInfo, stream: _Stream) -> None:
        if member.isreg() and not member.issparse():
            _write_file(f"{self._into}/{name}", member, stream)
            self._files.add(name)
        elif member.issym():
            _check_link(name, member.linkname)
            os.symlink(member.linkname, f"{self._into}/{name}")  # noqa: PTH211 - thousands of times
            self._links.add(name.casefold())
        elif member.islnk():
            self._hard.append((name, _name(member.linkname)))
        else:
            raise DownloadError(f"neither file, directory nor link: {name!a}")


def _write_file(path: str, member: tarfile.TarInfo, stream: _Stream) -> None:
    mode = 0o755 if member.mode & 0o100 else 0o644
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        left = member.size
        for piece in stream.pieces(member.size):
            left -= len(piece)
            while piece:
                piece = piece[os.write(descriptor, piece) :]  # noqa: PLW2901 - a write may be short
    finally:
        os.close(descriptor)
    if left:
        raise tarfile.ReadError("it ends too early")


def _name(text: str) -> str:
    """Return a member's name without `.` components; raises DownloadError for one that leaves the tree."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or "\0" in text:
        raise DownloadError(f"a name that leaves the archive: {text!a}")
    if len(text) > _LONGEST_NAME or len(parts) > _DEEPEST:
        raise DownloadError(f"a name too long or too deep: {text[:80]!a}...")
    return "/".join(parts)


def _check_link(name: str, target: str) -> None:
    """Raise DownloadError for a link out of its top directory.

    `..` may only stand at the beginning: the link's own directories are real ones, so that it means what it says.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    if target.startswith("/") or not parts or ".." in parts[ups:] or (ups and ups >= name.count("/")):
        raise DownloadError(f"a link that leaves the archive: {name!a} -> {target!a}")


@contextmanager
def _opened(archive: Path, environ: Environ) -> Iterator[IO[bytes]]:
    """Open a compressed file for reading its contents."""
    if archive.suffix == ".zst":
        with _zstd(archive, environ) as packed:
            yield packed
        return
    modules = {".gz": ("isal.igzip", "gzip"), ".bz2": ("bz2",), ".xz": ("lzma",)}.get(archive.suffix)
    if modules is None:
        raise DownloadError(f"not a kind of archive that envmgr reads: {archive.suffix!a}")
    for name in modules:  # isal unpacks twice as fast as zlib, where it is installed
        with suppress(ImportError):
            module = import_module(name)
            break
    with module.open(archive) as packed:
        yield packed


def _zstd(archive: Path, environ: Environ) -> AbstractContextManager[IO[bytes]]:
    """Open with what there is: the standard library (3.14), its backport, `zstandard`, the program `zstd`."""
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            zstd = import_module(name)
            options = {zstd.DecompressionParameter.window_log_max: 31}
            return cast("AbstractContextManager[IO[bytes]]", zstd.open(archive, options=options))
    with suppress(ImportError):
        zstandard = import_module("zstandard")
        unlimited = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        return cast("AbstractContextManager[IO[bytes]]", zstandard.open(archive, dctx=unlimited))
    if not (program := shutil.which("zstd", path=environ.get("PATH"))):
        raise EnvmgrError(
            f"{archive.name} is packed with zstd, which nothing here can read",
            hint="install the program `zstd`, or the Python package `backports.zstd` beside envmgr",
        )
    return process.open_stdout([program, "-dcq", "--long=31", archive], environ=environ)
