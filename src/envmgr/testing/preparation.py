"""Preparing the environment of a cell, so that it holds exactly what the cell requires.

When the requirements are other ones than at the last run, the environment is made anew: a clone takes hundredths of a
second, and nothing that is no longer required stays (tox recreates for the same reason). When only the project's own
wheel has changed, that alone is installed again.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from envmgr.environments import builder
from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.packages import engines, wheels
from envmgr.packages.engines import Target
from envmgr.packages.requirements import Requirements, normalize, read_requirements
from envmgr.packages.sync import installed_digest
from envmgr.pythons.store import Interpreter
from envmgr.testing import variables
from envmgr.testing.cell import Cell
from envmgr.testing.context import RunContext, environment_key
from envmgr.testing.processes import Processes

_STATE = "envmgr-test.json"  # in the environment
_METADATA = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True)
class Prepared:
    """The environment of a cell, the variables of its commands, and a hash over all that is installed in it."""

    environment: Environment
    variables: dict[str, str]
    digest: str


@dataclass(frozen=True)
class _State:
    """The inputs of an environment, to be compared with the current requirements of its cell."""

    requirements: str
    wheel: str
    wheel_requires: str
    interpreter: str

    def as_text(self, environment: Environment) -> str:
        return json.dumps({**self.__dict__, "installed": installed_digest(environment)})


def package_mode(project: Path, cell: Cell) -> str:
    """Return how the project itself is installed into a cell: as the cell says, else a wheel where it can be built.

    Of any other project only the dependencies are installed.

    A project can be built when pyproject.toml has [build-system], or with a setup.py or setup.cfg alone: PEP 517 names
    setuptools as the backend for those.
    """
    if cell.settings.package:
        return cell.settings.package
    tables = config.read(project / "pyproject.toml")
    legacy = any((project / name).is_file() for name in ("setup.py", "setup.cfg"))
    return "wheel" if "build-system" in tables or legacy else "deps-only"


def prepare(cell: Cell, context: RunContext, interpreter: Interpreter, processes: Processes) -> Prepared:
    """Return the environment of `cell`, made or changed where it is not as required. Raises EnvmgrError."""
    environ = variables.passed(context.environ, cell.settings.pass_env) | dict(cell.settings.env)
    environment = _environment(context, cell, interpreter)
    target = Target(context.home, environment, environ, processes.captured)
    wheel = _wheel(cell, context, target)
    requirements = cell_requirements(context.project, cell, wheel)
    if cell.settings.lock:
        requirements = _with_lock(requirements, cell, context, target)
    wanted = _State(
        _digest(requirements, cell, wheel),
        wheel.parent.name if wheel else "",
        _requires(wheel) if wheel else "",
        str(interpreter.build),
    )
    have = None if context.recreate else _read_state(environment)
    if have != wanted:
        if wheel and have and replace(have, wheel=wanted.wheel) == wanted:
            engine = target.engine(context.engine)
            engines.install(engine, target, ["--no-deps", "--force-reinstall", str(wheel)])
            _remove_bytecode(environment, wheel)
        else:
            environment = _anew(context, cell, interpreter, environment)
            target = replace(target, environment=environment)
            _install(target, context, cell, requirements)
        (environment.path / _STATE).write_text(wanted.as_text(environment), encoding="utf-8")
    digest = hashlib.sha256(repr((wanted, installed_digest(environment))).encode()).hexdigest()
    coverage = context.project / f".coverage.{environment.key}"
    return Prepared(environment, variables.of_cell(context.home, environment, cell, environ, coverage=coverage), digest)


def _environment(context: RunContext, cell: Cell, interpreter: Interpreter) -> Environment:
    return builder.build(context.home, context.project, interpreter, context.environ, key=environment_key(cell))


def _anew(context: RunContext, cell: Cell, interpreter: Interpreter, old: Environment) -> Environment:
    """Remove the environment of `cell` and return a new clone of its template."""
    if (old.path / _STATE).exists() or _filled(old):
        builder.remove(context.home, old)
    return _environment(context, cell, interpreter)


def _filled(environment: Environment) -> bool:
    """Return whether anything but pip is installed: an earlier run may have ended before it wrote the state."""
    found = environment.path.glob("lib/*/site-packages/*.dist-info")
    return any(not info.name.startswith("pip-") for info in found)


def _install(target: Target, context: RunContext, cell: Cell, requirements: Requirements) -> None:
    if not requirements.arguments:
        return
    engine = target.engine(context.engine)
    arguments = list(requirements.arguments)
    if cell.settings.resolution != "highest":
        if engine.name != "uv":
            raise UsageError(f"{cell.name}: resolution {cell.settings.resolution} needs uv", hint="install uv")
        arguments += ["--resolution", cell.settings.resolution]
    engines.install(engine, target, arguments)


def cell_requirements(project: Path, cell: Cell, wheel: Path | None) -> Requirements:
    """Return the requirements of a cell; `wheel` is the project's own.

    Raises UsageError for an unknown group, extra or file.
    """
    settings, mode = cell.settings, package_mode(project, cell)
    include = "dependencies" if mode == "deps-only" and not settings.requirements and not settings.lock else "nothing"
    _check_extras(project, settings.extras)
    groups = () if settings.lock else settings.groups  # those of the lock are exported
    found = read_requirements(
        project, requirements=settings.requirements, groups=groups, extras=settings.extras, include=include
    )
    extras = f"[{','.join(settings.extras)}]" if settings.extras else ""
    first = (f"{wheel}{extras}",) if wheel else ("-e", f".{extras}") if mode == "editable" else ()
    deps = [word for dep in settings.deps for word in (shlex.split(dep) if dep.startswith("-") else [dep])]
    files = [project / name for name in settings.constraints]
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file}: no such constraints file ({cell.name})")
    constraints = [word for file in files for word in ("-c", str(file))]
    if mode == "editable":  # its metadata is read when it is installed
        files += [file for name in _METADATA if (file := project / name).is_file()]
    return Requirements(
        (*first, *found.arguments, *deps, *constraints), (*found.files, *files), (wheel,) if wheel else ()
    )


def _with_lock(requirements: Requirements, cell: Cell, context: RunContext, target: Target) -> Requirements:
    """Return the requirements with those of the cell's groups and extras as uv.lock has them, with their hashes."""
    engine = target.engine("uv")
    file = context.file("locks", cell, ".txt")
    options = ["--locked", "--no-default-groups", "--no-emit-project", "--format", "requirements.txt", "--quiet"]
    options += [word for name in cell.settings.groups for word in ("--group", name)]
    options += [word for name in cell.settings.extras for word in ("--extra", name)]
    file.parent.mkdir(parents=True, exist_ok=True)
    engines.run(engine, target, [engine.install[0], "export", *options, "--output-file", str(file)])
    return replace(
        requirements, arguments=(*requirements.arguments, "-r", str(file)), files=(*requirements.files, file)
    )


def _check_extras(project: Path, extras: tuple[str, ...]) -> None:
    """Raise UsageError for an extra that a project with static metadata does not have; engines pass over those."""
    file = project / "pyproject.toml"
    tables = config.read(file)
    metadata = config.table(tables, file, "project")
    dynamic = metadata.get("dynamic", [])
    if not extras or not metadata or (isinstance(dynamic, list) and "optional-dependencies" in dynamic):
        return
    known = {normalize(name) for name in config.table(tables, file, "project", "optional-dependencies")}
    for extra in extras:
        if normalize(extra) not in known:
            raise UsageError(f"{file} has no extra {extra!a}", hint=f"it has: {', '.join(sorted(known)) or 'none'}")


def _wheel(cell: Cell, context: RunContext, target: Target) -> Path | None:
    mode = package_mode(context.project, cell)
    if mode not in ("wheel", "sdist"):
        return None
    environ = variables.passed(context.environ, cell.settings.pass_env)  # not `env`, so that cells share the wheel
    target = replace(target, environ=environ)
    mark = wheels.fingerprint(context.project, variables.steering(environ))
    return wheels.project_wheel(target, context.engine, context.cache, f"{mark}-{mode}", from_sdist=mode == "sdist")


def _digest(requirements: Requirements, cell: Cell, wheel: Path | None) -> str:
    """Return a hash over the requirements, without the path of the wheel, which changes with each build."""
    arguments = [word.replace(str(wheel), "WHEEL") if wheel else word for word in requirements.arguments]
    whole = hashlib.sha256(repr((arguments, cell.settings.resolution)).encode(errors="surrogateescape"))
    for file in requirements.files:
        whole.update(b"\0" + file.read_bytes())
    return whole.hexdigest()


def _requires(wheel: Path) -> str:
    """Return a hash over the requirements of a wheel: when they change, more than the wheel must be installed."""
    with zipfile.ZipFile(wheel) as archive:
        name = next((name for name in archive.namelist() if name.endswith(".dist-info/METADATA")), None)
        lines = archive.read(name).split(b"\n\n")[0].splitlines() if name else []
    kept = [line for line in lines if line.startswith((b"Requires-Dist:", b"Provides-Extra:", b"Requires-Python:"))]
    return hashlib.sha256(b"\n".join(kept)).hexdigest()


def _remove_bytecode(environment: Environment, wheel: Path) -> None:
    """Remove the byte code of the modules of `wheel`, which may be that of the wheel before.

    Python compares the size and the second of modification of a source (PEP 552), which two builds may share.
    """
    with zipfile.ZipFile(wheel) as archive:
        modules = [Path(name) for name in archive.namelist() if name.endswith(".py") and ".." not in name]
    for library in environment.path.glob("lib/*/site-packages"):
        for module in modules:
            for stale in (library / module.parent / "__pycache__").glob(f"{module.stem}.*.pyc"):
                stale.unlink(missing_ok=True)


def _read_state(environment: Environment) -> _State | None:
    """Return the inputs of the environment; None where they are unknown, or where it has been changed since."""
    try:
        data = json.loads((environment.path / _STATE).read_text(encoding="utf-8"))
        if data.pop("installed") != installed_digest(environment):
            return None
        return _State(**data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
