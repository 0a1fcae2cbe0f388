"""A shell with the hook in its rc file, and the prepared projects of the rule table."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from prepared_projects import PreparedProjects, create_projects
from pty_shell import SHELLS, PromptShell, ShellSyntax
from sandbox import clean_environ

from envmgr.shell import shells


@dataclass(frozen=True)
class ShellSandbox:
    """A shell that loads the hook, for a user who has nothing else, and the prepared projects of the rule table."""

    prepared: PreparedProjects
    shell: ShellSyntax
    environ: dict[str, str]

    def open(self, where: str = "none", *, rc: str = "", after: str = "", before: tuple[str, ...] = ()) -> PromptShell:
        """Start the shell in a prepared directory; `rc` and `after` are lines of its rc file around the hook's."""
        file = Path(self.environ["HOME"]) / self.shell.rc
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{self.shell.prompt}{rc}\n{self.rc_line}\n{after}\n", errors="surrogateescape")
        return PromptShell(self.shell, self.environ, self.prepared.root / where, before=before)

    @property
    def rc_line(self) -> str:
        return shells.shell_named(self.shell.name).line(self.prepared.home)

    @property
    def shims(self) -> str:
        return str(self.prepared.home.shims)

    def environment(self, name: str) -> str:
        """Return the directory of a prepared environment."""
        return str(self.prepared.environment(name, ""))

    def path(self, name: str) -> Path:
        return self.prepared.root / name

    def cd(self, terminal: PromptShell, where: str) -> str:
        return terminal.type(f"cd {self.prepared.root / where}")

    def variables(self, terminal: PromptShell, *names: str) -> dict[str, str]:
        """Return exported variables, `unset` for each that is not exported."""
        exported = terminal.variables()
        return {name: exported.get(name, "unset") for name in names}

    def active(self, terminal: PromptShell) -> str:
        """Return VIRTUAL_ENV, `unset` for none, having checked that PATH has its programs once, or those of none."""
        exported = self.variables(terminal, "VIRTUAL_ENV", "PATH")
        active, entries = exported["VIRTUAL_ENV"], exported["PATH"].split(":")
        if active == "unset":
            assert not any("/envs/" in entry for entry in entries)
        else:
            assert entries.count(f"{active}/bin") == 1
        return active

    def path_entries(self, terminal: PromptShell) -> list[str]:
        return self.variables(terminal, "PATH")["PATH"].split(":")


def create_shell_sandbox(shell: str, folder: Path) -> ShellSandbox:
    """Create a sandbox in `folder`; `shell` is a name of `pty_shell.SHELLS`."""
    prepared = create_projects(folder / "prepared")
    (folder / "user").mkdir()
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
