"""Show the progress of downloads on stderr: bars on a terminal, one line each without one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from envmgr.cli import console
from envmgr.host.download import ProgressCallback
from envmgr.host.paths import Environ

Watching = Callable[[str], ProgressCallback]  # the name of a download -> its callback


@contextmanager
def downloads(environ: Environ) -> Iterator[Watching]:
    """Yield the function that returns a callback for each download; a download is shown from its first byte on."""
    if not sys.stderr.isatty() or environ.get("TERM") == "dumb":
        yield _line
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as display:

        def watching(name: str) -> ProgressCallback:
            task = display.add_task(console.printable(name), start=True, visible=False)
            return lambda done, total: display.update(task, completed=done, total=total, visible=True)

        yield watching


def _line(name: str) -> ProgressCallback:
    """Return a callback that prints one line at the first byte."""
    printed = False

    def watch(_done: int, total: int | None) -> None:
        nonlocal printed
        if not printed:
            printed = True
            console.say(f"Downloading {name}" + (f" ({total / 1e6:.1f} MB)" if total else ""))

    return watch
