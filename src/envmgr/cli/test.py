"""`envmgr test`: run the project's tests over many Pythons."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from types import FrameType

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.cli.interpreters import ensure_installed
from envmgr.errors import EnvmgrError, UsageError
from envmgr.packages.engine import ENGINES
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Interpreter
from envmgr.testing import matrix as matrices
from envmgr.testing import report, runner
from envmgr.testing.runner import Bench, Result
from envmgr.versions import pins
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


@click.command(cls=ChangingCommand, context_settings={"ignore_unknown_options": False})
@click.option("-p", "--python", "pythons", metavar="3.11,3.12", help="Only these Pythons.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="So many at a time; as many as processors, by default.")
@click.option("--no-install", is_flag=True, help="Use only Pythons that are installed.")
@click.option("--skip-missing", is_flag=True, help="Skip Pythons that cannot be had, instead of failing.")
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Install with this; uv if it is there, by default.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def test(
    context: Context,
    pythons: str | None,
    jobs: int | None,
    *,
    no_install: bool,
    skip_missing: bool,
    engine: str | None,
    arguments: tuple[str, ...],
) -> int:
    """Run the commands of [tool.envmgr.test] on each of its Pythons; ARGUMENTS, after --, go to the last of them."""
    matrix = matrices.read(matrices.find(context.cwd)).extended(arguments)
    if pythons:
        matrix = matrix.chosen(pythons)
    found = {python.text: _interpreter(context, python, install=not no_install) for python in matrix.pythons}
    _distinct(found)
    bench = Bench(context.home, context.cache, context.environ, found, engine, skip_missing)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        results = runner.run(matrix, bench, _Screen(), jobs=jobs or os.cpu_count() or 1)
    except KeyboardInterrupt:
        console.live("")
        console.say("Interrupted; what was running has been ended.")
        raise
    console.say(report.summary(results))
    return report.exit_code(results)


def _interpreter(context: Context, request: VersionRequest, *, install: bool) -> Interpreter | EnvmgrError:
    """Return the interpreter for `request`, installed now if it is missing, or why there is none."""
    try:
        return ensure_installed(
            context, Ruling(pins.parse(request.text, said="[tool.envmgr.test]"), None), install=install
        )[0]
    except EnvmgrError as error:
        return error


def _distinct(found: dict[str, Interpreter | EnvmgrError]) -> None:
    """Raise UsageError where two requests mean one Python: they would share an environment."""
    seen: dict[Build, str] = {}
    for request, interpreter in found.items():
        if isinstance(interpreter, Interpreter):
            other = seen.setdefault(interpreter.build, request)
            if other != request:
                raise UsageError(
                    f"{other} and {request} are the same Python now, {interpreter.build}", hint="name it once"
                )


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    raise KeyboardInterrupt


class _Screen:
    """Prints blocks as they come, and on a terminal a line that is always current."""

    def tick(self, phases: dict[str, str]) -> None:
        """Draw the line anew."""
        if sys.stderr.isatty():
            console.live(report.live(phases, shutil.get_terminal_size().columns))

    def finished(self, result: Result) -> None:
        """Print a block."""
        console.live("")
        block = report.block(result)
        if result.state in report.RAN:  # what its programs said is shown as they said it
            console.raw(block)
        else:
            console.data(block.removesuffix("\n"))
