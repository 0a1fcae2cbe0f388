"""Add the line that loads the hook to the user's rc files, and remove it.

Removing restores the file byte for byte. For this the mark at the end of the line says whether the file was new, and
whether the text before it had no newline at its end. Only `write` writes.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.host import files

MARK = "# envmgr setup"
_NEW_FILE, _NO_NEWLINE = " (new file)", " (after a line without newline)"
_BY_HAND = "add the line that `envmgr setup --print` prints by hand"
_LINE = re.compile(rf"^.*  {MARK}(?P<note> \([a-z ]+\))?\n?", re.MULTILINE)


@dataclass(frozen=True)
class Edit:
    """A change of one file, whose path has no links; `before` or `after` is None where the file does not exist."""

    path: Path
    before: str | None
    after: str | None

    @property
    def diff(self) -> str:
        """Return the change as a unified diff without header; empty where nothing changes."""
        before, after = ((text or "").splitlines() for text in (self.before, self.after))
        return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=1))[2:])


def has_line(path: Path) -> bool:
    """Return whether the file at `path` has the line; False where it does not exist or cannot be read."""
    try:
        return bool(_LINE.search(files.read_text(path, errors="surrogateescape")))
    except OSError:
        return False


def plan_addition(path: Path, line: str) -> Edit:
    """Return the edit that adds `line` to `path`, or replaces an older one; raises EnvmgrError."""
    real, before = _read(path)
    return Edit(real, before, with_line(before, line))


def plan_removal(path: Path) -> Edit:
    """Return the edit that reverts `plan_addition`; raises EnvmgrError."""
    real, before = _read(path)
    return Edit(real, before, without_line(before))


def with_line(text: str | None, line: str) -> str:
    """Return the text with `line`, which replaces an older one or is the last."""
    if text and (old := _LINE.search(text)):
        return text[: old.start()] + f"{line}  {MARK}{old['note'] or ''}\n" + text[old.end() :]
    if text is None:
        return f"{line}  {MARK}{_NEW_FILE}\n"
    if text and not text.endswith("\n"):
        return f"{text}\n{line}  {MARK}{_NO_NEWLINE}\n"
    return f"{text}{line}  {MARK}\n"


def without_line(text: str | None) -> str | None:
    """Return the text without the line; None where the file did not exist before it."""
    if text is None or not (old := _LINE.search(text)):
        return text
    head, tail = text[: old.start()], text[old.end() :]
    if old["note"] == _NO_NEWLINE:
        head = head.removesuffix("\n") + ("\n" if tail else "")
    return None if old["note"] == _NEW_FILE and not head + tail else head + tail


def write(edit: Edit) -> None:
    """Write the change by one rename, with the file's mode and owner; raises EnvmgrError where that fails."""
    if edit.before == edit.after:
        return
    try:
        if edit.after is None:
            edit.path.unlink(missing_ok=True)
        else:
            edit.path.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(edit.path, edit.after)
    except OSError as error:
        raise EnvmgrError(
            f"{edit.path}: cannot be written: {error.strerror}", hint="change it by hand: `envmgr setup --print`"
        ) from error


def _read(path: Path) -> tuple[Path, str | None]:
    """Return the real path and the text of `path`, which may be a link into a repository of dotfiles."""
    try:
        real = path.resolve()
        if not os.path.lexists(real):
            return real, None
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            raise EnvmgrError(f"{path}: not a regular file", hint=_BY_HAND)
        if not status.st_mode & 0o222 or not os.access(real, os.W_OK):  # root can write it, and should not either
            raise EnvmgrError(f"{path}: read-only" + (f" ({real})" if real != path else ""), hint=_BY_HAND)
        return real, real.read_bytes().decode(errors="surrogateescape")
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise EnvmgrError(f"{path}: cannot be read: {error}", hint=_BY_HAND) from error
