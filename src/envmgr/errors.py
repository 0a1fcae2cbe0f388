"""The exceptions of envmgr, with their exit codes.

EnvmgrError                 1
├── UsageError              2    invalid input: a request, a version file, an option
├── NoSuchVersionError      3    no build that can be installed matches the request
├── NotInstalledError       4    no installed interpreter matches the request
├── DownloadError           5    the network, a mirror or an index failed
│   ├── FileNotOnServerError 5   the server does not have the file
│   └── ChecksumError       5    the downloaded file has another sha256
├── StoreBusyError          6    another process has locked the store
├── BrokenInterpreterError  7    an interpreter does not start or cannot run on this machine
├── EnvironmentFailedError  8    an environment could not be made, changed or removed
└── CommandNotFoundError  127    no active Python has the program

Only `envmgr.__main__.main` turns them into exit codes. Ctrl-C ends with 130, `envmgr test` with 0 or 1.
"""

from __future__ import annotations


class EnvmgrError(Exception):
    """An error for the user: `message` names the thing and the place, `hint` the next step."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EnvmgrError):
    """Invalid input."""

    exit_code = 2


class NoSuchVersionError(EnvmgrError):
    """No candidate and no installed interpreter matches the request."""

    exit_code = 3


class NotInstalledError(EnvmgrError):
    """The request is valid, but no installed interpreter matches it."""

    exit_code = 4


class DownloadError(EnvmgrError):
    """A download failed, also after retries."""

    exit_code = 5


class FileNotOnServerError(DownloadError):
    """The server or directory does not have the file."""


class ChecksumError(DownloadError):
    """A downloaded file does not have the sha256 of the index."""


class StoreBusyError(EnvmgrError):
    """Another process has locked the store."""

    exit_code = 6


class BrokenInterpreterError(EnvmgrError):
    """An interpreter does not start or cannot run on this machine."""

    exit_code = 7


class EnvironmentFailedError(EnvmgrError):
    """An environment could not be made, changed or removed."""

    exit_code = 8


class CommandNotFoundError(EnvmgrError):
    """No active Python has the program, or it cannot be started."""

    exit_code = 127
