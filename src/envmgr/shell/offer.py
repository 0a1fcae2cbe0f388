"""Read the external environment `.venv` and the variables that a project offers for `envmgr allow`.

An unsafe offer is refused here, both by `envmgr allow` and each time that its grant is checked again. Nothing here may
write or run code of the project.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import UsageError
from envmgr.host import access, config, files, git
from envmgr.host.paths import Environ, Home
from envmgr.shell import dotenv, variables

CONFIG = "pyvenv.cfg"
SOURCES = ("pyproject.toml", ".env")
_LIMIT = 256 * 1024  # bytes of a file that is read
_PYTHON = re.compile(r"python[0-9.]*t?", re.ASCII)
_SHALLOW, _DEEP = 4, 64  # levels of an environment: 4 reaches the entries of lib/python3.12/site-packages


@dataclass(frozen=True)
class External:
    """An external environment: its real `path`, the text of its pyvenv.cfg, and the identity (see `_identity`)."""

    path: Path
    config: str
    identity: str

    @property
    def maker(self) -> str:
        """Return the tool that created it, from the keys in pyvenv.cfg."""
        keys = {line.partition("=")[0].strip() for line in self.config.splitlines()}
        return next((tool for tool in ("uv", "virtualenv") if tool in keys), "venv")

    @property
    def python(self) -> Path:
        """Return the real path of its Python."""
        return Path(os.path.realpath(self.path / "bin" / "python"))


@dataclass(frozen=True)
class Offer:
    """The external environment and the variables of the project in `folder`.

    `sources` are the files with the variables (name to text); `times` the modification times, from before the reading,
    of the paths that the offer depends on, in nanoseconds, None for a missing one.
    """

    folder: Path
    environment: External | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[Path, int | None] = field(default_factory=dict)


def read(home: Home, folder: Path, environ: Environ) -> Offer:
    """Return the offer of the project in `folder`; raises UsageError for an unsafe or an invalid one."""
    before = modified(dependencies(folder, environment=True, sources=SOURCES))
    found, sources = declared_variables(folder)
    environment = external(home, folder, environ, thorough=True)
    paths = dependencies(folder, environment=environment is not None, sources=sources)
    return Offer(folder, environment, found, sources, {path: before.get(path) for path in paths})


def dependencies(folder: Path, *, environment: bool, sources: Iterable[str]) -> list[Path]:
    """Return the paths that an offer of `folder` depends on: where one has changed, the grant is checked again."""
    paths = [folder / name for name in sources]
    if environment:
        link = folder / record.VENV_LINK
        real = Path(os.path.realpath(link))
        paths += [link, real / "bin", real / CONFIG, real / "bin" / "python"]
        paths += sorted(real.glob("lib/python*/site-packages"))
        for parent in dict.fromkeys((folder, real.parent)):
            repository = git.git_directory(parent)
            paths.append(repository / "index" if repository else parent / ".git")
    return paths


def modified(paths: Iterable[Path]) -> dict[Path, int | None]:
    """Return the modification time of each path in nanoseconds, None for a missing one."""
    return {path: _time(path) for path in paths}


def _time(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def external(home: Home, folder: Path, environ: Environ, *, thorough: bool) -> External | None:
    """Return the environment at `.venv` in `folder`; None where there is none, or it belongs to envmgr.

    Raises UsageError where git tracks a part of it; where another user owns a part or can write to it (down to the
    entries of site-packages, with `thorough` down to every file); where it has no Python, or pyvenv.cfg is not a small
    text file.
    """
    link = folder / record.VENV_LINK
    real = Path(os.path.realpath(link))
    if not (real / CONFIG).is_file() or real.is_relative_to(os.path.realpath(home.envs)):
        return None
    for parent in {link.parent, real.parent}:
        access.ensure_private(parent, sticky=True)
    for path in (real, *_below(real, _DEEP if thorough else _SHALLOW)):
        _ensure_private(path)
    if any(git.tracks(path, environ) for path in {link, real}):
        raise UsageError(
            f"{link}: tracked by git, so every pull may put programs on PATH",
            hint="run `git rm -r --cached .venv`, ignore it, and recreate it",
        )
    return External(real, _text(real / CONFIG), _identity(real, folder))


def _ensure_private(path: Path) -> None:
    """Raise UsageError where another user owns `path` or can write to it, or that cannot be checked."""
    try:
        access.ensure_private(path)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ELOOP}:  # a broken link runs nothing
            raise UsageError(f"{path}: cannot be checked: {error.strerror}") from error


def _below(folder: Path, levels: int) -> Iterator[Path]:
    """Yield the entries of `folder`, `levels` deep, without following links."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield Path(entry.path)
                if levels > 1 and entry.is_dir(follow_symlinks=False):
                    yield from _below(Path(entry.path), levels - 1)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be checked: {error.strerror}") from error


def _identity(venv: Path, folder: Path) -> str:
    """Return a JSON text that differs where the environment was replaced, or one of its Pythons by another program.

    It has the inode of the directory (no device number: that may change at a restart), the real path of each Python,
    and the sha256 of a Python inside the project. One outside is not hashed: its owner may upgrade it.
    """
    programs: dict[str, list[str]] = {}
    in_project = (venv, Path(os.path.realpath(folder)))
    for name in sorted(filter(_PYTHON.fullmatch, os.listdir(venv / "bin"))):  # noqa: PTH208 - names
        real = Path(os.path.realpath(venv / "bin" / name))
        if real.is_file():
            digest = _digest(real) if any(real.is_relative_to(directory) for directory in in_project) else ""
            programs[name] = [str(real), digest]
    if "python" not in programs:
        raise UsageError(f"{venv}: its Python is missing", hint="recreate the environment, or remove it")
    return json.dumps({"inode": venv.stat().st_ino, "programs": programs}, indent=1)


def _digest(program: Path) -> str:
    """Return the sha256 of a file, in hexadecimal digits."""
    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def declared_variables(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables of the project, and the files (name to text) with them.

    Raises UsageError for an unsafe or invalid file, and for variables that belong to the shell itself.
    """
    found: dict[str, str] = {}
    sources: dict[str, str] = {}
    for name in SOURCES:
        source = folder / name
        if not source.is_file():
            continue
        text = _text(source)
        here = dotenv.parse(text, source) if name == ".env" else _table(text, source)
        if own := variables.shell_own(here):
            raise UsageError(f"{source}: {', '.join(own)} belong to the shell itself", hint="give them other names")
        if here:
            found |= here
            sources[name] = text
    return found, sources


def _table(text: str, source: Path) -> dict[str, str]:
    """Return `[tool.envmgr.env]`: names to strings or whole numbers."""
    table = config.table(config.parse(text, source), source, "tool", "envmgr", "env")
    for name, value in table.items():
        if not dotenv.NAME.fullmatch(name) or not _is_value(value):
            raise UsageError(
                f"{source}: [tool.envmgr.env] {name!a} must be a name with a string or a whole number",
                hint='write it as NAME = "value"',
            )
    return {name: str(value) for name, value in table.items()}


def _is_value(value: object) -> bool:
    """Return whether a variable can have this TOML value: text without NUL, or an integer of 64 bits (TOML 1.0)."""
    if isinstance(value, str):
        return "\0" not in value
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64  # noqa: PLR2004


def _text(path: Path) -> str:
    """Return the text of a file; raises UsageError where it is large, not UTF-8, or other users can write to it."""
    access.ensure_private(path.parent, sticky=True)
    access.ensure_private(path)
    try:
        data = files.read_regular(path, limit=_LIMIT)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise UsageError(f"{path}: too large", hint=f"at most {_LIMIT // 1024} KiB are read") from error
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text") from None
    if "\0" in text:
        raise UsageError(f"{path}: not text: it has a NUL in it")
    return text
