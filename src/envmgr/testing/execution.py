"""Running one cell: prepare its environment, prove its Python, run its commands, prove it again."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO

from envmgr.errors import CommandNotFoundError, EnvmgrError, NoSuchVersionError, NotInstalledError
from envmgr.host import lock
from envmgr.pythons.store import Interpreter
from envmgr.testing import history, preparation, proof, trees, variables
from envmgr.testing.cell import Cell, Command
from envmgr.testing.context import RunContext
from envmgr.testing.preparation import Prepared
from envmgr.testing.processes import CELL_ID, TIMED_OUT, Processes
from envmgr.testing.proof import Proof
from envmgr.testing.result import BROKEN, CACHED, FAILED, PASSED, SKIPPED, Result
from envmgr.testing.substitution import Values, uses_arguments


@dataclass
class Run:
    """A run in progress: the phase of each cell by name, and its programs. `ending`: no further cell is started."""

    context: RunContext
    phases: dict[str, str] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)
    ending: bool = False

    @cached_property
    def tree(self) -> str:
        """A hash over the project's files, as they are when the first cell needs it."""
        return trees.digest(self.context.project, self.context.environ)


@dataclass(frozen=True)
class _Surroundings:
    """The surroundings of one attempt: environment, directory, values to substitute, log file, time limit."""

    prepared: Prepared
    cwd: Path
    values: Values
    variables: dict[str, str]
    output: IO[bytes]
    deadline: float | None


def attempt(cell: Cell, run: Run, number: int) -> Result:
    """Run `cell` once and return the result; raises KeyboardInterrupt when the run is stopped, OSError."""
    log = run.context.file("logs", cell, ".log")
    result = Result(cell, BROKEN, 0.0, log, attempts=number)
    try:
        interpreter = run.context.interpreters[cell.python]
        if isinstance(interpreter, EnvmgrError):
            raise interpreter
        run.processes.check()
        log.parent.mkdir(parents=True, exist_ok=True)
        run.phases[cell.name] = "waiting for another run"
        with lock.exclusive(run.context.file("locks", cell)), log.open("wb", buffering=0) as output:
            return _execute(cell, run, interpreter, output, result)
    except (NotInstalledError, NoSuchVersionError) as error:
        return replace(result, state=SKIPPED if run.context.skip_missing else BROKEN, message=error_text(error))
    except EnvmgrError as error:
        return replace(result, message=error_text(error))


def error_text(error: EnvmgrError) -> str:
    """Return the message of an error with its hint."""
    return f"{error.message}\n{error.hint}" if error.hint else error.message


def _execute(cell: Cell, run: Run, interpreter: Interpreter, output: IO[bytes], result: Result) -> Result:
    context = run.context
    run.phases[cell.name] = "preparing"
    prepared = preparation.prepare(cell, context, interpreter, run.processes)
    result = replace(result, key=_key(cell, run, prepared, interpreter))
    if context.cached and history.passed(context.folder, cell.name, result.key):
        return replace(result, state=CACHED, message="passed before with the same inputs; not run")
    run.phases[cell.name] = "running"
    with _surroundings(cell, run, prepared, output) as surroundings:
        return _proved(cell, run, interpreter, surroundings, result)


def _proved(cell: Cell, run: Run, interpreter: Interpreter, surroundings: _Surroundings, result: Result) -> Result:
    """Run the commands between two proofs; the second one sees an environment that a command replaced or deleted."""
    first, wrong = _prove(run, interpreter, surroundings)
    result = replace(result, proof=first)
    if wrong:
        return replace(result, state=BROKEN, message=wrong)
    state, message = _commands(cell, run, surroundings)
    _, wrong = _prove(run, interpreter, surroundings)
    if wrong:
        state, message = FAILED, f"after the commands, {wrong}"
    return replace(result, state=state, message=message)


def _prove(run: Run, interpreter: Interpreter, surroundings: _Surroundings) -> tuple[Proof | None, str | None]:
    """Ask the Python of the commands what it is, and return that with the reason why it is wrong, if it is."""
    program = shutil.which("python", path=surroundings.variables["PATH"])
    if program is None:
        return None, f"{surroundings.prepared.environment.path} has no python any more"
    outcome = run.processes.captured([program, "-c", proof.PROBE], environ=surroundings.variables, cwd=surroundings.cwd)
    found = proof.parse(outcome.text.encode(errors="surrogateescape"))
    build = interpreter.build
    return found, proof.problem(found, build, surroundings.prepared.environment.path, surroundings.variables)


@contextmanager
def _surroundings(cell: Cell, run: Run, prepared: Prepared, output: IO[bytes]) -> Iterator[_Surroundings]:
    """Give the place of one attempt: a new `{tmp}`, the tree. Processes that are left behind are killed at the end."""
    context, settings = run.context, cell.settings
    tmp = context.file("tmp", cell)
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(parents=True)
    root = context.project
    if settings.tree == "copy":
        root = trees.copy(root, context.file("trees", cell), context.environ)
    names = {
        **cell.axes,
        "tmp": str(tmp),
        "project": str(root),
        "python": str(prepared.environment.bin / "python"),
        "environment": str(prepared.environment.path),
        "cell": cell.name,
    }
    values = Values(names, context.arguments, context.environ)
    cell_id = f"{os.getpid()}-{uuid.uuid4().hex}"
    own = {name: values.text(text) for name, text in settings.env.items()}
    environ = {**prepared.variables, **own, CELL_ID: cell_id}
    if context.junit:
        environ["PYTEST_ADDOPTS"] = _junit_options(environ.get("PYTEST_ADDOPTS", ""), context, cell)
    deadline = time.monotonic() + settings.timeout if settings.timeout else None
    try:
        yield _Surroundings(prepared, root / values.text(settings.cwd), values, environ, output, deadline)
    finally:
        run.processes.end_strays(cell_id)


def _junit_options(options: str, context: RunContext, cell: Cell) -> str:
    """Return pytest's options with those for a report of each cell; the suite is named after the cell."""
    file = context.file("junit", cell, ".xml")
    file.unlink(missing_ok=True)
    return f"{options} {shlex.quote(f'--junitxml={file}')} -o junit_suite_name={cell.name}".strip()


def _commands(cell: Cell, run: Run, surroundings: _Surroundings) -> tuple[str, str]:
    """Run the commands up to the first that fails, then `commands-after`; returns a state and its reason."""
    settings = cell.settings
    commands = [*settings.commands_before, *settings.commands]
    if commands and run.context.arguments and not uses_arguments(commands):
        commands[-1] = (*commands[-1], "{args}")
    state, message = _sequence(cell, run, surroundings, commands)
    after, problem = _sequence(cell, run, surroundings, settings.commands_after)
    return (after, problem) if state == PASSED else (state, message)


def _sequence(cell: Cell, run: Run, surroundings: _Surroundings, commands: Sequence[Command]) -> tuple[str, str]:
    for command in commands:
        words, inverted, ignored = _prefixes(surroundings.values.command(command))
        code = _command(cell, run, surroundings, words)
        run.processes.check()
        if code == TIMED_OUT and surroundings.deadline and time.monotonic() >= surroundings.deadline:
            return FAILED, f"{command_text(words)}: ended after the time limit of {cell.settings.timeout:g} s"
        if (code == 0) == inverted and not ignored:
            return FAILED, f"{command_text(words)}: exit code {code}"
    return PASSED, ""


def _prefixes(words: list[str]) -> tuple[list[str], bool, bool]:
    """Take the prefixes off a command: `-` ignores its failure, `!` wants it, `@` has no effect here (as in tox)."""
    inverted = ignored = False
    while len(words) > 1 and words[0] in ("-", "!", "@"):
        inverted, ignored = inverted or words[0] == "!", ignored or words[0] == "-"
        words = words[1:]
    return words, inverted, ignored


def _command(cell: Cell, run: Run, surroundings: _Surroundings, words: list[str]) -> int:
    program = shutil.which(words[0], path=surroundings.variables["PATH"])
    if program is None:
        raise CommandNotFoundError(
            f"{cell.name}: no such command: {words[0]}", hint="is its package in a group, or in deps, of the cell?"
        )
    text = f"$ {command_text(words)}\n".encode(errors="surrogateescape")
    surroundings.output.write(text)
    if run.context.interactive:
        os.write(2, text)
    return run.processes.run(
        [program, *words[1:]],
        environ=surroundings.variables,
        output=surroundings.output,
        cwd=surroundings.cwd,
        deadline=surroundings.deadline,
        colors=run.context.colors,
        interactive=run.context.interactive,
    )


def command_text(command: Sequence[str]) -> str:
    """Return a command as one would type it; a word that could steer a terminal as a literal of Python."""
    return shlex.join(word if word.isprintable() else ascii(word) for word in command)


def _key(cell: Cell, run: Run, prepared: Prepared, interpreter: Interpreter) -> str:
    """Return a hash over all inputs of a cell: interpreter, packages, files of the project, commands, variables."""
    inputs = (
        str(interpreter.build),
        prepared.digest,
        run.tree,
        cell.to_json(),
        run.context.arguments,
        variables.steering(variables.passed(run.context.environ, cell.settings.pass_env)),
    )
    return hashlib.sha256(repr(inputs).encode(errors="surrogateescape")).hexdigest()[:32]
