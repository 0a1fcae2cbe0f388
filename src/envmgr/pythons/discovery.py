"""Find the Pythons that other tools installed, by reading directories, and identify them with `probe`.

Never start a shim: start only executables (ELF, Mach-O) whose real name is a Python's, never a script or a link to a
tool such as mise, and only isolated and without site-packages. Never write into another tool's directory, byte code
included.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import BrokenInterpreterError, UsageError
from envmgr.host import platforms
from envmgr.host.paths import Environ
from envmgr.pythons.probe import probe
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build, Version

LOCAL = "local"  # the owner of a Python that belongs to no known tool
_NAMES = (re.compile(r"(?:python|pypy)\d\.\d+t?d?"), re.compile(r"python\d?|pypy\d?"))  # most specific first
_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_NAMING = {"asdf", "conda", "mise", "pyenv"}  # owners whose directories users name, or pin by name
_HATCH = ("python", "python/install", "pypy*")
_PROGRAM = re.compile(r"\.?(?:python|pypy|graalpy)", re.IGNORECASE)


@dataclass(frozen=True)
class FoundPython:
    """An interpreter of another tool: `owner` is the tool, `executable` the path under which that tool has it."""

    owner: str
    executable: Path

    @property
    def bin(self) -> Path:
        """The directory of its programs."""
        return self.executable.parent


def discover(owner: str, environ: Environ) -> list[FoundPython]:
    """Return the interpreters of `owner`, each once, preferably by the path of its real directory.

    An interpreter that is missing from its directory is included, so that the caller reports it as broken. Raises
    UsageError for an unknown owner.
    """
    if owner not in OWNERS:
        raise UsageError(f"not a tool that envmgr can link from: {owner!a}", hint=f"use one of {', '.join(OWNERS)}")
    found: dict[str, FoundPython] = {}
    for executable in sorted(OWNERS[owner](environ), key=lambda path: (path.parent.parent.is_symlink(), path)):
        found.setdefault(os.path.realpath(executable), FoundPython(owner, executable))
    return list(found.values())


def locate(path: Path, environ: Environ) -> FoundPython:
    """Return the interpreter at `path`: a program, a prefix, or a directory of programs.

    Raises UsageError if there is none, and for an environment, which is too short-lived to link to.
    """
    folders = [path, path / "bin", path / "install" / "bin", path / "python" / "bin"]
    executable = path if path.is_file() else next(filter(None, map(_in_folder, folders)), None)
    if executable is None:
        raise UsageError(f"{path}: no Python there", hint="name a python program, or the directory it is installed in")
    if (executable.parent.parent / "pyvenv.cfg").exists():
        raise UsageError(f"{path}: an environment, not an interpreter", hint="link the Python that it was made from")
    return _known(executable, environ) or FoundPython(LOCAL, executable)


def _known(executable: Path, environ: Environ) -> FoundPython | None:
    """Return the interpreter with its owner and the owner's path, not with a link such as `latest`; else None."""
    real = os.path.realpath(executable)
    for owner in OWNERS:
        for found in discover(owner, environ):
            if os.path.realpath(found.executable) == real:
                return found
    return None


def owner_name(found: FoundPython) -> str | None:
    """Return the owner's name for an interpreter, such as `miniconda3-latest` or `science`; None for a version."""
    folder = found.bin.parent.name
    with contextlib.suppress(UsageError):
        if found.owner in _NAMING and VersionRequest.parse(folder).name == folder:
            return folder
    return None


@dataclass(frozen=True)
class Identity:
    """The identity of an interpreter: its build, with the owner as tag, and the file that its module `os` is from."""

    build: Build
    library: Path


def identify(found: FoundPython, environ: Environ) -> Identity:
    """Return the identity of an interpreter, which is started; raise BrokenInterpreterError with the reason."""
    _ensure_program(found.executable)
    python = probe(found.executable, environ)
    try:
        version = Version.parse(python.version)
        text = str(Build(python.implementation, version, python.flags, found.owner, platforms.this_platform()))
        return Identity(Build.parse(text), python.library)
    except UsageError as error:
        name = f"{python.implementation} {python.version}"
        raise BrokenInterpreterError(f"{found.executable}: not a Python that envmgr knows: {name!a}") from error


def _ensure_program(executable: Path) -> None:
    """Raise BrokenInterpreterError for a script, and for a link to another program, as the shims of mise are."""
    real = Path(os.path.realpath(executable))
    if real.exists() and not real.is_file():  # reading a FIFO could block for ever
        raise BrokenInterpreterError(f"{executable}: not a program")
    try:
        with real.open("rb") as file:
            if not file.read(4).startswith(_MAGIC):
                raise BrokenInterpreterError(f"{executable}: a script, not an interpreter")
    except OSError as error:
        raise BrokenInterpreterError(f"{executable}: {error.strerror}") from error
    if not _PROGRAM.match(real.name):
        raise BrokenInterpreterError(f"{executable}: a link to {real}, not an interpreter")


def _in_folder(folder: Path) -> Path | None:
    """Return the Python program in `folder`, by its most specific name; None if there is none."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return None
    for pattern in _NAMES:
        for name in names:
            if pattern.fullmatch(name) and (folder / name).is_file():
                return folder / name
    return None


Search = Callable[[Environ], Iterator[Path]]


def _home(environ: Environ) -> Path:
    """Return the user's home directory."""
    return Path(environ.get("HOME") or "/nonexistent")


def _data(environ: Environ, *, apple: bool = False) -> Path:
    """Return the directory where tools keep their data: that of XDG; on a Mac, with `apple`, that of Apple."""
    if apple and sys.platform == "darwin":
        return _home(environ) / "Library" / "Application Support"
    return Path(environ.get("XDG_DATA_HOME") or _home(environ) / ".local" / "share")


def _prefixes(*folders: Path) -> Iterator[Path]:
    """Yield the interpreters of those prefixes that are not environments."""
    for folder in folders:
        if not (folder / "pyvenv.cfg").exists() and (executable := _in_folder(folder / "bin")):
            yield executable


def _tool(variable: str, default: Callable[[Environ], Path], pattern: str, *within: str) -> Search:
    """Return a search for a tool whose Pythons are the directories `pattern` of one directory.

    That directory is the value of the environment variable `variable`, else `default`. The prefix of a Python is its
    directory, or one that the patterns `within` match below it.
    """

    def search(environ: Environ) -> Iterator[Path]:
        root = Path(environ[variable]) if environ.get(variable) else default(environ)
        for folder in root.glob(pattern):
            if not (folder.name.startswith(".") or _is_alias(folder) or (folder / "pyvenv.cfg").exists()):
                yield from _installed(folder, within)

    return search


def _installed(folder: Path, within: Sequence[str]) -> Iterator[Path]:
    """Yield the interpreters in a directory of a tool; if there is none, the path where one is expected."""
    found = [*_prefixes(folder, *(prefix for name in within for prefix in folder.glob(name)))]
    if not found and not folder.is_file():  # rye has links to other tools' programs
        found = [folder / "bin" / "python3"]
    yield from found


def _is_alias(folder: Path) -> bool:
    """Return whether a directory is a tool's alias, such as `3.12` or `latest`: a link to a directory beside it."""
    try:
        target = folder.parent / os.readlink(folder)  # noqa: PTH115 - follow one link only
    except OSError:
        return False
    return os.path.realpath(target.parent) == os.path.realpath(folder.parent)


def _mise(environ: Environ) -> Path:
    return Path(environ.get("MISE_DATA_DIR") or _data(environ) / "mise") / "installs"


def _conda(environ: Environ) -> Iterator[Path]:
    home = _home(environ)
    names = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")
    roots = [home / name for name in names] + [Path("/opt") / name for name in ("conda", *names)]
    roots.append(Path(environ.get("MAMBA_ROOT_PREFIX") or _data(environ) / "mamba"))
    prefixes = [prefix for root in roots for prefix in (root, *root.glob("envs/*"))]
    with contextlib.suppress(OSError, ValueError):
        prefixes += map(Path, (home / ".conda" / "environments.txt").read_text(encoding="utf-8").splitlines())
    yield from _prefixes(*(prefix for prefix in prefixes if (prefix / "conda-meta").is_dir()))


def _homebrew(environ: Environ) -> Iterator[Path]:
    roots = environ.get("HOMEBREW_PREFIX"), "/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"
    for root in filter(None, roots):
        yield from _prefixes(*Path(root).glob("opt/python@3.*"), Path(root) / "opt/python-freethreading")


def _system(_: Environ) -> Iterator[Path]:
    for folder in (Path("/usr/bin"), Path("/usr/local/bin")):
        yield from (path for path in folder.glob("python[23].*") if _NAMES[0].fullmatch(path.name) and path.is_file())


OWNERS: dict[str, Search] = {
    # layouts of uv, mise, PDM and hatch: as these tools make them (tests/e2e/test_layouts.py); of others: as documented
    "pyenv": _tool("PYENV_ROOT", lambda environ: _home(environ) / ".pyenv", "versions/*"),
    "uv": _tool("UV_PYTHON_INSTALL_DIR", lambda environ: _data(environ) / "uv" / "python", "*-*"),
    "mise": _tool("MISE_INSTALLS_DIR", _mise, "python/*"),
    # https://asdf-vm.com/manage/configuration.html
    "asdf": _tool("ASDF_DATA_DIR", lambda environ: _home(environ) / ".asdf", "installs/python/*"),
    "pdm": _tool("", lambda environ: _data(environ, apple=True) / "pdm", "python/*"),
    # https://rye.astral.sh/guide/toolchains/; `install` is the prefix in older versions, according to findpython
    "rye": _tool("RYE_HOME", lambda environ: _home(environ) / ".rye", "py/*", "install"),
    "hatch": _tool("HATCH_DATA_DIR", lambda environ: _data(environ, apple=True) / "hatch", "pythons/*", *_HATCH),
    # https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html
    "conda": _conda,
    # https://docs.brew.sh/Homebrew-and-Python
    "homebrew": _homebrew,
    "system": _system,
}
