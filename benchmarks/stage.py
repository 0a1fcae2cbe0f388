"""What the benchmarks play on: a store with one linked Python, and two projects of which each has its environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import measure

DEEP = "src/pkg/deep"  # where in the projects one stands: four levels of walking up, with the project itself
PYTHONS, ENVIRONMENTS, LEVELS = 200, 1000, 30  # what a `crowd` and the `deepest` are
PIN = f"{sys.version_info[0]}.{sys.version_info[1]}"
PREFIX = Path(sys.base_prefix)


@dataclass(frozen=True)
class Stage:
    """Under `root`: a home with the store in it, projects `a` and `b`; `environ` has envmgr and its shims on PATH."""

    root: Path
    environ: dict[str, str]
    deep: str = DEEP

    @property
    def store(self) -> Path:
        """`$ENVMGR_HOME`."""
        return Path(self.environ["ENVMGR_HOME"])

    @property
    def a(self) -> Path:
        """A directory deep in one project."""
        return self.root / "a" / self.deep

    @property
    def b(self) -> Path:
        """A directory deep in the other."""
        return self.root / "b" / self.deep

    @property
    def outside(self) -> Path:
        """A directory as deep, in no project."""
        return self.root / "none" / self.deep

    def command(self, *words: str | Path, **more: str) -> Callable[[], object]:
        """Return a call that runs a program deep in project `a`, with `more` variables."""
        return measure.command(*words, env={**self.environ, **more}, cwd=self.a)

    def envmgr(self, *arguments: str | Path, cwd: Path | None = None) -> None:
        """Run envmgr on this stage; raises CalledProcessError."""
        program = Path(sys.executable).with_name("envmgr")
        subprocess.run([program, *arguments], env=self.environ, cwd=cwd or self.root, check=True, capture_output=True)

    @property
    def deepest(self) -> Stage:
        """The same, standing LEVELS directories below the root of the file system."""
        stage = replace(self, deep="/".join(["deep"] * (LEVELS - len(self.a.parents) + len(Path(self.deep).parts))))
        for place in (stage.a, stage.b, stage.outside):
            place.mkdir(parents=True, exist_ok=True)
        return stage


@contextmanager
def built() -> Iterator[Stage]:
    """Build a stage in a scratch folder with the program itself; it is gone afterwards."""
    with measure.scratch() as root:
        environ = measure.environ(root / "home")
        stage = Stage(root, environ)
        environ["PATH"] = os.pathsep.join(
            [str(stage.store / "shims"), str(Path(sys.executable).parent), environ["PATH"]]
        )
        for place in (root / "home", stage.a, stage.b, stage.outside):
            place.mkdir(parents=True)
        stage.envmgr("link", PREFIX)
        for name in ("a", "b"):
            stage.envmgr("use", PIN, cwd=root / name)
        yield stage


def crowd(stage: Stage) -> None:
    """Fill the store with links to the same Python under other versions, and with environments of other projects."""
    store = stage.store
    (real,) = (store / "versions").iterdir()
    _, _, tag = real.name.partition("+")
    for number in range(PYTHONS - 1):
        shutil.copytree(real, store / f"versions/cpython-3.{30 + number // 10}.{number % 10}+{tag}", symlinks=True)
    stage.envmgr("link", PREFIX)
    for number in range(ENVIRONMENTS):
        project, made = stage.root / f"p{number}", f"envs/p{number}-{number:08x}/{PIN}"
        (store / made / "bin").mkdir(parents=True)
        (store / made / "bin/python").symlink_to(store / f"aliases/{PIN}/bin/python3")
        (store / made / "envmgr.json").write_text(json.dumps({"base": PIN, "project": str(project)}))
        record = store / "projects" / str(project)[1:] / ".envmgr" / PIN
        record.parent.mkdir(parents=True)
        record.write_text(f"{made}\n")
