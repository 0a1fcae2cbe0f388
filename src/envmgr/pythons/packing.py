"""A relocatable copy of an installed interpreter, in the layout of python-build-standalone's `install_only_stripped`.

No byte code, no test packages, nothing of site-packages but pip; built for the prefix `/install`; programs find their
libraries by `$ORIGIN`. What the interpreter links outside its prefix (OpenSSL, ...) stays outside: the copy is for
machines like this one.
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
_PARTS = (  # of a prefix that may be all of /usr
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
    """An installed CPython, as it describes itself: `version` 3.13.0, `flags` "", "t", "d" or "td"."""

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
    """Ask the interpreter in `prefix` what it is.

    Raises BrokenInterpreterError, and UsageError for what is no interpreter of its own, or no CPython.
    """
    program = prefix / "bin" / "python3"
    if not program.exists():
        hint = "PREFIX is the directory that holds bin and lib"
        raise BrokenInterpreterError(f"{prefix}: no Python in bin/python3", hint=hint)
    said = probe(program, environ)
    if said.implementation != "cpython":
        raise UsageError(f"{prefix}: only CPython can be packed, not {said.implementation}")
    if not prefix.samefile(said.prefix):
        raise UsageError(f"{prefix}: an environment, not an interpreter", hint=f"pack {said.prefix}")
    return Source(said.prefix, said.version, said.flags)


def copy_relocatable(source: Source, root: Path, environ: Environ, *, without: Collection[str] = ()) -> None:
    """Make `root` a relocatable copy of `source`, without the named packages of the standard library.

    Without `strip` on PATH it is larger than it need be. Raises EnvmgrError when `patchelf` is missing, or one fails.
    """
    for part in _PARTS:
        pattern = part.format(program=source.program, minor=source.minor, t=source.flags.replace("d", ""))
        for found in source.prefix.glob(pattern):
            _copy(found, root / found.relative_to(source.prefix), _DROPPED.union(without))
    _seed(source, root)
    _settle(source, root)
    _name(source, root)
    _relocate(root, environ)
    _forget_prefix(source, root)


def _copy(found: Path, target: Path, dropped: Collection[str]) -> None:
    def ignore(_folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in dropped or _DROPPED_FILE.fullmatch(name)]

    target.parent.mkdir(parents=True, exist_ok=True)
    if found.is_dir():
        shutil.copytree(found, target, symlinks=True, ignore=ignore)
    else:
        shutil.copy2(found, target, follow_symlinks=False)


def _settle(source: Source, root: Path) -> None:
    """Replace links that lead out of the copy by what they lead to: distributions keep `sitecustomize.py` in /etc."""
    inside = f"{os.path.realpath(root)}{os.sep}"
    for link in [path for path in root.rglob("*") if path.is_symlink()]:
        leads = os.path.realpath(link)
        if os.readlink(link).startswith("/") or not (leads.startswith(inside) and os.path.exists(leads)):  # noqa: PTH110, PTH115
            link.unlink()
            real = source.prefix / link.relative_to(root)
            if real.is_file():
                shutil.copy2(real, link)


def _seed(source: Source, root: Path) -> None:
    """Copy pip, and setuptools before 3.12, as ensurepip has them; nothing that somebody installed.

    Distributions keep pip elsewhere: without it, its program goes too.
    """
    place = f"{source.stdlib}/site-packages"
    seeds = _OLD_SEEDS if int(source.minor.split(".")[1]) < 12 else _SEEDS  # noqa: PLR2004 - 3.12 dropped setuptools
    for found in (source.prefix / place).glob("*"):
        if seeds.match(found.name):
            _copy(found, root / place / found.name, {"__pycache__"})
    if not (root / place / "pip").is_dir():
        (root / "bin" / f"pip{source.minor}").unlink(missing_ok=True)


def _name(source: Source, root: Path) -> None:
    """Give the programs the names without numbers that upstream gives them."""
    programs = root / "bin"
    for name in {"python", "python3", f"python{source.minor}"} - {source.program}:
        (programs / name).symlink_to(source.program)
    for name, tool in {"pip": "pip", "pip3": "pip", "pydoc3": "pydoc", "idle3": "idle"}.items():
        if (programs / f"{tool}{source.minor}").exists():
            (programs / name).symlink_to(f"{tool}{source.minor}")


def _relocate(root: Path, environ: Environ) -> None:
    """Strip programs and libraries, and make them find each other from where they are."""
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
    if not files:
        return
    outcome = process.run([*argv, *sorted(files)], environ=environ)
    if outcome.code:
        raise EnvmgrError(f"{argv[0]} failed: {outcome.text.strip()}", hint=f"is {argv[0]} a recent one?")


def _forget_prefix(source: Source, root: Path) -> None:
    """Write `/install` where files name the prefix, and shebangs that work anywhere."""
    for path in files(root):
        if path.parent in (root / "bin", root / "lib") and _starts(path, b"\x7fELF"):
            path.write_bytes(_compiled_for_install(path.read_bytes(), source.prefix))
        if path.parent == root / "bin" and _starts(path, b"#!"):
            first, _, body = path.read_bytes().partition(b"\n")
            if b"/python" in first:
                path.write_bytes(shebang.relative(source.program) + body)
        if _HOLD_PREFIX.fullmatch(path.name):
            path.write_bytes(path.read_bytes().replace(os.fsencode(source.prefix), PREFIX.encode()))


def _compiled_for_install(program: bytes, prefix: Path) -> bytes:
    """Let a program name `/install//...` as the prefix it was compiled for; else it would use the original's library.

    Lengths stay, and so does the last part: a linker lets other strings begin in the middle of one. A prefix too short
    for that (/usr) stays.
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
    with path.open("rb") as file:
        return file.read(len(magic)) == magic
