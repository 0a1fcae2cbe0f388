"""Creating and removing environments: each is a clone of a template, staged in `tmp/` and published by one rename.

Callers must not hold the store's lock, except where a function says so.
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
    """Return the environment of `project` (a real path) on `interpreter`; create it unless it exists and works.

    `key` is the name of its directory, unique among the project's environments; by default it is the alias of the
    interpreter. `pip` has no effect on an environment that exists. Raises EnvironmentFailedError, StoreBusyError.
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
    """Remove `environment`, its records, and the link `.venv` where it leads to it.

    Raises EnvironmentFailedError, StoreBusyError.
    """
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
    """Write the current version of its Python into `pyvenv.cfg` of each environment; returns those that changed.

    Call it after an upgrade. The environments run on the new patch already, because their home is the alias; editors
    read the version from `pyvenv.cfg`. Raises StoreBusyError, OSError.
    """
    with lock.exclusive(home.lock):
        clean_up(home)
        return [found for found in record.environments(home) if found.works and _update_version(home, found)]


def _update_version(home: Home, environment: Environment) -> bool:
    """Write the version of the environment's Python into its `pyvenv.cfg`; returns whether that changed the file."""
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
    """Return whether `environment` was published, for the same project and base, and its Python exists."""
    return environment.works and record.load(environment.path) == environment


def ensure_template(home: Home, base: BasePython, environ: Environ, *, pip: bool) -> Path:
    """Return the template of `base`; make it where it is missing or one of its files was changed.

    The caller must hold the store's lock. Raises EnvironmentFailedError.
    """
    source = base.template_path(home, pip=pip)
    if not manifest.is_intact(source):
        _make_template(source, home, base, environ, pip=pip)
    return source


def _make_template(source: Path, home: Home, base: BasePython, environ: Environ, *, pip: bool) -> None:
    """Make the template `source`."""
    from envmgr.environments import templates  # late: it imports virtualenv

    templates.make_template(source, home, base, environ, pip=pip)


def _publish(home: Home, environment: Environment, base: BasePython, environ: Environ, *, pip: bool) -> None:
    """Create `environment` in `tmp/` and rename it to its path, in the place of one that does not work."""
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
    """Create the environment in the directory `staged`, from its template."""
    destination = scripts.Destination(environment.path, environment.name)
    source = base.template_path(home, pip=pip)
    if not clone(source, staged, destination):
        _remove_tree(staged)
        _make_template(source, home, base, environ, pip=pip)
        if not clone(source, staged, destination):
            raise EnvironmentFailedError(f"{source}: was changed while it was cloned", hint="run the command again")
    (staged / record.METADATA).write_text(record.dump(environment), encoding="utf-8")


def _move_aside(home: Home, path: Path) -> Path:
    """Rename `path` into `tmp/` and return its new path, which does not exist where `path` did not."""
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
    """Remove the directory tree `path` if it exists, as far as permissions allow."""
    if path.exists():
        import shutil  # late: it imports the compression modules, and most creations remove nothing

        shutil.rmtree(path, ignore_errors=True)


def clean_up(home: Home) -> None:
    """Remove the staging directories of killed processes; the caller must hold the store's lock."""
    for pattern in ("env-*", "template-*"):
        for leftover in home.tmp.glob(pattern):
            _remove_tree(leftover)


def clone(source: Path, target: Path, destination: scripts.Destination) -> bool:
    """Clone the template `source` into the new directory `target`, which is to be renamed to `destination`.

    Files are shared with the template, except those that contain the environment's path. Returns False, with `target`
    incomplete, where the template is missing or was changed since it was made. Raises OSError.
    """
    contents = manifest.load(source)
    target.mkdir(parents=True)
    if contents is None:
        return False
    for folder in contents.folders:
        os.mkdir(f"{target}/{folder}")  # noqa: PTH102 - strings: faster for a thousand entries
    for name, text in contents.links.items():
        os.symlink(text, f"{target}/{name}")  # noqa: PTH211
    reflinks = True  # until the filesystem refuses one
    for name, before in contents.files.items():
        old, new = f"{source}/{name}", f"{target}/{name}"
        if not manifest.is_unchanged(old, before):
            return False
        if not manifest.is_shared(name):
            _write_own_file(Path(old), Path(new), destination)
            continue
        reflinks = reflinks and files.reflink(old, new)
        if not reflinks:
            link_or_copy(old, new)
    (target / manifest.NAME).write_bytes(files.read_regular(source / manifest.NAME))
    return True


def link_or_copy(source: str, target: str) -> None:
    """Make `target` a hard link to `source`, or a writable copy where the filesystem refuses; raises OSError."""
    try:
        os.link(source, target)
    except OSError:  # another filesystem, a filesystem without hard links, or too many links
        import shutil

        shutil.copy2(source, target)
        os.chmod(target, os.stat(source).st_mode | stat.S_IWUSR)  # noqa: PTH101, PTH116


def _write_own_file(source: Path, target: Path, destination: scripts.Destination) -> None:
    """Write a file that contains the environment's path, from the template's `source`."""
    target.write_bytes(scripts.from_template(source.name, source.read_bytes(), destination))
    target.chmod(stat.S_IMODE(source.stat().st_mode))
