"""How downloads are shown: bars on a terminal, plain lines elsewhere. Talk, so it goes to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from envmgr.cli import console
from envmgr.host.download import ProgressCallback
from envmgr.host.paths import Environ

Watching = Callable[[str], ProgressCallback]  # the name of a download -> what is told of its bytes


@contextmanager
def downloads(environ: Environ) -> Iterator[Watching]:
    """Show downloads while the block runs; each gets its line when its first byte is there."""
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
    told = False

    def watch(_done: int, total: int | None) -> None:
        nonlocal told
        if not told:
            told = True
            console.say(f"Downloading {name}" + (f" ({total / 1e6:.1f} MB)" if total else ""))

    return watch
