"""Time the creation of environments, with and without pip: envmgr's clones compared with uv, virtualenv and venv.

`envmgr, in a process` excludes the start of Python; `a fresh process` includes it, but not the command line.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import bench_sandbox
import measure
from bench_sandbox import Sandbox
from measure import Case

from envmgr.environments import builder, record
from envmgr.host.paths import Home
from envmgr.pythons.store import Store

_BUILD = """
import os, sys
from pathlib import Path
from envmgr.environments import builder
from envmgr.host.paths import Home
from envmgr.pythons.store import Store
store = Store(Home(Path(sys.argv[1])))
python = store.interpreter(next(store.builds()))
builder.build(store.home, Path(sys.argv[2]), python, os.environ, pip=sys.argv[3] == "pip")
"""


def main() -> None:
    """Print the tables."""
    with bench_sandbox.create() as box:
        measure.compare("environment without pip", _without_pip(box), base="uv venv", rounds=15)
        measure.compare("environment with pip", _with_pip(box), base="uv venv --seed", rounds=7)


def _without_pip(box: Sandbox) -> list[Case]:
    return [
        *_uv(box),
        Case("a Python that does nothing", box.command(sys.executable, "-I", "-S", "-c", "pass")),
        Case("envmgr, in a process", _in_process(box, pip=False), _remove_environments(box)),
        Case("envmgr, a fresh process", _fresh_process(box, "bare"), _remove_environments(box), budget=1.5),
        _peer(box, "python -m venv --without-pip", sys.executable, "-m", "venv", "--without-pip"),
        _peer(box, "virtualenv --no-seed", sys.executable, "-m", "virtualenv", "--no-venv-redirect", "--no-seed"),
    ]


def _with_pip(box: Sandbox) -> list[Case]:
    return [
        *_uv(box, "--seed"),
        Case("envmgr, in a process", _in_process(box, pip=True), _remove_environments(box)),
        Case("envmgr, a fresh process", _fresh_process(box, "pip"), _remove_environments(box), budget=1.05),
        Case("envmgr use", box.command(Path(sys.executable).with_name("envmgr"), "use"), _remove_environments(box)),
        _peer(box, "virtualenv", sys.executable, "-m", "virtualenv", "--no-venv-redirect"),
        _peer(box, "python -m venv", sys.executable, "-m", "venv"),
    ]


def _uv(box: Sandbox, *options: str) -> list[Case]:
    uv = measure.program("uv")
    if uv is None:
        return []
    words = ("venv", *options)
    return [_peer(box, " ".join(["uv", *words]), uv, *words, "-q", "--no-project", "-p", sys.executable)]


def _peer(box: Sandbox, name: str, *words: str) -> Case:
    """Return a case that makes an environment at a path that is removed before each run."""
    place = box.root / "peer"
    return Case(name, box.command(*words, place), lambda: shutil.rmtree(place, ignore_errors=True))


def _project(box: Sandbox) -> Path:
    return box.root / "a"


def _remove_environments(box: Sandbox) -> Callable[[], object]:
    """Return a function that removes the environments of the project, without envmgr."""
    place = record.environments_folder(Home(box.store), _project(box))
    return lambda: shutil.rmtree(place, ignore_errors=True)


def _in_process(box: Sandbox, *, pip: bool) -> Callable[[], object]:
    store = Store(Home(box.store))
    python = store.interpreter(next(store.builds()))
    return lambda: builder.build(store.home, _project(box), python, os.environ, pip=pip)


def _fresh_process(box: Sandbox, seed: str) -> Callable[[], object]:
    return box.command(sys.executable, "-I", "-c", _BUILD, box.store, _project(box), seed)


if __name__ == "__main__":
    main()
