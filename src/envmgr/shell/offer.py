"""What a project offers to a shell that enters it: an external environment `.venv`, and variables. Reads only.

What is unsafe is refused here, when something is allowed and each time that it is looked at again.
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
    """An environment that is not ours: its real `path`, its pyvenv.cfg, and which programs its Pythons are."""

    path: Path
    config: str
    identity: str

    @property
    def maker(self) -> str:
        """The tool that made it, by the keys that tools leave in pyvenv.cfg."""
        keys = {line.partition("=")[0].strip() for line in self.config.splitlines()}
        return next((tool for tool in ("uv", "virtualenv") if tool in keys), "venv")

    @property
    def python(self) -> Path:
        """The real path of its Python."""
        return Path(os.path.realpath(self.path / "bin" / "python"))


@dataclass(frozen=True)
class Offer:
    """What the project in `folder` offers: its `environment`; `variables`, read from `sources` (name to text).

    `times` has the modification times of all that the offer rests on, from before it was read.
    """

    folder: Path
    environment: External | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[Path, int | None] = field(default_factory=dict)


def read(home: Home, folder: Path, environ: Environ) -> Offer:
    """Return what the project in `folder` offers; raises UsageError for what is unsafe or cannot be understood."""
    before = modified(dependencies(folder, environment=True, sources=SOURCES))
    found, sources = declared_variables(folder)
    environment = external(home, folder, environ, thorough=True)
    paths = dependencies(folder, environment=environment is not None, sources=sources)
    return Offer(folder, environment, found, sources, {path: before.get(path) for path in paths})


def dependencies(folder: Path, *, environment: bool, sources: Iterable[str]) -> list[Path]:
    """Return the paths that an offer of `folder` rests on; a change of any of them means to look at it again."""
    paths = [folder / name for name in sources]
    if environment:
        link = folder / record.VENV_LINK
        real = Path(os.path.realpath(link))
        paths += [link, real / "bin", real / CONFIG, real / "bin" / "python"]
        paths += sorted(real.glob("lib/python*/site-packages"))
        for place in dict.fromkeys((folder, real.parent)):
            repository = git.git_directory(place)
            paths.append(repository / "index" if repository else place / ".git")
    return paths


def modified(paths: Iterable[Path]) -> dict[Path, int | None]:
    """Return the modification time of each path in nanoseconds, None for one that is missing."""
    return {path: _time(path) for path in paths}


def _time(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def external(home: Home, folder: Path, environ: Environ, *, thorough: bool) -> External | None:
    """Return the environment that `.venv` in `folder` leads to, None where there is none or it is one of ours.

    Raises UsageError when git tracks any of it, when another user owns or can write to a part of it (to the entries of
    site-packages, or to everything when `thorough`), when it has no Python, or its pyvenv.cfg is no small text.
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
            hint="run `git rm -r --cached .venv`, ignore it, and make it anew",
        )
    return External(real, _text(real / CONFIG), _identity(real, folder))


def _ensure_private(path: Path) -> None:
    try:
        access.ensure_private(path)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ELOOP}:  # a link that leads nowhere runs nothing
            raise UsageError(f"{path}: cannot be checked: {error.strerror}") from error


def _below(folder: Path, levels: int) -> Iterator[Path]:
    """Yield what is in `folder`, down to so many levels; links are not followed."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield Path(entry.path)
                if levels > 1 and entry.is_dir(follow_symlinks=False):
                    yield from _below(Path(entry.path), levels - 1)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be checked: {error.strerror}") from error


def _identity(venv: Path, folder: Path) -> str:
    """Return a text that differs when the environment was replaced, or a Python of it by another program.

    It has the directory's inode number (no device number: those change when a machine starts again), the real path of
    each Python, and the sha256 of one that lies in the project. One outside is upgraded by whoever owns it.
    """
    programs: dict[str, list[str]] = {}
    inside = (venv, Path(os.path.realpath(folder)))
    for name in sorted(filter(_PYTHON.fullmatch, os.listdir(venv / "bin"))):  # noqa: PTH208 - names
        real = Path(os.path.realpath(venv / "bin" / name))
        if real.is_file():
            digest = _digest(real) if any(real.is_relative_to(place) for place in inside) else ""
            programs[name] = [str(real), digest]
    if "python" not in programs:
        raise UsageError(f"{venv}: its Python is not there", hint="make the environment anew, or remove it")
    return json.dumps({"inode": venv.stat().st_ino, "programs": programs}, indent=1)


def _digest(program: Path) -> str:
    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def declared_variables(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables of the project, and the files (name to text) that they were read from.

    Raises UsageError for a file that is unsafe or cannot be understood, and for variables of the shell itself.
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
        if not dotenv.NAME.fullmatch(name) or not _is_plain(value):
            raise UsageError(
                f"{source}: [tool.envmgr.env] {name!a} must be a name with a string or a whole number",
                hint='write it as NAME = "value"',
            )
    return {name: str(value) for name, value in table.items()}


def _is_plain(value: object) -> bool:
    """Whether a TOML value can be a variable's: text without NUL, or an integer of 64 bits, as TOML has them."""
    if isinstance(value, str):
        return "\0" not in value
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64  # noqa: PLR2004


def _text(path: Path) -> str:
    """Return a small text file that nobody else can write to; raises UsageError otherwise."""
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
