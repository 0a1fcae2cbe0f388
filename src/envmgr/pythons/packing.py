"""Copy an installed interpreter into a relocatable directory, laid out as an `install_only_stripped` archive.

The copy has no byte code, no test packages, and of site-packages only pip. Its prefix is `/install`; programs find
their libraries relative to `$ORIGIN`. Shared libraries outside the prefix (OpenSSL, ...) are not copied, so the copy
runs only on machines like this one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import BrokenInterpreterError, EnvmgrError, UsageError
from envmgr.host import process, shebang
from envmgr.host.paths import Environ
from envmgr.pythons.probe import probe

PREFIX = "/install"
_PARTS = (  # patterns of the files to copy; the prefix may be /usr
    "bin/{program}",
    "bin/python{minor}*-config",
    "bin/pip{minor}",
    "bin/pydoc{minor}",
    "bin/idle{minor}",
    "include/{program}",
    "lib/lib{program}.so*",
    "lib/lib{program}.dylib",
    "lib/libpython3.so",
    "lib/python{minor}{t}",
    "lib/pkgconfig/python-{minor}*.pc",
    "share/man/man1/python{minor}.1",
)
_DROPPED = {"__pycache__", "test", "tests", "idle_test", "_test", "site-packages", "dist-packages"}
_DROPPED_FILE = re.compile(r"libpython.*\.a|python\.o|_(test|ctypes_test|xxtest)[a-z]*\..*\.so|.*\.pyc")
_SEEDS = re.compile(r"pip($|-)")
_OLD_SEEDS = re.compile(r"(pip|setuptools)($|-)|pkg_resources$|_distutils_hack$|distutils-precedence\.pth$")
_HOLD_PREFIX = re.compile(r"_sysconfigdata_.*\.py|Makefile|.*\.pc|python.*-config(\.py)?")


@dataclass(frozen=True)
class Source:
    """An installed CPython: `version` such as 3.13.0, `flags` "", "t", "d" or "td"."""

    prefix: Path
    version: str
    flags: str

    @property
    def minor(self) -> str:
        """`3.13`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def program(self) -> str:
        """`python3.13t`."""
        return f"python{self.minor}{self.flags}"

    @property
    def stdlib(self) -> str:
        """`lib/python3.13t`."""
        return f"lib/python{self.minor}{self.flags.replace('d', '')}"


def read_source(prefix: Path, environ: Environ) -> Source:
    """Return the CPython in `prefix`, which is started.

    Raises BrokenInterpreterError, and UsageError for an environment or another implementation.
    """
    program = prefix / "bin" / "python3"
    if not program.exists():
        hint = "PREFIX is the directory that holds bin and lib"
        raise BrokenInterpreterError(f"{prefix}: no Python in bin/python3", hint=hint)
    python = probe(program, environ)
    if python.implementation != "cpython":
        raise UsageError(f"{prefix}: only CPython can be packed, not {python.implementation}")
    if not prefix.samefile(python.prefix):
        raise UsageError(f"{prefix}: an environment, not an interpreter", hint=f"pack {python.prefix}")
    return Source(python.prefix, python.version, python.flags)


def copy_relocatable(source: Source, root: Path, environ: Environ, *, without: Collection[str] = ()) -> None:
    """Copy `source` to `root` and make it relocatable; leave out the standard library packages `without`.

    Programs are stripped if `strip` is on PATH. Raises EnvmgrError if `patchelf` is missing or a tool fails.
    """
    for part in _PARTS:
        pattern = part.format(program=source.program, minor=source.minor, t=source.flags.replace("d", ""))
        for found in source.prefix.glob(pattern):
            _copy(found, root / found.relative_to(source.prefix), _DROPPED.union(without))
    _copy_seeds(source, root)
    _copy_link_targets(source, root)
    _add_short_names(source, root)
    _strip_and_relocate(root, environ)
    _replace_prefix(source, root)


def _copy(found: Path, target: Path, dropped: Collection[str]) -> None:
    """Copy a file or directory, without the names `dropped` and the files that `_DROPPED_FILE` matches."""

    def ignore(_folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in dropped or _DROPPED_FILE.fullmatch(name)]

    target.parent.mkdir(parents=True, exist_ok=True)
    if found.is_dir():
        shutil.copytree(found, target, symlinks=True, ignore=ignore)
    else:
        shutil.copy2(found, target, follow_symlinks=False)


def _copy_link_targets(source: Source, root: Path) -> None:
    """Replace links to files outside the copy by these files: distributions have `sitecustomize.py` in /etc."""
    within = f"{os.path.realpath(root)}{os.sep}"
    for link in [path for path in root.rglob("*") if path.is_symlink()]:
        target = os.path.realpath(link)
        if os.readlink(link).startswith("/") or not (target.startswith(within) and os.path.exists(target)):  # noqa: PTH110, PTH115
            link.unlink()
            real = source.prefix / link.relative_to(root)
            if real.is_file():
                shutil.copy2(real, link)


def _copy_seeds(source: Source, root: Path) -> None:
    """Copy pip, and setuptools before 3.12, as ensurepip installs them, but no other packages of site-packages.

    Distributions have pip elsewhere; if it is not in site-packages, the program pip is removed.
    """
    site = f"{source.stdlib}/site-packages"
    seeds = _OLD_SEEDS if int(source.minor.split(".")[1]) < 12 else _SEEDS  # noqa: PLR2004 - 3.12 dropped setuptools
    for found in (source.prefix / site).glob("*"):
        if seeds.match(found.name):
            _copy(found, root / site / found.name, {"__pycache__"})
    if not (root / site / "pip").is_dir():
        (root / "bin" / f"pip{source.minor}").unlink(missing_ok=True)


def _add_short_names(source: Source, root: Path) -> None:
    """Link the short names of programs, such as `python3` and `pip`, which upstream's archives have."""
    programs = root / "bin"
    for name in {"python", "python3", f"python{source.minor}"} - {source.program}:
        (programs / name).symlink_to(source.program)
    for name, tool in {"pip": "pip", "pip3": "pip", "pydoc3": "pydoc", "idle3": "idle"}.items():
        if (programs / f"{tool}{source.minor}").exists():
            (programs / name).symlink_to(f"{tool}{source.minor}")


def _strip_and_relocate(root: Path, environ: Environ) -> None:
    """Strip programs and libraries, and set their run-time search paths relative to `$ORIGIN`."""
    elves = [path for path in files(root) if _starts(path, b"\x7fELF")]
    for path in elves:
        path.chmod(path.stat().st_mode | 0o200)
    programs = [path for path in elves if path.parent.name == "bin"]
    libraries = [path for path in elves if path.parent == root / "lib"]
    if shutil.which("strip", path=environ.get("PATH")):
        _tool(environ, "strip", "--strip-unneeded", files=elves)
    patch = "patchelf", "--force-rpath", "--set-rpath"
    _tool(environ, *patch, "$ORIGIN/../lib", files=programs)
    _tool(environ, *patch, "$ORIGIN", files=libraries)
    _tool(environ, "patchelf", "--remove-rpath", files=set(elves).difference(programs, libraries))


def _tool(environ: Environ, *argv: str, files: Collection[Path]) -> None:
    """Run a program on `files`; raise EnvmgrError if it fails."""
    if not files:
        return
    outcome = process.run([*argv, *sorted(files)], environ=environ)
    if outcome.code:
        raise EnvmgrError(f"{argv[0]} failed: {outcome.text.strip()}", hint=f"install a recent {argv[0]}")


def _replace_prefix(source: Source, root: Path) -> None:
    """Replace the prefix by `/install` in programs and text files, and shebangs by relocatable ones."""
    for path in files(root):
        if path.parent in (root / "bin", root / "lib") and _starts(path, b"\x7fELF"):
            path.write_bytes(_with_install_prefix(path.read_bytes(), source.prefix))
        if path.parent == root / "bin" and _starts(path, b"#!"):
            first, _, body = path.read_bytes().partition(b"\n")
            if b"/python" in first:
                path.write_bytes(shebang.relative(source.program) + body)
        if _HOLD_PREFIX.fullmatch(path.name):
            path.write_bytes(path.read_bytes().replace(os.fsencode(source.prefix), PREFIX.encode()))


def _with_install_prefix(program: bytes, prefix: Path) -> bytes:
    """Return `program` with `/install//...` as the prefix it was compiled for, so that it does not use the original.

    The length and the last part of the path do not change, because a linker may share the end of a string with other
    strings. A prefix that is too short for this (/usr) is not replaced.
    """
    old = os.fsencode(prefix.parent) + b"/"
    new = PREFIX.encode().ljust(len(old), b"/")
    return program.replace(old, new) if len(new) == len(old) else program


def files(root: Path) -> Iterator[Path]:
    """Yield the regular files under `root`."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _starts(path: Path, magic: bytes) -> bool:
    """Return whether a file starts with `magic`."""
    with path.open("rb") as file:
        return file.read(len(magic)) == magic
