"""Making an environment: envmgr's clones against uv, virtualenv and venv, with and without pip.

`envmgr, in a process` is what `use` adds to its start-up; `a fresh process` is all of it without the command line.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import measure
import stage
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
    with stage.built() as built:
        measure.compare("environment without pip", _without_pip(built), base="uv venv", rounds=15)
        measure.compare("environment with pip", _with_pip(built), base="uv venv --seed", rounds=7)


def _without_pip(built: stage.Stage) -> list[Case]:
    return [
        *_uv(built),
        Case("a Python that does nothing", built.command(sys.executable, "-I", "-S", "-c", "pass")),
        Case("envmgr, in a process", _inside(built, pip=False), _gone(built)),
        Case("envmgr, a fresh process", _fresh(built, "bare"), _gone(built), budget=1.5),
        _peer(built, "python -m venv --without-pip", sys.executable, "-m", "venv", "--without-pip"),
        _peer(built, "virtualenv --no-seed", sys.executable, "-m", "virtualenv", "--no-venv-redirect", "--no-seed"),
    ]


def _with_pip(built: stage.Stage) -> list[Case]:
    return [
        *_uv(built, "--seed"),
        Case("envmgr, in a process", _inside(built, pip=True), _gone(built)),
        Case("envmgr, a fresh process", _fresh(built, "pip"), _gone(built), budget=1.05),
        Case("envmgr use", built.command(Path(sys.executable).with_name("envmgr"), "use"), _gone(built)),
        _peer(built, "virtualenv", sys.executable, "-m", "virtualenv", "--no-venv-redirect"),
        _peer(built, "python -m venv", sys.executable, "-m", "venv"),
    ]


def _uv(built: stage.Stage, *options: str) -> list[Case]:
    uv = measure.program("uv")
    if uv is None:
        return []
    words = ("venv", *options)
    return [_peer(built, " ".join(["uv", *words]), uv, *words, "-q", "--no-project", "-p", sys.executable)]


def _peer(built: stage.Stage, name: str, *words: str) -> Case:
    """Return a case that makes an environment at a path that is free again each time."""
    place = built.root / "peer"
    return Case(name, built.command(*words, place), lambda: shutil.rmtree(place, ignore_errors=True))


def _project(built: stage.Stage) -> Path:
    return built.root / "a"


def _gone(built: stage.Stage) -> Callable[[], object]:
    """Return a call that removes the environments of the project, without envmgr's help."""
    place = record.environments_folder(Home(built.store), _project(built))
    return lambda: shutil.rmtree(place, ignore_errors=True)


def _inside(built: stage.Stage, *, pip: bool) -> Callable[[], object]:
    store = Store(Home(built.store))
    python = store.interpreter(next(store.builds()))
    return lambda: builder.build(store.home, _project(built), python, os.environ, pip=pip)


def _fresh(built: stage.Stage, seed: str) -> Callable[[], object]:
    return built.command(sys.executable, "-I", "-c", _BUILD, built.store, _project(built), seed)


if __name__ == "__main__":
    main()
