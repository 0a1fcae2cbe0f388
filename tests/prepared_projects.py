"""The stage of the rule's table, on disk."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from python_archives import clean_environ
from rule_table import HOSTILE, LAYOUT, Case

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host import files
from envmgr.host.paths import Home
from envmgr.pythons import aliases
from envmgr.shell import grant, offer, shims

ALLOWED = ("own", "owned", "changed", "appended", "copied", "turned")
EDGES = ("full", "full-wide", "over", "over-wide", "edge", "over-edge")
WHOSE = {"shop": "shop", "other": "shop", "inner": "shop/inner", "gone": "gone", "torn": "torn", "spelled": "spelled"}
WHOSE |= {name: name for name in (*EDGES, "release")}
WORDS = {"shop": "3.12", "other": "3.11", "inner": "3.11", "gone": "3.12", "torn": "3.12", "spelled": "3.12 3.11"}
WORDS |= {name: b" ".join(LAYOUT.files[name].partition(b"#")[0].split()).decode() for name in (*EDGES, "release")}


@dataclass(frozen=True)
class PreparedProjects:
    """The stage of the table on disk."""

    home: Home
    root: Path

    def cwd(self, case: Case) -> Path:
        return self.root / case.cwd

    def environ(self, case: Case) -> dict[str, str]:
        """Return the variables of a case; and write, or remove, its global pin."""
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
        """Return the path that the case says will run."""
        assert isinstance(case.program, str)
        if case.program == "system":
            return self.root.parent / "system" / case.command
        if case.program[0].isdigit():
            return self.home.aliases / case.program / "bin" / case.command
        return self.environment(case.program, case.cwd) / "bin" / case.command

    def environment(self, name: str, cwd: str) -> Path:
        if name in ALLOWED:
            return self.root / name / record.VENV_LINK
        whose = cwd if name == "hostile" else WHOSE[name]
        return record.environments_folder(self.home, self.root / whose) / (
            "3.11" if WORDS.get(name) == "3.11" else "3.12"
        )


def program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\nprintf %s "$0"\n')
    path.chmod(0o755)


def _made(prepared: PreparedProjects, name: str, whose: str, words: str) -> None:
    made = Environment(prepared.environment(name, whose), prepared.root / whose, "3.12")
    for command in () if name == "gone" else ("python", "pytest"):
        program(made.bin / command)
    made.path.mkdir(parents=True, exist_ok=True)
    (made.path / record.METADATA).write_text(record.dump(made))
    file = record.record_file(prepared.home, prepared.root / whose, words)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{made.path.relative_to(prepared.home.root)}\n")


def make_old(folder: Path, seconds: float = 3600) -> None:
    """Let all in `folder` be as old as this: what changed a moment ago is looked at again."""
    then = time.time() - seconds
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def _allowed(prepared: PreparedProjects, name: str) -> None:
    """Give a project a .venv of its own, have it allowed, and change one after that."""
    venv = prepared.environment(name, name)
    for command in ("python", "pytest"):
        program(venv / "bin" / command)
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
        program(venv.with_name("elsewhere") / "bin" / "python")
        (venv.with_name("elsewhere") / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.7\n")
        venv.symlink_to("elsewhere")


def _laid(root: Path) -> None:
    """Write the version files, directories and links of the stage."""
    for name, content in LAYOUT.files.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / ".python-version").write_bytes(content)
    for name in LAYOUT.folders:
        (root / name).mkdir(parents=True, exist_ok=True)
    os.mkfifo(root / "outer/fifo/.python-version")
    for name, target in LAYOUT.links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)


def _entered_before(prepared: PreparedProjects) -> None:
    """Have records from when `relinked` and `replaced` led to `shop`, and `became-link` was a directory."""
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
    prepared = PreparedProjects(Home(root / store), root / "stage")
    for version, commands in (("3.11.9", ("python", "python3")), ("3.12.7", ("python", "python3", "black"))):
        for command in (*commands, f"python{version[:4]}"):
            program(prepared.home.versions / f"cpython-{version}+20241016-linux-x86_64-gnu" / "bin" / command)
    for command in ("python", "tool"):
        program(root / "system" / command)
    _laid(prepared.root)
    aliases.update_aliases(prepared.home)
    for name, whose in WHOSE.items():
        _made(prepared, name, whose, WORDS[name])
    for name in ALLOWED:
        _allowed(prepared, name)
    for name in HOSTILE:
        _made(prepared, "hostile", f"hostile/{name}", "3.12")
    forged = record.record_file(prepared.home, prepared.root / "forged", "3.12")
    forged.parent.mkdir(parents=True)
    forged.write_text("envs/../../system/..\n")
    _entered_before(prepared)
    shims.refresh(prepared.home)
    for command in ("tool", "pip9"):
        files.link_atomically(prepared.home.shims / command, "../shell/shim.sh")
    return prepared


def prepare_project(home: Home, project: Path, words: str = "3.12", *, entered: Path | None = None) -> Path:
    """Pin `project` to `words`, put its environment on record, also as `entered`; return the environment."""
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
