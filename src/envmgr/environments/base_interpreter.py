"""The base Python of an environment, and the path of the template that the environment is cloned from.

Reads only; must not import virtualenv.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from envmgr import __version__
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host.paths import Home, ensure_supported
from envmgr.pythons.store import Interpreter

_OLDEST = (3, 6)  # the oldest Python that the discovery of virtualenv understands


@dataclass(frozen=True)
class BasePython:
    """The interpreter that an environment runs on.

    `python` is the path of its executable as environments store it, `key` its name in `envmgr.json` and in directory
    names. For an installed build both are those of its alias, so that environments follow patch upgrades; for a
    linked interpreter they are the real path of the executable and the build.
    """

    interpreter: Interpreter
    python: Path
    key: str

    @property
    def prefix(self) -> Path:
        """The prefix of the base Python, as environments store it."""
        return self.python.parent.parent

    def template_path(self, home: Home, *, pip: bool) -> Path:
        """Return the path of the template: one per store path, build and version of envmgr, with or without pip.

        The template need not exist.
        """
        text = f"{self.python}\n{self.interpreter.build}\n{__version__}"
        digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
        return home.templates / f"{self.name_prefix(pip=pip)}-{digest}"

    def name_prefix(self, *, pip: bool) -> str:
        """Return the part of the directory name that this template and its predecessors share."""
        return f"{self.key}-pip" if pip else self.key


def base_python(home: Home, interpreter: Interpreter) -> BasePython:
    """Return the base Python for environments on `interpreter`.

    Raises EnvironmentFailedError where no environment can be made: the path of the store is unsupported, the release
    is too old, or the interpreter is broken.
    """
    try:
        ensure_supported(home)
    except UsageError as error:  # callers that only read catch EnvironmentFailedError and go on
        raise EnvironmentFailedError(error.message, hint=error.hint) from error
    ensure_release_supported(str(interpreter.build.version), interpreter.build.version.release)
    if interpreter.linked:
        base = BasePython(interpreter, Path(os.path.realpath(interpreter.executable)), str(interpreter.build))
    else:
        base = BasePython(interpreter, home.aliases / interpreter.alias / "bin" / "python", interpreter.alias)
    if not (interpreter.works and os.access(base.python, os.X_OK)):
        missing = interpreter.missing_error()
        raise EnvironmentFailedError(missing.message, hint=missing.hint)
    if "\n" in str(base.python):
        raise EnvironmentFailedError(
            f"{base.python} cannot be the base of an environment: the path contains a line break",
            hint="set ENVMGR_HOME to another directory",
        )
    return base


def is_supported(release: tuple[int, ...]) -> bool:
    """Return whether environments can be made for `release`, such as (3, 12, 7), or a prefix of one, such as (3,)."""
    return release[:2] >= _OLDEST[: len(release)]


def ensure_release_supported(python: str, release: tuple[int, ...]) -> None:
    """Raise EnvironmentFailedError where no environment can be made for `release`, complete or a prefix.

    `python` is its name in the message.
    """
    if not is_supported(release):
        raise EnvironmentFailedError(
            f"environments cannot be made for Python {python}",
            hint="virtualenv supports 3.6 and newer; `envmgr run -p` runs this Python without an environment, and so "
            "do the shims where a version file names it",
        )
