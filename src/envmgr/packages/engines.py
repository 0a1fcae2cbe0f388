"""The engines that install: uv where it is present, else the environment's own pip. Both take pip's arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import activation
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host import process
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve


@dataclass(frozen=True)
class Engine:
    """An installer for one environment: the words that start an installation, and those that build a wheel.

    `install` goes on with arguments as pip takes them, `build` with a directory for the wheel and the project.
    """

    name: str
    install: tuple[str, ...]
    build: tuple[str, ...]


def _uv(home: Home, environment: Environment, environ: Environ) -> Engine | None:
    program = resolve.find_on_path("uv", home, environ) or _bundled()
    if program is None or not _is_text(environment.project):  # uv takes no arguments but UTF-8
        return None
    python = ("--python", str(environment.bin / "python"))
    install, build = (str(program), "pip", "install", *python), (str(program), "build", "--wheel", *python, "--out-dir")
    return Engine("uv", install, build)


def _is_text(path: Path) -> bool:
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def _bundled() -> Path | None:
    """Return the uv that is installed beside envmgr (`envmgr-py[uv]`)."""
    try:
        from uv import find_uv_bin

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return None


def _pip(home: Home, environment: Environment, environ: Environ) -> Engine | None:  # noqa: ARG001 - a row of a table
    if not any(environment.path.glob("lib/*/site-packages/pip/")):
        return None
    pip = (str(environment.bin / "python"), "-m", "pip", "--disable-pip-version-check")
    return Engine("pip", (*pip, "install"), (*pip, "wheel", "--no-deps", "--wheel-dir"))


# name -> how it is found; the first that is there is taken
ENGINES: dict[str, Callable[[Home, Environment, Environ], Engine | None]] = {"uv": _uv, "pip": _pip}


def select_engine(home: Home, environment: Environment, environ: Environ, name: str | None = None) -> Engine:
    """Return the engine called `name`, or the first there is. Raises UsageError, EnvironmentFailedError."""
    if name is not None and name not in ENGINES:
        raise UsageError(f"no such engine: {name!a}", hint=f"there are {' and '.join(ENGINES)}")
    for find in [ENGINES[name]] if name else ENGINES.values():
        if engine := find(home, environment, environ):
            return engine
    raise EnvironmentFailedError(
        f"{environment.path}: {name or 'neither uv nor pip'} is not there to install with",
        hint="install uv, or make the environment with pip: `envmgr env remove`, then `envmgr use`",
    )


@dataclass(frozen=True)
class Target:
    """Where an engine works: an environment of a store, under some variables.

    `runner` runs its programs and keeps what they say for failures, as `process.run` does; without one they have the
    terminal.
    """

    home: Home
    environment: Environment
    environ: Environ
    runner: Callable[..., process.Outcome] | None = None

    def engine(self, name: str | None = None) -> Engine:
        """Return the engine called `name`, or the first there is. Raises UsageError, EnvironmentFailedError."""
        return select_engine(self.home, self.environment, self.environ, name)


def install(engine: Engine, place: Target, arguments: Sequence[str]) -> None:
    """Install what pip's `arguments` say. Raises EnvironmentFailedError."""
    run(engine, place, [*engine.install, *arguments])


def build(engine: Engine, place: Target, into: Path, *, from_sdist: bool = False) -> Path:
    """Build the project's wheel into the empty directory `into` and return it; from its sdist, if asked for.

    Raises EnvironmentFailedError.
    """
    source = _build_sdist(engine, place, into) if from_sdist else place.environment.project
    run(engine, place, [*engine.build, str(into), str(source)])
    if wheel := next(into.glob("*.whl"), None):
        return wheel
    raise EnvironmentFailedError(f"{engine.name} built no wheel of {place.environment.project}")


def _build_sdist(engine: Engine, place: Target, into: Path) -> Path:
    if engine.name != "uv":
        raise EnvironmentFailedError(
            f"{engine.name} cannot build an sdist", hint='install uv, or use package = "wheel"'
        )
    command = ["--sdist" if word == "--wheel" else word for word in engine.build]
    run(engine, place, [*command, str(into), str(place.environment.project)])
    if sdist := next(into.glob("*.tar.gz"), None):
        return sdist
    raise EnvironmentFailedError(f"{engine.name} built no sdist of {place.environment.project}")


def run(engine: Engine, place: Target, argv: Sequence[str]) -> None:
    """Run a program of the engine in the project, with the environment active. Raises EnvironmentFailedError."""
    variables = activation.environment_variables(place.home, place.environment, place.environ)
    project = place.environment.project
    if place.runner:
        outcome = place.runner(argv, environ=variables, cwd=project)
        code, text = outcome.code, outcome.text.strip()
    else:
        code, text = process.run_on_terminal(argv, environ=variables, cwd=project), ""
    if code:
        raise EnvironmentFailedError(f"{engine.name} failed in {project} (exit code {code})", hint=text or None)
