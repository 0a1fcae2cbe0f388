"""Publishing the shell code into the store: `shell/` with its launcher, and a link in `shims/` for every command."""

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
from envmgr.shell.programs import family

LAUNCHER = "envmgr"
_TARGET = "../shell/shim.sh"
_LAUNCHER = """#!/bin/sh
if ! [ -x {python} ]; then
  echo 'envmgr: error: envmgr was removed, or the Python that ran it' >&2
  echo '  install envmgr again, and run `envmgr setup`' >&2
  exit 127
fi
case ${{1-}} in _enter | _recheck) trap '' INT ;; esac # while Python starts, which would print a traceback
exec {python} {isolated} -m envmgr "$@"
"""
_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_ALWAYS = ("python", "python3", "pip", "pip3")  # without one, a pin whose Python is gone would mean the system's
_PYTHON_SCRIPT = re.compile(rb"#![^\n]*python|#!/bin/sh\n'''exec' ")  # the second is what pip writes for long paths
_FIRST_LINES = 256  # bytes; Linux reads no more of a first line
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_MINOR = re.compile(r"python[0-9]+\.[0-9]+[td]*", re.ASCII)  # these are links of `aliases`


def files() -> Path:
    """Return the directory of the shell files: in the wheel beside the code, in a checkout at its top."""
    package = Path(__file__).parents[1]
    bundled = package / "_shims"
    return bundled if bundled.is_dir() else package.parents[1] / "shims"


def refresh(home: Home) -> None:
    """Make `shell/` and `shims/` what the package and the store hold now; each file changes by one rename.

    Raises StoreBusyError, and EnvmgrError for what cannot be written.
    """
    try:
        with lock.exclusive(home.lock):
            _publish(home)
            _link(home, commands(home))
    except OSError as error:
        raise EnvmgrError(f"{error.filename or home.shims}: {error.strerror}") from error


def run_installer(home: Home, program: Path, argv: Sequence[str], environ: Environ) -> int:
    """Run `program`, which installs or removes commands, to its end, then bring the shims up to date.

    Returns its exit code, also where the shims could not be written: the next command of envmgr does that. Ends as the
    program did where a signal ended it. Raises CommandNotFoundError.
    """
    code = process.supervise(program, argv, environ)
    with suppress(EnvmgrError):
        refresh(home)
    return process.end_as(code)


def _publish(home: Home) -> None:
    home.shell.mkdir(parents=True, exist_ok=True)
    home.shims.mkdir(parents=True, exist_ok=True)
    for file in files().iterdir():
        if file.suffix != ".md" and file.is_file():
            _write(home.shell / file.name, file.read_bytes(), 0o755 if file.suffix == ".sh" else 0o644)
    _write(home.shell / LAUNCHER, launcher().encode(errors="surrogateescape"), 0o755)


def launcher() -> str:
    """Return the text of a program that runs this very envmgr, whatever the project or the user's PYTHON* variables."""
    user = site.ENABLE_USER_SITE and __file__.startswith(site.getusersitepackages() + os.sep)
    isolated = "-E -P" if user else "-I"  # -I leaves the user's site-packages out
    return _LAUNCHER.format(python=shlex.quote(sys.executable), isolated=isolated)


def commands(home: Home) -> set[str]:
    """Return the names that need a shim: what interpreters and environments have, without what the system has.

    Environments are those of the store, and those of other tools that the user allowed.

    A shim for `ls` would run a project's `ls` where nobody expects it, so only Python's own names may shadow, and those
    that the system has as a Python script: its `pytest` cannot test what a project has installed.
    """
    taken = set(chain.from_iterable(map(_names, _SYSTEM)))
    found = set(_ALWAYS)
    for folder in chain(home.versions.glob("*/bin"), home.envs.glob("*/*/bin"), _allowed(home)):
        new = _names(folder) - found
        found.update(name for name in new if _wanted(name, taken) and _runs(f"{folder}/{name}"))
    return found


def _allowed(home: Home) -> Iterator[Path]:
    """Yield the directories of commands of the environments that the user allowed, in any project."""
    for folder, inner, names in os.walk(home.projects):
        if os.path.basename(folder) == record.FOLDER:  # noqa: PTH119
            inner.clear()
            if trust.ALLOWED in names:
                with suppress(OSError, ValueError):
                    path = read_text(f"{folder}/{trust.ALLOWED}", errors="surrogateescape").partition("\n")[0]
                    yield from [Path(path, "bin")] if path else []


def _wanted(name: str, taken: set[str]) -> bool:
    plain = _PLAIN.fullmatch(name) and name != LAUNCHER and not _MINOR.fullmatch(name)
    return bool(plain) and (name not in taken or family(name) or _python_script(name))


def _python_script(name: str) -> bool:
    """Whether the system's program `name` is a script that a Python runs, by its first line."""
    path = next((path for path in (f"{folder}/{name}" for folder in _SYSTEM) if _runs(path)), None)
    try:
        with open(path or os.devnull, "rb") as file:  # noqa: PTH123
            return bool(_PYTHON_SCRIPT.match(file.read(_FIRST_LINES)))
    except OSError:  # a program may run without being readable
        return False


def _runs(program: str) -> bool:
    return os.access(program, os.X_OK) and os.path.isfile(program)  # noqa: PTH113 - there are thousands of them


def _names(folder: Path | str) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return set()


def _link(home: Home, wanted: set[str]) -> None:
    clean_up(home.shims)
    for entry in home.shims.iterdir():
        if entry.is_symlink() and entry.name not in wanted and os.readlink(entry) == _TARGET:  # noqa: PTH115 - text
            entry.unlink(missing_ok=True)
    for name in wanted:
        link_atomically(home.shims / name, _TARGET)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Make `path` a file with `content` by one rename; nothing is written when it already is."""
    with suppress(OSError):
        if read_regular(path) == content and path.stat().st_mode & 0o777 == mode:
            return
    write_atomically(path, content, mode=mode)
