"""A real shell on a pty, typed into; what it has made of its environment is told by a program that it starts."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pexpect
from terminal import leave_manuals

PATIENCE = 60.0  # seconds, until a shell that does not answer is an error
PAUSE = 2.0  # seconds, until what was typed at a shell that was not ready is typed again
WHERE = "\x1b[6n"  # a shell asks where the cursor is, and waits for a terminal's answer
# by one rename, so that an answer is whole
TELL = """#!/bin/sh
{ printf '%s\\0' "$2"; env -0; } >"$TELL_FOLDER/.$1" && mv "$TELL_FOLDER/.$1" "$TELL_FOLDER/$1"
"""


class PtyShell:
    """A shell on a pty: `type` a line, `tell` what a program that it starts would see, read its `screen`."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], folder: Path) -> None:
        leave_manuals(environ)
        folder.mkdir(exist_ok=True)
        self._folder = folder = Path(tempfile.mkdtemp(dir=folder))
        self._count = 0
        self._seen = ""
        (folder / "bin").mkdir()
        (folder / "bin" / "tell").write_text(TELL)
        (folder / "bin" / "tell").chmod(0o755)
        path = f"{environ.get('PATH', os.defpath)}:{folder / 'bin'}"
        seen = {**environ, "PATH": path, "TELL_FOLDER": str(folder), "TERM": "xterm", "PWD": str(cwd)}
        self.child = pexpect.spawn(
            argv[0],
            list(argv[1:]),
            cwd=str(cwd),
            env=seen,
            dimensions=(50, 400),
            encoding="utf-8",
            codec_errors="surrogateescape",
        )

    def __enter__(self) -> Self:
        self.variables()
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    def type(self, line: str) -> dict[str, str]:
        """Type `line` and Enter; return what `tell` says at the prompt after it."""
        self.child.send(f"{line}\r")
        return self.variables()

    def start(self, shell: str) -> dict[str, str]:
        """Type the name of another shell and let it come up before anything else is typed; return as `type`."""
        self.child.send(f"{shell}\r")
        seen = ""
        while (now := self.screen()) != seen:
            seen = now
            time.sleep(0.5)
        return self.variables()

    def variables(self, *, status: str = "") -> dict[str, str]:
        """Return the variables of a program started now; with `status`, the shell's word for it, also as `?`."""
        self._count += 1
        answer = self._folder / str(self._count)
        end = time.monotonic() + PATIENCE
        while not answer.exists():
            if time.monotonic() > end:
                raise AssertionError(f"the shell does not answer; its screen: {self.screen()}")
            self.child.send(f"tell {self._count} {status}\r")
            pause = time.monotonic() + PAUSE
            while not answer.exists() and time.monotonic() < pause:
                self.screen()
        told, *pairs = answer.read_bytes().split(b"\0")[:-1]
        return dict(os.fsdecode(pair).partition("=")[::2] for pair in pairs) | {"?": os.fsdecode(told)}

    def screen(self) -> str:
        """Return all that the shell has printed so far, as it came, control characters included."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                asked = self._seen.count(WHERE)
                self._seen += self.child.read_nonblocking(65536, timeout=0.02)
                self.child.send("\x1b[1;1R" * (self._seen.count(WHERE) - asked))
        return self._seen
