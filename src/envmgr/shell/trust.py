"""What `envmgr allow` granted, and whether that still holds. Reads only; `grant.py` writes it.

In the record folder of the project's physical path (docs/reference/state-on-disk.md):

- `.allowed`: the real path of the environment and that of its Python, a line each, empty where none was granted; then
  the names of the variables, a line each;
- `.copies/`: the environment's pyvenv.cfg and the files that the variables were read from, verbatim;
- `.variables/<NAME>`: the value of one variable;
- `.identity`: what tells the environment and its Pythons from others in their place;
- `.checked/`: when all this was last looked at, and with which result.

Shells and shims read nothing but `.checked`, `.allowed` and `.variables`. `.checked/paths` names each path that the
grant rests on, `.checked/0`, `.checked/1`, ... have their modification times, `.checked/environment` and
`.checked/variables` are there where these were found as granted; `.checked/problems` says why not. While no time
differs, that result holds; else it is looked at again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import EnvmgrError
from envmgr.host import files, paths
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve
from envmgr.shell import offer

ANSWERS = ".answers"  # in a record folder: the words of the last pin that the allowed environment answers
ALLOWED, COPIES, VARIABLES, IDENTITY, CHECKED = ".allowed", ".copies", ".variables", ".identity", ".checked"
PATHS, ENVIRONMENT, OF_VARIABLES, PROBLEMS, OURS = "paths", "environment", "variables", "problems", "+"


@dataclass(frozen=True)
class Grant:
    """What is allowed in a directory and still holds: its own environment, and variables.

    `place` is the directory that it was allowed in, None where nothing was; `problems` says what no longer holds.
    """

    venv: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    place: Path | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """Whether the granted environment and variables hold, and why not."""

    environment: bool
    variables: bool
    problems: tuple[str, ...] = ()


def granted(home: Home, directory: Path, project: Path | None, environ: Environ) -> Grant:
    """Return what is allowed in the nearest directory from `directory` up to `project`, without what does not hold."""
    place = nearest(home, directory, project, resolve.ceilings(environ))
    return read(home, place, environ) if place else Grant()


def nearest(home: Home, directory: Path, project: Path | None, ceilings: Collection[Path] = ()) -> Path | None:
    """Return the nearest directory from `directory` up to `project`, below `ceilings`, with a grant."""
    for place in paths.upwards(directory, ceilings):
        if is_granted(home, place):
            return place
        if place == project:
            return None
    return None


def is_granted(home: Home, place: Path) -> bool:
    """Whether something was allowed in `place`, which may not hold any more."""
    return os.path.isfile(records(home, place) / ALLOWED)  # noqa: PTH113 - Path.is_file raises for too long a path


def read(home: Home, place: Path, environ: Environ) -> Grant:
    """Return what was allowed in `place`, without what does not hold; nothing where the grant cannot be read."""
    folder = records(home, place)
    try:
        venv, _, *names = _lines(folder / ALLOWED)
        result = last_result(folder) or examine(home, place, environ)
        values = {name: os.fsdecode((folder / VARIABLES / name).read_bytes()) for name in names}
    except (OSError, ValueError):
        return Grant()
    found = Path(venv) if venv and result.environment else None
    return Grant(found, values if result.variables else {}, place, result.problems)


def last_result(folder: Path) -> Result | None:
    """Return the result of the last look at the grant in record folder `folder`; None where something changed since."""
    checked = folder / CHECKED
    try:
        paths = _lines(checked / PATHS)
        if not all(_is_unchanged(line, checked / str(number)) for number, line in enumerate(paths)):
            return None
    except OSError:
        return None
    return Result((checked / ENVIRONMENT).exists(), (checked / OF_VARIABLES).exists(), last_problems(folder))


def last_problems(folder: Path) -> tuple[str, ...]:
    """Return what did not hold at the last look at the grant in record folder `folder`."""
    try:
        return tuple(files.read_text(folder / CHECKED / PROBLEMS, errors="surrogateescape").splitlines())
    except OSError:
        return ()


def _is_unchanged(line: str, stamp: Path) -> bool:
    """Whether the path in a line of `.checked/paths` has the stamp's time, and is still ours where the line says so."""
    mark, path = line[:1], line[1:]
    try:
        status = os.stat(path)  # noqa: PTH116 - a text
    except OSError:
        return not os.path.lexists(stamp)
    try:
        same = stamp.stat().st_mtime_ns == status.st_mtime_ns
    except OSError:
        return False
    return same and (mark != OURS or status.st_uid == os.geteuid())


def examine(home: Home, place: Path, environ: Environ) -> Result:
    """Look again at what was allowed in `place`: whether it is what was granted, and not to be refused.

    Raises OSError or ValueError where there is no grant that can be read.
    """
    folder = records(home, place)
    venv, _, *names = _lines(folder / ALLOWED)
    problems = []
    if venv and (problem := _environment_problem(home, place, Path(venv), environ)):
        problems.append(problem)
    changed = [] if not names else [name for name in offer.SOURCES if _differs(folder / COPIES / name, place / name)]
    problems += [f"{place / name} is not the file that was shown" for name in changed]
    holds = bool(venv) and len(problems) == len(changed)
    return Result(holds, bool(names) and not changed, tuple(" ".join(problem.split()) for problem in problems))


def dependencies(folder: Path, place: Path) -> list[Path]:
    """Return the paths that the grant in record folder `folder` rests on; `place` is the project's real path."""
    sources = [name for name in offer.SOURCES if (folder / COPIES / name).exists()]
    return offer.dependencies(place, environment=(folder / IDENTITY).exists(), sources=sources)


def _environment_problem(home: Home, place: Path, venv: Path, environ: Environ) -> str:
    """Return why the environment in `place` is not, or must not be, the one that was allowed; empty where it is."""
    folder = records(home, place)
    try:
        found = offer.external(home, physical(place), environ, thorough=False)
    except EnvmgrError as error:
        return error.message
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    if found is None or found.path != venv:
        return f"{place / record.VENV_LINK} is not {venv} any more"
    if _differs(folder / COPIES / offer.CONFIG, venv / offer.CONFIG):
        return f"{venv / offer.CONFIG} is not the file that was shown"
    if found.identity.encode() != _content(folder / IDENTITY):
        return f"{venv} was made anew, or another program is in the place of its Python"
    return ""


def _differs(copy: Path, now: Path) -> bool:
    """Whether there is a copy, and the file is not the same bytes."""
    before = _content(copy)
    return before is not None and before != _content(now)


def _content(file: Path) -> bytes | None:
    try:
        return files.read_regular(file)
    except OSError:
        return None


def _lines(file: Path) -> list[str]:
    r"""Return lines as shells read them: of any bytes, and ended by `\n` alone. Raises OSError."""
    return os.fsdecode(files.read_regular(file)).removesuffix("\n").split("\n")


def all_grants(home: Home) -> Iterator[tuple[Path, list[str]]]:
    """Yield each project in which something was allowed, with an environment's path and names of variables."""
    for file in sorted(home.projects.rglob(f"{record.FOLDER}/{ALLOWED}")):
        if not file.parent.is_symlink():
            venv, _, *names = _lines(file)
            yield Path("/", file.parent.parent.relative_to(home.projects)), [venv, *names] if venv else names


def records(home: Home, place: Path) -> Path:
    """Return the record folder that the grant of `place` is in."""
    return record.record_folder(home, physical(place))


def physical(place: Path) -> Path:
    """Return the real path of a directory."""
    return Path(os.path.realpath(place))
