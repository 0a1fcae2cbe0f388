"""A shell with the hook in its rc file, and the stage of the rule around it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from packed import clean
from rule_stage import Scene, built
from terminal import SHELLS, Shell, Terminal

from envmgr.shell import shells

TELL = '#!/bin/sh\nfor name; do printf "%s=%s\\n" "$name" "$(printenv "$name" || echo unset)"; done\n'


@dataclass(frozen=True)
class Desk:
    """A shell with the hook in its rc file, and the stage of the rule around it: `shop`, its `inner`, and `spelled`."""

    scene: Scene
    shell: Shell
    environ: dict[str, str]

    def open(self, where: str = "none", *, rc: str = "", after: str = "", before: tuple[str, ...] = ()) -> Terminal:
        """Start the shell in a directory of the stage; `rc` stands before the hook's line, `after` behind it."""
        file = Path(self.environ["HOME"]) / self.shell.rc
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{self.shell.quiet}{rc}\n{self.line}\n{after}\n", errors="surrogateescape")
        return Terminal(self.shell, self.environ, self.scene.root / where, before=before)

    @property
    def line(self) -> str:
        return shells.shell_named(self.shell.name).line(self.scene.home)

    @property
    def shims(self) -> str:
        return str(self.scene.home.shims)

    def env(self, name: str) -> str:
        """Return the directory of an environment of the stage."""
        return str(self.scene.environment(name, ""))

    def path(self, name: str) -> Path:
        return self.scene.root / name

    def cd(self, terminal: Terminal, where: str) -> str:
        return terminal.type(f"cd {self.scene.root / where}")

    def tell(self, terminal: Terminal, *names: str) -> dict[str, str]:
        """Return exported variables, as a program that the shell starts sees them."""
        shown = terminal.type(f"{self.scene.root.parent}/tell {' '.join(names)}")
        return dict(line.split("=", 1) for line in shown.splitlines())

    def active(self, terminal: Terminal) -> str:
        """Return VIRTUAL_ENV, having seen that its programs are first on PATH exactly while it is set."""
        told = self.tell(terminal, "VIRTUAL_ENV", "PATH")
        entries = told["PATH"].split(":")
        if told["VIRTUAL_ENV"] == "unset":
            assert not any("/envs/" in entry for entry in entries)
        else:
            assert entries.count(told["VIRTUAL_ENV"] + "/bin") == 1
        return told["VIRTUAL_ENV"]

    def entries(self, terminal: Terminal) -> list[str]:
        return self.tell(terminal, "PATH")["PATH"].split(":")


def furnished(shell: str, folder: Path) -> Desk:
    """Return a desk in `folder`, for a user who has nothing but the hook."""
    scene = built(folder / "world")
    (folder / "user").mkdir()
    tell = scene.root.parent / "tell"
    tell.write_text(TELL)
    tell.chmod(0o755)
    environ = {name: value for name, value in clean(dict(os.environ)).items() if name in {"USER", "LOGNAME"}}
    environ |= {
        "HOME": str(folder / "user"),
        "PATH": "/usr/bin:/bin",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "VIRTUAL_ENV_DISABLE_PROMPT": "1",
    }
    environ |= {"ENVMGR_HOME": str(scene.home.root), "ENVMGR_CONFIG_DIR": str(folder / "config")}
    return Desk(scene, SHELLS[shell], environ)


def forks(desk: Desk, lines: list[str]) -> int:
    """Return how many processes the shell started while `lines` were typed, one after the other."""
    log = desk.scene.root.parent / "strace"
    start, end = desk.path("none"), desk.path("outer/deep")
    trace = ("strace", "-f", "-y", "-qq", "-o", str(log), "-e", "trace=process,chdir,fchdir")
    with desk.open(before=trace) as terminal:
        for line in ("cd /", f"cd {start}", *lines, f"cd {end}"):
            terminal.type(line)
    text = log.read_text(errors="replace")
    first, last = (
        re.search(rf'^(\d+) +f?chdir\(.*{re.escape(str(place))}[">]', text, re.MULTILINE) for place in (start, end)
    )
    assert first
    assert last
    started = re.findall(rf"^{first[1]} +(?:v?fork|clone3?)\(.*", text[first.end() : last.start()], re.MULTILINE)
    return len([line for line in started if "CLONE_THREAD" not in line])
