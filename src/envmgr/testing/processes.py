"""The programs that a test run has started: run to their end, to a time limit, or to the end of the whole run."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from envmgr.host import process, variables
from envmgr.host.paths import Environ
from envmgr.host.process import Outcome

CELL_ID = variables.TEST_CELL_ID  # marks the processes of one cell, also those that left its process group
TIMED_OUT = 124  # the exit code of timeout(1)
_GRACE = ((signal.SIGINT, 6.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0))  # seconds before the next signal
_TICK = 0.05  # seconds


@dataclass
class Processes:
    """The running programs; shared by the threads of a run."""

    _children: set[process.Child] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        environ: Environ,
        output: IO[bytes],
        cwd: Path | None = None,
        deadline: float | None = None,
        colors: bool = False,
        interactive: bool = False,
    ) -> int:
        """Run a program and return its exit code, 124 when it was ended at `deadline` (of `time.monotonic`).

        `colors` and `interactive` are those of `process.Child`. Raises CommandNotFoundError, and KeyboardInterrupt
        when the run is stopped.
        """
        with self._lock:
            self.check()
            child = process.Child(argv, environ=environ, output=output, cwd=cwd, colors=colors, interactive=interactive)
            self._children.add(child)
        try:
            return self._wait(child, deadline)
        except KeyboardInterrupt:  # only where the main thread runs the program on the terminal
            self.stop()
            raise
        finally:
            self._children.discard(child)

    def captured(self, argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None) -> Outcome:
        """Run a program and return its exit code and output, without colours; raises as `run` does."""
        with tempfile.TemporaryFile() as output:
            code = self.run(argv, environ=environ, output=output, cwd=cwd)
            output.seek(0)
            return Outcome(code, output.read().decode(errors="replace"))

    def stop(self) -> None:
        """End all programs: interrupt, terminate, kill. A further Ctrl-C goes on to the next step at once."""
        for number, patience in _GRACE:
            with contextlib.suppress(KeyboardInterrupt):
                with self._lock:
                    self._stopped = True
                for child in list(self._children):
                    child.signal(number)
                if self._ended(patience):
                    return

    def check(self) -> None:
        """Raise KeyboardInterrupt when the whole run has been stopped."""
        if self._stopped:
            raise KeyboardInterrupt

    def end_strays(self, cell_id: str) -> int:
        """Kill the processes that a cell has left behind in sessions of their own; returns how many there were."""
        found = _started_with(CELL_ID, cell_id)
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    def _wait(self, child: process.Child, deadline: float | None) -> int:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        code = child.wait(left)
        if code is not None:
            return code
        for number, patience in _GRACE:
            child.signal(number)
            if child.wait(patience) is not None:
                break
        return TIMED_OUT

    def _ended(self, patience: float) -> bool:
        end = time.monotonic() + patience
        while self._children and time.monotonic() < end:
            time.sleep(_TICK)
        return not self._children


def _started_with(name: str, value: str) -> list[int]:
    """Return the numbers of this user's other processes that were started with the variable; none without /proc."""
    wanted, found = f"{name}={value}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0") and folder.name != str(os.getpid()):
                found.append(int(folder.name))
    return found
