"""Binding a project to its environment: the record in the store, the link `.venv`, and the git exclude for it.

Must not make or remove environments.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host import files, git, lock
from envmgr.host.paths import Home, upwards
from envmgr.versions import pins
from envmgr.versions.version import Build

# lines of an ignore file that match the link; `.venv/` matches directories only
_IGNORE_PATTERNS = {record.VENV_LINK, f"/{record.VENV_LINK}", f"**/{record.VENV_LINK}", ".*", "*"}


def ensure_bindable(project: Path) -> None:
    """Raise UsageError for a project in a directory named like the record folders: its records would mix with them."""
    if record.FOLDER in project.parts:
        raise UsageError(
            f"{project}: a project cannot be in a directory named {record.FOLDER}",
            hint="rename the directory",
        )


def bind(
    home: Home, project: Path, words: str, environment: Environment, *, patience: float = lock.TIMEOUT
) -> list[str]:
    """Record `environment` for the pin `words` of `project`, and point the link `.venv` of the project at it.

    `project` is the path as it was entered, which may be a symbolic link. Returns notes for the user. Raises
    EnvironmentFailedError, UsageError, and StoreBusyError after `patience` seconds.
    """
    ensure_bindable(project)
    try:
        with lock.exclusive(home.lock, timeout=patience):
            _write(home, project, words, environment)
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or home.projects}: {error.strerror}") from error
    return list(_link_venv(home, environment))


def rebind(home: Home, project: Path) -> Path | None:
    """Bind the environments of a project that was moved to `project` (a real path) to its new path.

    Returns the old path, or None where nothing was moved (see `record.moved`). The environment that `.venv` leads to
    is changed last, so that the next run completes one that was killed. Raises EnvironmentFailedError, UsageError,
    StoreBusyError.
    """
    if not record.moved(home, project):
        return None
    ensure_bindable(project)
    try:
        with lock.exclusive(home.lock):
            current = record.link_target(project / record.VENV_LINK)
            environments = sorted(record.moved(home, project), key=lambda made: made.path == current)
            old = [(file, made) for made in environments for file in record.records_of(home, made)]
            for file, made in old:
                _record(home, project, file.name, made)
            for file, _ in old:
                file.unlink(missing_ok=True)
            for made in environments:
                files.write_atomically(made.path / record.METADATA, record.dump(replace(made, project=project)))
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or home.projects}: {error.strerror}") from error
    return environments[0].project if environments else None


def unbind(home: Home, old: Build, new: Build) -> list[Environment]:
    """Remove the records of environments on `old` whose pin does not match `new`, which has replaced `old`.

    That concerns exact pins such as `3.12.7`. Returns the environments that lost a record; they stay in the store.
    Raises EnvmgrError.
    """
    unbound = []
    with lock.exclusive(home.lock):
        for environment in record.environments(home):
            if environment.base == str(old):
                files = [file for file in record.records_of(home, environment) if not _matches(new, file.name)]
                for file in files:
                    file.unlink(missing_ok=True)
                unbound += [environment] if files else []
    return unbound


def _matches(build: Build, words: str) -> bool:
    """Return whether `build` matches a request of the pin `words`."""
    pin = pins.parse(words)
    return pin is not None and any(request.matches(build) for request in pin.requests)


def _write(home: Home, project: Path, words: str, environment: Environment) -> None:
    """Write the record of `project` as it was entered, and that of its real path."""
    link_real_path(home, project)
    _record(home, environment.project, words, environment)


def _record(home: Home, project: Path, words: str, environment: Environment) -> None:
    """Write the record of `project` (a real path)."""
    link_real_path(home, project)
    file = record.record_file(home, project, words)
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(file, f"{environment.path.relative_to(home.root)}\n")


def link_real_path(home: Home, project: Path) -> None:
    """Link the record folder of `project`, as it was entered, to that of its real path; raises OSError.

    The file `.real` in the folder names the real path: hooks and shims use records that they reach through a link only
    while the project and that path are the same directory.
    """
    physical = Path(os.path.realpath(project))
    entered, real = record.record_folder(home, project), record.record_folder(home, physical)
    if entered == real:
        if entered.is_symlink():  # the path was a symbolic link before, and is a directory now
            entered.unlink()
        return
    if "\n" not in str(physical):  # `.real` is read by the line; hooks ignore a link without it
        real.mkdir(parents=True, exist_ok=True)
        files.write_atomically(real / record.REAL, os.fsencode(physical) + b"\n")
    entered.parent.mkdir(parents=True, exist_ok=True)
    if entered.is_dir() and not entered.is_symlink():  # the path was a directory before
        import shutil

        shutil.rmtree(entered)
    files.link_atomically(entered, real)


def _link_venv(home: Home, environment: Environment) -> Iterator[str]:
    """Point the project's `.venv` at `environment`, unless something else has that name; yields notes for the user."""
    link = environment.project / record.VENV_LINK
    target = record.link_target(link)
    files.clean_up(link.parent)
    if target is None and os.path.lexists(link):
        yield f"{link} was not made by envmgr and is left alone; editors may use it instead of {environment.path}"
    elif target is not None and home.envs not in target.parents:
        yield f"{link} leads to {target}, was not made by envmgr and is left alone"
    else:
        try:
            files.link_atomically(link, environment.path)
            _exclude_venv(environment.project)
        except OSError as error:
            yield f"{error.filename or link} could not be written: {error.strerror}"
    _stamp_exclude(home, environment.project)


def _stamp_exclude(home: Home, project: Path) -> None:
    """Set the time of the file `.exclude` beside the records to that of git's exclude file, or to 0 without one.

    Hooks compare both times: after a `git init` that follows `envmgr use`, the exclude file lacks the line `.venv`.
    """
    stamp = record.record_folder(home, project) / record.EXCLUDE
    try:
        time = (project / ".git" / "info" / "exclude").stat().st_mtime_ns
    except OSError:
        time = 0
    with suppress(OSError):
        stamp.touch()
        os.utime(stamp, ns=(time, time))


def _exclude_venv(project: Path) -> None:
    """Add `.venv` to the repository's local exclude file unless an ignore file matches it; git is not started."""
    for folder in upwards(project):
        if _ignores(folder / ".gitignore"):
            return
        if shared := git.common_directory(folder / ".git"):
            exclude = shared / "info" / "exclude"
            if not _ignores(exclude):
                git.append_line(exclude, record.VENV_LINK)
            return


def _ignores(file: Path) -> bool:
    """Return whether a line of the ignore file `file` matches the link `.venv`."""
    return not _IGNORE_PATTERNS.isdisjoint(line.rstrip() for line in _text(file).splitlines())


def _text(file: Path) -> str:
    """Return the text of a regular file, the empty string where it cannot be read; a FIFO or device is not opened."""
    try:
        return files.read_text(file, errors="surrogateescape")
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ""
