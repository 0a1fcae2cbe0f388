"""The runner: prepares one environment per Python and runs the commands in it, several at a time."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from envmgr.environments import builder, inside
from envmgr.environments.base import base
from envmgr.environments.record import Environment
from envmgr.errors import (
    BrokenInterpreterError,
    CommandNotFoundError,
    EnvmgrError,
    NoSuchVersionError,
    NotInstalledError,
)
from envmgr.host import process
from envmgr.host.paths import Environ, Home
from envmgr.host.process import Outcome
from envmgr.packages import package
from envmgr.packages import sync as syncing
from envmgr.packages.engine import Workplace
from envmgr.pythons.store import Interpreter
from envmgr.testing.matrix import Matrix
from envmgr.versions.request import VersionRequest

_TICK = 0.1  # seconds
_GRACE = ((signal.SIGINT, 6.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0))  # seconds before the next one
_VERSION = ("-I", "-S", "-c", "import sys; print(*sys.version_info[:3], sep='.')")


@dataclass(frozen=True)
class Result:
    """How it went on one Python: passed, failed (a command), broken (no environment to run it in) or skipped."""

    python: str
    state: str
    seconds: float
    text: str


class Watcher(Protocol):
    """Whoever wants to know while it happens; called from one thread."""

    def tick(self, phases: dict[str, str]) -> None:
        """Be told what each Python is at now."""

    def finished(self, result: Result) -> None:
        """Be told that one Python is done."""


@dataclass(frozen=True)
class Bench:
    """What runs need of this machine; `interpreters` holds, by request, one each, or why there is none."""

    home: Home
    cache: Path
    environ: Environ
    interpreters: Mapping[str, Interpreter | EnvmgrError]
    engine: str | None = None
    skip_missing: bool = False


@dataclass
class Stage:
    """The programs that run now, and what each Python is at; shared by the threads."""

    phases: dict[str, str] = field(default_factory=dict)
    children: set[process.Child] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False

    def run(self, argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None) -> Outcome:
        """Run a program to its end, or to that of the whole run; raises CommandNotFoundError, KeyboardInterrupt."""
        with self._lock:
            self.check()
            child = process.Child(argv, environ=environ, cwd=cwd)
            self.children.add(child)
        try:
            return child.wait()
        finally:
            self.children.discard(child)

    def stop(self) -> None:
        """End all programs: ask, ask harder, kill. A further Ctrl-C goes on to the next step at once."""
        for number, patience in _GRACE:
            with contextlib.suppress(KeyboardInterrupt):
                with self._lock:
                    self._stopped = True
                for child in list(self.children):
                    child.signal(number)
                self._drain(patience)

    def check(self) -> None:
        """Raise KeyboardInterrupt when the whole run has been stopped."""
        if self._stopped:
            raise KeyboardInterrupt

    def _drain(self, patience: float) -> None:
        end = time.monotonic() + patience
        while self.children and time.monotonic() < end:
            time.sleep(_TICK / 2)


def run(matrix: Matrix, bench: Bench, watcher: Watcher, *, jobs: int) -> list[Result]:
    """Run `matrix`, `jobs` Pythons at a time; returns the results in the matrix's order.

    On Ctrl-C, or when the watcher fails, everything that was started is ended before the exception goes on.
    """
    stage = Stage()
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_result, matrix, bench, stage, python) for python in matrix.pythons]
        try:
            _watch(futures, stage, watcher)
        except BaseException:
            stage.stop()
            raise
    return [future.result() for future in futures]


def _watch(futures: Sequence[Future[Result]], stage: Stage, watcher: Watcher) -> None:
    pending = set(futures)
    while pending:
        watcher.tick(dict(stage.phases))
        done, pending = wait(pending, timeout=_TICK, return_when=FIRST_COMPLETED)
        for future in done:
            result = future.result()
            stage.phases[result.python] = result.state
            watcher.finished(result)


def _result(matrix: Matrix, bench: Bench, stage: Stage, python: VersionRequest) -> Result:
    started = time.monotonic()
    try:
        state, text = _cell(matrix, bench, stage, python)
    except (NotInstalledError, NoSuchVersionError) as error:
        state, text = "skipped" if bench.skip_missing else "broken", _told(error)
    except EnvmgrError as error:
        state, text = "broken", _told(error)
    return Result(python.text, state, time.monotonic() - started, text)


def _told(error: EnvmgrError) -> str:
    return f"{error.message}\n{error.hint}\n" if error.hint else f"{error.message}\n"


def _cell(matrix: Matrix, bench: Bench, stage: Stage, python: VersionRequest) -> tuple[str, str]:
    """Prepare the environment for one Python and run the commands in it, up to the first that fails."""
    stage.check()
    stage.phases[python.text] = "preparing"
    interpreter = bench.interpreters[python.text]
    if isinstance(interpreter, EnvmgrError):
        raise interpreter
    key = f"test-{base(bench.home, interpreter).key}"
    environment = builder.build(bench.home, matrix.project, interpreter, bench.environ, key=key)
    _fill(matrix, bench, stage, environment)
    _verify(stage, environment, interpreter, bench.environ)
    stage.phases[python.text] = "running"
    return _commands(matrix, stage, _variables(matrix, bench, environment, python))


def _fill(matrix: Matrix, bench: Bench, stage: Stage, environment: Environment) -> None:
    """Install what the matrix declares, and the project, where either changed."""
    place = Workplace(bench.home, environment, bench.environ, stage.run)
    wheel = None
    if matrix.package == "wheel":
        wheel = package.wheel(place, bench.engine, bench.cache, package.fingerprint(matrix.project))
    syncing.sync(place, matrix.declared(wheel), engine=bench.engine)


def _verify(stage: Stage, environment: Environment, interpreter: Interpreter, environ: Environ) -> None:
    """Ask the environment's Python what it is; raises BrokenInterpreterError when it is not what was asked for."""
    told = stage.run([environment.bin / "python", *_VERSION], environ=process.plain(environ)).text.strip()
    wanted = ".".join(map(str, interpreter.build.version.release))
    if told != wanted:
        raise BrokenInterpreterError(
            f"{environment.path}: its Python is {told or 'mute'}, not {wanted}",
            hint=f"remove it: envmgr env remove {shlex.quote(str(environment.path))}",
        )


def _variables(matrix: Matrix, bench: Bench, environment: Environment, python: VersionRequest) -> dict[str, str]:
    """Return the variables of the commands; each Python has a coverage file, for `coverage combine` to find."""
    coverage = str(matrix.project / f".coverage.{environment.key}")
    return {
        "COVERAGE_FILE": coverage,
        **inside.environment(bench.home, environment, bench.environ),
        "ENVMGR_VERSION": python.text,
    }


def _commands(matrix: Matrix, stage: Stage, variables: dict[str, str]) -> tuple[str, str]:
    text = ""
    for command in matrix.commands:
        program = shutil.which(command[0], path=variables["PATH"])
        if program is None:
            raise CommandNotFoundError(
                f"{command[0]}: no such command", hint="is its package in a group of the matrix?"
            )
        outcome = stage.run([program, *command[1:]], environ=variables, cwd=matrix.project)
        text += f"$ {_shown(command)}\n{outcome.text}"
        if outcome.code:
            return "failed", f"{text.rstrip()}\nexit code {outcome.code}\n"
    return "passed", text


def _shown(command: Sequence[str]) -> str:
    """Return a command as one would type it; a word that could steer a terminal as a literal of Python."""
    return shlex.join(word if word.isprintable() else ascii(word) for word in command)
