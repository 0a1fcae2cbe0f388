"""The report: text for people, from results. Prints nothing."""

from __future__ import annotations

from collections.abc import Sequence

from envmgr.testing.runner import Result

STATES = ("passed", "failed", "broken", "skipped")
RAN = STATES[:2]


def block(result: Result) -> str:
    """Return everything about one Python, in one piece."""
    text = result.text if result.text.endswith("\n") or not result.text else result.text + "\n"
    return f"── {result.python}: {result.state} in {result.seconds:.1f} s ──\n{text}"


def live(phases: dict[str, str], width: int) -> str:
    """Return one line about what each Python is at, no longer than `width` columns."""
    line = "  ".join(f"{python} {phase}" for python, phase in phases.items())
    return line if len(line) < width else line[: max(0, width - 2)] + "…"


def summary(results: Sequence[Result]) -> str:
    """Return what came of it: a word for each Python, grouped by state."""
    groups = {state: [result.python for result in results if result.state == state] for state in STATES}
    return "; ".join(f"{state}: {', '.join(found)}" for state, found in groups.items() if found)


def exit_code(results: Sequence[Result]) -> int:
    """Return 0 when something passed and nothing failed or broke; what was only skipped was not tested: 1."""
    states = {result.state for result in results}
    return 0 if "passed" in states and states <= {"passed", "skipped"} else 1
