"""Real shells on a pseudo-terminal: type a line, read the screen until the next prompt."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PATIENCE = 10.0  # seconds; on a loaded machine a shell may take long to start
_ESCAPES = re.compile(
    r"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b[78MPX\\]"
)


@dataclass(frozen=True)
class Shell:
    """How to start a shell with an rc file, and how it says what differs from the others.

    `quiet` is what the rc file starts with: a prompt that no other shell has, and nothing that makes the screen hard to
    read.
    """

    name: str
    argv: tuple[str, ...]
    rc: str
    quiet: str
    set: str = "export {name}={value}"
    unset: str = "unset {name}"
    prepend: str = 'PATH={value}:"$PATH"'
    append: str = 'PATH="$PATH":{value}'
    source: str = ". {value}"
    activate: str = "activate"
    reading: str = ""  # what it sends to the terminal when it begins to read, and not when it draws the prompt again


SHELLS = {
    shell.name: shell
    for shell in (
        Shell(
            "bash",
            ("bash", "-i"),
            ".bashrc",
            "bind 'set enable-bracketed-paste off'\nPS1='bash> '\nPROMPT_COMMAND=\nunset HISTFILE\n",
        ),
        Shell("zsh", ("zsh", "-d", "-i"), ".zshrc", "unsetopt promptcr promptsp beep\nPROMPT='zsh> '\n"),
        Shell(
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


def leave_manuals(environ: Mapping[str, str]) -> None:
    """Keep fish from reading all manual pages for completions, as it does in the background where it starts first."""
    with suppress(KeyError, OSError):  # where fish cannot write, it does not read either
        data = Path(environ.get("XDG_DATA_HOME") or Path(environ["HOME"], ".local/share"))
        (data / "fish/generated_completions").mkdir(parents=True, exist_ok=True)


class Terminal:
    """One running shell. Use as a context manager; `argv` may wrap the shell's command, `rc` is its whole rc file."""

    def __init__(self, shell: Shell, environ: Mapping[str, str], cwd: Path, *, before: Sequence[str] = ()) -> None:
        self.shell = shell
        leave_manuals(environ)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 4000, 0, 0))
        self._process = subprocess.Popen(
            ["setsid", "-c", *before, *shell.argv], stdin=slave, stdout=slave, stderr=slave, env=dict(environ), cwd=cwd
        )
        os.close(slave)
        self.first = self._until_ready()

    def type(self, line: str) -> str:
        """Type a line and return what the shell prints before its next prompt, without the echo of the line."""
        os.write(self._master, f"{line}\r".encode(errors="surrogateescape"))
        return self._until_ready(after=b"\n").partition("\n")[2]

    def press(self, keys: str) -> None:
        """Press keys and rest: shells do not always draw a prompt after them."""
        os.write(self._master, keys.encode())
        while select.select([self._master], [], [], 0.5)[0]:
            os.read(self._master, 65536)

    def interrupt(self, keys: str) -> None:
        """Press keys, ^C and Enter, with a rest after each."""
        for pressed in (keys, "\x03", "\r"):
            self.press(pressed)

    def set(self, name: str, value: str) -> None:
        """Export a variable."""
        self.type(self.shell.set.format(name=name, value=value))

    def unset(self, name: str) -> None:
        """Remove a variable."""
        self.type(self.shell.unset.format(name=name))

    def prepend(self, folder: str) -> None:
        """Put a directory in front of PATH, as users do."""
        self.type(self.shell.prepend.format(value=folder))

    def append(self, folder: str) -> None:
        """Put a directory at the end of PATH."""
        self.type(self.shell.append.format(value=folder))

    def activate(self, environment: Path) -> str:
        """Source the activate script of an environment."""
        return self.type(self.shell.source.format(value=environment / "bin" / self.shell.activate))

    def _until_ready(self, after: bytes = b"") -> str:
        """Return what is shown until a prompt behind `after`: while one types, shells draw the old one again."""
        end = time.monotonic() + _PATIENCE
        seen = b""
        while True:
            readable, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
            assert readable, f"{self.shell.name} shows no prompt: {_plain(seen)!r}"
            try:
                seen += os.read(self._master, 65536)
            except OSError:
                raise AssertionError(f"{self.shell.name} has ended: {_plain(seen)!r}") from None
            screen, ready = _plain(seen), f"{self.shell.name}> "
            _, found, behind = seen.partition(after) if after else (b"", True, seen)
            if found and screen.endswith(ready) and self.shell.reading.encode() in behind:
                return screen.removesuffix(ready)

    def close(self) -> None:
        """Hang up."""
        os.close(self._master)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plain(seen: bytes) -> str:
    text = _ESCAPES.sub("", seen.decode(errors="surrogateescape"))
    text = re.sub("\u23ce +\r\u23ce \r+", "", text)  # how fish marks a last line without newline
    return re.sub(r"[^\n]*\r(?!\n)", "", text.replace("\r\n", "\n").replace("\r\r\n", "\n"))
