"""A scratch directory for benchmarks: a store with one linked Python, and two projects with an environment each."""

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

DEEP = "src/pkg/deep"  # the current directory in a project, so that the search for a version file takes four steps
PYTHONS, ENVIRONMENTS, LEVELS = 200, 1000, 30  # the contents of a full store; the depth of `deepest`
PIN = f"{sys.version_info[0]}.{sys.version_info[1]}"
PREFIX = Path(sys.base_prefix)


@dataclass(frozen=True)
class Sandbox:
    """A home with the store, and projects `a` and `b`, all in `root`; `environ` has envmgr and its shims on PATH."""

    root: Path
    environ: dict[str, str]
    deep: str = DEEP

    @property
    def store(self) -> Path:
        """`$ENVMGR_HOME`."""
        return Path(self.environ["ENVMGR_HOME"])

    @property
    def a(self) -> Path:
        """A directory deep in the first project."""
        return self.root / "a" / self.deep

    @property
    def b(self) -> Path:
        """A directory deep in the second project."""
        return self.root / "b" / self.deep

    @property
    def outside(self) -> Path:
        """A directory of the same depth, in no project."""
        return self.root / "none" / self.deep

    def command(self, *words: str | Path, **more: str) -> Callable[[], object]:
        """Return a function that runs a program deep in project `a`, with additional variables `more`."""
        return measure.command(*words, env={**self.environ, **more}, cwd=self.a)

    def envmgr(self, *arguments: str | Path, cwd: Path | None = None) -> None:
        """Run envmgr in this sandbox; raise CalledProcessError."""
        program = Path(sys.executable).with_name("envmgr")
        subprocess.run([program, *arguments], env=self.environ, cwd=cwd or self.root, check=True, capture_output=True)

    @property
    def deepest(self) -> Sandbox:
        """The same sandbox with current directories LEVELS below the root of the file system."""
        box = replace(self, deep="/".join(["deep"] * (LEVELS - len(self.a.parents) + len(Path(self.deep).parts))))
        for place in (box.a, box.b, box.outside):
            place.mkdir(parents=True, exist_ok=True)
        return box


@contextmanager
def create() -> Iterator[Sandbox]:
    """Create a sandbox in a scratch directory with envmgr itself; remove it at the end."""
    with measure.scratch() as root:
        environ = measure.environ(root / "home")
        box = Sandbox(root, environ)
        environ["PATH"] = os.pathsep.join([str(box.store / "shims"), str(Path(sys.executable).parent), environ["PATH"]])
        for place in (root / "home", box.a, box.b, box.outside):
            place.mkdir(parents=True)
        box.envmgr("link", PREFIX)
        for name in ("a", "b"):
            box.envmgr("use", PIN, cwd=root / name)
        yield box


def fill_store(box: Sandbox) -> None:
    """Add links to the same Python under other versions, and environments of other projects, to the store."""
    store = box.store
    (real,) = (store / "versions").iterdir()
    _, _, tag = real.name.partition("+")
    for number in range(PYTHONS - 1):
        shutil.copytree(real, store / f"versions/cpython-3.{30 + number // 10}.{number % 10}+{tag}", symlinks=True)
    box.envmgr("link", PREFIX)
    for number in range(ENVIRONMENTS):
        project, made = box.root / f"p{number}", f"envs/p{number}-{number:08x}/{PIN}"
        (store / made / "bin").mkdir(parents=True)
        (store / made / "bin/python").symlink_to(store / f"aliases/{PIN}/bin/python3")
        (store / made / "envmgr.json").write_text(json.dumps({"base": PIN, "project": str(project)}))
        record = store / "projects" / str(project)[1:] / ".envmgr" / PIN
        record.parent.mkdir(parents=True)
        record.write_text(f"{made}\n")
