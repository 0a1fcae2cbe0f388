"""Other Pythons of this machine: found by reading directories, then asked who they are.

No shim is ever executed: only a program (ELF, Mach-O) whose own name is a Python's is started, never a script, nor a
link to a tool such as mise; isolated and without site-packages. Nothing of theirs is changed, not even byte code made.
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

LOCAL = "local"  # the origin of what belongs to no known tool
_NAMES = (re.compile(r"(?:python|pypy)\d\.\d+t?d?"), re.compile(r"python\d?|pypy\d?"))  # most telling first
_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_NAMING = {"asdf", "conda", "mise", "pyenv"}  # origins whose folders people name, or pin by name
_HATCH = ("python", "python/install", "pypy*")
_ITS_NAME = re.compile(r"\.?(?:python|pypy|graalpy)", re.IGNORECASE)


@dataclass(frozen=True)
class FoundPython:
    """An interpreter that is somebody else's: `executable` is the path as its owner names it, `origin` the owner."""

    owner: str
    executable: Path

    @property
    def bin(self) -> Path:
        """The directory of its programs."""
        return self.executable.parent


def discover(origin: str, environ: Environ) -> list[FoundPython]:
    """Return the interpreters of `origin`, each once, by its own directory rather than by a link to it.

    Also where one should be and is none: what was removed by half is to be told. Raises UsageError for no origin.
    """
    if origin not in OWNERS:
        raise UsageError(f"not an origin of Pythons: {origin!a}", hint=f"it is one of {', '.join(OWNERS)}")
    found: dict[str, FoundPython] = {}
    for executable in sorted(OWNERS[origin](environ), key=lambda path: (path.parent.parent.is_symlink(), path)):
        found.setdefault(os.path.realpath(executable), FoundPython(origin, executable))
    return list(found.values())


def locate(path: Path, environ: Environ) -> FoundPython:
    """Return the interpreter at `path`: a program, a prefix, or a directory of programs.

    Raises UsageError where there is none, or where it is an environment: environments come and go.
    """
    places = [path, path / "bin", path / "install" / "bin", path / "python" / "bin"]
    executable = path if path.is_file() else next(filter(None, map(_in_folder, places)), None)
    if executable is None:
        raise UsageError(f"{path}: no Python there", hint="name a python program, or the directory it is installed in")
    if (executable.parent.parent / "pyvenv.cfg").exists():
        raise UsageError(f"{path}: an environment, not an interpreter", hint="link the Python that it was made from")
    return _known(executable, environ) or FoundPython(LOCAL, executable)


def _known(executable: Path, environ: Environ) -> FoundPython | None:
    """Return an interpreter as the tool names it that it belongs to: not by a link such as `latest`, which moves on."""
    real = os.path.realpath(executable)
    for origin in OWNERS:
        for found in discover(origin, environ):
            if os.path.realpath(found.executable) == real:
                return found
    return None


def owner_name(found: FoundPython) -> str | None:
    """Return the name that its owner knows an interpreter by, if no version: `miniconda3-latest`, `science`."""
    folder = found.bin.parent.name
    with contextlib.suppress(UsageError):
        if found.owner in _NAMING and VersionRequest.parse(folder).name == folder:
            return folder
    return None


@dataclass(frozen=True)
class Identity:
    """What an interpreter says that it is: its build, the origin as tag, and the file that its `os` comes from."""

    build: Build
    library: Path


def identify(found: FoundPython, environ: Environ) -> Identity:
    """Ask an interpreter what it is; raises BrokenInterpreterError with the reason why it cannot say."""
    _refuse_shim(found.executable)
    said = probe(found.executable, environ)
    try:
        version = Version.parse(said.version)
        text = str(Build(said.implementation, version, said.flags, found.owner, platforms.this_platform()))
        return Identity(Build.parse(text), said.library)
    except UsageError as error:
        what = f"{said.implementation} {said.version}"
        raise BrokenInterpreterError(f"{found.executable}: not a Python that envmgr knows: {what!a}") from error


def _refuse_shim(executable: Path) -> None:
    """Raise BrokenInterpreterError for a script, and for a link to a tool that only passes on, as mise's are."""
    real = Path(os.path.realpath(executable))
    if real.exists() and not real.is_file():  # a FIFO would never be read to its end
        raise BrokenInterpreterError(f"{executable}: not a program")
    try:
        with real.open("rb") as file:
            if not file.read(4).startswith(_MAGIC):
                raise BrokenInterpreterError(f"{executable}: a script, not an interpreter")
    except OSError as error:
        raise BrokenInterpreterError(f"{executable}: {error.strerror}") from error
    if not _ITS_NAME.match(real.name):
        raise BrokenInterpreterError(f"{executable}: a link to {real}, not an interpreter")


def _in_folder(folder: Path) -> Path | None:
    """Return the program of `folder` that is a Python, by its most telling name."""
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
    return Path(environ.get("HOME") or "/nonexistent")


def _data(environ: Environ, *, apple: bool = False) -> Path:
    """Return where tools keep their data: XDG's place; for some of them Apple's on a Mac."""
    if apple and sys.platform == "darwin":
        return _home(environ) / "Library" / "Application Support"
    return Path(environ.get("XDG_DATA_HOME") or _home(environ) / ".local" / "share")


def _prefixes(*folders: Path) -> Iterator[Path]:
    """Yield the interpreters of prefixes that are no environments."""
    for folder in folders:
        if not (folder / "pyvenv.cfg").exists() and (executable := _in_folder(folder / "bin")):
            yield executable


def _tool(variable: str, default: Callable[[Environ], Path], pattern: str, *within: str) -> Search:
    """Return the search of a tool that keeps its Pythons in the folders `pattern` of one place, which `variable` moves.

    The prefix is the folder itself, or one of the folders `within` it.
    """

    def search(environ: Environ) -> Iterator[Path]:
        place = Path(environ[variable]) if environ.get(variable) else default(environ)
        for folder in place.glob(pattern):
            if not (folder.name.startswith(".") or _is_alias(folder) or (folder / "pyvenv.cfg").exists()):
                yield from _held(folder, within)

    return search


def _held(folder: Path, within: Sequence[str]) -> Iterator[Path]:
    """Yield the interpreters in a folder of a tool; of one that has none, where one should be."""
    found = [*_prefixes(folder, *(prefix for name in within for prefix in folder.glob(name)))]
    if not found and not folder.is_file():  # rye has links to programs of others
        found = [folder / "bin" / "python3"]
    yield from found


def _is_alias(folder: Path) -> bool:
    """Tell a tool's own `3.12` or `latest` from its Pythons: a link to another folder beside it, which moves on."""
    try:
        target = folder.parent / os.readlink(folder)  # noqa: PTH115 - one step, not to the end
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
    places = [place for root in roots for place in (root, *root.glob("envs/*"))]
    with contextlib.suppress(OSError, ValueError):
        places += map(Path, (home / ".conda" / "environments.txt").read_text(encoding="utf-8").splitlines())
    yield from _prefixes(*(place for place in places if (place / "conda-meta").is_dir()))


def _homebrew(environ: Environ) -> Iterator[Path]:
    roots = environ.get("HOMEBREW_PREFIX"), "/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"
    for root in filter(None, roots):
        yield from _prefixes(*Path(root).glob("opt/python@3.*"), Path(root) / "opt/python-freethreading")


def _system(_: Environ) -> Iterator[Path]:
    for folder in (Path("/usr/bin"), Path("/usr/local/bin")):
        yield from (path for path in folder.glob("python[23].*") if _NAMES[0].fullmatch(path.name) and path.is_file())


OWNERS: dict[str, Search] = {
    # as uv, mise, PDM and hatch make them themselves (tests/e2e/test_layouts.py), and as the others document theirs
    "pyenv": _tool("PYENV_ROOT", lambda environ: _home(environ) / ".pyenv", "versions/*"),
    "uv": _tool("UV_PYTHON_INSTALL_DIR", lambda environ: _data(environ) / "uv" / "python", "*-*"),
    "mise": _tool("MISE_INSTALLS_DIR", _mise, "python/*"),
    # https://asdf-vm.com/manage/configuration.html
    "asdf": _tool("ASDF_DATA_DIR", lambda environ: _home(environ) / ".asdf", "installs/python/*"),
    "pdm": _tool("", lambda environ: _data(environ, apple=True) / "pdm", "python/*"),
    # https://rye.astral.sh/guide/toolchains/; `install` is what findpython's provider knows of older ones
    "rye": _tool("RYE_HOME", lambda environ: _home(environ) / ".rye", "py/*", "install"),
    "hatch": _tool("HATCH_DATA_DIR", lambda environ: _data(environ, apple=True) / "hatch", "pythons/*", *_HATCH),
    # https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html
    "conda": _conda,
    # https://docs.brew.sh/Homebrew-and-Python
    "homebrew": _homebrew,
    "system": _system,
}
