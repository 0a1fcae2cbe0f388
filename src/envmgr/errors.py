"""Every error that envmgr raises on purpose, with its exit code.

EnvmgrError                 1
├── UsageError              2    bad input: a request, a version file, an option
├── NoSuchVersionError      3    nothing that can be installed answers the request
├── NotInstalledError       4    it is not installed here
├── DownloadError           5    the network, a mirror, an index
│   ├── FileNotOnServerError 5   the server answers: it has no such file
│   └── ChecksumError       5    what came is not what was promised
├── StoreBusyError          6    another envmgr holds the lock
├── BrokenInterpreterError  7    a Python that does not start or does not fit this machine
├── EnvironmentFailedError  8    an environment could not be made, filled or removed
└── CommandNotFoundError  127    no such program in any Python that rules here

Core code raises; only `envmgr.__main__.main` catches. Ctrl-C ends with 130; `envmgr test` with 0 or 1.
"""

from __future__ import annotations


class EnvmgrError(Exception):
    """A failure told to the user: `message` names the thing and the place, `hint` the next step."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EnvmgrError):
    """Input that cannot be understood."""

    exit_code = 2


class NoSuchVersionError(EnvmgrError):
    """No index entry and no installed interpreter answers the request."""

    exit_code = 3


class NotInstalledError(EnvmgrError):
    """The request could be answered, but nothing installed does."""

    exit_code = 4


class DownloadError(EnvmgrError):
    """A transfer failed for good, after its retries."""

    exit_code = 5


class FileNotOnServerError(DownloadError):
    """The place answers, and has no such file."""


class ChecksumError(DownloadError):
    """A downloaded file does not have the sha256 that the index promised."""


class StoreBusyError(EnvmgrError):
    """Another process holds the store's lock."""

    exit_code = 6


class BrokenInterpreterError(EnvmgrError):
    """An interpreter that does not start, or cannot run on this machine."""

    exit_code = 7


class EnvironmentFailedError(EnvmgrError):
    """An environment that could not be made, filled or removed."""

    exit_code = 8


class CommandNotFoundError(EnvmgrError):
    """A program that no ruling Python has."""

    exit_code = 127
