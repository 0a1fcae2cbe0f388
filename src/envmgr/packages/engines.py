"""The engines that install packages: uv where it is found, else the environment's own pip.

Both take the arguments of `pip install`.
"""

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
    """An installer for one environment: the command that installs, and the command that builds a wheel.

    The arguments of pip follow `install`; a directory for the wheel and the project's directory follow `build`.
    """

    name: str
    install: tuple[str, ...]
    build: tuple[str, ...]


def _uv(home: Home, environment: Environment, environ: Environ) -> Engine | None:
    """Return uv, from PATH or beside envmgr; None where it is missing or cannot be used for the project."""
    program = resolve.find_on_path("uv", home, environ) or _bundled()
    if program is None or not _is_utf8(environment.project):  # uv refuses other arguments
        return None
    python = ("--python", str(environment.bin / "python"))
    install, build = (str(program), "pip", "install", *python), (str(program), "build", "--wheel", *python, "--out-dir")
    return Engine("uv", install, build)


def _is_utf8(path: Path) -> bool:
    """Return whether the bytes of `path` are UTF-8."""
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


def _pip(home: Home, environment: Environment, environ: Environ) -> Engine | None:  # noqa: ARG001 - a row of ENGINES
    """Return the environment's own pip, None where it has none."""
    if not any(environment.path.glob("lib/*/site-packages/pip/")):
        return None
    pip = (str(environment.bin / "python"), "-m", "pip", "--disable-pip-version-check")
    return Engine("pip", (*pip, "install"), (*pip, "wheel", "--no-deps", "--wheel-dir"))


# name -> search for it, in the order of preference
ENGINES: dict[str, Callable[[Home, Environment, Environ], Engine | None]] = {"uv": _uv, "pip": _pip}


def select_engine(home: Home, environment: Environment, environ: Environ, name: str | None = None) -> Engine:
    """Return the engine `name`, or the first that is found.

    Raises UsageError for an unknown name, EnvironmentFailedError where no engine is found.
    """
    if name is not None and name not in ENGINES:
        raise UsageError(f"no such engine: {name!a}", hint=f"the engines are {' and '.join(ENGINES)}")
    for find in [ENGINES[name]] if name else ENGINES.values():
        if engine := find(home, environment, environ):
            return engine
    raise EnvironmentFailedError(
        f"{environment.path}: cannot install packages, because {name or 'neither uv nor pip'} was not found",
        hint="install uv, or recreate the environment with pip: `envmgr env remove`, then `envmgr use`",
    )


@dataclass(frozen=True)
class Target:
    """An environment to install into, its store, and the variables for the programs of the engine.

    `runner` runs these programs with the signature of `process.run` and captures their output; without one they use the
    terminal.
    """

    home: Home
    environment: Environment
    environ: Environ
    runner: Callable[..., process.Outcome] | None = None

    def engine(self, name: str | None = None) -> Engine:
        """Return the engine `name`, or the first that is found; raises as `select_engine`."""
        return select_engine(self.home, self.environment, self.environ, name)


def install(engine: Engine, target: Target, arguments: Sequence[str]) -> None:
    """Install with the `arguments` of `pip install`. Raises EnvironmentFailedError."""
    run(engine, target, [*engine.install, *arguments])


def build(engine: Engine, target: Target, into: Path, *, from_sdist: bool = False) -> Path:
    """Build the project's wheel into the empty directory `into`, with `from_sdist` from its sdist; returns its path.

    Raises EnvironmentFailedError.
    """
    source = _build_sdist(engine, target, into) if from_sdist else target.environment.project
    run(engine, target, [*engine.build, str(into), str(source)])
    if wheel := next(into.glob("*.whl"), None):
        return wheel
    raise EnvironmentFailedError(f"{engine.name} built no wheel of {target.environment.project}")


def _build_sdist(engine: Engine, target: Target, into: Path) -> Path:
    """Build the project's sdist into the directory `into`; returns its path. Raises EnvironmentFailedError."""
    if engine.name != "uv":
        raise EnvironmentFailedError(
            f"{engine.name} cannot build an sdist", hint='install uv, or use package = "wheel"'
        )
    command = ["--sdist" if word == "--wheel" else word for word in engine.build]
    run(engine, target, [*command, str(into), str(target.environment.project)])
    if sdist := next(into.glob("*.tar.gz"), None):
        return sdist
    raise EnvironmentFailedError(f"{engine.name} built no sdist of {target.environment.project}")


def run(engine: Engine, target: Target, argv: Sequence[str]) -> None:
    """Run `argv` of `engine` in the project directory with the environment active; raises EnvironmentFailedError."""
    variables = activation.environment_variables(target.home, target.environment, target.environ)
    project = target.environment.project
    if target.runner:
        outcome = target.runner(argv, environ=variables, cwd=project)
        code, text = outcome.code, outcome.text.strip()
    else:
        code, text = process.run_on_terminal(argv, environ=variables, cwd=project), ""
    if code:
        raise EnvironmentFailedError(f"{engine.name} failed in {project} (exit code {code})", hint=text or None)
