"""Manifests of templates: the state of each file, to detect changes of files that clones share. Reads only.

Clones share files with their template by hard links, so a write in place (`>>`, `chmod -R`, some editors) changes all
of them. Inode numbers distinguish a shared file from one that an installer has written in its place.
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
    """The contents of a template by relative path: folders (parents first), targets of links, states of files."""

    folders: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, State] = field(default_factory=dict)


def scan(root: Path) -> Manifest:
    """Return the manifest of the tree `root` as it is now, without the manifest file itself; raises OSError."""
    found = Manifest()
    _scan(str(root), "", found)
    found.files.pop(NAME, None)
    return found


def dump(contents: Manifest) -> str:
    """Return the text of a manifest file."""
    return json.dumps(asdict(contents), separators=(",", ":")) + "\n"


def load(root: Path) -> Manifest | None:
    """Return the manifest in `root`, None where it is missing or damaged."""
    try:
        data = json.loads(files.read_regular(root / NAME))
        return Manifest(list(data["folders"]), dict(data["links"]), dict(data["files"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_shared(name: str) -> bool:
    """Return whether clones share the file `name`; files in `bin` and at the top of an environment are its own."""
    return "/" in name and not name.startswith("bin/")


def state(path: str | Path) -> State:
    """Return the state of one file; a symbolic link is not followed. Raises OSError."""
    found = os.lstat(path)
    return [found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid, found.st_gid, found.st_ino]


def is_unchanged(path: str, before: State) -> bool:
    """Return whether the file has the state `before`, apart from its inode, which differs in a copied store."""
    try:
        return state(path)[:5] == before[:5]
    except OSError:
        return False


def is_intact(template: Path) -> bool:
    """Return whether every file of `template` is unchanged since it was made; False without a manifest."""
    contents = load(template)
    if contents is None:
        return False
    return all(is_unchanged(f"{template}/{name}", before) for name, before in contents.files.items())


def shared(environment: Path) -> Iterator[tuple[str, bool]]:
    """Yield each file that `environment` still shares with its template, and whether it was changed."""
    contents = load(environment) or Manifest()
    for name, before in contents.files.items():
        try:
            now = state(f"{environment}/{name}")
        except OSError:
            continue
        if is_shared(name) and now[5:] == before[5:]:
            yield name, now != before


def changed(environment: Path) -> list[str]:
    """Return the shared files of `environment` whose contents, time, mode or owner were changed."""
    return [name for name, was_changed in shared(environment) if was_changed]


def _scan(root: str, prefix: str, found: Manifest) -> None:
    """Add the entries of the directory `prefix` of `root` to `found`; `prefix` is empty or ends in a slash."""
    with os.scandir(f"{root}/{prefix}") as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_symlink():
                found.links[name] = os.readlink(entry)  # noqa: PTH115 - the text of the link
            elif entry.is_dir():
                found.folders.append(name)
                _scan(root, f"{name}/", found)
            else:
                found.files[name] = state(entry.path)
