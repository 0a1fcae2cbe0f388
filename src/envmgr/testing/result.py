"""The result of a cell, and the words for its states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envmgr.testing.cell import Cell
from envmgr.testing.proof import Proof

PASSED, FAILED, BROKEN, SKIPPED = "passed", "failed", "broken", "skipped"
CACHED, FLAKY, ALLOWED = "cached", "flaky", "allowed to fail"
STATES = (PASSED, CACHED, FLAKY, ALLOWED, FAILED, BROKEN, SKIPPED)
GOOD = {PASSED, CACHED, FLAKY}


@dataclass(frozen=True)
class Result:
    """The result of a cell. `state` is one of STATES, `message` the reason of a failure, `log` the output.

    failed: a command failed, or the proof. broken: no command could run. flaky: it passed after it had failed. `key`
    is the hash of all inputs of the cell, empty where they are unknown.
    """

    cell: Cell
    state: str
    seconds: float
    log: Path
    message: str = ""
    proof: Proof | None = None
    key: str = ""
    attempts: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "cell": self.cell.name,
            "python": self.cell.python,
            "axes": dict(self.cell.axes),
            "state": self.state,
            "seconds": round(self.seconds, 3),
            "attempts": self.attempts,
            "message": self.message,
            "log": str(self.log),
            "key": self.key,
            "proof": self.proof.to_json() if self.proof else None,
        }


def exit_code(results: Sequence[Result]) -> int:
    """Return 0 for success, 1 where a cell failed or broke, 5 where no cell passed: all were skipped, or may fail.

    5 is pytest's code for a run without tests.
    """
    states = {result.state for result in results}
    if states & {FAILED, BROKEN}:
        return 1
    return 0 if states & GOOD else 5
