"""Show a run of `envmgr test`: a live table on a terminal, groups on GitHub, else one block of output per cell."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from envmgr.cli import console
from envmgr.testing import report
from envmgr.testing.context import RunContext
from envmgr.testing.result import ALLOWED, BROKEN, FAILED, Result

_BAD = (FAILED, BROKEN, ALLOWED)
_STYLES = {"passed": "green", "cached": "green", "flaky": "yellow", "allowed to fail": "yellow", "skipped": "yellow"}
_STYLES |= {"failed": "bold red", "broken": "bold red"}
_TAIL = 2048  # bytes of a log that are searched for its last line


class Screen:
    """Print the output of each cell in one block when it ends; the base of the other screens."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.running: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def tick(self, phases: dict[str, str]) -> None:
        """Receive the phase of each cell."""
        self.running = phases

    def finished(self, result: Result) -> None:
        """Print the block of a cell."""
        console.data(report.header(result))
        if not self.context.interactive:
            console.copy(report.output(result.log))
        if text := report.footer(result):
            console.data(text)

    def interrupted(self) -> None:
        """Print the output of the cells that were running when the run was interrupted."""
        console.say("Interrupted; the running commands have been ended.")
        for name, phase in self.running.items():
            log = self.context.folder / "logs" / f"{name}.log"
            if phase == "running" and log.is_file() and not self.context.interactive:
                console.data(f"── {name}: interrupted ──")
                console.copy(report.output(log))

    def finish(self, results: Sequence[Result]) -> None:
        """Print the summary; to the job summary of GitHub, too."""
        if file := self.context.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(file).open("a", encoding="utf-8") as output:
                output.write(report.as_markdown(results))
        console.say(report.summary(results))


class Quiet(Screen):
    """Print no output of commands, because stdout is for the JSON report."""

    def finished(self, result: Result) -> None:
        """Print one line to stderr."""
        console.say(f"{result.cell.name}: {result.state} in {result.seconds:.1f} s")

    def interrupted(self) -> None:
        """Print that the run was interrupted."""
        console.say("Interrupted; the running commands have been ended.")


class GitHub(Screen):
    """Print each block as a group, and an annotation for each failure.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """

    def finished(self, result: Result) -> None:
        """Print the group of a cell, with the interpretation of workflow commands switched off in it."""
        console.data(f"::group::{result.cell.name}: {result.state} in {result.seconds:.1f} s")
        token = f"envmgr-{os.urandom(8).hex()}"
        console.data(f"::stop-commands::{token}")
        console.copy(report.output(result.log))
        if text := report.footer(result):
            console.data(text)
        console.data(f"::{token}::")
        console.data("::endgroup::")
        if result.state in (FAILED, BROKEN):
            message = result.message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
            console.data(f"::error title={result.cell.name} {result.state}::{message}")


class Live(Screen):
    """Show a table of all cells while they run, and print the output of failed cells at the end."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live as Display

        self._started: dict[str, float] = {}
        self._results: dict[str, Result] = {}
        self._display = Display(console=Console(stderr=True), transient=True, refresh_per_second=5)
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def tick(self, phases: dict[str, str]) -> None:
        """Draw the table again."""
        super().tick(phases)
        self._display.update(self._table())

    def finished(self, result: Result) -> None:
        """Keep the result for the table, and for the end."""
        self._results[result.cell.name] = result

    def finish(self, results: Sequence[Result]) -> None:
        """Print the failed cells, then one line per cell and the summary."""
        for result in results:
            if result.state in _BAD:
                super().finished(result)
        for result in results:
            console.say(f"{result.cell.name}: {result.state} in {result.seconds:.1f} s")
        super().finish(results)

    def _table(self) -> Any:  # noqa: ANN401 - of rich, which is imported late
        """Return the table of the running and finished cells."""
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        now = time.monotonic()
        for name, phase in self.running.items():
            result = self._results.get(name)
            since = self._started.setdefault(name, now) if phase != "waiting" else now
            seconds = result.seconds if result else now - since
            last = "" if result else self._last_line(name, phase)
            table.add_row(name, Text(phase, style=_STYLES.get(phase, "")), f"{seconds:.0f} s", Text(last, no_wrap=True))
        return table

    def _last_line(self, name: str, phase: str) -> str:
        """Return the last line that a running cell has printed."""
        if phase != "running":
            return ""
        try:
            with (self.context.folder / "logs" / f"{name}.log").open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        from rich.text import Text

        line = next((line for line in reversed(lines) if line.strip()), "")
        return console.printable(Text.from_ansi(line).plain)


def screen(context: RunContext, *, quiet: bool) -> Screen:
    """Return the screen for this run: quiet, GitHub, terminal, or blocks of output."""
    if quiet:
        return Quiet(context)
    if context.environ.get("GITHUB_ACTIONS") == "true":
        return GitHub(context)
    if context.interactive or not sys.stderr.isatty() or context.environ.get("TERM", "dumb") == "dumb":
        return Screen(context)
    return Live(context)
