"""The runner: runs the cells of a matrix, several at a time, each behind those that it depends on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

from envmgr.errors import EnvmgrError
from envmgr.testing import history, matrix
from envmgr.testing.cell import Cell
from envmgr.testing.context import RunContext
from envmgr.testing.execution import Run, attempt
from envmgr.testing.result import ALLOWED, BROKEN, FAILED, FLAKY, PASSED, SKIPPED, Result

_TICK = 0.1  # seconds


class Watcher(Protocol):
    """Receives the progress of a run; called from one thread."""

    def tick(self, phases: dict[str, str]) -> None:
        """Receive the phase of each cell, several times a second."""

    def finished(self, result: Result) -> None:
        """Receive the result of one cell."""


@dataclass
class _Schedule:
    """The cells that wait and those that run; results by name."""

    cells: Sequence[Cell]
    waiting: list[Cell]
    started: dict[Future[Result], Cell] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)

    def ready(self) -> list[Cell]:
        """Return the cells whose dependencies have ended."""
        names = [cell.name for cell in self.cells]
        return [cell for cell in self.waiting if matrix.depends(cell, names) <= self.results.keys()]


def run(
    cells: Sequence[Cell], context: RunContext, watcher: Watcher, *, jobs: int, fail_fast: bool = False
) -> list[Result]:
    """Run `cells`, `jobs` at a time; returns their results in the order given, and adds them to the history.

    After a failure with `fail_fast`, waiting cells are skipped and running ones go on to their end. On Ctrl-C, or when
    the watcher fails, all programs are ended before the exception is raised again.
    """
    running, schedule = Run(context), _Schedule(cells, matrix.order(cells))
    running.phases.update((cell.name, "waiting") for cell in cells)
    try:
        if context.interactive:
            for cell in schedule.waiting:
                _finish(schedule, running, watcher, _result(cell, running), fail_fast=fail_fast)
        else:
            _parallel(schedule, running, watcher, jobs=jobs, fail_fast=fail_fast)
    finally:
        _remember(context, schedule.results)
    return [schedule.results[cell.name] for cell in cells]


def _parallel(schedule: _Schedule, running: Run, watcher: Watcher, *, jobs: int, fail_fast: bool) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while schedule.waiting or schedule.started:
                for cell in schedule.ready()[: jobs - len(schedule.started)]:
                    schedule.waiting.remove(cell)
                    schedule.started[pool.submit(_result, cell, running)] = cell
                watcher.tick(dict(running.phases))
                for future in wait(schedule.started, timeout=_TICK, return_when=FIRST_COMPLETED).done:
                    del schedule.started[future]
                    _finish(schedule, running, watcher, future.result(), fail_fast=fail_fast)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                watcher.tick(dict(running.phases))  # the output of cells that run now is reported
            running.processes.stop()
            raise


def _finish(schedule: _Schedule, running: Run, watcher: Watcher, result: Result, *, fail_fast: bool) -> None:
    schedule.results[result.cell.name] = result
    running.phases[result.cell.name] = result.state
    running.ending = running.ending or (fail_fast and result.state in (FAILED, BROKEN))
    watcher.finished(result)


def _result(cell: Cell, running: Run) -> Result:
    """Run one cell, and again for each of its retries as long as it fails."""
    started = time.monotonic()
    if running.ending:
        log = running.context.file("logs", cell, ".log")
        return Result(cell, SKIPPED, 0.0, log, "not run, because another cell failed (--fail-fast)")
    result = attempt(cell, running, 1)
    missing = isinstance(running.context.interpreters[cell.python], EnvmgrError)
    while result.state in (FAILED, BROKEN) and result.attempts <= cell.settings.retries and not missing:
        result = attempt(cell, running, result.attempts + 1)
    if result.state == PASSED and result.attempts > 1:
        result = replace(result, state=FLAKY, message=f"failed first, passed at attempt {result.attempts}")
    if result.state in (FAILED, BROKEN) and cell.settings.allow_failure:
        result = replace(result, state=ALLOWED, message=f"{result.state}: {result.message}")
    return replace(result, seconds=time.monotonic() - started)


def _remember(context: RunContext, results: dict[str, Result]) -> None:
    now = time.time()
    ran = [result for result in results.values() if result.state not in (SKIPPED, "cached")]
    if ran:
        history.add(
            context.folder,
            {each.cell.name: history.Outcome(each.state, each.key, each.seconds, now) for each in ran},
        )
