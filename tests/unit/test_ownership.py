from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host import ownership
from envmgr.host.paths import Home

ANOTHER = 54321
FOLDERS = ["", "versions", "aliases", "requests", "envs", "projects", "shims", "shell"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name in FOLDERS:
        (tmp_path / "store" / name).mkdir(parents=True, exist_ok=True)
    return Home(tmp_path / "store")


def test_an_own_store_is_accepted(home: Home) -> None:
    ownership.ensure_usable(home)
    for name in FOLDERS[1:]:
        (home.root / name).rmdir()
    ownership.ensure_usable(home)


def test_a_store_of_root_is_accepted_for_every_user(home: Home) -> None:
    ownership.ensure_usable(home, user=ANOTHER)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_store_of_another_user_is_refused(home: Home, name: str) -> None:
    os.chown(home.root / name, ANOTHER, -1)
    with pytest.raises(UsageError, match="belongs to another user") as caught:
        ownership.ensure_usable(home)
    assert str(home.root / name) in caught.value.message
    assert "ENVMGR_HOME" in (caught.value.hint or "")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_store_that_others_can_write_is_refused(home: Home, name: str) -> None:
    (home.root / name).chmod(0o777)
    with pytest.raises(UsageError, match=r"others can write to this store \(others\)"):
        ownership.ensure_usable(home)
    (home.root / name).chmod(0o2775)
    os.chown(home.root / name, -1, 60)
    with pytest.raises(UsageError, match=r"others can write to this store \(group 60\)"):
        ownership.ensure_usable(home)


@pytest.mark.parametrize("name", FOLDERS[1:])
def test_a_directory_of_the_store_that_is_a_link_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    (home.root / name).rename(tmp_path / "elsewhere")
    (home.root / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="must not be a link"):
        ownership.ensure_usable(home)


def test_the_path_of_the_store_may_be_a_link(home: Home, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home.root)
    ownership.ensure_usable(Home(tmp_path / "link"))


def test_root_makes_no_store_in_the_directory_of_another_user(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    home = Home(tmp_path / "user/.local/share/envmgr")
    ownership.ensure_usable(home, user=0)
    os.chown(tmp_path / "user", ANOTHER, -1)
    ownership.ensure_usable(home, user=ANOTHER)
    with pytest.raises(UsageError, match="made by root in a directory of another user"):
        ownership.ensure_usable(home, user=0)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_store_that_cannot_be_read_is_refused(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder) / "store")
        for each in FOLDERS:
            (home.root / each).mkdir(parents=True, exist_ok=True)
        assert error_for_another(home) == ""
        (home.root / name).chmod(0o700)
        assert "cannot be read" in error_for_another(home)


def error_for_another(home: Home) -> str:
    """Return the message of the error in a process of another user, empty without one."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        try:
            os.setgid(ANOTHER)
            os.setuid(ANOTHER)
            ownership.ensure_usable(home)
        except UsageError as error:
            os.write(writer, error.message.encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as pipe:  # noqa: PTH123 - a descriptor
        return pipe.read()
