"""A driver for a real shell on a pseudo-terminal: type lines, read the screen, read the variables that it exports."""

from __future__ import annotations

import fcntl
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

_TIMEOUT = 60.0  # seconds until a shell that does not answer is an error; a loaded machine may be slow
_RETRY = 2.0  # seconds until a line typed at a shell that was not ready is typed again
_CURSOR_QUERY = b"\x1b[6n"  # a shell that sends it waits for the terminal to report where the cursor is
_ESCAPES = re.compile(
    r"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b[78MPX\\]"
)
# Writes its second argument and its environment to a file beside it; the rename publishes a complete file.
_REPORT = """#!/bin/sh
{ printf '%s\\0' "$2"; /usr/bin/env -0; } >"$0.$1.part" && /bin/mv "$0.$1.part" "$0.$1"
"""


class PtyShell:
    """A running shell on a pty, whatever its prompt; a context manager that waits for the shell and hangs up.

    `environ` is all that the shell gets, but for TERM and PWD.
    """

    TERM: ClassVar = "xterm"
    COLUMNS: ClassVar = 400

    def __init__(self, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> None:
        suppress_fish_manuals(environ)
        self._folder = Path(tempfile.mkdtemp(prefix="pty-"))
        self._folder.chmod(0o777)  # the shell may become another user's
        self._report = self._folder / "report"
        self._report.write_text(_REPORT)
        self._report.chmod(0o755)
        self._reports = 0
        self._output = b""
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self.COLUMNS, 0, 0))
        # not pexpect: its forkpty() is deprecated in a process that has threads, and a mirror server is one
        self._process = subprocess.Popen(
            ["setsid", "-c", *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environ, "TERM": self.TERM, "PWD": str(cwd)},
            cwd=cwd,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        self.variables()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, as a terminal does whose window is closed; kill a shell that does not end."""
        os.close(self._master)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def send(self, keys: str) -> None:
        """Type keys without waiting."""
        os.write(self._master, keys.encode(errors="surrogateescape"))

    def press(self, keys: str) -> None:
        """Type keys and wait until the shell prints nothing for half a second."""
        self.send(keys)
        self._read_until_quiet(0.5)

    def interrupt(self, keys: str) -> None:
        """Type keys, Ctrl-C and Enter, each with a wait."""
        for pressed in (keys, "\x03", "\r"):
            self.press(pressed)

    def variables_after(self, line: str) -> dict[str, str]:
        """Type `line` and Enter; return the exported variables at the prompt after it."""
        self.send(f"{line}\r")
        return self.variables()

    def start(self, shell: str) -> dict[str, str]:
        """Type the command of another shell and wait until it is quiet; return the variables that it exports."""
        self.press(f"{shell}\r")
        return self.variables()

    def variables(self, *, status: str = "") -> dict[str, str]:
        """Return the environment of a program started now; `status` is expanded by the shell and returned as `?`."""
        self._reports += 1
        answer = Path(f"{self._report}.{self._reports}")
        self._run_report(f"{self._report} {self._reports} {status}".rstrip(), answer)
        code, *pairs = answer.read_bytes().split(b"\0")[:-1]
        return dict(os.fsdecode(pair).partition("=")[::2] for pair in pairs) | {"?": os.fsdecode(code)}

    def screen(self) -> str:
        """Return all that the shell has printed so far, control characters included."""
        self._read_until_quiet(0.02)
        return self._output.decode(errors="surrogateescape")

    def _run_report(self, line: str, answer: Path) -> None:
        """Type `line` until the file `answer` exists: a shell that starts drops keys that were typed too early."""
        end = time.monotonic() + _TIMEOUT
        while not answer.exists():
            assert time.monotonic() < end, f"the shell does not answer; its screen: {self.screen()}"
            self._read_until_quiet(0.05)  # lines that arrive together may be taken for pasted text
            self.send(f"{line}\r")
            again = time.monotonic() + _RETRY
            while not answer.exists() and time.monotonic() < again:
                self.screen()

    def _read_until_quiet(self, seconds: float) -> None:
        """Read until the shell has printed nothing for `seconds`, or has ended."""
        with suppress(OSError):
            while self._read(seconds):
                pass

    def _read(self, timeout: float) -> bool:
        """Read what the shell prints within `timeout` seconds; return whether it printed anything.

        Raises OSError where the shell has ended.
        """
        if not select.select([self._master], [], [], max(0.0, timeout))[0]:
            return False
        answered = self._output.count(_CURSOR_QUERY)
        self._output += os.read(self._master, 65536)
        os.write(self._master, b"\x1b[1;1R" * (self._output.count(_CURSOR_QUERY) - answered))
        return True


@dataclass(frozen=True)
class ShellSyntax:
    """The command that starts a shell with an rc file, and the syntax in which it differs from other shells.

    `prompt` are the first lines of the rc file: they set a prompt that no other shell has and turn off all that
    redraws the screen.
    """

    name: str
    argv: tuple[str, ...]
    rc: str
    prompt: str
    set: str = "export {name}={value}"
    unset: str = "unset {name}"
    prepend: str = 'PATH={value}:"$PATH"'
    append: str = 'PATH="$PATH":{value}'
    source: str = ". {value}"
    activate: str = "activate"
    reading: str = ""  # sent to the terminal before each line is read, but not where the prompt is drawn again


SHELLS = {
    shell.name: shell
    for shell in (
        ShellSyntax(
            "bash",
            ("bash", "-i"),
            ".bashrc",
            "bind 'set enable-bracketed-paste off'\nPS1='bash> '\nPROMPT_COMMAND=\nunset HISTFILE\n",
        ),
        ShellSyntax("zsh", ("zsh", "-d", "-i"), ".zshrc", "unsetopt promptcr promptsp beep\nPROMPT='zsh> '\n"),
        ShellSyntax(
            "fish",
            ("fish", "-i"),
            ".config/fish/config.fish",
            "function fish_prompt; printf 'fish> '; end\nfunction fish_title; end\nset -g fish_greeting\n"
            "set -g fish_autosuggestion_enabled 0\nset -g fish_key_bindings fish_default_key_bindings\n",
            set="set -gx {name} {value}",
            unset="set -e {name}",
            prepend="set PATH {value} $PATH",
            append="set PATH $PATH {value}",
            source="source {value}",
            activate="activate.fish",
            reading="\x1b[?2004h",
        ),
    )
}


class PromptShell(PtyShell):
    """A shell whose prompt is known, so that the output of a line ends there. `before` is a command that runs it."""

    TERM = "dumb"
    COLUMNS = 4000  # no line that a test types is wrapped

    def __init__(
        self, shell: ShellSyntax, environ: Mapping[str, str], cwd: Path, *, before: Sequence[str] = ()
    ) -> None:
        super().__init__((*before, *shell.argv), cwd=cwd, environ=environ)
        self.shell = shell
        self.first = self._output_until_prompt(0)  # what the shell printed before its first prompt

    def __enter__(self) -> Self:
        return self

    def type(self, line: str) -> str:
        """Type a line and return the output before the next prompt, without the echo of the line."""
        start = len(self._output)
        self.send(f"{line}\r")
        return self._output_until_prompt(start, after=b"\n").partition("\n")[2]

    def set(self, name: str, value: str) -> None:
        """Export a variable."""
        self.type(self.shell.set.format(name=name, value=value))

    def unset(self, name: str) -> None:
        """Remove a variable."""
        self.type(self.shell.unset.format(name=name))

    def prepend(self, folder: str) -> None:
        """Put a directory at the front of PATH, as users do."""
        self.type(self.shell.prepend.format(value=folder))

    def append(self, folder: str) -> None:
        """Put a directory at the end of PATH."""
        self.type(self.shell.append.format(value=folder))

    def activate(self, environment: Path) -> str:
        """Source the activate script of an environment."""
        return self.type(self.shell.source.format(value=environment / "bin" / self.shell.activate))

    def _run_report(self, line: str, answer: Path) -> None:
        """Type `line` once; at a prompt the shell is ready."""
        output = self.type(line)
        assert answer.exists(), f"{self.shell.name} did not run {line}: {output}"

    def _output_until_prompt(self, start: int, after: bytes = b"") -> str:
        """Return the output from `start` to a prompt behind `after`; a shell draws the old prompt again meanwhile."""
        end = time.monotonic() + _TIMEOUT
        prompt, reading = f"{self.shell.name}> ", self.shell.reading.encode()
        while True:
            output = self._output[start:]
            text = _without_escapes(output)
            _, found, behind = output.partition(after) if after else (b"", True, output)
            if found and text.endswith(prompt) and reading in behind:
                return text.removesuffix(prompt)
            try:
                assert self._read(end - time.monotonic()), f"{self.shell.name} shows no prompt: {text!r}"
            except OSError:
                raise AssertionError(f"{self.shell.name} has ended: {text!r}") from None


def suppress_fish_manuals(environ: Mapping[str, str]) -> None:
    """Keep fish from reading all manual pages for completions, as it does in the background at its first start."""
    with suppress(KeyError, OSError):  # where fish cannot write, it does not read either
        data = Path(environ.get("XDG_DATA_HOME") or Path(environ["HOME"], ".local/share"))
        (data / "fish/generated_completions").mkdir(parents=True, exist_ok=True)


def _without_escapes(output: bytes) -> str:
    """Return terminal output as text, without escape sequences and without text that was overwritten."""
    text = _ESCAPES.sub("", output.decode(errors="surrogateescape"))
    text = re.sub("\u23ce +\r\u23ce \r+", "", text)  # fish marks a last line without newline so
    return re.sub(r"[^\n]*\r(?!\n)", "", text.replace("\r\n", "\n").replace("\r\r\n", "\n"))
