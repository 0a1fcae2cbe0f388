"""Publish the shell code into the store: files and launcher in `shell/`, a link in `shims/` for each command."""

from __future__ import annotations

import os
import re
import shlex
import site
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import EnvmgrError
from envmgr.host import lock, process
from envmgr.host.files import clean_up, link_atomically, read_regular, read_text, write_atomically
from envmgr.host.paths import Environ, Home
from envmgr.shell import trust
from envmgr.shell.programs import is_python_command

LAUNCHER = "envmgr"
_TARGET = "../shell/shim.sh"
_LAUNCHER = """#!/bin/sh
if ! [ -x {python} ]; then
  echo 'envmgr: error: envmgr was removed, or the Python that ran it' >&2
  echo '  install envmgr again, and run `envmgr setup`' >&2
  exit 127
fi
case ${{1-}} in _enter | _recheck) trap '' INT ;; esac # Ctrl-C while Python starts would print a traceback
exec {python} {isolated} -m envmgr "$@"
"""
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_ALWAYS = ("python", "python3", "pip", "pip3")  # also without an interpreter, where the system's would run instead
_PYTHON_SCRIPT = re.compile(rb"#![^\n]*python|#!/bin/sh\n'''exec' ")  # pip writes the second form for long paths
_FIRST_LINES = 256  # bytes; the longest first line that Linux reads
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_MINOR = re.compile(r"python[0-9]+\.[0-9]+[td]*", re.ASCII)  # links that `pythons/aliases.py` writes


def files() -> Path:
    """Return the directory of the shell files: in a wheel `_shims` in the package, in a checkout `shims`."""
    package = Path(__file__).parents[1]
    bundled = package / "_shims"
    return bundled if bundled.is_dir() else package.parents[1] / "shims"


def refresh(home: Home) -> None:
    """Update `shell/` from the package, and `shims/` from the commands in the store; each file by one rename.

    Raises StoreBusyError, and EnvmgrError where a file cannot be written.
    """
    try:
        with lock.exclusive(home.lock):
            _publish(home)
            _link(home, commands(home))
    except OSError as error:
        raise EnvmgrError(f"{error.filename or home.shims}: {error.strerror}") from error


def run_installer(home: Home, program: Path, argv: Sequence[str], environ: Environ) -> int:
    """Run `program`, which installs or removes commands, as a child process, then refresh the shims.

    Returns its exit code, also where the shims cannot be written: the next command of envmgr refreshes them. Where a
    signal ended the program, the same signal ends this process. Raises CommandNotFoundError.
    """
    code = process.supervise(program, argv, environ)
    with suppress(EnvmgrError):
        refresh(home)
    return process.end_as(code)


def _publish(home: Home) -> None:
    """Write the shell files and the launcher."""
    home.shell.mkdir(parents=True, exist_ok=True)
    home.shims.mkdir(parents=True, exist_ok=True)
    for file in files().iterdir():
        if file.suffix != ".md" and file.is_file():
            _write(home.shell / file.name, file.read_bytes(), 0o755 if file.suffix == ".sh" else 0o644)
    _write(home.shell / LAUNCHER, launcher().encode(errors="surrogateescape"), 0o755)


def launcher() -> str:
    """Return the sh program that runs this envmgr, without the PYTHON* variables and the current directory."""
    user = site.ENABLE_USER_SITE and __file__.startswith(site.getusersitepackages() + os.sep)
    isolated = "-E -P" if user else "-I"  # -I leaves the user's site-packages out
    return _LAUNCHER.format(python=shlex.quote(sys.executable), isolated=isolated)


def commands(home: Home) -> set[str]:
    """Return the names that need a shim: the commands of interpreters and environments that the system has not.

    The environments are those of the store and the allowed external ones. Of the system's commands only Python's own
    get a shim, and Python scripts: the system's `pytest` cannot import the packages of a project, but a shim for `ls`
    would run a project's `ls` by surprise.
    """
    system = set(chain.from_iterable(map(_names, _SYSTEM_PATH)))
    found = set(_ALWAYS)
    for folder in chain(home.versions.glob("*/bin"), home.envs.glob("*/*/bin"), _allowed(home)):
        new = _names(folder) - found
        found.update(name for name in new if _needs_shim(name, system) and _is_executable(f"{folder}/{name}"))
    return found


def _allowed(home: Home) -> Iterator[Path]:
    """Yield the `bin` of every allowed external environment."""
    for folder, inner, names in os.walk(home.projects):
        if os.path.basename(folder) == record.FOLDER:  # noqa: PTH119
            inner.clear()
            if trust.ALLOWED in names:
                with suppress(OSError, ValueError):
                    path = read_text(f"{folder}/{trust.ALLOWED}", errors="surrogateescape").partition("\n")[0]
                    yield from [Path(path, "bin")] if path else []


def _needs_shim(name: str, system: set[str]) -> bool:
    """Return whether the command `name` gets a shim, given the names of the system's commands."""
    allowed = _NAME.fullmatch(name) and name != LAUNCHER and not _MINOR.fullmatch(name)
    return bool(allowed) and (name not in system or is_python_command(name) or _is_python_script(name))


def _is_python_script(name: str) -> bool:
    """Return whether the system's command `name` is a Python script, by its first line."""
    path = next((path for path in (f"{folder}/{name}" for folder in _SYSTEM_PATH) if _is_executable(path)), None)
    try:
        with open(path or os.devnull, "rb") as file:  # noqa: PTH123
            return bool(_PYTHON_SCRIPT.match(file.read(_FIRST_LINES)))
    except OSError:  # executable, but not readable
        return False


def _is_executable(program: str) -> bool:
    return os.access(program, os.X_OK) and os.path.isfile(program)  # noqa: PTH113 - called thousands of times


def _names(folder: Path | str) -> set[str]:
    """Return the names in a directory, none where it cannot be read."""
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - only names are needed
    except OSError:
        return set()


def _link(home: Home, wanted: set[str]) -> None:
    """Create the shims `wanted`, and remove all others."""
    clean_up(home.shims)
    for entry in home.shims.iterdir():
        if entry.is_symlink() and entry.name not in wanted and os.readlink(entry) == _TARGET:  # noqa: PTH115 - text
            entry.unlink(missing_ok=True)
    for name in wanted:
        link_atomically(home.shims / name, _TARGET)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file by one rename, unless it has this content and mode already."""
    with suppress(OSError):
        if read_regular(path) == content and path.stat().st_mode & 0o777 == mode:
            return
    write_atomically(path, content, mode=mode)
