"""The store of installed interpreters: reading it. The directory is the database; receipts only describe.

Readers never lock, never write, never use the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import BrokenInterpreterError, UsageError
from envmgr.host import files
from envmgr.host.paths import Home
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

RECEIPT = "receipt.json"


@dataclass(frozen=True)
class Interpreter:
    """An installed build: `prefix` is its directory in the store, `alias` the name through which it is run.

    The alias is the widest name that means this build today and may mean its successor tomorrow, as the request allows:
    `3.12` for a prefix, `3.12.7` for an exact version, `3.12.7+20241016` for a build.
    """

    build: Build
    prefix: Path
    alias: str

    @property
    def executable(self) -> Path:
        """The program to run, by its immutable path."""
        return self.prefix / "bin" / "python"

    @property
    def linked(self) -> bool:
        """Whether this is an interpreter of the machine that envmgr only points to."""
        try:
            return os.readlink(self.executable).startswith("/")  # noqa: PTH115 - text, not a path
        except OSError:
            return False

    @property
    def works(self) -> bool:
        """Whether its program and its library are there; nothing is started to find out."""
        library = self.receipt_value("library") if self.linked else ""
        return os.access(self.executable, os.X_OK) and (not library or os.path.exists(library))  # noqa: PTH110

    @property
    def replaced(self) -> bool:
        """Whether the owner of a linked interpreter has replaced it since, so that it may be another version by now."""
        return self.linked and self.receipt_value("stamp") not in {"", identity_stamp(self.executable)}

    def ensure_working(self) -> Interpreter:
        """Return itself; raises BrokenInterpreterError where it does not work."""
        if not self.works:
            raise self.missing_error()
        return self

    def missing_error(self) -> BrokenInterpreterError:
        """Return the error for one that does not work any more; it names the next step."""
        name, path = self.build.build_alias, self.receipt_value("path") if self.linked else self.executable
        if not self.linked:
            hint = f"`envmgr uninstall --force {name}`, then `envmgr install {name}`"
        else:
            hint = f"bring it back, or remove the link: `envmgr uninstall {name}`"
        return BrokenInterpreterError(f"Python {name} is gone: {path} is not there any more, or not whole", hint=hint)

    def receipt_value(self, key: str) -> str:
        """Return what the receipt says of `key`, as text; empty where it does not."""
        return str(self.receipt().get(key, ""))

    def receipt(self) -> dict[str, object]:
        """Return what the installer wrote down (url, sha256, origin, when); empty when that cannot be read."""
        try:
            data = json.loads(files.read_text(self.prefix / RECEIPT))
        except (OSError, ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}


def identity_stamp(program: Path) -> str:
    """Return what tells a program from one that has replaced it: its real path, size and time; empty if it is gone."""
    try:
        real = os.path.realpath(program, strict=True)
        status = os.stat(real)  # noqa: PTH116 - a text
    except OSError:
        return ""
    return f"{real} {status.st_size} {status.st_mtime_ns}"


@dataclass(frozen=True)
class Store:
    """What is installed under one `Home`."""

    home: Home

    def builds(self) -> Iterator[Build]:
        """Yield every installed build, in no order; what is no build's directory is passed over.

        Raises OSError for a store that cannot be read.
        """
        try:
            names = os.listdir(self.home.versions)  # noqa: PTH208 - names are all that is needed
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in names:
            try:
                yield Build.parse(name)
            except UsageError:
                continue

    def installed(self) -> list[Build]:
        """Return the builds that are not linked, newest last."""
        return sorted(build for build in self.builds() if not self.interpreter(build).linked)

    def newest(self) -> dict[str, Build]:
        """Return the newest installed build of each minor version, variant and platform; linked ones are left out."""
        return {f"{build.minor_alias}-{build.platform}": build for build in self.installed()}

    def find(self, request: VersionRequest) -> Interpreter | None:
        """Return the newest installed interpreter that matches, or None."""
        build = request.select(self.builds())
        return self.interpreter(build, request) if build else None

    def interpreter(self, build: Build, request: VersionRequest | None = None) -> Interpreter:
        """Return the installed `build`, under the widest alias that `request` allows and that points to it now."""
        names = [build.patch_alias, build.build_alias]
        if request is None or request.tag is not None or request.name is not None:
            names = [build.build_alias]
        elif request.floats(build):
            names = [build.minor_alias, *names]
        prefix = self.home.versions / str(build)
        alias = next((name for name in names if self.alias(name) == build), build.build_alias)
        return Interpreter(build, prefix, alias)

    def alias(self, name: str) -> Build | None:
        """Return the build that alias `name` points to, or None."""
        try:
            return Build.parse(os.readlink(self.home.aliases / name).rpartition("/")[2])  # noqa: PTH115 - text, not a path
        except (OSError, UsageError):
            return None
