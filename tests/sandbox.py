"""A sandbox for running envmgr: a store, a project directory and an environment."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import record
from envmgr.host.paths import Home

_PYTHON_TOOLS = ("ENVMGR_", "PYENV_", "PYTHON", "VIRTUAL", "CONDA", "UV_PYTHON", "XDG_")


def clean_environ(environ: dict[str, str]) -> dict[str, str]:
    """Return `environ` without the variables of Python tools, envmgr included."""
    return {name: value for name, value in environ.items() if not name.startswith(_PYTHON_TOOLS)}


@dataclass
class Sandbox:
    """A store, a project directory and the environment of the `envmgr` processes that run there."""

    home: Home
    project: Path
    environ: dict[str, str]

    def run(self, *words: str, code: int = 0, where: Path | None = None) -> str:
        """Run `envmgr`, which must exit with `code`; return its stdout, for an error its stderr."""
        done = self._start(words, where or self.project)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    def messages(self, *words: str) -> str:
        """Run `envmgr` with success and return its stderr, the messages."""
        done = self._start(words, self.project)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def _start(self, words: tuple[str, ...], cwd: Path) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "envmgr", *words]
        environ = {**self.environ, "PWD": str(cwd)}
        return subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False)

    def environment(self, words: str) -> record.Environment:
        """Return the environment that the project has on record for a pin."""
        found = record.lookup(self.home, self.project, words)
        assert found is not None
        return found
