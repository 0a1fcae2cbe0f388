"""Directories of the store, the cache and the configuration. The only module that imports platformdirs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import variables

Environ = Mapping[str, str]


@dataclass(frozen=True)
class Home:
    """The store, `$ENVMGR_HOME`, and its directories; see `docs/reference/state-on-disk.md`."""

    root: Path

    @property
    def versions(self) -> Path:
        """Installed interpreters: one directory each, not changed after it is published."""
        return self.root / "versions"

    @property
    def aliases(self) -> Path:
        """Links `3.12`, `3.12.7`, `3.13t`, ... to directories of `versions`."""
        return self.root / "aliases"

    @property
    def requests(self) -> Path:
        """One-line files: for a request that is no alias (`3`, `>=3.11`), the alias that it currently selects."""
        return self.root / "requests"

    @property
    def envs(self) -> Path:
        """Environments: `<project name>-<hash>/<key>`."""
        return self.root / "envs"

    @property
    def projects(self) -> Path:
        """Environment records, read by shims and hooks: `<absolute project path>/.envmgr/<pin words>`."""
        return self.root / "projects"

    @property
    def shims(self) -> Path:
        """The directory of shims, which users put on PATH."""
        return self.root / "shims"

    @property
    def shell(self) -> Path:
        """The hooks, the code of the shims and the launcher `envmgr`."""
        return self.root / "shell"

    @property
    def templates(self) -> Path:
        """Templates, from which environments are cloned."""
        return self.root / "templates"

    @property
    def tmp(self) -> Path:
        """Staging directory, on the same filesystem as the directories to which its content is renamed."""
        return self.root / "tmp"

    @property
    def default(self) -> Path:
        """The version file with the global default."""
        return self.root / "default"

    @property
    def lock(self) -> Path:
        """The lock file for all writers."""
        return self.root / ".lock"


def home(environ: Environ) -> Home:
    """Return the store at `ENVMGR_HOME`, else in the platform's user data directory; does not create it.

    Raises UsageError for a relative `ENVMGR_HOME`, which would depend on the working directory.
    """
    return Home(_directory(environ, variables.HOME, "user_data_dir"))


def ensure_supported(home: Home) -> None:
    """Raise UsageError for a store whose path prevents installations.

    A colon separates the entries of PATH (environ(7)), so the path cannot contain one. It must be UTF-8, since
    virtualenv and Python's modules with install paths (`_sysconfigdata`) write it as UTF-8.
    """
    text, hint = os.fsencode(home.root), "set ENVMGR_HOME to another directory"
    if b":" in text:
        raise UsageError(f"{str(home.root)!a} contains a colon, so it cannot be on PATH", hint=hint)
    try:
        text.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{str(home.root)!a} is not UTF-8, as Python and virtualenv require", hint=hint) from None


def cache(environ: Environ) -> Path:
    """Return `ENVMGR_CACHE_DIR`, else the platform's user cache directory; safe to delete at any time."""
    return _directory(environ, variables.CACHE_DIR, "user_cache_dir")


def config_file(environ: Environ) -> Path:
    """Return the path of `config.toml` in `ENVMGR_CONFIG_DIR`, else in the platform's user config directory."""
    return _directory(environ, variables.CONFIG_DIR, "user_config_dir") / "config.toml"


def working_directory(environ: Environ) -> Path:
    """Return the logical working directory: `PWD` where it is correct, so that links are kept, else the real path.

    Raises UsageError where the working directory has been deleted.
    """
    try:
        actual = os.stat(".")  # noqa: PTH116
        logical = environ.get("PWD", "")
        if logical.startswith("/") and os.path.samestat(os.stat(logical), actual):  # noqa: PTH116
            return Path(logical)
    except OSError:
        pass
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current directory no longer exists", hint="change to another directory") from error


def upwards(directory: Path, ceilings: Collection[Path] = ()) -> Iterator[Path]:
    """Yield `directory` and its parents, nearest first, up to the root or below the first of `ceilings`."""
    for folder in (directory, *directory.parents):
        if folder in ceilings:
            return
        yield folder


def _directory(environ: Environ, variable: str, default: str) -> Path:
    """Return the absolute path in `variable`, else the result of the function `default` of platformdirs."""
    if text := environ.get(variable):
        path = Path(text)
        if not path.is_absolute():
            raise UsageError(
                f"{variable} is not an absolute path: {text!r}", hint=f"unset {variable}, or set it to an absolute path"
            )
        return path
    import platformdirs

    return Path(getattr(platformdirs, default)("envmgr", appauthor=False))
