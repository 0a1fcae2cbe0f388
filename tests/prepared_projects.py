"""Projects with version files, environments and a store on disk: those of the rule table, and single ones."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rule_table import HOSTILE, LAYOUT, Case
from sandbox import clean_environ

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host import files
from envmgr.host.paths import Home
from envmgr.pythons import aliases
from envmgr.shell import grant, offer, shims

ALLOWED = ("own", "owned", "changed", "appended", "copied", "turned")
EDGES = ("full", "full-wide", "over", "over-wide", "edge", "over-edge")
PROJECTS = {
    "shop": "shop",
    "other": "shop",
    "inner": "shop/inner",
    "gone": "gone",
    "torn": "torn",
    "spelled": "spelled",
}
PROJECTS |= {name: name for name in (*EDGES, "release")}
PINS = {"shop": "3.12", "other": "3.11", "inner": "3.11", "gone": "3.12", "torn": "3.12", "spelled": "3.12 3.11"}
PINS |= {name: b" ".join(LAYOUT.files[name].partition(b"#")[0].split()).decode() for name in (*EDGES, "release")}


@dataclass(frozen=True)
class PreparedProjects:
    """A store and the directories of the rule table below `root`."""

    home: Home
    root: Path

    def cwd(self, case: Case) -> Path:
        return self.root / case.cwd

    def environ(self, case: Case) -> dict[str, str]:
        """Return the environment of a case, and write or remove its global pin."""
        if case.default is None:
            self.home.default.unlink(missing_ok=True)
        else:
            self.home.default.write_text(case.default)
        environ = clean_environ(dict(os.environ)) | {
            "PATH": f"{self.home.shims}:{self.root.parent / 'system'}:/usr/bin:/bin",
            "PWD": str(self.cwd(case)),
            "HOME": str(self.root.parent),
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        if case.ceiling is not None:
            environ["ENVMGR_CEILING_DIRS"] = f"/nowhere:{self.root / case.ceiling}"
        return environ | ({} if case.variable is None else {"ENVMGR_VERSION": case.variable})

    def program(self, case: Case) -> Path:
        """Return the path of the program that must run."""
        assert isinstance(case.program, str)
        if case.program == "system":
            return self.root.parent / "system" / case.command
        if case.program[0].isdigit():
            return self.home.aliases / case.program / "bin" / case.command
        return self.environment(case.program, case.cwd) / "bin" / case.command

    def environment(self, name: str, cwd: str) -> Path:
        """Return the directory of an environment by its name in the table; `hostile` is the one of `cwd`."""
        if name in ALLOWED:
            return self.root / name / record.VENV_LINK
        owner = cwd if name == "hostile" else PROJECTS[name]
        return record.environments_folder(self.home, self.root / owner) / (
            "3.11" if PINS.get(name) == "3.11" else "3.12"
        )


def write_program(path: Path) -> None:
    """Write a program that prints the path it was started by."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\nprintf %s "$0"\n')
    path.chmod(0o755)


def _create_environment(prepared: PreparedProjects, name: str, owner: str, pin: str) -> None:
    made = Environment(prepared.environment(name, owner), prepared.root / owner, "3.12")
    for command in () if name == "gone" else ("python", "pytest"):
        write_program(made.bin / command)
    made.path.mkdir(parents=True, exist_ok=True)
    (made.path / record.METADATA).write_text(record.dump(made))
    file = record.record_file(prepared.home, prepared.root / owner, pin)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{made.path.relative_to(prepared.home.root)}\n")


def make_old(folder: Path, seconds: float = 3600) -> None:
    """Set the times of all in `folder` to `seconds` ago: envmgr checks files that have just changed again."""
    then = time.time() - seconds
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def _create_allowed_venv(prepared: PreparedProjects, name: str) -> None:
    """Create a `.venv` of another tool, allow it, and change it afterwards where the name says so."""
    venv = prepared.environment(name, name)
    for command in ("python", "pytest"):
        write_program(venv / "bin" / command)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.7\n")
    make_old(venv.parent)
    entered = prepared.root / ("linked-own" if name == "own" else name)
    grant.allow(prepared.home, offer.read(prepared.home, entered, os.environ))
    if name == "changed":
        (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.13.0\n")
    elif name == "appended":
        with (venv / "pyvenv.cfg").open("ab") as file:
            file.write(b"\0\nhome = /tmp\n")
    elif name == "copied":
        (venv / "bin" / "python").write_text("#!/bin/sh\n# another\n")
    elif name == "turned":
        venv.rename(venv.with_name("before"))
        write_program(venv.with_name("elsewhere") / "bin" / "python")
        (venv.with_name("elsewhere") / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.7\n")
        venv.symlink_to("elsewhere")


def _create_directories(root: Path) -> None:
    """Create the version files, directories and links of the table."""
    for name, content in LAYOUT.files.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / ".python-version").write_bytes(content)
    for name in LAYOUT.folders:
        (root / name).mkdir(parents=True, exist_ok=True)
    os.mkfifo(root / "outer/fifo/.python-version")
    for name, target in LAYOUT.links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)


def _create_stale_records(prepared: PreparedProjects) -> None:
    """Create records of a time when `relinked` and `replaced` were links to `shop`, and `became-link` a directory."""
    shop = record.record_folder(prepared.home, prepared.root / "shop")
    (shop / record.REAL).write_bytes(os.fsencode(prepared.root / "shop") + b"\n")
    for name in ("relinked", "replaced"):
        link = record.record_folder(prepared.home, prepared.root / name)
        link.parent.mkdir(parents=True)
        link.symlink_to(shop)
    file = record.record_file(prepared.home, prepared.root / "became-link", "3.12")
    file.parent.mkdir(parents=True)
    file.write_text((shop / "3.12").read_text())
    (file.parent / record.REAL).write_bytes(os.fsencode(prepared.root / "became-link") + b"\n")


def create_projects(root: Path, store: str = "the store's $HOME") -> PreparedProjects:
    """Create the projects, the store and the system of the rule table below `root`."""
    prepared = PreparedProjects(Home(root / store), root / "projects")
    for version, commands in (("3.11.9", ("python", "python3")), ("3.12.7", ("python", "python3", "black"))):
        for command in (*commands, f"python{version[:4]}"):
            write_program(prepared.home.versions / f"cpython-{version}+20241016-linux-x86_64-gnu" / "bin" / command)
    for command in ("python", "tool"):
        write_program(root / "system" / command)
    _create_directories(prepared.root)
    aliases.update_aliases(prepared.home)
    for name, owner in PROJECTS.items():
        _create_environment(prepared, name, owner, PINS[name])
    for name in ALLOWED:
        _create_allowed_venv(prepared, name)
    for name in HOSTILE:
        _create_environment(prepared, "hostile", f"hostile/{name}", "3.12")
    forged = record.record_file(prepared.home, prepared.root / "forged", "3.12")
    forged.parent.mkdir(parents=True)
    forged.write_text("envs/../../system/..\n")
    _create_stale_records(prepared)
    shims.refresh(prepared.home)
    for command in ("tool", "pip9"):
        files.link_atomically(prepared.home.shims / command, "../shell/shim.sh")
    return prepared


def prepare_project(home: Home, project: Path, words: str = "3.12", *, entered: Path | None = None) -> Path:
    """Create a project with a pin and an environment on record, also for the link `entered`; return the environment."""
    project.mkdir(parents=True)
    (project / ".python-version").write_text(f"{words}\n")
    made = Environment(record.environments_folder(home, project) / "3.12", project, "3.12")
    made.bin.mkdir(parents=True)
    (made.bin / "python").symlink_to(sys.executable)
    (made.path / record.METADATA).write_text(record.dump(made))
    file = record.record_file(home, project, words)
    file.parent.mkdir(parents=True)
    file.write_text(f"{made.path.relative_to(home.root)}\n")
    if entered:
        entered.symlink_to(project)
        link = record.record_folder(home, entered)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.parent)
        (link / record.REAL).write_text(f"{project}\n")
    return made.path
