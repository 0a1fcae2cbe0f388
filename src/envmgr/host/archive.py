"""Tar archives: writing and safe unpacking. The only module that imports tarfile.

tarfile only parses headers here. Each member is checked before it is written, in one pass, while a thread decompresses
the next chunks. That is faster than `tar` and than `TarFile.extractall`.
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
_READ_AHEAD = 4  # chunks
_MAX_HEADER = 1 << 20  # bytes of all the headers of one member: pax, long names, maps of sparse files
_MAX_NAME, _MAX_DEPTH = 1024, 64  # characters, directories; the maxima in a Python are about 130 and 12
MAX_BYTES = 4 << 30  # unpacked; the largest full debug build has about 1 GB
MAX_MEMBERS = 100_000  # directories that have no member of their own count too


def write(root: Path, to: Path, *, level: int) -> None:
    """Write the tree `root`, named by its last component, to the file `to` as `.tar.gz`; files and links only."""
    with (
        to.open("wb") as raw,
        gzip.GzipFile("", "wb", level, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                tar.add(path, path.relative_to(root.parent), recursive=False, filter=_without_metadata)


def _without_metadata(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Reset the owner and the modification time of `member`, and return it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _MTIME
    return member


def unpack(
    archive: Path, into: Path, environ: Environ, *, max_bytes: int = MAX_BYTES, max_members: int = MAX_MEMBERS
) -> None:
    """Unpack `archive` (.tar.gz, .bz2, .xz or .zst) into the empty directory `into`.

    Raises DownloadError for a damaged archive, and for one with absolute names, `..`, links that point out of the tree,
    names that pass through a link, devices, setuid, duplicate names, names too long or too deep, or more than
    `max_bytes` bytes or `max_members` members and directories. Raises EnvmgrError when `into` cannot be written, or
    when no reader for zstd is installed. After an error, the caller must remove the content of `into`.
    """
    try:
        with _open(archive, environ) as packed, ThreadPoolExecutor(1) as executor:
            stream = _Stream(_chunks(packed, executor, max_bytes))
            tree = _Tree(into, max_members)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
                while member := tar.next():
                    stream.start_member()
                    tree.add(member, stream)
            tree.finish()
    except DownloadError as error:
        raise DownloadError(f"{archive.name}: refused: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise EnvmgrError(f"{into}: cannot be written: {error.strerror}") from error
    except (tarfile.TarError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        # tarfile does not translate all errors: malformed sparse maps, numbers out of range, nested headers
        raise DownloadError(f"{archive.name}: damaged: {error}") from error


def _chunks(packed: IO[bytes], executor: ThreadPoolExecutor, max_bytes: int) -> Iterator[bytes]:
    """Yield the decompressed bytes; while one chunk is processed, a thread decompresses the next ones.

    It reads several chunks ahead, because small files take longer to write than to decompress, large ones less.
    """
    total, pending = 0, deque(executor.submit(packed.read, _CHUNK) for _ in range(_READ_AHEAD))
    while chunk := _result(pending.popleft()):
        pending.append(executor.submit(packed.read, _CHUNK))
        total += len(chunk)
        if total > max_bytes:
            raise DownloadError(f"unpacks to more than {max_bytes} bytes")
        yield chunk


def _result(chunk: Future[bytes]) -> bytes:
    """Return the bytes of `chunk`; raises tarfile.ReadError for any error of the decompressor."""
    try:
        return chunk.result()
    except EnvmgrError:
        raise
    except Exception as error:  # each decompressor raises classes of its own
        raise tarfile.ReadError(str(error)) from error


class _Stream:
    """The decompressed bytes as a forward-only file: tarfile reads the headers, `pieces` yields the files."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = memoryview(b"")
        self._offset = 0
        self._header_bytes = 0

    def start_member(self) -> None:
        """Reset the number of header bytes: the next headers belong to another member."""
        self._header_bytes = 0

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield the next `size` bytes, fewer at the end."""
        while size > 0 and (self._buffer or self._fill()):
            piece, self._buffer = self._buffer[:size], self._buffer[size:]
            self._offset += len(piece)
            size -= len(piece)
            yield piece

    def _fill(self) -> bool:
        """Read the next chunk into the buffer; returns False at the end."""
        self._buffer = memoryview(next(self._chunks, b""))
        return bool(self._buffer)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of headers, or fewer at the end."""
        self._header_bytes += size
        if self._header_bytes > _MAX_HEADER:
            raise tarfile.ReadError(f"headers of one member have more than {_MAX_HEADER} bytes")
        return b"".join(self.pieces(size))

    def tell(self) -> int:
        """Return the position."""
        return self._offset

    def seek(self, offset: int) -> int:
        """Skip to the position `offset`."""
        if offset < self._offset:
            raise tarfile.ReadError("a header points backwards")
        for _ in self.pieces(offset - self._offset):
            pass
        return self._offset


class _Tree:
    """The files, links and directories unpacked so far; each new member is checked against them, then written."""

    def __init__(self, into: Path, max_members: int) -> None:
        self._into = str(into)
        self._max_members, self._members = max_members, 0
        self._folders = {""}
        self._files: set[str] = set()
        self._links: set[str] = set()  # case-folded, for file systems that ignore case
        self._hard_links: list[tuple[str, str]] = []

    def add(self, member: tarfile.TarInfo, stream: _Stream) -> None:
        """Write one member, or raise DownloadError."""
        name = _checked_name(member.name)
        self._count()
        if member.mode & 0o7000 and not member.issym():
            raise DownloadError(f"setuid, setgid or sticky member: {name!a}")
        if member.isdir():
            self._make_folder(name)
            return
        if not name:
            raise DownloadError("file or link without a name")
        self._make_folder(name.rpartition("/")[0])
        try:
            self._write(name, member, stream)
        except FileExistsError as error:
            raise DownloadError(f"duplicate name: {name!a}") from error

    def finish(self) -> None:
        """Make the hard links last, because in old archives they precede their targets."""
        for name, target in self._hard_links:
            if target not in self._files:
                raise DownloadError(f"hard link to a target that is not a file of the archive: {name!a}")
            os.link(f"{self._into}/{target}", f"{self._into}/{name}", follow_symlinks=False)

    def _count(self) -> None:
        """Count a member; raises DownloadError at the limit."""
        self._members += 1
        if self._members > self._max_members:
            raise DownloadError(f"more than {self._max_members} members")

    def _make_folder(self, name: str) -> None:
        """Make the directory `name` and its parents; raises DownloadError where one is a link or file."""
        if name in self._folders:
            return
        self._count()
        self._make_folder(name.rpartition("/")[0])
        if name.casefold() in self._links or name in self._files:
            raise DownloadError(f"name passes through a link or file: {name!a}")
        with suppress(FileExistsError):  # exists in another case, on a file system that ignores case
            os.mkdir(f"{self._into}/{name}")  # noqa: PTH102 - called thousands of times
        self._folders.add(name)

    def _write(self, name: str, member: tarfile.TarInfo, stream: _Stream) -> None:
        """Write a regular file or symbolic link, and remember a hard link for `finish`; raises DownloadError."""
        if member.isreg() and not member.issparse():
            _write_file(f"{self._into}/{name}", member, stream)
            self._files.add(name)
        elif member.issym():
            _check_link(name, member.linkname)
            os.symlink(member.linkname, f"{self._into}/{name}")  # noqa: PTH211 - called thousands of times
            self._links.add(name.casefold())
        elif member.islnk():
            self._hard_links.append((name, _checked_name(member.linkname)))
        else:
            raise DownloadError(f"neither file, directory nor link: {name!a}")


def _write_file(path: str, member: tarfile.TarInfo, stream: _Stream) -> None:
    """Write a new regular file with the mode 755 or 644; raises FileExistsError, tarfile.ReadError."""
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
        raise tarfile.ReadError("truncated")


def _checked_name(text: str) -> str:
    """Return a member's name without `.` components; raises DownloadError for one outside the tree."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or "\0" in text:
        raise DownloadError(f"name points out of the archive: {text!a}")
    if len(text) > _MAX_NAME or len(parts) > _MAX_DEPTH:
        raise DownloadError(f"name too long or too deep: {text[:80]!a}...")
    return "/".join(parts)


def _check_link(name: str, target: str) -> None:
    """Raise DownloadError for a symbolic link that points out of its top directory.

    `..` is allowed only at the start of the target: there it names the link's own directories, which are no links.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    if target.startswith("/") or not parts or ".." in parts[ups:] or (ups and ups >= name.count("/")):
        raise DownloadError(f"link points out of the archive: {name!a} -> {target!a}")


@contextmanager
def _open(archive: Path, environ: Environ) -> Iterator[IO[bytes]]:
    """Open a compressed file for reading its decompressed content."""
    if archive.suffix == ".zst":
        with _open_zstd(archive, environ) as packed:
            yield packed
        return
    modules = {".gz": ("isal.igzip", "gzip"), ".bz2": ("bz2",), ".xz": ("lzma",)}.get(archive.suffix)
    if modules is None:
        raise DownloadError(f"unsupported archive format: {archive.suffix!a}")
    for name in modules:  # isal, where it is installed, is twice as fast as zlib
        with suppress(ImportError):
            module = import_module(name)
            break
    with module.open(archive) as packed:
        yield packed


def _open_zstd(archive: Path, environ: Environ) -> AbstractContextManager[IO[bytes]]:
    """Open with the first reader available: the standard library (3.14), its backport, `zstandard`, or `zstd`."""
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
            f"{archive.name}: no reader for zstd is installed",
            hint="install the program `zstd`, or the Python package `backports.zstd` beside envmgr",
        )
    return process.open_stdout([program, "-dcq", "--long=31", archive], environ=environ)
