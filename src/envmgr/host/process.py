"""Other programs: run one and read what it said. The one home of subprocess."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from envmgr.errors import CommandNotFoundError
from envmgr.host.paths import Environ

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # at its start; a program that we start expects the default
_PASSED_ON = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit code (128 + the signal's number for a killed one) and stdout with stderr."""

    code: int
    text: str


def run(
    argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None, timeout: float | None = None
) -> Outcome:
    """Run `argv` to its end without a terminal or input; `timeout` in seconds, after which it is killed (124).

    Raises CommandNotFoundError when it cannot be started.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return Outcome(124, (error.output or b"").decode(errors="replace"))
    except OSError as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Outcome(code, done.stdout.decode(errors="replace"))


def stream(argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None) -> int:
    """Run `argv` to its end on our own terminal, all that it says to stderr, and return its exit code.

    Raises CommandNotFoundError.
    """
    try:
        code = subprocess.run(argv, cwd=cwd, env=dict(environ), stdout=sys.stderr, check=False).returncode
    except OSError as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    return code if code >= 0 else 128 - code


@contextmanager
def reading(argv: Sequence[str | Path], *, environ: Environ) -> Iterator[IO[bytes]]:
    """Run `argv` and give its stdout to be read as it comes; leaving early ends the program.

    Raises CommandNotFoundError when it cannot be started.
    """
    try:
        child = subprocess.Popen(argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except OSError as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    with child:
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield child.stdout
        finally:
            child.kill()


def become(program: Path, argv: Sequence[str], environ: Environ) -> NoReturn:
    """Replace this process by `program` with `argv`; returns never, raises CommandNotFoundError."""
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, list(argv), dict(environ))  # noqa: S606 - no shell is the point
    except OSError as error:
        raise CommandNotFoundError(f"{program}: cannot be run: {error.strerror}") from error


def supervise(program: Path, argv: Sequence[str], environ: Environ) -> int:
    """Run `program` with `argv` to its end, with our terminal and descriptors.

    Returns its exit code, or minus the number of the signal that ended it. Signals of the terminal reach it without us;
    others that are sent to us are passed on. Raises CommandNotFoundError.
    """
    child = 0

    def pass_on(number: int, _frame: object) -> None:
        if child and not (number in {signal.SIGINT, signal.SIGQUIT} and _in_foreground()):
            with suppress(ProcessLookupError):
                os.kill(child, number)

    passed_on = [number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until there is a child
    for number in passed_on:
        signal.signal(number, pass_on)
    try:
        child = os.posix_spawn(
            program, list(argv), dict(environ), setsigmask=list(mask), setsigdef=list(_IGNORED_BY_PYTHON)
        )
    except OSError as error:
        raise CommandNotFoundError(f"{program}: cannot be run: {error.strerror}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    _, status = os.waitpid(child, 0)
    child = 0
    return os.waitstatus_to_exitcode(status)


def end_as(code: int) -> int:
    """Return the exit code of a program as `supervise` gave it; does not return where a signal ended the program."""
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _in_foreground() -> bool:
    """Whether this process is in the foreground of its terminal, which then sends the signals of keys to all there."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def plain(environ: Environ) -> dict[str, str]:
    """Return `environ` without what bends a Python or an installer that we start: PYTHON*, VIRTUALENV_*, __PYVENV*."""
    bending = ("PYTHON", "VIRTUALENV", "VIRTUAL_ENV", "__PYVENV")
    return {name: value for name, value in environ.items() if not name.startswith(bending)}


class Child:
    """A running program in a process group of its own, so that what it starts ends with it.

    It has no terminal: Ctrl-C reaches it only through `signal`. Its output goes to a file, never to a pipe that a
    daemon it left behind could hold open.
    """

    def __init__(self, argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None) -> None:
        """Start `argv`; raises CommandNotFoundError when it cannot be started."""
        import tempfile

        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `wait`
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            self._output.close()
            raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error

    def signal(self, number: int) -> None:
        """Send a signal to the program and all that it started."""
        with suppress(ProcessLookupError, PermissionError):  # gone, or (macOS) about to be
            os.killpg(self._process.pid, number)

    def wait(self) -> Outcome:
        """Wait for the program to end, end what it left behind, and return what it said."""
        code = self._process.wait()
        self.signal(signal.SIGKILL)
        with self._output:
            self._output.seek(0)
            text = self._output.read().decode(errors="replace")
        return Outcome(code if code >= 0 else 128 - code, text)
