"""Making and removing environments. Each is a clone of a template by hard links, published by one rename.

Callers hold no lock; everything here that writes takes the store's lock itself.
"""

from __future__ import annotations

import os
from pathlib import Path

from envmgr.environments import record, scripts
from envmgr.environments.base import Base, base
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError
from envmgr.host import files, lock
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter, Store


def build(
    home: Home, project: Path, interpreter: Interpreter, environ: Environ, *, pip: bool = True, key: str | None = None
) -> Environment:
    """Return the environment of `project` (a real path) on `interpreter`, made now unless it is there and works.

    `key` tells it from the project's other environments; by default it is the interpreter's alias. Raises
    EnvironmentFailedError, StoreBusyError.
    """
    under = base(home, interpreter)
    wanted = Environment(record.folder(home, project) / (key or under.key), project, under.key)
    if not _there(wanted):
        with lock.exclusive(home.lock):
            if not _there(wanted):
                _sweep(home)
                _publish(home, wanted, _template(home, under, environ, pip=pip))
    return wanted


def remove(home: Home, environment: Environment) -> None:
    """Remove an environment, its records, and a `.venv` that leads there. Raises EnvironmentFailedError."""
    with lock.exclusive(home.lock):
        for file in record.naming(home, environment):
            file.unlink(missing_ok=True)
        link = environment.project / record.LINK
        if record.target(link) == environment.path:
            link.unlink(missing_ok=True)
        aside = _away(home, environment.path)
    _discard(aside)
    if not any(environment.path.parent.glob("*")):
        _discard(environment.path.parent)


def follow(home: Home) -> list[Environment]:
    """Let the environments whose alias means another patch by now say so in `pyvenv.cfg`; returns those.

    They run on it already: their home is the alias. What this mends is what editors read. Call it after an upgrade.
    """
    with lock.exclusive(home.lock):
        return [found for found in record.environments(home) if found.works and _versioned(home, found)]


def _versioned(home: Home, environment: Environment) -> bool:
    build = Store(home).alias(environment.base)
    config = environment.path / scripts.CONFIG
    try:
        before = files.read_text(config, errors="surrogateescape")
    except OSError:
        return False
    if build is None:
        return False
    after = scripts.versioned(before, build.version)
    if before == after:
        return False
    files.write_atomically(config, after)
    return True


def _there(environment: Environment) -> bool:
    """Whether it was published and its Python runs."""
    return environment.works and record.load(environment.path) == environment


def _template(home: Home, under: Base, environ: Environ, *, pip: bool) -> Path:
    """Return the template, made now if it is missing; only that needs virtualenv."""
    place = under.template(home, pip=pip)
    if not place.is_dir():
        from envmgr.environments import template

        template.make(place, home, under, environ, pip=pip)
    return place


def _publish(home: Home, environment: Environment, source: Path) -> None:
    staged = home.tmp / f"env-{os.getpid()}"
    try:
        clone(source, staged, scripts.Place(environment.path, environment.name))
        (staged / record.NOTE).write_text(record.dump(environment), encoding="utf-8")
        environment.path.parent.mkdir(parents=True, exist_ok=True)
        if environment.path.exists():
            _discard(_away(home, environment.path))
        staged.rename(environment.path)
    except OSError as error:
        _discard(staged)
        raise EnvironmentFailedError(f"{error.filename or environment.path}: {error.strerror}") from error


def _away(home: Home, path: Path) -> Path:
    """Take `path` out of the way by one rename and return where it is now."""
    home.tmp.mkdir(parents=True, exist_ok=True)
    aside = home.tmp / f"env-{path.parent.name}-{path.name}-{os.getpid()}"
    try:
        path.rename(aside)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise EnvironmentFailedError(f"{path}: {error.strerror}") from error
    return aside


def _discard(path: Path) -> None:
    """Remove a tree, as far as that can be done."""
    import shutil  # late, with its compressors: few environments begin with a removal

    shutil.rmtree(path, ignore_errors=True)


def _sweep(home: Home) -> None:
    """Remove what killed runs left half made; under the lock, so nothing of anybody is at work."""
    for pattern in ("env-*", "template-*"):
        for left in home.tmp.glob(pattern):
            _discard(left)


def clone(source: Path, target: Path, place: scripts.Place) -> None:
    """Make at `target`, which is going to be at `place`, a clone of template `source` that shares its files."""
    target.mkdir(parents=True)
    for entry in os.scandir(source):
        if entry.name == "bin":
            (target / "bin").mkdir()
            for command in os.scandir(entry):
                _filled(command, target / "bin" / command.name, place)
        elif entry.name == scripts.CONFIG:
            _filled(entry, target / entry.name, place)
        else:
            _linked(entry, f"{target}/{entry.name}")


def _filled(entry: os.DirEntry[str], target: Path, place: scripts.Place) -> None:
    if entry.is_symlink():
        target.symlink_to(os.readlink(entry))  # noqa: PTH115 - the text of the link, not a path
        return
    source = Path(entry.path)
    target.write_bytes(scripts.fill(entry.name, source.read_bytes(), place))
    target.chmod(entry.stat().st_mode)


def _linked(entry: os.DirEntry[str], target: str) -> None:
    """Make `target` the same file as `entry`; strings and scandir, because an environment has a thousand of them."""
    if entry.is_symlink():
        os.symlink(os.readlink(entry), target)  # noqa: PTH115, PTH211
    elif entry.is_dir():
        os.mkdir(target)  # noqa: PTH102
        for child in os.scandir(entry):
            _linked(child, f"{target}/{child.name}")
    else:
        try:
            os.link(entry, target)
        except OSError:  # another filesystem, one without links, or too many of them
            import shutil

            shutil.copy2(entry, target)
