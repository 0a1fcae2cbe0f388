"""What ties a project to its environment: the record, and the link `.venv`, which git is kept from seeing."""

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

_IGNORING = {
    record.VENV_LINK,
    f"/{record.VENV_LINK}",
    f"**/{record.VENV_LINK}",
    ".*",
    "*",
}  # `.venv/` does not match a link


def ensure_bindable(project: Path) -> None:
    """Raise UsageError for a project that records cannot be kept for."""
    if record.FOLDER in project.parts:
        raise UsageError(
            f"{project}: a project cannot live in a directory called {record.FOLDER}",
            hint="rename the directory",
        )


def bind(
    home: Home, project: Path, words: str, environment: Environment, *, patience: float = lock.TIMEOUT
) -> list[str]:
    """Put on record that pin `words` of `project` (as it was entered) means `environment`, and link `.venv` to it.

    Returns notes for the user; raises EnvironmentFailedError, UsageError, and StoreBusyError after `patience` seconds.
    """
    ensure_bindable(project)
    try:
        with lock.exclusive(home.lock, timeout=patience):
            _write(home, project, words, environment)
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or home.projects}: {error.strerror}") from error
    return list(_linked(home, environment))


def rebind(home: Home, project: Path) -> Path | None:
    """Give a project that was moved to `project` (a real path) its environments back; returns where it was.

    None where nothing was moved (see `record.moved`). The environment that `.venv` leads to is changed last, so that
    the next run completes one that was killed. Raises EnvironmentFailedError, UsageError, StoreBusyError.
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
    """Take environments on `old`, in whose place `new` is now, from the pins that `new` does not answer; an exact one.

    Returns those environments; they stay. Raises EnvmgrError.
    """
    loosened = []
    with lock.exclusive(home.lock):
        for environment in record.environments(home):
            if environment.base == str(old):
                files = [file for file in record.records_of(home, environment) if not _answers(new, file.name)]
                for file in files:
                    file.unlink(missing_ok=True)
                loosened += [environment] if files else []
    return loosened


def _answers(build: Build, words: str) -> bool:
    pin = pins.parse(words)
    return pin is not None and any(request.matches(build) for request in pin.requests)


def _write(home: Home, project: Path, words: str, environment: Environment) -> None:
    link_real_path(home, project)
    _record(home, environment.project, words, environment)


def _record(home: Home, project: Path, words: str, environment: Environment) -> None:
    """Write the record of `project` (a real path)."""
    link_real_path(home, project)
    file = record.record_file(home, project, words)
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(file, f"{environment.path.relative_to(home.root)}\n")


def link_real_path(home: Home, project: Path) -> None:
    """Let the records of `project`, as it was entered, be those of its physical path; raises OSError.

    The file `.real` in them names that path: hooks and shims use the records only while it is the same directory.
    """
    physical = Path(os.path.realpath(project))
    entered, real = record.record_folder(home, project), record.record_folder(home, physical)
    if entered == real:
        if entered.is_symlink():  # the project was reached through a link once, and is a directory now
            entered.unlink()
        return
    if "\n" not in str(physical):  # `.real` is read by the line; without it a link counts for nothing
        real.mkdir(parents=True, exist_ok=True)
        files.write_atomically(real / record.REAL, os.fsencode(physical) + b"\n")
    entered.parent.mkdir(parents=True, exist_ok=True)
    if entered.is_dir() and not entered.is_symlink():  # the project was a directory once, and is reached by a link now
        import shutil

        shutil.rmtree(entered)
    files.link_atomically(entered, real)


def _linked(home: Home, environment: Environment) -> Iterator[str]:
    """Point the project's `.venv` at `environment`, unless something stands there that is not ours; yields notes."""
    link = environment.project / record.VENV_LINK
    there = record.link_target(link)
    files.clean_up(link.parent)
    if there is None and os.path.lexists(link):
        yield f"{link} is not envmgr's, so it stays; editors may go on using it instead of {environment.path}"
    elif there is not None and home.envs not in there.parents:
        yield f"{link} leads to {there}, which is not envmgr's, so it stays"
    else:
        try:
            files.link_atomically(link, environment.path)
            _ignore(environment.project)
        except OSError as error:
            yield f"{error.filename or link} was not written: {error.strerror}"
    _note_exclude(home, environment.project)


def _note_exclude(home: Home, project: Path) -> None:
    """Give the file `.exclude` among the records the time of the repository's exclude file, 0 where there is none.

    Hooks compare them: when `git init` comes after `envmgr use`, the new one does not have our line yet.
    """
    note = record.record_folder(home, project) / record.EXCLUDE
    try:
        time = (project / ".git" / "info" / "exclude").stat().st_mtime_ns
    except OSError:
        time = 0
    with suppress(OSError):
        note.touch()
        os.utime(note, ns=(time, time))


def _ignore(project: Path) -> None:
    """Add `.venv` to the repository's local exclude file, where nothing ignores it yet; git itself is not run."""
    for folder in upwards(project):
        if _ignores(folder / ".gitignore"):
            return
        if shared := git.common_directory(folder / ".git"):
            exclude = shared / "info" / "exclude"
            if not _ignores(exclude):
                git.append_line(exclude, record.VENV_LINK)
            return


def _ignores(file: Path) -> bool:
    return not _IGNORING.isdisjoint(line.rstrip() for line in _text(file).splitlines())


def _text(file: Path) -> str:
    """Return what stands in a file; nothing for what is no regular file: a device or a FIFO never ends."""
    try:
        return files.read_text(file, errors="surrogateescape")
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ""
