"""200 Pythons and 300 environments: every link is there, the newest wins, and what is right is not written again."""

from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.host.paths import Home
from envmgr.pythons import aliases
from envmgr.shell import shims

MINORS, PATCHES, ENVIRONMENTS = 10, 20, 300


def program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for minor in range(MINORS):
        for patch in range(PATCHES):
            build = home.versions / f"cpython-3.{minor}.{patch}+20241016-linux-x86_64-gnu"
            for command in ("python3", f"python3.{minor}", f"tool-{minor}"):
                program(build / "bin" / command)
    for number in range(ENVIRONMENTS):
        for command in ("python", "pytest", f"own-{number}"):
            program(home.envs / f"p{number}-{number:08x}" / "3.9" / "bin" / command)
    aliases.update_aliases(home)
    shims.refresh(home)
    return home


def links(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the links of a folder: what they say, and which inode they are."""
    return {link.name: (str(link.readlink()), link.lstat().st_ino) for link in folder.iterdir() if link.is_symlink()}


def test_every_alias_leads_to_the_newest_that_it_means(home: Home) -> None:
    found = {name: target for name, (target, _) in links(home.aliases).items()}
    assert len(found) == MINORS + 2 * MINORS * PATCHES
    assert {found[f"3.{minor}"] for minor in range(MINORS)} == {
        f"../versions/cpython-3.{minor}.{PATCHES - 1}+20241016-linux-x86_64-gnu" for minor in range(MINORS)
    }


def test_every_command_has_one_shim(home: Home) -> None:
    own = {"python", "python3", "pip", "pip3", "pytest", *(f"own-{number}" for number in range(ENVIRONMENTS))}
    tools = {f"tool-{minor}" for minor in range(MINORS)}
    minors = {f"python3.{minor}" for minor in range(MINORS)}
    assert set(links(home.shims)) == own | tools | minors


def test_what_is_right_is_not_written_again(home: Home) -> None:
    before = links(home.shims), links(home.aliases)
    aliases.update_aliases(home)
    shims.refresh(home)
    assert (links(home.shims), links(home.aliases)) == before
    gone = home.versions / f"cpython-3.4.{PATCHES - 1}+20241016-linux-x86_64-gnu"
    aliases.update_aliases(home, without=[gone])
    changed = {name for name, link in links(home.aliases).items() if before[1][name] != link}
    assert changed == {"3.4"}
    assert set(before[1]) - set(links(home.aliases)) == {f"3.4.{PATCHES - 1}", f"3.4.{PATCHES - 1}+20241016"}
