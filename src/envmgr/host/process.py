"""Other programs: run one and read what it said. The one home of subprocess."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from envmgr.errors import CommandNotFoundError
from envmgr.host.paths import Environ

LATE = 124  # the exit code of what was killed because its time was up, as of timeout(1)
_MOST_SAID = 65536  # bytes of an answer
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


def answer(argv: Sequence[str | Path], *, environ: Environ, mark: bytes, patience: float) -> Outcome:
    """Run `argv` until it has said a line with `mark`, or has closed its output; then it, and all its group, is killed.

    Its exit code is LATE where neither came within `patience` seconds, or where it said more than 64 kB before.
    Raises CommandNotFoundError when it cannot be started.
    """
    try:
        child = subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    except (OSError, ValueError) as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {getattr(error, 'strerror', error)}") from error
    with child:
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        try:
            said, ended = _read_until(child.stdout.fileno(), mark, time.monotonic() + patience)
            code = child.wait(timeout=1) if ended else LATE
        except subprocess.TimeoutExpired:
            code = LATE
        finally:
            with suppress(ProcessLookupError, PermissionError):  # gone, or (macOS) about to be
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
    return Outcome(code if code >= 0 else 128 - code, said.decode(errors="replace"))


def _read_until(output: int, mark: bytes, deadline: float) -> tuple[bytes, bool]:
    """Return what comes, up to 64 kB, and whether it has ended or a whole line with `mark` was in it."""
    said, waiting = b"", select.poll()
    waiting.register(output, select.POLLIN)
    while len(said) < _MOST_SAID and (left := deadline - time.monotonic()) > 0:
        if not waiting.poll(left * 1000):
            break
        piece = os.read(output, 65536)
        said += piece
        if not piece or b"\n" in said.partition(mark)[2]:
            return said, True
    return said, False


def run_on_terminal(argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None) -> int:
    """Run `argv` to its end on our own terminal, all that it says to stderr, and return its exit code.

    Raises CommandNotFoundError.
    """
    try:
        code = subprocess.run(argv, cwd=cwd, env=dict(environ), stdout=sys.stderr, check=False).returncode
    except OSError as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    return code if code >= 0 else 128 - code


@contextmanager
def open_stdout(argv: Sequence[str | Path], *, environ: Environ) -> Iterator[IO[bytes]]:
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


def exec_program(program: Path, argv: Sequence[str], environ: Environ) -> NoReturn:
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


def without_python_variables(environ: Environ) -> dict[str, str]:
    """Return `environ` without what bends a Python or an installer that we start: PYTHON*, VIRTUALENV_*, __PYVENV*."""
    bending = ("PYTHON", "VIRTUALENV", "VIRTUAL_ENV", "__PYVENV")
    return {name: value for name, value in environ.items() if not name.startswith(bending)}


class Child:
    """A running program in a process group of its own, so that its children can be ended with it.

    Its output goes to the file `output`: directly, or through a terminal of its own (`colors`), so that it writes
    colours as on a terminal; never to a pipe that a daemon could hold open. With `interactive` it has our own terminal
    and stays in our process group, so that Ctrl-C reaches it from the terminal.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        environ: Environ,
        output: IO[bytes],
        cwd: Path | None = None,
        colors: bool = False,
        interactive: bool = False,
    ) -> None:
        """Start `argv`; raises CommandNotFoundError when it cannot be started."""
        self._interactive = interactive
        self._copier: threading.Thread | None = None
        master, slave = _terminal() if colors and not interactive else (-1, -1)
        written: int | IO[bytes] | None = slave if slave >= 0 else output
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=dict(environ),
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=None if interactive else written,
                stderr=None if interactive else subprocess.STDOUT,
                process_group=None if interactive else 0,
            )
        except OSError as error:
            if master >= 0:
                os.close(master)
            raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
        finally:
            if slave >= 0:
                os.close(slave)
        if master >= 0:
            self._copier = threading.Thread(target=_copy, args=(master, output), daemon=True)
            self._copier.start()

    def signal(self, number: int) -> None:
        """Send a signal to the program and its process group; to the program alone where it shares our group.

        Such a program has had its SIGINT from the terminal: a second one would cut its clean-up short.
        """
        if self._interactive and number == signal.SIGINT:
            return
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or (macOS) is about to
            (os.kill if self._interactive else os.killpg)(self._process.pid, number)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit code (128 + the signal's number for a killed program), None after `timeout` seconds.

        When the program has ended, the rest of its process group is killed.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        if not self._interactive:
            self.signal(signal.SIGKILL)
        if self._copier:
            self._copier.join(1.0)
        return code if code >= 0 else 128 - code


def _terminal() -> tuple[int, int]:
    """Return master and slave of a new pseudo-terminal that passes output on unchanged, as wide as ours."""
    import shutil
    import termios

    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # no carriage returns
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    size = shutil.get_terminal_size()
    termios.tcsetwinsize(slave, (size.lines, size.columns))
    return master, slave


def _copy(master: int, output: IO[bytes]) -> None:
    """Copy what comes from a pseudo-terminal until its last writer has closed it."""
    with suppress(OSError, ValueError):  # Linux: EIO at the end; the file was closed
        while data := os.read(master, 65536):
            output.write(data)
            output.flush()
    os.close(master)


def with_variable(name: str, value: str) -> list[int]:
    """Return the processes of this user whose initial environment has the variable; only Linux's /proc can tell."""
    wanted, found = f"{name}={value}".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (place / "environ").read_bytes().split(b"\0") and place.name != str(os.getpid()):
                found.append(int(place.name))
    return found
