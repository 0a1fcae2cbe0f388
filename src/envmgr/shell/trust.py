"""Read the grants of `envmgr allow` and check whether they still hold. Nothing here may write; `grant.py` does.

The files of a grant, in the record folder of the directory's real path (docs/reference/state-on-disk.md):

- `.allowed`: the real path of the environment and that of its Python, one per line, empty where none is granted; then
  the names of the variables, one per line;
- `.copies/`: verbatim copies of the environment's pyvenv.cfg and of the files with the variables;
- `.variables/<NAME>`: the value of one variable;
- `.identity`: the inode of the environment and the programs that its Pythons are, as JSON;
- `.checked/`: the result of the last check, and the modification times that it is valid for.

Hooks and shims read only `.checked`, `.allowed` and `.variables`. `.checked/paths` lists the paths that the grant
depends on, and `.checked/0`, `.checked/1`, ... have the modification times of these. `.checked/environment` and
`.checked/variables` exist where these hold; `.checked/problems` has the reasons where they do not. The result is valid
until one of the times differs; then the grant is checked again.
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

ANSWERS = ".answers"  # in a record folder: the text of the last pin that the allowed environment matched
ALLOWED, COPIES, VARIABLES, IDENTITY, CHECKED = ".allowed", ".copies", ".variables", ".identity", ".checked"
PATHS, ENVIRONMENT, OF_VARIABLES, PROBLEMS, OURS = "paths", "environment", "variables", "problems", "+"
WRITTEN = "written"  # in `.checked`: the time of writing in nanoseconds, by which shells recognize this result


@dataclass(frozen=True)
class Grant:
    """The parts of a grant that still hold: an external environment and variables.

    `directory` is the directory that `envmgr allow` was given, None where there is no grant; `problems` are the reasons
    why a part no longer holds.
    """

    venv: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The result of a check: whether the environment and the variables hold, and the reasons why not."""

    environment: bool
    variables: bool
    problems: tuple[str, ...] = ()


def granted(home: Home, directory: Path, project: Path | None, environ: Environ) -> Grant:
    """Return the parts that hold of the nearest grant from `directory` up to `project`."""
    granted_directory = nearest(home, directory, project, resolve.ceilings(environ))
    return read(home, granted_directory, environ) if granted_directory else Grant()


def nearest(home: Home, directory: Path, project: Path | None, ceilings: Collection[Path] = ()) -> Path | None:
    """Return the nearest directory from `directory` up to `project`, below `ceilings`, with a grant."""
    for candidate in paths.upwards(directory, ceilings):
        if is_granted(home, candidate):
            return candidate
        if candidate == project:
            return None
    return None


def is_granted(home: Home, directory: Path) -> bool:
    """Return whether `directory` has a grant, even if that no longer holds."""
    return os.path.isfile(grant_folder(home, directory) / ALLOWED)  # noqa: PTH113 - Path.is_file raises for too long a path


def read(home: Home, directory: Path, environ: Environ) -> Grant:
    """Return the grant of `directory`, without the parts that do not hold; an empty one where it cannot be read."""
    folder = grant_folder(home, directory)
    try:
        venv, _, *names = _lines(folder / ALLOWED)
        result = last_result(folder) or examine(home, directory, environ)
        values = {name: os.fsdecode((folder / VARIABLES / name).read_bytes()) for name in names}
    except (OSError, ValueError):
        return Grant()
    found = Path(venv) if venv and result.environment else None
    return Grant(found, values if result.variables else {}, directory, result.problems)


def last_result(folder: Path) -> Result | None:
    """Return the result of the last check of the grant in record folder `folder`; None where a path changed since."""
    checked = folder / CHECKED
    try:
        paths = _lines(checked / PATHS)
        if not all(_is_unchanged(line, checked / str(number)) for number, line in enumerate(paths)):
            return None
    except OSError:
        return None
    return Result((checked / ENVIRONMENT).exists(), (checked / OF_VARIABLES).exists(), last_problems(folder))


def last_problems(folder: Path) -> tuple[str, ...]:
    """Return the problems of the last check of the grant in record folder `folder`."""
    try:
        return tuple(files.read_text(folder / CHECKED / PROBLEMS, errors="surrogateescape").splitlines())
    except OSError:
        return ()


def _is_unchanged(line: str, stamp: Path) -> bool:
    """Return whether the path in a line of `.checked/paths` has the stamp's time and, if marked, the user as owner."""
    owner, path = line[:1], line[1:]
    try:
        status = os.stat(path)  # noqa: PTH116 - a text
    except OSError:
        return not os.path.lexists(stamp)
    try:
        same = stamp.stat().st_mtime_ns == status.st_mtime_ns
    except OSError:
        return False
    return same and (owner != OURS or status.st_uid == os.geteuid())


def examine(home: Home, directory: Path, environ: Environ) -> Result:
    """Check the grant of `directory`: compare everything with the copies, and apply the refusals of `offer` again.

    Raises OSError or ValueError where the grant cannot be read.
    """
    folder = grant_folder(home, directory)
    venv, _, *names = _lines(folder / ALLOWED)
    problems = []
    if venv and (problem := _environment_problem(home, directory, Path(venv), environ)):
        problems.append(problem)
    changed = (
        [] if not names else [name for name in offer.SOURCES if _differs(folder / COPIES / name, directory / name)]
    )
    problems += [f"{directory / name} is not the file that was allowed" for name in changed]
    holds = bool(venv) and len(problems) == len(changed)
    return Result(holds, bool(names) and not changed, tuple(" ".join(problem.split()) for problem in problems))


def dependencies(folder: Path, directory: Path) -> list[Path]:
    """Return the paths that the grant in record folder `folder` depends on; `directory` is a real path."""
    sources = [name for name in offer.SOURCES if (folder / COPIES / name).exists()]
    return offer.dependencies(directory, environment=(folder / IDENTITY).exists(), sources=sources)


def _environment_problem(home: Home, directory: Path, venv: Path, environ: Environ) -> str:
    """Return why the environment in `directory` is no longer allowed; an empty string where it is."""
    folder = grant_folder(home, directory)
    try:
        found = offer.external(home, real_path(directory), environ, thorough=False)
    except EnvmgrError as error:
        return error.message
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    if found is None or found.path != venv:
        return f"{directory / record.VENV_LINK} is no longer {venv}"
    if _differs(folder / COPIES / offer.CONFIG, venv / offer.CONFIG):
        return f"{venv / offer.CONFIG} is not the file that was allowed"
    if found.identity.encode() != _content(folder / IDENTITY):
        return f"{venv} was recreated, or its Python was replaced by another program"
    return ""


def _differs(copy: Path, current: Path) -> bool:
    """Return whether there is a copy, and the file has other bytes."""
    before = _content(copy)
    return before is not None and before != _content(current)


def _content(file: Path) -> bytes | None:
    """Return the bytes of a regular file, None where it cannot be read."""
    try:
        return files.read_regular(file)
    except OSError:
        return None


def _lines(file: Path) -> list[str]:
    r"""Return the lines of `file` as shells read them: of any bytes, ended by `\n` only. Raises OSError."""
    return os.fsdecode(files.read_regular(file)).removesuffix("\n").split("\n")


def all_grants(home: Home) -> Iterator[tuple[Path, list[str]]]:
    """Yield each directory that has a grant, with the path of the environment and the names of the variables."""
    for file in sorted(home.projects.rglob(f"{record.FOLDER}/{ALLOWED}")):
        if not file.parent.is_symlink():
            venv, _, *names = _lines(file)
            yield Path("/", file.parent.parent.relative_to(home.projects)), [venv, *names] if venv else names


def grant_folder(home: Home, directory: Path) -> Path:
    """Return the record folder with the grant of `directory`."""
    return record.record_folder(home, real_path(directory))


def real_path(directory: Path) -> Path:
    """Return `directory` without symbolic links."""
    return Path(os.path.realpath(directory))
