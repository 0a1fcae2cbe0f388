"""What an environment runs on, and which template it is cloned from. Reads only."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from envmgr import __version__
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host.paths import Home, ensure_supported
from envmgr.pythons.store import Interpreter

_OLDEST = (3, 6)  # what virtualenv's discovery still understands


@dataclass(frozen=True)
class BasePython:
    """What an environment runs on: `python` by the path that it remembers, and the `key` that names it.

    For an installed build that path goes through its alias, so that environments follow patch upgrades; for a linked
    interpreter it is the foreign program itself, and the key is the build.
    """

    interpreter: Interpreter
    python: Path
    key: str

    @property
    def prefix(self) -> Path:
        """The base's prefix, by the path that environments remember."""
        return self.python.parent.parent

    def template_path(self, home: Home, *, pip: bool) -> Path:
        """Return where the template is, or has to be made: one per home path, build and version of envmgr."""
        text = f"{self.python}\n{self.interpreter.build}\n{__version__}"
        digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
        return home.templates / f"{self.name_prefix(pip=pip)}-{digest}"

    def name_prefix(self, *, pip: bool) -> str:
        """Return what the names of this template and its predecessors have in common."""
        return f"{self.key}-pip" if pip else self.key


def base_python(home: Home, interpreter: Interpreter) -> BasePython:
    """Return what an environment on `interpreter` runs on; raises EnvironmentFailedError where none can."""
    try:
        ensure_supported(home)
    except UsageError as error:  # what looks at an environment only goes on without
        raise EnvironmentFailedError(error.message, hint=error.hint) from error
    ensure_release_supported(str(interpreter.build.version), interpreter.build.version.release)
    if interpreter.linked:
        found = BasePython(interpreter, Path(os.path.realpath(interpreter.executable)), str(interpreter.build))
    else:
        found = BasePython(interpreter, home.aliases / interpreter.alias / "bin" / "python", interpreter.alias)
    if not (interpreter.works and os.access(found.python, os.X_OK)):
        lost = interpreter.missing_error()
        raise EnvironmentFailedError(lost.message, hint=lost.hint)
    if "\n" in str(found.python):
        raise EnvironmentFailedError(
            f"{found.python} cannot be the home of an environment: it has a line break",
            hint="set ENVMGR_HOME to another directory",
        )
    return found


def is_supported(release: tuple[int, ...]) -> bool:
    """Whether environments can be made for a release, or the start of one."""
    return release[:2] >= _OLDEST[: len(release)]


def ensure_release_supported(python: str, release: tuple[int, ...]) -> None:
    """Raise EnvironmentFailedError where no environment can be made for `python`, of a release or the start of one."""
    if not is_supported(release):
        raise EnvironmentFailedError(
            f"environments cannot be made for Python {python}",
            hint="virtualenv supports 3.6 and newer; `envmgr run -p` runs this Python itself, and shims do where a "
            "version file that you write asks for it",
        )
