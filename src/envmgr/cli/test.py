"""`envmgr test`: run the project's tests over many Pythons."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.cli.ensure import ensure_installed
from envmgr.environments import activation
from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import process
from envmgr.packages.engines import ENGINES
from envmgr.pythons.resolve import ResolvedPin
from envmgr.pythons.store import Interpreter
from envmgr.testing import context as contexts
from envmgr.testing import defaults, history, matrix, report, runner, table
from envmgr.testing.cell import Cell
from envmgr.testing.context import RunContext
from envmgr.testing.result import exit_code
from envmgr.testing.sources import NAMES, NOX, Finder
from envmgr.versions import pins

if TYPE_CHECKING:
    from envmgr.cli.test_screen import Screen


@click.command(cls=ChangingCommand)
@click.option("-p", "--python", "pythons", metavar="3.11,3.12", help="Only these Pythons.")
@click.option("--cell", "patterns", multiple=True, metavar="PATTERN", help="Only these cells; * stands for any text.")
@click.option("--label", "labels", multiple=True, help="Only the cells with this label.")
@click.option("--failed", is_flag=True, help="Only the cells that did not pass in the last run.")
@click.option(
    "--from",
    "origin",
    type=click.Choice(NAMES),
    help="Read the cells from this configuration; by default, the first that exists.",
)
@click.option("--list", "only_list", is_flag=True, help="Print the cells, and run nothing.")
@click.option("--dry-run", is_flag=True, help="Print what each cell would install and run, and run nothing.")
@click.option("--init", is_flag=True, help="Print a [tool.envmgr.test] table for a project that has none.")
@click.option("--cached", is_flag=True, help="Do not run a cell that has passed with the same inputs.")
@click.option("--recreate", is_flag=True, help="Recreate every environment.")
@click.option("--fail-fast", is_flag=True, help="Start no further cell after a failure.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    help="Cells that run at the same time; by default, the number of processors.",
)
@click.option("--no-install", is_flag=True, help="Use only Pythons that are installed.")
@click.option("--skip-missing", is_flag=True, help="Skip Pythons that cannot be installed, instead of failing.")
@click.option(
    "--engine", type=click.Choice(list(ENGINES)), help="Install with this engine; by default uv, if it is found."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON report to stdout, without the output of commands.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report of all cells.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def test_command(
    context: Context,
    *,
    pythons: str | None,
    patterns: tuple[str, ...],
    labels: tuple[str, ...],
    failed: bool,
    origin: str | None,
    only_list: bool,
    dry_run: bool,
    init: bool,
    cached: bool,
    recreate: bool,
    fail_fast: bool,
    jobs: int | None,
    no_install: bool,
    skip_missing: bool,
    engine: str | None,
    as_json: bool,
    junit: Path | None,
    arguments: tuple[str, ...],
) -> int:
    """Run the tests of the project: the cells of [tool.envmgr.test] in pyproject.toml, or of envmgr.toml.

    Without such a table, Pythons, requirements and commands are derived from the project's files, and printed.
    ARGUMENTS, after --, replace {args} in the commands, or are appended to the last one.
    """
    words = [word for word in (pythons or "").split(",") if word]
    if pythons is not None and not words:
        raise UsageError("-p names no Python", hint="for example: -p 3.12,3.13")
    finder = Finder(context.home, context.cache, context.environ, context.cwd, datetime.now(tz=UTC).date())
    if init:
        return _print_table(finder)
    if origin == NOX:
        return _run_nox(finder, arguments)
    source = finder.find(origin, words, arguments)
    project = source.project.resolve()
    names: Collection[str] | None = None if patterns or labels else source.default
    if failed:
        names = history.failed(contexts.folder(context.home, context.cache, project))
    cells = matrix.select(source.cells, pythons=words, patterns=patterns, labels=labels, names=names)
    if only_list:
        console.table((cell.name, cell.python, ", ".join(cell.settings.labels)) for cell in cells)
        return 0
    if dry_run:
        _print_plan(project, cells)
        return 0
    for message in source.messages:
        console.say(message)
    from envmgr.cli.test_screen import screen

    run_context = RunContext(
        home=context.home,
        cache=context.cache,
        project=project,
        environ=context.environ,
        interpreters={each.python: _interpreter(context, each.python, install=not no_install) for each in cells},
        arguments=() if source.has_arguments else arguments,
        engine=engine,
        skip_missing=skip_missing or source.skip_missing,
        recreate=recreate,
        cached=cached,
        interactive=len(cells) == 1 and not as_json and all(map(os.isatty, (0, 1, 2))),
        colors=sys.stdout.isatty() and not as_json,
        junit=junit is not None,
    )
    view = screen(run_context, quiet=as_json)
    return _run(cells, run_context, view, jobs=jobs or source.jobs, fail_fast=fail_fast, as_json=as_json, junit=junit)


def _run(
    cells: list[Cell],
    context: RunContext,
    view: Screen,
    *,
    jobs: int | None,
    fail_fast: bool,
    as_json: bool,
    junit: Path | None,
) -> int:
    """Run the cells, print the reports, and return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        with view:
            results = runner.run(cells, context, view, jobs=jobs or os.cpu_count() or 1, fail_fast=fail_fast)
    except KeyboardInterrupt:
        view.interrupted()
        raise
    if junit:
        from envmgr.testing import junit as reports

        reports.write(Path.cwd() / junit, results, context)
    if as_json:
        console.data(report.as_json(results, context.project))
    view.finish(results)
    return exit_code(results)


def _print_table(finder: Finder) -> int:
    """Print the table of the cells that a project without a table has; return the exit code."""
    file = table.find(finder.cwd)
    if file and table.read(file):
        raise UsageError(f"{file} has a table already", hint="`envmgr test --list` shows its cells")
    project = file.parent if file else finder.cwd
    console.data(defaults.as_toml(defaults.work_out(project, finder.today)).rstrip("\n"))
    console.say(f"add it to {project / 'pyproject.toml'}")
    return 0


def _run_nox(finder: Finder, arguments: tuple[str, ...]) -> int:
    """Run nox itself, as its configuration is a program, with the installed Pythons on PATH; return its exit code."""
    environment = finder.tool(NOX)
    variables = activation.environment_variables(finder.home, environment, finder.environ)
    argv: list[str | Path] = [environment.bin / "nox", "--download-python", "never", *arguments]
    return process.run_on_terminal(argv, environ=variables, cwd=finder.cwd)


def _print_plan(project: Path, cells: list[Cell]) -> None:
    """Print the Python, the requirements and the commands of each cell."""
    from envmgr.testing import preparation
    from envmgr.testing.execution import command_text

    for cell in cells:
        mode = preparation.package_mode(project, cell)
        requirements = preparation.cell_requirements(project, cell, None).arguments
        console.data(f"{cell.name}: Python {cell.python}")
        console.data(f"  package: {mode}")
        if requirements:
            console.data(f"  install: {command_text(requirements)}")
        for command in (*cell.settings.commands_before, *cell.settings.commands, *cell.settings.commands_after):
            console.data(f"  run: {command_text(command)}")


def _interpreter(context: Context, word: str, *, install: bool) -> Interpreter | EnvmgrError:
    """Return the interpreter for the request `word`, installed first if it is missing, or the error."""
    try:
        pin = pins.parse(word, variable="[tool.envmgr.test]")
        return ensure_installed(context, ResolvedPin(pin, None), install=install)[0]
    except EnvmgrError as error:
        return error


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    """Handle SIGTERM and SIGHUP as Ctrl-C."""
    raise KeyboardInterrupt
