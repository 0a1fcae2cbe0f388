"""A shell with the hook in its rc file, and the stage of the rule around it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from prepared_projects import PreparedProjects, create_projects
from python_archives import clean_environ
from terminal import SHELLS, Shell, Terminal

from envmgr.shell import shells

TELL = '#!/bin/sh\nfor name; do printf "%s=%s\\n" "$name" "$(printenv "$name" || echo unset)"; done\n'


@dataclass(frozen=True)
class ShellSandbox:
    """A shell with the hook in its rc file, and the stage of the rule around it: `shop`, its `inner`, and `spelled`."""

    prepared: PreparedProjects
    shell: Shell
    environ: dict[str, str]

    def open(self, where: str = "none", *, rc: str = "", after: str = "", before: tuple[str, ...] = ()) -> Terminal:
        """Start the shell in a directory of the stage; `rc` stands before the hook's line, `after` behind it."""
        file = Path(self.environ["HOME"]) / self.shell.rc
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{self.shell.quiet}{rc}\n{self.rc_line}\n{after}\n", errors="surrogateescape")
        return Terminal(self.shell, self.environ, self.prepared.root / where, before=before)

    @property
    def rc_line(self) -> str:
        return shells.shell_named(self.shell.name).line(self.prepared.home)

    @property
    def shims(self) -> str:
        return str(self.prepared.home.shims)

    def environment(self, name: str) -> str:
        """Return the directory of an environment of the stage."""
        return str(self.prepared.environment(name, ""))

    def path(self, name: str) -> Path:
        return self.prepared.root / name

    def cd(self, terminal: Terminal, where: str) -> str:
        return terminal.type(f"cd {self.prepared.root / where}")

    def variables(self, terminal: Terminal, *names: str) -> dict[str, str]:
        """Return exported variables, as a program that the shell starts sees them."""
        shown = terminal.type(f"{self.prepared.root.parent}/tell {' '.join(names)}")
        return dict(line.split("=", 1) for line in shown.splitlines())

    def active(self, terminal: Terminal) -> str:
        """Return VIRTUAL_ENV, having seen that its programs are first on PATH exactly while it is set."""
        told = self.variables(terminal, "VIRTUAL_ENV", "PATH")
        entries = told["PATH"].split(":")
        if told["VIRTUAL_ENV"] == "unset":
            assert not any("/envs/" in entry for entry in entries)
        else:
            assert entries.count(told["VIRTUAL_ENV"] + "/bin") == 1
        return told["VIRTUAL_ENV"]

    def path_entries(self, terminal: Terminal) -> list[str]:
        return self.variables(terminal, "PATH")["PATH"].split(":")


def create_shell_sandbox(shell: str, folder: Path) -> ShellSandbox:
    """Return a sandbox in `folder`, for a user who has nothing but the hook."""
    prepared = create_projects(folder / "world")
    (folder / "user").mkdir()
    tell = prepared.root.parent / "tell"
    tell.write_text(TELL)
    tell.chmod(0o755)
    environ = {name: value for name, value in clean_environ(dict(os.environ)).items() if name in {"USER", "LOGNAME"}}
    environ |= {
        "HOME": str(folder / "user"),
        "PATH": "/usr/bin:/bin",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "VIRTUAL_ENV_DISABLE_PROMPT": "1",
    }
    environ |= {"ENVMGR_HOME": str(prepared.home.root), "ENVMGR_CONFIG_DIR": str(folder / "config")}
    return ShellSandbox(prepared, SHELLS[shell], environ)


def count_forks(sandbox: ShellSandbox, lines: list[str]) -> int:
    """Return how many processes the shell started while `lines` were typed, one after the other."""
    log = sandbox.prepared.root.parent / "strace"
    start, end = sandbox.path("none"), sandbox.path("outer/deep")
    trace = ("strace", "-f", "-y", "-qq", "-o", str(log), "-e", "trace=process,chdir,fchdir")
    with sandbox.open(before=trace) as terminal:
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
