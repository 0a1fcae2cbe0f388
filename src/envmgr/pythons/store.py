"""Read the store of installed interpreters. The directory is the database; receipts add information only.

Never lock, write or use the network here.
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
    """An installed build: `prefix` is its directory in the store, `alias` the alias under which it is run.

    The alias is as wide as the request allows, so that it may later point to a newer build: `3.12` for a minor version,
    `3.12.7` for an exact version, `3.12.7+20241016` for a build.
    """

    build: Build
    prefix: Path
    alias: str

    @property
    def executable(self) -> Path:
        """The program, by the path of its build, which never changes."""
        return self.prefix / "bin" / "python"

    @property
    def linked(self) -> bool:
        """True for a linked interpreter, which another tool installed."""
        try:
            return os.readlink(self.executable).startswith("/")  # noqa: PTH115 - text, not a path
        except OSError:
            return False

    @property
    def works(self) -> bool:
        """True if the program and its standard library exist; the program is not started."""
        library = self.receipt_value("library") if self.linked else ""
        return os.access(self.executable, os.X_OK) and (not library or os.path.exists(library))  # noqa: PTH110

    @property
    def replaced(self) -> bool:
        """True if the owner of a linked interpreter has replaced it since, possibly by another version."""
        return self.linked and self.receipt_value("stamp") not in {"", identity_stamp(self.executable)}

    def ensure_working(self) -> Interpreter:
        """Return this interpreter; raise BrokenInterpreterError if it does not work."""
        if not self.works:
            raise self.missing_error()
        return self

    def missing_error(self) -> BrokenInterpreterError:
        """Return the error for an interpreter that no longer works; its hint names the next step."""
        name, path = self.build.build_alias, self.receipt_value("path") if self.linked else self.executable
        if not self.linked:
            hint = f"`envmgr uninstall --force {name}`, then `envmgr install {name}`"
        else:
            hint = f"install it again, or remove the link: `envmgr uninstall {name}`"
        return BrokenInterpreterError(f"Python {name} is broken: {path} is missing or incomplete", hint=hint)

    def receipt_value(self, key: str) -> str:
        """Return the value of `key` in the receipt as text; an empty text if there is none."""
        return str(self.receipt().get(key, ""))

    def receipt(self) -> dict[str, object]:
        """Return the receipt (URL, sha256, owner, date), which the installer wrote; empty if it cannot be read."""
        try:
            data = json.loads(files.read_text(self.prefix / RECEIPT))
        except (OSError, ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}


def identity_stamp(program: Path) -> str:
    """Return a text that changes if a program is replaced: real path, size and mtime; empty if it does not exist."""
    try:
        real = os.path.realpath(program, strict=True)
        status = os.stat(real)  # noqa: PTH116 - text, not a path
    except OSError:
        return ""
    return f"{real} {status.st_size} {status.st_mtime_ns}"


@dataclass(frozen=True)
class Store:
    """The interpreters that are installed in one `Home`."""

    home: Home

    def builds(self) -> Iterator[Build]:
        """Yield every installed build, unordered; skip entries that are not named as builds.

        Raises OSError if the store cannot be read.
        """
        try:
            names = os.listdir(self.home.versions)  # noqa: PTH208 - only names are needed
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
        """Return the newest installed build of each minor version, variant and platform, without linked ones."""
        return {f"{build.minor_alias}-{build.platform}": build for build in self.installed()}

    def find(self, request: VersionRequest) -> Interpreter | None:
        """Return the newest installed interpreter that matches `request`, or None."""
        build = request.select(self.builds())
        return self.interpreter(build, request) if build else None

    def interpreter(self, build: Build, request: VersionRequest | None = None) -> Interpreter:
        """Return the installed `build` under the widest alias that `request` allows and that points to this build."""
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
