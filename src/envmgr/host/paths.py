"""Where everything lives on disk: the one place that knows the layout, and the one home of platformdirs."""

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
    """`$ENVMGR_HOME` and the places in it; `docs/reference/state-on-disk.md` describes each."""

    root: Path

    @property
    def versions(self) -> Path:
        """Interpreters: one directory each, immutable once published."""
        return self.root / "versions"

    @property
    def aliases(self) -> Path:
        """Links `3.12`, `3.12.7`, `3.13t`, ... to directories of `versions`."""
        return self.root / "aliases"

    @property
    def requests(self) -> Path:
        """One-line files: a request that is no alias itself (`3`, `>=3.11`) and the alias that answers it now."""
        return self.root / "requests"

    @property
    def envs(self) -> Path:
        """Environments: `<project name>-<hash>/<key>`."""
        return self.root / "envs"

    @property
    def projects(self) -> Path:
        """Records: `<absolute project path>/.envmgr/<pin words>`, what shims and hooks read."""
        return self.root / "projects"

    @property
    def shims(self) -> Path:
        """The directory that users have on PATH."""
        return self.root / "shims"

    @property
    def shell(self) -> Path:
        """The hook files, the shim's code and the launcher `envmgr`."""
        return self.root / "shell"

    @property
    def templates(self) -> Path:
        """What environments are cloned from."""
        return self.root / "templates"

    @property
    def tmp(self) -> Path:
        """Staging, on the same filesystem as everything that is published from it."""
        return self.root / "tmp"

    @property
    def default(self) -> Path:
        """The global pin; a version file."""
        return self.root / "default"

    @property
    def lock(self) -> Path:
        """The one writer lock."""
        return self.root / ".lock"


def home(environ: Environ) -> Home:
    """Return the store named by `ENVMGR_HOME`, else the platform's user data directory; never creates it.

    Raises UsageError for a relative `ENVMGR_HOME`: its meaning would change with every `cd`.
    """
    return Home(_directory(environ, variables.HOME, "user_data_dir"))


def ensure_supported(home: Home) -> None:
    """Raise UsageError for a store that nothing can be installed into, because of the name of its directory.

    A colon separates the entries of PATH, so that shims and environments could not be on it (environ(7)). The modules
    of Python that tell where it is installed, and virtualenv, write its path as UTF-8.
    """
    text, hint = os.fsencode(home.root), "ENVMGR_HOME may name another directory"
    if b":" in text:
        raise UsageError(f"{str(home.root)!a} has a colon in it, so it cannot be on PATH", hint=hint)
    try:
        text.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{str(home.root)!a} is not UTF-8, as Python and virtualenv require", hint=hint) from None


def cache(environ: Environ) -> Path:
    """Return `ENVMGR_CACHE_DIR`, else the platform's user cache directory; safe to delete at any time."""
    return _directory(environ, variables.CACHE_DIR, "user_cache_dir")


def config_file(environ: Environ) -> Path:
    """Return the path of `config.toml`: in `ENVMGR_CONFIG_DIR`, else the platform's user config directory."""
    return _directory(environ, variables.CONFIG_DIR, "user_config_dir") / "config.toml"


def working_directory(environ: Environ) -> Path:
    """Return the logical cwd: the shell's `PWD` where it is the truth, so that links stay as they were entered.

    Raises UsageError where the cwd has been deleted.
    """
    try:
        here = os.stat(".")  # noqa: PTH116 - compared as a whole
        named = environ.get("PWD", "")
        if named.startswith("/") and os.path.samestat(os.stat(named), here):  # noqa: PTH116
            return Path(named)
    except OSError:
        pass
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current directory no longer exists", hint="cd to one that does") from error


def upwards(directory: Path, ceilings: Collection[Path] = ()) -> Iterator[Path]:
    """Yield `directory` and the directories above it, nearest first, up to the root or to one of `ceilings`."""
    for folder in (directory, *directory.parents):
        if folder in ceilings:
            return
        yield folder


def _directory(environ: Environ, variable: str, default: str) -> Path:
    if text := environ.get(variable):
        path = Path(text)
        if not path.is_absolute():
            raise UsageError(
                f"{variable} is not an absolute path: {text!r}", hint=f"unset {variable} or make it absolute"
            )
        return path
    import platformdirs

    return Path(getattr(platformdirs, default)("envmgr", appauthor=False))
