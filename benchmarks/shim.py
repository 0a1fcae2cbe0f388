"""Time a shim, for a program that does nothing and for Python; compare with direct execution and other tools' shims."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bench_sandbox
import measure
from bench_sandbox import Sandbox
from measure import Case, command

ROUNDS = 100
NOTHING = "nothing"  # a link to /bin/true in the environment's bin, so that only the shim takes time


def main() -> None:
    """Print the tables."""
    with bench_sandbox.create() as box:
        floor = _floor(box)
        environment = _environment(box)
        (environment / "bin" / NOTHING).symlink_to("/bin/true")
        _link(box.store / "shims" / NOTHING, "../shell/shim.sh")
        title, shim = "a shim for a program that does nothing", box.store / "shims" / NOTHING
        measure.compare(
            title,
            [
                Case("direct", box.command(environment / "bin" / NOTHING)),
                Case("minimal dash shim", box.command(floor / "shims" / NOTHING, FLOOR=str(floor))),
                Case("envmgr", box.command(shim), budget=1.5),
            ],
            base="minimal dash shim",
            rounds=ROUNDS,
        )
        forks, execs = measure.processes(shim, env=box.environ, cwd=box.a)
        measure.count(title, "envmgr, forks", forks, budget=0)
        measure.count(title, "envmgr, execs", execs, budget=1)
        _python(box, environment, floor)
        with bench_sandbox.create() as full:
            bench_sandbox.fill_store(full)
            _scaling(box.deepest, full.deepest)


def _python(box: Sandbox, environment: Path, floor: Path) -> None:
    words = ("-I", "-S", "-c", "pass")
    cases = [
        Case("direct", box.command(environment / "bin/python", *words)),
        Case("minimal dash shim", box.command(floor / "shims/python", *words, FLOOR=str(floor))),
        Case("envmgr", box.command(box.store / "shims/python", *words)),
    ]
    if uv := measure.program("uv"):
        run = (uv, "run", "--quiet", "--no-project", "--offline", "--python", environment / "bin/python", "python")
        cases.append(Case("uv run", box.command(*run, *words)))
    if mise := measure.program("mise"):
        cases.append(_mise(box, Path(mise), words))
    if pyenv := measure.program("pyenv"):
        cases.append(_pyenv(box, Path(pyenv), words))
    measure.compare("a shim for python -I -S -c pass", cases, base="direct", rounds=ROUNDS // 4)


def _scaling(few: Sandbox, many: Sandbox) -> None:
    """Compare a small and a full store, in directories of the same depth: the times must be the same."""
    name = f"{bench_sandbox.PYTHONS} Pythons, {bench_sandbox.ENVIRONMENTS:,} environments"
    cases = []
    for what, box, budget in (("envmgr", few, None), (f"envmgr, {name}", many, 1.2)):
        (_environment(box) / "bin" / NOTHING).unlink(missing_ok=True)
        (_environment(box) / "bin" / NOTHING).symlink_to("/bin/true")
        _link(box.store / "shims" / NOTHING, "../shell/shim.sh")
        cases.append(Case(what, box.command(box.store / "shims" / NOTHING), budget=budget))
    measure.compare(f"a shim, {bench_sandbox.LEVELS} levels deep", cases, base="envmgr", rounds=ROUNDS)


def _mise(box: Sandbox, program: Path, words: tuple[str, ...]) -> Case:
    """Return a case for mise's shim, with the same Python and an exact pin."""
    home, version = box.root / "mise-home", ".".join(map(str, sys.version_info[:3]))
    project = box.root / "mise" / bench_sandbox.DEEP
    for folder in (home, project):
        folder.mkdir(parents=True)
    (box.root / "mise/mise.toml").write_text(f'[tools]\npython = "{version}"\n')
    env = measure.environ(home, PATH=f"{program.parent}:/usr/local/bin:/usr/bin:/bin")
    env |= {"MISE_OFFLINE": "1", "MISE_TRUSTED_CONFIG_PATHS": str(box.root)}
    for call in (("link", f"python@{version}", bench_sandbox.PREFIX), ("reshim",)):
        command(program, *call, env=env, cwd=project)()
    return Case("mise", command(home / ".local/share/mise/shims/python", *words, env=env, cwd=project))


def _pyenv(box: Sandbox, program: Path, words: tuple[str, ...]) -> Case:
    """Return a case for pyenv's shim, with one of its own versions and an exact pin."""
    root = subprocess.run([program, "root"], capture_output=True, text=True, check=True).stdout.strip()
    version = max(os.listdir(f"{root}/versions"))  # noqa: PTH208 - names
    project = box.root / "pyenv" / bench_sandbox.DEEP
    project.mkdir(parents=True)
    (box.root / "pyenv/.python-version").write_text(version + "\n")
    env = {**box.environ, "PYENV_ROOT": root, "PATH": f"{root}/shims:{program.parent}:/usr/bin:/bin"}
    return Case("pyenv", command(f"{root}/shims/python", *words, env=env, cwd=project))


def _floor(box: Sandbox) -> Path:
    """Make the directory that `floor.sh` needs; return it."""
    floor = box.root / "floor"
    (floor / "shims").mkdir(parents=True)
    (floor / "versions").mkdir()
    (floor / "versions" / bench_sandbox.PIN).symlink_to(_environment(box))
    for name in ("python", NOTHING):
        (floor / "shims" / name).symlink_to(Path(__file__).with_name("floor.sh").resolve())
    return floor


def _environment(box: Sandbox) -> Path:
    """Return the environment of project `a`."""
    return (box.root / "a/.venv").resolve()


def _link(link: Path, target: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


if __name__ == "__main__":
    main()
