"""Mirrors: folders `{tag}/{archive}` with a `SHA256SUMS` that says what is there. Any file server can serve one."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import archive, lock, platforms
from envmgr.host.paths import Environ
from envmgr.pythons import relocatable
from envmgr.pythons.relocatable import Source

SUMS = "SHA256SUMS"
_TAG = re.compile(r"[0-9]{8}", re.ASCII)
_VARIANTS = {"": "", "t": "freethreaded-", "d": "debug-", "td": "freethreaded+debug-"}


def pack(
    prefix: Path,
    into: Path,
    tag: str,
    *,
    environ: Environ = os.environ,
    level: int = 6,
    without: Collection[str] = (),
) -> Path:
    """Write `into/{tag}/cpython-...-install_only_stripped.tar.gz` from the CPython in `prefix`; returns its path.

    `tag` is eight digits, `environ` has the PATH to `strip` and `patchelf`, `level` is gzip's. `without` names packages
    of the standard library to leave out. The archive is entered in `SHA256SUMS` of the tag and of the mirror. Raises
    UsageError, BrokenInterpreterError, EnvmgrError.
    """
    if not _TAG.fullmatch(tag):
        raise UsageError(f"not a build tag: {tag!a}", hint="tags are eight digits, such as 20241016")
    source = relocatable.source(prefix, environ)
    folder = into / tag
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pack-") as scratch:
        root = Path(scratch) / "python"
        relocatable.copy(source, root, environ, without=without)
        staged = Path(scratch) / "archive"
        archive.write(root, staged, level=level)
        packed = staged.replace(folder / _file_name(source, tag))
    enter(into, packed)
    return packed


def enter(mirror: Path, packed: Path) -> None:
    """Put the sha256 of `mirror/{tag}/{file}` into the SHA256SUMS of its tag and the mirror; safe to call at once."""
    with packed.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with lock.exclusive(mirror / ".lock"):
        _note(packed.parent / SUMS, packed.name, sha256)
        _note(mirror / SUMS, f"{packed.parent.name}/{packed.name}", sha256)


def _note(sums: Path, name: str, sha256: str) -> None:
    """Write the line `<sha256>  <name>`, in place of the one for that name."""
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else []
    entries = {line.partition("  ")[2]: line for line in lines} | {name: f"{sha256}  {name}"}
    staged = sums.with_name(f".{SUMS}.{os.getpid()}")
    staged.write_text("".join(f"{entries[name]}\n" for name in sorted(entries)), encoding="utf-8")
    staged.replace(sums)


def _file_name(source: Source, tag: str) -> str:
    here = platforms.this_platform()
    triple = f"{here.arch}-apple-darwin" if here.os == "macos" else f"{here.arch}-unknown-linux-{here.libc}"
    return f"cpython-{source.version}+{tag}-{triple}-{_VARIANTS[source.flags]}install_only_stripped.tar.gz"
