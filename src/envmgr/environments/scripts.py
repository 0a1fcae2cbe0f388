"""The few files of an environment that hold its path: activation scripts, `pyvenv.cfg`, and the first line of commands.

A template has marks in their place; `blank` puts them there, `fill` writes an environment's own path instead. The
quoting is that of virtualenv's activators (CVE-2024-53899 is what happens without); a test compares the results.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from envmgr.host import shebang
from envmgr.versions.version import Version

CONFIG = "pyvenv.cfg"
PROMPT = "ENVMGR-PROMPT-MARK"  # needs no quotes in any shell, like what takes its place (record.sanitized)
_PATH = b"@ENVMGR-PATH-MARK@"
_SHEBANG = b"@ENVMGR-SHEBANG-MARK@\n"
_STAGES = {"a": "alpha", "b": "beta", "rc": "candidate"}


@dataclass(frozen=True)
class Destination:
    """Where an environment is going to be, and the name that prompts show."""

    path: Path
    prompt: str


def _csh(text: str) -> str:
    quoted = shlex.quote(text)
    return (f"'{quoted}'" if quoted == text else quoted).replace("\\", "'\\\\'").replace("!", "'\\!'")


def _fish(text: str) -> str:
    return "'" + re.sub(r"[\\']", lambda found: f"'\\{found[0]}'", text) + "'"


def _nu(text: str) -> str:
    sharps = "#" * (max((len(run) for run in re.findall("#+", text)), default=0) + 1)
    return f"r{sharps}'{text}'{sharps}"


# file -> how it quotes a path; the other scripts find the environment from where they are
QUOTES: dict[str, Callable[[str], str]] = {
    "activate": shlex.quote,
    "activate.csh": _csh,
    "activate.fish": _fish,
    "activate.nu": _nu,
    "activate.xsh": ascii,
}


def to_template(name: str, data: bytes, path: Path) -> bytes:
    """Return the contents of file `name` of an environment made at `path`, with marks for what is its own."""
    if name in QUOTES:
        return data.replace(_bytes(QUOTES[name](str(path))), _PATH)
    if data.startswith(b"#!"):
        return _SHEBANG + shebang.body(data)
    return data


def from_template(name: str, data: bytes, place: Destination) -> bytes:
    """Return the contents of file `name` for the environment at `place`; the reverse of `blank`."""
    if data.startswith(_SHEBANG):
        return shebang.absolute(place.path / "bin" / "python") + data[len(_SHEBANG) :]
    quoted = _bytes(QUOTES[name](str(place.path))) if name in QUOTES else b""
    return data.replace(PROMPT.encode(), place.prompt.encode()).replace(_PATH, quoted)


def with_version(config: str, version: Version) -> str:
    """Return the text of a `pyvenv.cfg` with the version keys that editors read (PEP 838) saying `version`."""
    stage, number = version.pre or ("final", 0)
    numbers = ".".join(map(str, version.release))
    ours = {"version": str(version), "version_info": f"{numbers}.{_STAGES.get(stage, stage)}.{number}"}
    lines = [line.partition(" = ") for line in config.splitlines()]
    return "".join(f"{name} = {ours.get(name, value)}\n" for name, _, value in lines)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
