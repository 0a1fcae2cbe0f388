"""Peers: other tools with a hook, configured to activate the environments of the sandbox's two projects.

A peer that is not installed is skipped with a message. Its files are made in the sandbox; the user's own are only read.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import bench_sandbox
import measure
from bench_sandbox import Sandbox


@dataclass(frozen=True)
class Peer:
    """A tool to compare with: `here` and `there` are directories in two projects, `start` has rc lines by shell."""

    name: str
    environ: dict[str, str]
    here: Path
    there: Path
    start: dict[str, str]


def installed(box: Sandbox) -> list[Peer]:
    """Return the installed peers, configured for this sandbox."""
    return [peer for peer in (_direnv(box), _mise(box), _pyenv_virtualenv(box)) if peer]


def _direnv(box: Sandbox) -> Peer | None:
    if not (program := measure.program("direnv")):
        return None
    environ = _environ(box, Path(program).parent) | {"DIRENV_LOG_FORMAT": ""}
    places = _projects(box, "direnv", ".envrc", 'export VIRTUAL_ENV="{}"\nPATH_add "$VIRTUAL_ENV/bin"\n')
    for place in places:
        measure.command(program, "allow", place, env=environ)()
    line = 'eval "$(direnv hook {})"'
    return _peer("direnv", environ, places, line, "direnv hook fish | source")


def _mise(box: Sandbox) -> Peer | None:
    if not (program := measure.program("mise")):
        return None
    environ = _environ(box, Path(program).parent)
    environ |= {"MISE_OFFLINE": "1", "MISE_TRUSTED_CONFIG_PATHS": str(box.root)}
    places = _projects(box, "mise", "mise.toml", '[env]\n_.python.venv = "{}"\n')
    return _peer("mise", environ, places, 'eval "$(mise activate {})"', "mise activate fish | source")


def _pyenv_virtualenv(box: Sandbox) -> Peer | None:
    """Return pyenv-virtualenv with a root of its own: the user's programs and plugins, and two environments."""
    if not (program := measure.program("pyenv")):
        return None
    theirs = Path(subprocess.run([program, "root"], capture_output=True, text=True, check=True).stdout.strip())
    if not (theirs / "plugins/pyenv-virtualenv").is_dir():
        sys.stderr.write("  pyenv-virtualenv: not installed, not compared\n")
        return None
    root = box.root / "pyenv-root"
    (root / "versions").mkdir(parents=True)
    for folder in ("bin", "libexec", "plugins", "completions", "pyenv.d"):
        (root / folder).symlink_to(theirs / folder)
    for name in ("venva", "venvb"):
        measure.command(sys.executable, "-m", "venv", "--without-pip", root / "versions" / name)()
    environ = _environ(box, root / "bin") | {"PYENV_ROOT": str(root)}
    places = _projects(box, "pyenv", ".python-version", "venv{}\n", ("a", "b"))
    line = 'eval "$(pyenv init - {0})"; eval "$(pyenv virtualenv-init - {0})"'
    fish = "pyenv init - fish | source; pyenv virtualenv-init - fish | source"
    return _peer("pyenv-virtualenv", environ, places, line, fish)


def _peer(name: str, environ: dict[str, str], places: list[Path], line: str, fish: str) -> Peer:
    here, there = (place / bench_sandbox.DEEP for place in places)
    return Peer(name, environ, here, there, {"bash": line.format("bash"), "zsh": line.format("zsh"), "fish": fish})


def _environ(box: Sandbox, folder: Path) -> dict[str, str]:
    """Return minimal environment variables, with the peer's program but not envmgr on PATH."""
    return measure.environ(box.root / "home", PATH=f"{folder}:/usr/local/bin:/usr/bin:/bin")


def _projects(box: Sandbox, name: str, file: str, text: str, values: tuple[str, ...] | None = None) -> list[Path]:
    """Make two projects with a file in the peer's format that names their environment; return their directories."""
    places = [box.root / name / which for which in ("a", "b")]
    values = values or tuple(str((box.root / which / ".venv").resolve()) for which in ("a", "b"))
    for place, value in zip(places, values, strict=True):
        (place / bench_sandbox.DEEP).mkdir(parents=True)
        (place / file).write_text(text.format(value))
    return places
