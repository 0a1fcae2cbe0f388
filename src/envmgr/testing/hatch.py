"""Reading the matrices of hatch, by hatch itself: `hatch env show --json`, translated into cells.

https://hatch.pypa.io/latest/config/environment/overview/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envmgr.errors import EnvmgrError
from envmgr.host import config, process
from envmgr.host.paths import Environ
from envmgr.testing.cell import Cell, Settings
from envmgr.testing.tox import Imported

_SCRIPTS = ("run", "test", "tests", "cov")  # the first that an environment has is run
_TEST = "hatch-test."


def is_configured(project: Path) -> bool:
    """Return whether a project has a matrix, or an environment for tests, in `[tool.hatch.envs]`."""
    file = project / "pyproject.toml"
    envs = config.table(config.read(file), file, "tool", "hatch", "envs")
    return any(name == "hatch-test" or (isinstance(env, dict) and "matrix" in env) for name, env in envs.items())


def read(project: Path, program: Path, environ: Environ) -> Imported:
    """Return the cells of the project's hatch environments, read by the hatch at `program`. Raises EnvmgrError."""
    done = process.run([program, "env", "show", "-i", "--json"], environ=environ, cwd=project, timeout=300)
    try:
        environments = json.loads(done.text[done.text.index("{") :])
    except ValueError as error:
        raise EnvmgrError(
            f"hatch cannot read its configuration in {project} (exit code {done.code})",
            hint=f"{done.text.strip()[-2000:]}\n`envmgr run hatch test` runs hatch itself, on the same Pythons",
        ) from error
    file = project / "pyproject.toml"
    own = config.table(config.read(file), file, "tool", "hatch", "envs")
    return translate(environments, own_tests="hatch-test" in own)


def translate(environments: Mapping[str, Any], *, own_tests: bool) -> Imported:
    """Return the cells for hatch's environments with a matrix; `own_tests`: hatch-test is among those configured."""
    cells, notes = [], []
    for name, keys in environments.items():
        if "." not in name or name.startswith("hatch-") != own_tests or (own_tests and not name.startswith(_TEST)):
            continue
        script = next((each for each in _SCRIPTS if each in keys.get("scripts", {})), None)
        if script is None:
            notes.append(f"{name}: has no script called {', '.join(_SCRIPTS)}; `envmgr run hatch run {name}:SCRIPT`")
            continue
        cells.append(_cell(name, keys, script))
    return Imported(tuple(cells), tuple(cell.name for cell in cells), tuple(notes))


def _cell(name: str, keys: Mapping[str, Any], script: str) -> Cell:
    skipped = keys.get("skip-install") or keys.get("detached")
    settings = Settings(
        groups=tuple(keys.get("dependency-groups", ())),
        extras=tuple(keys.get("features", ())),
        deps=(*keys.get("dependencies", ()), *keys.get("extra-dependencies", ())),
        env=dict(keys.get("env-vars", {})),
        pass_env=("*",),  # hatch passes all
        commands_before=tuple(_shell(line) for line in keys.get("pre-install-commands", ())),
        commands=tuple(_shell(line) for line in keys["scripts"][script]),
        package="none" if skipped else "editable" if keys.get("dev-mode", True) else "wheel",
    )
    return Cell(name.removeprefix(_TEST), str(keys.get("python", "3")), {}, settings)


def _shell(line: str) -> tuple[str, ...]:
    """Return the command for a line of a script, which hatch gives to the shell; `-` before it ignores its failure."""
    prefix = ("-",) if line.startswith("- ") else ()
    return (*prefix, "sh", "-c", line.removeprefix("- "))
