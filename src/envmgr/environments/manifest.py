"""What a template consists of, and which of its files a clone still shares: to notice who wrote into one. Reads only.

Clones share files with their template by hard links, so whoever writes into one in place (`>>`, `chmod -R`, some
editors) changes all of them. Inode numbers tell a shared file from one that an installer has put in its place since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from envmgr.host import files

NAME = "envmgr-files.json"  # in the template, and a copy in every clone
State = list[int]  # of one file: size in bytes, mtime in ns, mode, owner, group, inode


@dataclass
class Manifest:
    """Everything below a template, by relative path: folders (parents first), targets of links, states of files."""

    folders: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, State] = field(default_factory=dict)


def scan(root: Path) -> Manifest:
    """Return what is below `root` now, without a manifest; raises OSError."""
    found = Manifest()
    _scan(str(root), "", found)
    found.files.pop(NAME, None)
    return found


def dump(manifest: Manifest) -> str:
    """Return the text of a manifest file."""
    return json.dumps(asdict(manifest), separators=(",", ":")) + "\n"


def load(root: Path) -> Manifest | None:
    """Return the manifest in `root`, None where it is missing or damaged."""
    try:
        data = json.loads(files.read_regular(root / NAME))
        return Manifest(list(data["folders"]), dict(data["links"]), dict(data["files"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_shared(name: str) -> bool:
    """Whether clones share the file `name`; those in `bin` and directly in the environment are their own."""
    return "/" in name and not name.startswith("bin/")


def state(path: str | Path) -> State:
    """Return the state of one file, links not followed; raises OSError."""
    found = os.lstat(path)
    return [found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid, found.st_gid, found.st_ino]


def is_unchanged(path: str, before: State) -> bool:
    """Whether the file is as it was; its inode may differ, because a store can be copied."""
    try:
        return state(path)[:5] == before[:5]
    except OSError:
        return False


def is_intact(template: Path) -> bool:
    """Whether every file of `template` is as it was when it was made."""
    manifest = load(template)
    return manifest is not None and all(is_unchanged(f"{template}/{it}", was) for it, was in manifest.files.items())


def shared(environment: Path) -> Iterator[tuple[str, bool]]:
    """Yield each file that `environment` still shares with its template, and whether it was changed since."""
    manifest = load(environment) or Manifest()
    for name, before in manifest.files.items():
        try:
            now = state(f"{environment}/{name}")
        except OSError:
            continue
        if is_shared(name) and now[5:] == before[5:]:
            yield name, now != before


def changed(environment: Path) -> list[str]:
    """Return the shared files of `environment` that were written into, or whose mode or owner was changed."""
    return [name for name, was_changed in shared(environment) if was_changed]


def _scan(root: str, inside: str, found: Manifest) -> None:
    with os.scandir(f"{root}/{inside}") as entries:
        for entry in entries:
            name = inside + entry.name
            if entry.is_symlink():
                found.links[name] = os.readlink(entry)  # noqa: PTH115 - its text
            elif entry.is_dir():
                found.folders.append(name)
                _scan(root, f"{name}/", found)
            else:
                found.files[name] = state(entry.path)
