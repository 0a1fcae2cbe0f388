"""Child processes: run, supervise and replace. The only module that imports subprocess."""

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

TIMED_OUT = 124  # the exit code of a program killed after its time-out, as of timeout(1)
_MAX_OUTPUT = 65536  # bytes that `run_until` reads
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # at its start; other programs expect the default action
_FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True)
class Outcome:
    """A finished program: its exit code (128 + the signal's number for a killed one), and its stdout with stderr."""

    code: int
    text: str


def run(
    argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None, timeout: float | None = None
) -> Outcome:
    """Run `argv` to its end without a terminal or input; after `timeout` seconds it is killed (code TIMED_OUT).

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
        return Outcome(TIMED_OUT, (error.output or b"").decode(errors="replace"))
    except OSError as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Outcome(code, done.stdout.decode(errors="replace"))


def run_until(argv: Sequence[str | Path], *, environ: Environ, mark: bytes, timeout: float) -> Outcome:
    """Run `argv` until it has written a line with `mark` or closed its output; then kill its process group.

    The exit code is TIMED_OUT where neither happened within `timeout` seconds or 64 kB of output.
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
            output, complete = _read_until(child.stdout.fileno(), mark, time.monotonic() + timeout)
            code = child.wait(timeout=1) if complete else TIMED_OUT
        except subprocess.TimeoutExpired:
            code = TIMED_OUT
        finally:
            with suppress(ProcessLookupError, PermissionError):  # it has ended, or (macOS) is about to
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
    return Outcome(code if code >= 0 else 128 - code, output.decode(errors="replace"))


def _read_until(descriptor: int, mark: bytes, deadline: float) -> tuple[bytes, bool]:
    """Return the output, up to about 64 kB, and whether it has ended or contains a whole line with `mark`."""
    output, poll = b"", select.poll()
    poll.register(descriptor, select.POLLIN)
    while len(output) < _MAX_OUTPUT and (left := deadline - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            break
        piece = os.read(descriptor, 65536)
        output += piece
        if not piece or b"\n" in output.partition(mark)[2]:
            return output, True
    return output, False


def run_on_terminal(argv: Sequence[str | Path], *, environ: Environ, cwd: Path | None = None) -> int:
    """Run `argv` to its end on our own terminal with its stdout on our stderr, and return its exit code.

    Raises CommandNotFoundError.
    """
    try:
        code = subprocess.run(argv, cwd=cwd, env=dict(environ), stdout=sys.stderr, check=False).returncode
    except OSError as error:
        raise CommandNotFoundError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    return code if code >= 0 else 128 - code


@contextmanager
def open_stdout(argv: Sequence[str | Path], *, environ: Environ) -> Iterator[IO[bytes]]:
    """Run `argv` for the block and yield its stdout as a file; at the end of the block the program is killed.

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
    """Replace this process with `program`; does not return, raises CommandNotFoundError."""
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, list(argv), dict(environ))  # noqa: S606 - without a shell
    except OSError as error:
        raise CommandNotFoundError(f"{program}: cannot be run: {error.strerror}") from error


def supervise(program: Path, argv: Sequence[str], environ: Environ) -> int:
    """Run `program` with `argv` to its end, with our terminal and descriptors.

    Returns its exit code, or minus the number of the signal that ended it. The terminal sends its signals to the
    program directly; signals sent to this process are forwarded. Raises CommandNotFoundError.
    """
    child = 0

    def forward(number: int, _frame: object) -> None:
        if child and not (number in {signal.SIGINT, signal.SIGQUIT} and _in_foreground()):
            with suppress(ProcessLookupError):
                os.kill(child, number)

    forwarded = [number for number in _FORWARDED if signal.getsignal(number) is not signal.SIG_IGN]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, forwarded)  # until the child exists
    for number in forwarded:
        signal.signal(number, forward)
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
    """Return `code`, a result of `supervise`; where it is a signal, end this process by the same signal."""
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _in_foreground() -> bool:
    """Return whether this process is in its terminal's foreground group, to which the terminal sends its signals."""
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
    """Return `environ` without the variables that change how a Python or an installer works.

    These are PYTHON*, VIRTUALENV_*, VIRTUAL_ENV* and __PYVENV*.
    """
    prefixes = ("PYTHON", "VIRTUALENV", "VIRTUAL_ENV", "__PYVENV")
    return {name: value for name, value in environ.items() if not name.startswith(prefixes)}


class Child:
    """A running program in a process group of its own, so that its children can be killed with it.

    It writes to the file `output`, with `colors` through a pseudo-terminal, so that it writes colours; never to a pipe,
    which a daemon could keep open. With `interactive` it has our own terminal and stays in our process group, so that
    Ctrl-C reaches it from the terminal.
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
        """Send a signal to the process group of the program; to the program alone where it is interactive.

        An interactive program gets SIGINT from the terminal; a second one could interrupt its own clean-up.
        """
        if self._interactive and number == signal.SIGINT:
            return
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or (macOS) is about to
            (os.kill if self._interactive else os.killpg)(self._process.pid, number)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit code (128 + the signal's number for a killed program), None after `timeout` seconds.

        When the program has ended, other processes of its group are killed.
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
    """Return the descriptors (master, slave) of a new pseudo-terminal: raw output, the size of our terminal."""
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
    """Copy the output of a pseudo-terminal to `output` until its last writer has closed it."""
    with suppress(OSError, ValueError):  # EIO at the end (Linux), or `output` was closed
        while data := os.read(master, 65536):
            output.write(data)
            output.flush()
    os.close(master)
