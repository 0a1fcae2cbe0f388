"""Making and removing environments. Each is a clone of a template by hard links, published by one rename.

Callers hold no lock; everything here that writes takes the store's lock itself.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from envmgr.environments import manifest, record, scripts
from envmgr.environments.base_interpreter import BasePython, base_python
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
    base = base_python(home, interpreter)
    wanted = Environment(record.environments_folder(home, project) / (key or base.key), project, base.key)
    if not _is_built(wanted):
        with lock.exclusive(home.lock):
            if not _is_built(wanted):
                clean_up(home)
                _publish(home, wanted, base, environ, pip=pip)
    return wanted


def remove(home: Home, environment: Environment) -> None:
    """Remove an environment, its records, and a `.venv` that leads there. Raises EnvironmentFailedError."""
    with lock.exclusive(home.lock):
        clean_up(home)
        for file in record.records_of(home, environment):
            file.unlink(missing_ok=True)
        link = environment.project / record.VENV_LINK
        if record.link_target(link) == environment.path:
            link.unlink(missing_ok=True)
        aside = _move_aside(home, environment.path)
    _remove_tree(aside)
    if not any(environment.path.parent.glob("*")):
        _remove_tree(environment.path.parent)


def update_versions(home: Home) -> list[Environment]:
    """Let the environments whose alias means another patch by now say so in `pyvenv.cfg`; returns those.

    They run on it already: their home is the alias. What this mends is what editors read. Call it after an upgrade.
    """
    with lock.exclusive(home.lock):
        clean_up(home)
        return [found for found in record.environments(home) if found.works and _update_version(home, found)]


def _update_version(home: Home, environment: Environment) -> bool:
    build = Store(home).alias(environment.base)
    config = environment.path / scripts.CONFIG
    try:
        before = files.read_text(config, errors="surrogateescape")
    except OSError:
        return False
    if build is None:
        return False
    after = scripts.with_version(before, build.version)
    if before == after:
        return False
    files.write_atomically(config, after)
    return True


def _is_built(environment: Environment) -> bool:
    """Whether it was published and its Python runs."""
    return environment.works and record.load(environment.path) == environment


def ensure_template(home: Home, base: BasePython, environ: Environ, *, pip: bool) -> Path:
    """Return a template that is as it was made, made now where it is missing or was changed.

    Call it under the store's lock. Raises EnvironmentFailedError.
    """
    source = base.template_path(home, pip=pip)
    if not manifest.is_intact(source):
        _make_template(source, home, base, environ, pip=pip)
    return source


def _make_template(source: Path, home: Home, base: BasePython, environ: Environ, *, pip: bool) -> None:
    from envmgr.environments import templates  # late, with virtualenv

    templates.make_template(source, home, base, environ, pip=pip)


def _publish(home: Home, environment: Environment, base: BasePython, environ: Environ, *, pip: bool) -> None:
    staged = home.tmp / f"env-{os.getpid()}"
    try:
        _stage(home, staged, environment, base, environ, pip=pip)
        environment.path.parent.mkdir(parents=True, exist_ok=True)
        if environment.path.exists():
            _remove_tree(_move_aside(home, environment.path))
        staged.rename(environment.path)
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or environment.path}: {error.strerror}") from error
    finally:
        _remove_tree(staged)


def _stage(
    home: Home, staged: Path, environment: Environment, base: BasePython, environ: Environ, *, pip: bool
) -> None:
    """Make the environment at `staged`, from its template."""
    place = scripts.Destination(environment.path, environment.name)
    source = base.template_path(home, pip=pip)
    if not clone(source, staged, place):
        _remove_tree(staged)
        _make_template(source, home, base, environ, pip=pip)
        if not clone(source, staged, place):
            raise EnvironmentFailedError(f"{source}: changed while it was cloned", hint="try again")
    (staged / record.METADATA).write_text(record.dump(environment), encoding="utf-8")


def _move_aside(home: Home, path: Path) -> Path:
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


def _remove_tree(path: Path) -> None:
    """Remove a tree, as far as that can be done; nothing where none is."""
    if path.exists():
        import shutil  # late, with its compressors: few environments begin with a removal

        shutil.rmtree(path, ignore_errors=True)


def clean_up(home: Home) -> None:
    """Remove what killed runs left in `tmp/`; call it under the store's lock, so that nobody is at work there."""
    for pattern in ("env-*", "template-*"):
        for left in home.tmp.glob(pattern):
            _remove_tree(left)


def clone(source: Path, target: Path, place: scripts.Destination) -> bool:
    """Make at `target`, which is going to be at `place`, a clone of template `source` that shares its files.

    Returns False, with a part of it made, where `source` is missing or not as it was made. Raises OSError.
    """
    contents = manifest.load(source)
    target.mkdir(parents=True)
    if contents is None:
        return False
    for folder in contents.folders:
        os.mkdir(f"{target}/{folder}")  # noqa: PTH102 - strings, because an environment has a thousand entries
    for name, text in contents.links.items():
        os.symlink(text, f"{target}/{name}")  # noqa: PTH211
    reflinks = True  # until the filesystem says no
    for name, before in contents.files.items():
        old, new = f"{source}/{name}", f"{target}/{name}"
        if not manifest.is_unchanged(old, before):
            return False
        if not manifest.is_shared(name):
            _fill(Path(old), Path(new), place)
            continue
        reflinks = reflinks and files.reflink(old, new)
        if not reflinks:
            link_or_copy(old, new)
    (target / manifest.NAME).write_bytes(files.read_regular(source / manifest.NAME))
    return True


def link_or_copy(source: str, target: str) -> None:
    """Make `target` the same file as `source`, or a writable copy where the filesystem refuses; raises OSError."""
    try:
        os.link(source, target)
    except OSError:  # another filesystem, one without links, or too many of them
        import shutil

        shutil.copy2(source, target)
        os.chmod(target, os.stat(source).st_mode | stat.S_IWUSR)  # noqa: PTH101, PTH116


def _fill(source: Path, target: Path, place: scripts.Destination) -> None:
    target.write_bytes(scripts.from_template(source.name, source.read_bytes(), place))
    target.chmod(stat.S_IMODE(source.stat().st_mode))
