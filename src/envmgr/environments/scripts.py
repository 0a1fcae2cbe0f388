"""The files of an environment that contain its path: activation scripts, `pyvenv.cfg`, and the shebangs of commands.

In a template, placeholders stand for the path: `to_template` inserts them, `from_template` replaces them by the path of
an environment. Paths are quoted as by virtualenv's activators (CVE-2024-53899 was missing quotes there); a test
compares the results.
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
PROMPT = "ENVMGR-PROMPT-MARK"  # no shell needs quotes for it, nor for its replacement (record.sanitize)
_PATH = b"@ENVMGR-PATH-MARK@"
_SHEBANG = b"@ENVMGR-SHEBANG-MARK@\n"
_RELEASE_LEVELS = {"a": "alpha", "b": "beta", "rc": "candidate"}


@dataclass(frozen=True)
class Destination:
    """The path of an environment that is still in the staging directory, and the name for prompts."""

    path: Path
    prompt: str


def _quote_csh(text: str) -> str:
    """Quote `text` for csh, as virtualenv does."""
    quoted = shlex.quote(text)
    return (f"'{quoted}'" if quoted == text else quoted).replace("\\", "'\\\\'").replace("!", "'\\!'")


def _quote_fish(text: str) -> str:
    """Quote `text` for fish, as virtualenv does."""
    return "'" + re.sub(r"[\\']", lambda found: f"'\\{found[0]}'", text) + "'"


def _quote_nu(text: str) -> str:
    """Quote `text` as a raw string of nushell, as virtualenv does."""
    sharps = "#" * (max((len(run) for run in re.findall("#+", text)), default=0) + 1)
    return f"r{sharps}'{text}'{sharps}"


# file name -> quoting of its path; the other activation scripts derive the path from their own
QUOTES: dict[str, Callable[[str], str]] = {
    "activate": shlex.quote,
    "activate.csh": _quote_csh,
    "activate.fish": _quote_fish,
    "activate.nu": _quote_nu,
    "activate.xsh": ascii,
}


def to_template(name: str, data: bytes, path: Path) -> bytes:
    """Return the contents of file `name` of an environment at `path`, with placeholders for the path."""
    if name in QUOTES:
        return data.replace(_bytes(QUOTES[name](str(path))), _PATH)
    if data.startswith(b"#!"):
        return _SHEBANG + shebang.body(data)
    return data


def from_template(name: str, data: bytes, destination: Destination) -> bytes:
    """Return the contents of file `name` for the environment at `destination`; the reverse of `to_template`."""
    if data.startswith(_SHEBANG):
        return shebang.absolute(destination.path / "bin" / "python") + data[len(_SHEBANG) :]
    quoted = _bytes(QUOTES[name](str(destination.path))) if name in QUOTES else b""
    return data.replace(PROMPT.encode(), destination.prompt.encode()).replace(_PATH, quoted)


def with_version(config: str, version: Version) -> str:
    """Return the text of a `pyvenv.cfg` with `version` in the keys that editors read (PEP 838)."""
    stage, number = version.pre or ("final", 0)
    numbers = ".".join(map(str, version.release))
    ours = {"version": str(version), "version_info": f"{numbers}.{_RELEASE_LEVELS.get(stage, stage)}.{number}"}
    lines = [line.partition(" = ") for line in config.splitlines()]
    return "".join(f"{name} = {ours.get(name, value)}\n" for name, _, value in lines)


def _bytes(text: str) -> bytes:
    """Return `text` as the bytes of a path."""
    return text.encode(errors="surrogateescape")
