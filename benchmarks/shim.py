"""What a shim adds: to a program that does nothing, and to Python; against direct execution and the shims of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import measure
import stage
from measure import Case, command

ROUNDS = 100
NOTHING = "nothing"  # a link to /bin/true in the environment's commands: what remains is the shim


def main() -> None:
    """Print the tables."""
    with stage.built() as built:
        floor = _floor(built)
        environment = _environment(built)
        (environment / "bin" / NOTHING).symlink_to("/bin/true")
        _link(built.store / "shims" / NOTHING, "../shell/shim.sh")
        title, shim = "a shim for a program that does nothing", built.store / "shims" / NOTHING
        measure.compare(
            title,
            [
                Case("direct", built.command(environment / "bin" / NOTHING)),
                Case("minimal dash shim", built.command(floor / "shims" / NOTHING, FLOOR=str(floor))),
                Case("envmgr", built.command(shim), budget=1.5),
            ],
            base="minimal dash shim",
            rounds=ROUNDS,
        )
        forks, execs = measure.processes(shim, env=built.environ, cwd=built.a)
        measure.count(title, "envmgr, forks", forks, budget=0)
        measure.count(title, "envmgr, execs", execs, budget=1)
        _python(built, environment, floor)
        with stage.built() as crowded:
            stage.crowd(crowded)
            _flat(built.deepest, crowded.deepest)


def _python(built: stage.Stage, environment: Path, floor: Path) -> None:
    words = ("-I", "-S", "-c", "pass")
    cases = [
        Case("direct", built.command(environment / "bin/python", *words)),
        Case("minimal dash shim", built.command(floor / "shims/python", *words, FLOOR=str(floor))),
        Case("envmgr", built.command(built.store / "shims/python", *words)),
    ]
    if uv := measure.program("uv"):
        run = (uv, "run", "--quiet", "--no-project", "--offline", "--python", environment / "bin/python", "python")
        cases.append(Case("uv run", built.command(*run, *words)))
    if mise := measure.program("mise"):
        cases.append(_mise(built, Path(mise), words))
    if pyenv := measure.program("pyenv"):
        cases.append(_pyenv(built, Path(pyenv), words))
    measure.compare("a shim for python -I -S -c pass", cases, base="direct", rounds=ROUNDS // 4)


def _flat(few: stage.Stage, many: stage.Stage) -> None:
    """Compare two stores, both from as deep: what is in them must not matter."""
    name = f"{stage.PYTHONS} Pythons, {stage.ENVIRONMENTS:,} environments"
    cases = []
    for what, built, budget in (("envmgr", few, None), (f"envmgr, {name}", many, 1.2)):
        (_environment(built) / "bin" / NOTHING).unlink(missing_ok=True)
        (_environment(built) / "bin" / NOTHING).symlink_to("/bin/true")
        _link(built.store / "shims" / NOTHING, "../shell/shim.sh")
        cases.append(Case(what, built.command(built.store / "shims" / NOTHING), budget=budget))
    measure.compare(f"a shim, {stage.LEVELS} levels deep", cases, base="envmgr", rounds=ROUNDS)


def _mise(built: stage.Stage, program: Path, words: tuple[str, ...]) -> Case:
    """Return mise's shim, over the same Python, pinned exactly."""
    home, version = built.root / "mise-home", ".".join(map(str, sys.version_info[:3]))
    project = built.root / "mise" / stage.DEEP
    for folder in (home, project):
        folder.mkdir(parents=True)
    (built.root / "mise/mise.toml").write_text(f'[tools]\npython = "{version}"\n')
    env = measure.environ(home, PATH=f"{program.parent}:/usr/local/bin:/usr/bin:/bin")
    env |= {"MISE_OFFLINE": "1", "MISE_TRUSTED_CONFIG_PATHS": str(built.root)}
    for call in (("link", f"python@{version}", stage.PREFIX), ("reshim",)):
        command(program, *call, env=env, cwd=project)()
    return Case("mise", command(home / ".local/share/mise/shims/python", *words, env=env, cwd=project))


def _pyenv(built: stage.Stage, program: Path, words: tuple[str, ...]) -> Case:
    """Return pyenv's own shim, over one of its own versions, pinned exactly."""
    root = subprocess.run([program, "root"], capture_output=True, text=True, check=True).stdout.strip()
    version = max(os.listdir(f"{root}/versions"))  # noqa: PTH208 - names
    project = built.root / "pyenv" / stage.DEEP
    project.mkdir(parents=True)
    (built.root / "pyenv/.python-version").write_text(version + "\n")
    env = {**built.environ, "PYENV_ROOT": root, "PATH": f"{root}/shims:{program.parent}:/usr/bin:/bin"}
    return Case("pyenv", command(f"{root}/shims/python", *words, env=env, cwd=project))


def _floor(built: stage.Stage) -> Path:
    """Make what `floor.sh` needs; returns its directory."""
    floor = built.root / "floor"
    (floor / "shims").mkdir(parents=True)
    (floor / "versions").mkdir()
    (floor / "versions" / stage.PIN).symlink_to(_environment(built))
    for name in ("python", NOTHING):
        (floor / "shims" / name).symlink_to(Path(__file__).with_name("floor.sh").resolve())
    return floor


def _environment(built: stage.Stage) -> Path:
    """Return the environment of project `a`."""
    return (built.root / "a/.venv").resolve()


def _link(link: Path, target: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


if __name__ == "__main__":
    main()
