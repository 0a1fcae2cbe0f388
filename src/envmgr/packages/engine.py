"""The engines that install: uv where it is present, else the environment's own pip. Both take pip's arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import inside
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host import process
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve


@dataclass(frozen=True)
class Engine:
    """An installer; `program` is its path, `command` its words before pip's own, for one environment."""

    name: str
    program: Path
    command: tuple[str, ...]


def _uv(home: Home, environment: Environment, environ: Environ) -> Engine | None:
    program = resolve.system("uv", home, environ) or _bundled()
    command = (str(program), "pip", "install", "--python", str(environment.bin / "python"))
    return Engine("uv", program, command) if program else None


def _bundled() -> Path | None:
    """Return the uv that is installed beside envmgr (`envmgr[uv]`)."""
    try:
        from uv import find_uv_bin

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return None


def _pip(home: Home, environment: Environment, environ: Environ) -> Engine | None:  # noqa: ARG001 - a row of a table
    program = environment.bin / "python"
    command = (str(program), "-m", "pip", "--disable-pip-version-check", "install")
    return Engine("pip", program, command) if any(environment.path.glob("lib/*/site-packages/pip/")) else None


# name -> how it is found; the first that is there is taken
ENGINES: dict[str, Callable[[Home, Environment, Environ], Engine | None]] = {"uv": _uv, "pip": _pip}


def choose(home: Home, environment: Environment, environ: Environ, name: str | None = None) -> Engine:
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


def install(
    home: Home,
    engine: Engine,
    environment: Environment,
    arguments: Sequence[str],
    environ: Environ,
    *,
    quiet: bool = False,
) -> None:
    """Install into `environment` what pip's `arguments` say, in its project; `quiet` shows output only of failures.

    Raises EnvironmentFailedError.
    """
    variables = inside.environment(home, environment, environ) | {"PIP_REQUIRE_VIRTUALENV": "0"}
    argv = [*engine.command, *arguments]
    if quiet:
        outcome = process.run(argv, environ=variables, cwd=environment.project)
        code, text = outcome.code, outcome.text.strip()
    else:
        code, text = process.stream(argv, environ=variables, cwd=environment.project), ""
    if code:
        raise EnvironmentFailedError(
            f"{engine.name} failed in {environment.project} (exit code {code})", hint=text or None
        )
