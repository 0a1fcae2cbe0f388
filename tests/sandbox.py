"""A user at work: a project directory, and envmgr called in it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import record
from envmgr.host.paths import Home


@dataclass
class Sandbox:
    """A project directory, and the store that envmgr works on when called there."""

    home: Home
    project: Path
    environ: dict[str, str]

    def run(self, *words: str, code: int = 0, where: Path | None = None) -> str:
        """Run `envmgr` and return its stdout; on an error expected by `code`, its stderr."""
        done = self._start(words, where or self.project)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    def messages(self, *words: str) -> str:
        """Run `envmgr` with success and return what it tells people."""
        done = self._start(words, self.project)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def _start(self, words: tuple[str, ...], cwd: Path) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "envmgr", *words]
        environ = {**self.environ, "PWD": str(cwd)}
        return subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False)

    def environment(self, words: str) -> record.Environment:
        """Return the environment on record."""
        found = record.lookup(self.home, self.project, words)
        assert found is not None
        return found
