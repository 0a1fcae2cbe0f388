from __future__ import annotations

import os
import pwd
import struct
from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host import access

ACL = "system.posix_acl_access"
HEADER = struct.pack("<I", 2)
NO_ID = 0xFFFFFFFF
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


def acl(*entries: tuple[int, int, int]) -> bytes:
    """Return an access control list in the format of the kernel."""
    return HEADER + b"".join(struct.pack("<HHI", *entry) for entry in entries)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch(0o644)
    return path


def set_acl(path: Path, *entries: tuple[int, int, int]) -> None:
    """Give a file an access control list through the kernel, as setfacl does."""
    os.setxattr(path, ACL, acl(*sorted([(USER_OBJ, 6, NO_ID), *entries])))


def refused(path: Path, **options: object) -> bool:
    """Return whether `ensure_private` raises UsageError."""
    try:
        access.ensure_private(path, **options)  # type: ignore[arg-type]
    except UsageError:
        return True
    return False


def test_an_own_file_is_private(file: Path) -> None:
    access.ensure_private(file)


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o777])
def test_a_world_writable_file_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(UsageError, match="other users can write to it") as caught:
        access.ensure_private(file)
    assert caught.value.hint
    assert f"chmod go-w {file}" in caught.value.hint


def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 4321, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        access.ensure_private(file)
    access.ensure_private(file, user=4321)


def test_a_file_of_root_is_accepted_for_every_user(file: Path) -> None:
    os.chown(file, 0, 0)
    access.ensure_private(file, user=4321)


def test_a_group_of_several_users_counts_as_others(file: Path) -> None:
    file.chmod(0o664)
    os.chown(file, -1, 0)
    assert not refused(file), "the private group of root"
    os.chown(file, -1, 60)
    assert refused(file), "the group `games`"
    os.chown(file, -1, 54321)
    assert refused(file), "a group without a name"


def test_a_private_group_has_the_users_name_and_no_member(file: Path) -> None:
    mail = pwd.getpwnam("mail")  # has a group with its own name on all Linux systems
    file.chmod(0o664)
    os.chown(file, mail.pw_uid, mail.pw_gid)
    assert not refused(file, user=mail.pw_uid)
    assert refused(file, user=pwd.getpwnam("games").pw_uid)
    os.chown(file, 54321, mail.pw_gid)
    assert refused(file, user=54321), "a user without a name"


def test_a_sticky_directory_can_be_accepted(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert not refused(tmp_path, sticky=True)
    assert refused(tmp_path)
    tmp_path.chmod(0o777)
    assert refused(tmp_path, sticky=True)
    tmp_path.chmod(0o1777)
    os.chown(tmp_path, 4321, -1)
    assert refused(tmp_path, sticky=True), "the owner can replace entries in spite of the sticky bit"


@pytest.mark.parametrize(
    ("entries", "others"),
    [
        ([(USER, 7, 5), (GROUP_OBJ, 4, NO_ID), (MASK, 7, NO_ID), (OTHER, 4, NO_ID)], True),
        ([(USER, 5, 5), (GROUP_OBJ, 4, NO_ID), (MASK, 7, NO_ID), (OTHER, 4, NO_ID)], False),
        ([(USER, 7, 5), (GROUP_OBJ, 4, NO_ID), (MASK, 4, NO_ID), (OTHER, 4, NO_ID)], False),
        ([(USER, 7, 0), (GROUP_OBJ, 4, NO_ID), (MASK, 7, NO_ID), (OTHER, 4, NO_ID)], False),
        ([(GROUP_OBJ, 4, NO_ID), (GROUP, 6, 60), (MASK, 7, NO_ID), (OTHER, 4, NO_ID)], True),
        ([(GROUP_OBJ, 4, NO_ID), (GROUP, 6, 60), (MASK, 5, NO_ID), (OTHER, 4, NO_ID)], False),
        ([(GROUP_OBJ, 4, NO_ID), (GROUP, 4, 60), (MASK, 7, NO_ID), (OTHER, 4, NO_ID)], False),
        ([(USER, 4, 5), (GROUP_OBJ, 4, NO_ID), (MASK, 4, NO_ID), (OTHER, 6, NO_ID)], True),
        ([(USER, 4, 5), (GROUP_OBJ, 6, NO_ID), (MASK, 6, NO_ID), (OTHER, 4, NO_ID)], True),
    ],
)
def test_an_access_control_list_is_read(file: Path, *, entries: list[tuple[int, int, int]], others: bool) -> None:
    os.chown(file, -1, 60)
    set_acl(file, *entries)
    assert refused(file) is others


def test_a_list_without_a_mask_is_read() -> None:
    entries = access.parse_acl(acl((USER, 6, 5), (OTHER, 4, NO_ID)))
    assert entries == [(USER, 6, 5), (OTHER, 4, NO_ID)]


@pytest.mark.parametrize("data", [b"", HEADER + b"x", struct.pack("<I", 3), struct.pack("<IHHI", 1, USER, 4, 5)])
def test_a_list_of_an_unknown_format_counts_as_world_writable(data: bytes) -> None:
    assert access.parse_acl(data) == [(OTHER, 2, 0)]


def test_a_missing_path_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        access.ensure_private(tmp_path / "none")


def test_writers_are_named(file: Path) -> None:
    os.chown(file, -1, 60)
    for mode, others in ((0o644, []), (0o664, ["group 60"]), (0o646, ["others"]), (0o666, ["group 60", "others"])):
        file.chmod(mode)
        assert access.writers(file, file.stat(), 0) == others
    file.chmod(0o644)
    set_acl(file, (USER, 6, 5), (GROUP_OBJ, 6, NO_ID), (GROUP, 6, 12), (MASK, 7, NO_ID), (OTHER, 6, NO_ID))
    assert access.writers(file, file.stat(), 0) == ["user 5", "group 60", "group 12", "others"]


def test_the_path_in_the_hint_is_quoted(file: Path) -> None:
    odd = file.rename(file.with_name("a b;c"))
    odd.chmod(0o666)
    with pytest.raises(UsageError) as caught:
        access.ensure_private(odd)
    assert f"chmod go-w '{odd}'" in str(caught.value.hint)
