"""Tools that others use for what the hook does, set up to activate the environments of the stage's two projects.

A peer that is not installed is named and left out. What it needs is made under the stage; the user's own is read only.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import measure
import stage


@dataclass(frozen=True)
class Peer:
    """What to measure: `here` and `there` are deep in two projects, `start` is the line of a shell's rc file."""

    name: str
    environ: dict[str, str]
    here: Path
    there: Path
    start: dict[str, str]


def installed(built: stage.Stage) -> list[Peer]:
    """Return the peers that are installed here, set up on this stage."""
    return [peer for peer in (_direnv(built), _mise(built), _pyenv_virtualenv(built)) if peer]


def _direnv(built: stage.Stage) -> Peer | None:
    if not (program := measure.program("direnv")):
        return None
    environ = _environ(built, Path(program).parent) | {"DIRENV_LOG_FORMAT": ""}
    places = _projects(built, "direnv", ".envrc", 'export VIRTUAL_ENV="{}"\nPATH_add "$VIRTUAL_ENV/bin"\n')
    for place in places:
        measure.command(program, "allow", place, env=environ)()
    line = 'eval "$(direnv hook {})"'
    return _peer("direnv", environ, places, line, "direnv hook fish | source")


def _mise(built: stage.Stage) -> Peer | None:
    if not (program := measure.program("mise")):
        return None
    environ = _environ(built, Path(program).parent)
    environ |= {"MISE_OFFLINE": "1", "MISE_TRUSTED_CONFIG_PATHS": str(built.root)}
    places = _projects(built, "mise", "mise.toml", '[env]\n_.python.venv = "{}"\n')
    return _peer("mise", environ, places, 'eval "$(mise activate {})"', "mise activate fish | source")


def _pyenv_virtualenv(built: stage.Stage) -> Peer | None:
    """Have a root beside the user's, with their programs and plugins and two environments of its own."""
    if not (program := measure.program("pyenv")):
        return None
    theirs = Path(subprocess.run([program, "root"], capture_output=True, text=True, check=True).stdout.strip())
    if not (theirs / "plugins/pyenv-virtualenv").is_dir():
        sys.stderr.write("  pyenv-virtualenv: not installed, not compared\n")
        return None
    root = built.root / "pyenv-root"
    (root / "versions").mkdir(parents=True)
    for folder in ("bin", "libexec", "plugins", "completions", "pyenv.d"):
        (root / folder).symlink_to(theirs / folder)
    for name in ("venva", "venvb"):
        measure.command(sys.executable, "-m", "venv", "--without-pip", root / "versions" / name)()
    environ = _environ(built, root / "bin") | {"PYENV_ROOT": str(root)}
    places = _projects(built, "pyenv", ".python-version", "venv{}\n", ("a", "b"))
    line = 'eval "$(pyenv init - {0})"; eval "$(pyenv virtualenv-init - {0})"'
    fish = "pyenv init - fish | source; pyenv virtualenv-init - fish | source"
    return _peer("pyenv-virtualenv", environ, places, line, fish)


def _peer(name: str, environ: dict[str, str], places: list[Path], line: str, fish: str) -> Peer:
    here, there = (place / stage.DEEP for place in places)
    return Peer(name, environ, here, there, {"bash": line.format("bash"), "zsh": line.format("zsh"), "fish": fish})


def _environ(built: stage.Stage, folder: Path) -> dict[str, str]:
    """Return a bare environment with the peer's program on PATH, and nothing of envmgr's."""
    return measure.environ(built.root / "home", PATH=f"{folder}:/usr/local/bin:/usr/bin:/bin")


def _projects(built: stage.Stage, name: str, file: str, text: str, values: tuple[str, ...] | None = None) -> list[Path]:
    """Make two projects with a file that says, in the peer's words, which environment is theirs; return them."""
    places = [built.root / name / which for which in ("a", "b")]
    values = values or tuple(str((built.root / which / ".venv").resolve()) for which in ("a", "b"))
    for place, value in zip(places, values, strict=True):
        (place / stage.DEEP).mkdir(parents=True)
        (place / file).write_text(text.format(value))
    return places
