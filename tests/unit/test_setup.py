from __future__ import annotations

import os
from pathlib import Path

import pytest

from envmgr.errors import EnvmgrError
from envmgr.shell import setup

LINE = "if [ -r 'x' ]; then . 'x'; fi"
TEXTS = ["", "\n", "a=1\n", "a=1", "a=1\r\nb=2", "\n\n", "caf\udce9\n", "# envmgr setup\n", "x\x0cy\u2028z"]


@pytest.mark.parametrize("text", [None, *TEXTS])
def test_removal_restores_the_text_byte_for_byte(text: str | None) -> None:
    once = setup.with_line(text, LINE)
    assert setup.with_line(once, LINE) == once
    assert sum(LINE in line for line in once.split("\n")) == 1
    assert setup.without_line(once) == text


@pytest.mark.parametrize("text", [None, *TEXTS])
def test_later_text_of_the_user_stays(text: str | None) -> None:
    lines = (text or "") + ("\n" if text and not text.endswith("\n") else "")
    assert setup.without_line(setup.with_line(text, LINE) + "later\n") == lines + "later\n"


def test_an_older_line_is_replaced_where_it_stands() -> None:
    text = setup.with_line("first\n", "old") + "last\n"
    assert setup.with_line(text, LINE) == f"first\n{LINE}  {setup.MARK}\nlast\n"


def test_a_link_is_kept_and_its_target_edited(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / "bashrc"
    target.write_text("a=1\n")
    (tmp_path / ".bashrc").symlink_to("dotfiles/bashrc")
    setup.write(setup.plan_addition(tmp_path / ".bashrc", LINE))
    assert (tmp_path / ".bashrc").readlink() == Path("dotfiles/bashrc")
    assert LINE in target.read_text()


def test_mode_and_owner_are_kept(tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text("")
    rc.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(rc, 1234, 1235)
    before = rc.stat()
    setup.write(setup.plan_addition(rc, LINE))
    after = rc.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.listdir(tmp_path) == ["rc"]  # noqa: PTH208 - names are all that is needed


def test_a_new_file_and_its_directory_come_and_go(tmp_path: Path) -> None:
    rc = tmp_path / "fish" / "conf.d" / "envmgr.fish"
    setup.write(setup.plan_addition(rc, LINE))
    assert rc.read_text().startswith(LINE)
    assert rc.stat().st_mode & 0o777 == 0o644
    setup.write(setup.plan_removal(rc))
    assert not rc.exists()


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_bytes(b"a=\xff\r\n\x00")
    setup.write(setup.plan_addition(rc, LINE))
    setup.write(setup.plan_removal(rc))
    assert rc.read_bytes() == b"a=\xff\r\n\x00"


def test_a_read_only_file_is_an_error_that_names_it_and_its_target(tmp_path: Path) -> None:
    target = tmp_path / "store"
    target.write_text("")
    target.chmod(0o444)
    (tmp_path / "rc").symlink_to("store")
    with pytest.raises(EnvmgrError, match=rf"rc: read-only \({target}\)"):
        setup.plan_addition(tmp_path / "rc", LINE)


def test_a_path_that_is_no_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    for name in ("", "fifo", "loop"):
        with pytest.raises(EnvmgrError):
            setup.plan_addition(tmp_path / name, LINE)


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvmgrError):
        setup.write(setup.plan_addition(tmp_path / "file" / "rc", LINE))


def test_the_diff_shows_what_changes(tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text("one\ntwo\n")
    assert setup.plan_addition(rc, LINE).diff == f"@@ -2 +2,2 @@\n two\n+{LINE}  {setup.MARK}"
    assert setup.plan_removal(rc).diff == ""
