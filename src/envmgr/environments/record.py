"""Environment records: the environment that belongs to a project and pin. Reads only.

The record `projects/<absolute project path>/.envmgr/<pin words>` is a file whose first line is the directory of the
environment, relative to the store: `envs/shop-1f2e3d4c/3.12`. Shims and hooks read it with shell builtins. Each
environment names its project and base in `envmgr.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from envmgr.host import files
from envmgr.host.paths import Home

FOLDER = ".envmgr"
REAL = ".real"  # in a record folder: the real path of the project that its records belong to
METADATA = "envmgr.json"
VENV_LINK = ".venv"
EXCLUDE = ".exclude"  # beside the records; its time is that of the git exclude file when envmgr last read it
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+|\.{2,}", re.ASCII)  # shells refuse a record with `..` in it
_LONGEST = 60  # characters; a longer project name is cut in directory names and prompts


@dataclass(frozen=True)
class Environment:
    """An environment of a project. `base` is the alias, or for a linked interpreter the build, that it runs on.

    `external` is whether another tool made it in the project; its base is then unknown and empty.
    """

    path: Path
    project: Path
    base: str
    external: bool = False

    @property
    def name(self) -> str:
        """The project's name, safe for prompts and file names."""
        return sanitize(self.project.name) if self.external else self.path.parent.name.rpartition("-")[0]

    @property
    def label(self) -> str:
        """The unique name among all environments of the store: `shop-1f2e3d4c/3.12`."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def key(self) -> str:
        """The unique name among the environments of the project: `3.12`, `3.13t`, `3.12.7`."""
        return self.path.name

    @property
    def bin(self) -> Path:
        """The directory of its commands."""
        return self.path / "bin"

    @property
    def works(self) -> bool:
        """Whether its Python exists and is executable."""
        return os.access(self.bin / "python", os.X_OK)


def sanitize(name: str) -> str:
    """Return `name` reduced to `[A-Za-z0-9._+-]`, because shells expand the text of a prompt; never empty."""
    return _UNSAFE.sub("-", name).strip("-.")[:_LONGEST] or "project"


def environments_folder(home: Home, project: Path) -> Path:
    """Return the directory for the environments of `project` (a real path); a hash distinguishes equal names.

    A moved project keeps its directory; a new project at the old path gets another one.
    """
    for file in _record_files(home, project):
        found = _recorded(home, file)
        if found and found.project == project:
            return found.path.parent
    return next(folder for folder in _folders(home, project) if _owner(folder) in (None, project))


def _folders(home: Home, project: Path) -> Iterator[Path]:
    """Yield the possible directories for the environments of `project` without end; the first is the usual one."""
    for number in count():
        text = os.fsencode(project) + (b"\0%d" % number if number else b"")
        yield home.envs / f"{sanitize(project.name)}-{hashlib.sha256(text).hexdigest()[:8]}"


def _owner(folder: Path) -> Path | None:
    """Return the project that the environments in `folder` belong to, None where there are none."""
    return next((made.project for path in sorted(folder.glob("*")) if (made := load(path))), None)


def record_folder(home: Home, project: Path) -> Path:
    """Return the record folder of `project`, for its path as it was entered."""
    return home.projects / str(project).lstrip("/") / FOLDER


def record_file(home: Home, project: Path, words: str) -> Path:
    """Return the path of the record of `project`, for its path as it was entered, and the pin `words`."""
    return record_folder(home, project) / words


def lookup(home: Home, project: Path, words: str) -> Environment | None:
    """Return the recorded environment of `project` for the pin `words`, or None; it may be broken.

    Records belong to real paths: a link that was changed to another project means the records of that one.
    """
    real = Path(os.path.realpath(project))
    if os.path.islink(record_folder(home, real)):  # noqa: PTH114 - Path.is_symlink raises for a path that is too long
        return None
    path = _path(home, record_file(home, real, words))
    return load(path) or Environment(path, real, "") if path else None


def _path(home: Home, file: Path) -> Path | None:
    """Return the directory that a record file names; None where the file is missing or damaged."""
    try:
        first = files.read_text(file).partition("\n")[0]
    except (OSError, ValueError):
        return None
    return home.root / first if first.startswith("envs/") and ".." not in first else None


def _recorded(home: Home, file: Path) -> Environment | None:
    """Return the environment that a record file names; None where the record or the environment is missing."""
    path = _path(home, file)
    return load(path) if path else None


def _record_files(home: Home, project: Path) -> list[Path]:
    """Return the record files of `project` (a real path)."""
    folder = record_folder(home, project)
    if os.path.islink(folder):  # noqa: PTH114 - as in `lookup`
        return []
    return sorted(file for file in folder.glob("*") if not file.name.startswith("."))


def moved(home: Home, project: Path) -> list[Environment]:
    """Return the environments of the project that was moved to `project` (a real path), empty where none was.

    A move is recognised by the link `.venv`: it belongs to this user and leads to an environment whose recorded
    project directory does not exist. For a copy of a project that directory still exists.
    """
    link = project / VENV_LINK
    path = link_target(link)
    made = load(path) if path and path.parent.parent == home.envs and ".." not in path.parts else None
    if made is None or made.project == project or os.path.lexists(made.project):
        return []
    if link.lstat().st_uid != os.geteuid():
        return []
    siblings = (load(folder) for folder in sorted(made.path.parent.glob("*")))
    return [sibling for sibling in siblings if sibling and sibling.project == made.project]


def load(path: Path) -> Environment | None:
    """Return the environment in the directory `path`, or None where envmgr made none there."""
    try:
        data = json.loads(files.read_text(path / METADATA))
        project, base = os.fsdecode(data["project"].encode(errors="surrogateescape")), data["base"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    valid = project.startswith("/") and "\0" not in project and isinstance(base, str)
    return Environment(path, Path(project), base) if valid else None


def dump(environment: Environment) -> str:
    """Return the text of the environment's `envmgr.json`, the same in all locales."""
    project = os.fsencode(environment.project).decode(errors="surrogateescape")
    return json.dumps({"base": environment.base, "project": project}, indent=1) + "\n"


def environments(home: Home) -> Iterator[Environment]:
    """Yield every environment in the store."""
    for file in sorted(home.envs.glob("*/*/" + METADATA)):
        if environment := load(file.parent):
            yield environment


def records_of(home: Home, environment: Environment) -> Iterator[Path]:
    """Yield the record files that name `environment`."""
    for file in _record_files(home, environment.project):
        if _path(home, file) == environment.path:
            yield file


def link_target(link: Path) -> Path | None:
    """Return the target text of a symbolic link, which need not exist; None where `link` is no symbolic link."""
    try:
        return Path(os.readlink(link))  # noqa: PTH115 - the text, unresolved
    except OSError:
        return None
