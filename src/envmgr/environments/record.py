"""Records: which environment belongs to which project and pin. What shims and hooks read with builtins alone.

`projects/<absolute project path>/.envmgr/<pin words>` is a file whose first line is the environment's directory,
relative to the store: `envs/shop-1f2e3d4c/3.12`. Environments themselves say in `envmgr.json` whose they are.
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
REAL = ".real"  # in a record folder: the physical path of the project that its records belong to
METADATA = "envmgr.json"
VENV_LINK = ".venv"
EXCLUDE = ".exclude"  # beside the records; its time is that of the repository's exclude file when we looked last
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+|\.{2,}", re.ASCII)  # shells refuse a record with `..` in it
_LONGEST = 60  # characters of a project's name that go into directory names and prompts


@dataclass(frozen=True)
class Environment:
    """An environment of a project. `base` is the alias (or the build, for a linked interpreter) that it runs on.

    `external` is one that another tool made in the project; its base is not known.
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
        """What names it among all environments, also those of other projects with the same name."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def key(self) -> str:
        """What tells the environments of one project apart: `3.12`, `3.13t`, `3.12.7`."""
        return self.path.name

    @property
    def bin(self) -> Path:
        """The directory of its commands."""
        return self.path / "bin"

    @property
    def works(self) -> bool:
        """Whether its Python still exists."""
        return os.access(self.bin / "python", os.X_OK)


def sanitize(name: str) -> str:
    """Return `name` reduced to `[A-Za-z0-9._+-]`: shells expand what stands in a prompt."""
    return _UNSAFE.sub("-", name).strip("-.")[:_LONGEST] or "project"


def environments_folder(home: Home, project: Path) -> Path:
    """Return where the environments of `project` (a real path) live; the hash keeps equal names apart.

    A project that was moved keeps the directory that it had; a new one in its old place gets another.
    """
    for file in _record_files(home, project):
        found = _named(home, file)
        if found and found.project == project:
            return found.path.parent
    return next(place for place in _folders(home, project) if _owner(place) in (None, project))


def _folders(home: Home, project: Path) -> Iterator[Path]:
    """Yield the directories that the environments of `project` may be in; the first is the usual one."""
    for number in count():
        text = os.fsencode(project) + (b"\0%d" % number if number else b"")
        yield home.envs / f"{sanitize(project.name)}-{hashlib.sha256(text).hexdigest()[:8]}"


def _owner(place: Path) -> Path | None:
    """Return the project that the environments in `place` belong to, None where there are none."""
    return next((made.project for path in sorted(place.glob("*")) if (made := load(path))), None)


def record_folder(home: Home, project: Path) -> Path:
    """Return the record folder of a project directory, as it was entered."""
    return home.projects / str(project).lstrip("/") / FOLDER


def record_file(home: Home, project: Path, words: str) -> Path:
    """Return the record's path for a project directory, as it was entered, and the words of its pin."""
    return record_folder(home, project) / words


def lookup(home: Home, project: Path, words: str) -> Environment | None:
    """Return the environment on record for `project` pinned by `words`, or None; it may no longer work.

    Records belong to physical paths: a link that leads to another project now means that one.
    """
    real = Path(os.path.realpath(project))
    if os.path.islink(record_folder(home, real)):  # noqa: PTH114 - a link once; Path.is_symlink raises for too long a path
        return None
    path = _path(home, record_file(home, real, words))
    return load(path) or Environment(path, real, "") if path else None


def _path(home: Home, file: Path) -> Path | None:
    """Return the environment's directory that a record file names; None where it is damaged, or there is none."""
    try:
        first = files.read_text(file).partition("\n")[0]
    except (OSError, ValueError):
        return None
    return home.root / first if first.startswith("envs/") and ".." not in first else None


def _named(home: Home, file: Path) -> Environment | None:
    path = _path(home, file)
    return load(path) if path else None


def _record_files(home: Home, project: Path) -> list[Path]:
    """Return the record files of `project` (a real path)."""
    place = record_folder(home, project)
    if os.path.islink(place):  # noqa: PTH114 - as in `lookup`
        return []
    return sorted(file for file in place.glob("*") if not file.name.startswith("."))


def moved(home: Home, project: Path) -> list[Environment]:
    """Return the environments of the project that was moved to `project` (a real path), as its `.venv` tells.

    That link leads to one of them, belongs to this user, and the directory that they are recorded for is gone. A copy
    is no move: there the directory is still in its place.
    """
    link = project / VENV_LINK
    path = link_target(link)
    made = load(path) if path and path.parent.parent == home.envs and ".." not in path.parts else None
    if made is None or made.project == project or os.path.lexists(made.project):
        return []
    if link.lstat().st_uid != os.geteuid():
        return []
    siblings = (load(place) for place in sorted(made.path.parent.glob("*")))
    return [sibling for sibling in siblings if sibling and sibling.project == made.project]


def load(path: Path) -> Environment | None:
    """Return the environment in directory `path`, or None when envmgr did not make one there."""
    try:
        data = json.loads(files.read_text(path / METADATA))
        project, base = os.fsdecode(data["project"].encode(errors="surrogateescape")), data["base"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    whole = project.startswith("/") and "\0" not in project and isinstance(base, str)
    return Environment(path, Path(project), base) if whole else None


def dump(environment: Environment) -> str:
    """Return the text of an environment's `envmgr.json`, the same in all locales."""
    project = os.fsencode(environment.project).decode(errors="surrogateescape")
    return json.dumps({"base": environment.base, "project": project}, indent=1) + "\n"


def environments(home: Home) -> Iterator[Environment]:
    """Yield every environment in the store."""
    for place in sorted(home.envs.glob("*/*/" + METADATA)):
        if environment := load(place.parent):
            yield environment


def records_of(home: Home, environment: Environment) -> Iterator[Path]:
    """Yield the record files that name `environment`."""
    for file in _record_files(home, environment.project):
        if _path(home, file) == environment.path:
            yield file


def link_target(link: Path) -> Path | None:
    """Return what the symbolic link says it leads to, None when it is none."""
    try:
        return Path(os.readlink(link))  # noqa: PTH115 - its text, whether that exists or not
    except OSError:
        return None
