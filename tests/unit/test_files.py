from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envmgr.host import files


def test_a_written_file_has_the_content_and_no_staged_file_remains(tmp_path: Path) -> None:
    for content in ("text ü \udcff\n", b"bytes\0"):
        files.write_atomically(tmp_path / "file", content)
        expected = content if isinstance(content, bytes) else os.fsencode(content)
        assert (tmp_path / "file").read_bytes() == expected
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_replaced_file_keeps_its_mode_and_a_mode_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    files.write_atomically(path, "new")
    assert path.stat().st_mode & 0o777 == 0o640
    files.write_atomically(path, "new", mode=0o755)
    assert path.stat().st_mode & 0o777 == 0o755
    previous = os.umask(0o027)
    try:
        files.write_atomically(tmp_path / "other", "new")
    finally:
        os.umask(previous)
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o640


def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    if os.geteuid() == 0:  # only root can change the owner
        os.chown(path, 65534, 65534)
    before = path.stat()
    files.write_atomically(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (before.st_uid, before.st_gid)


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("old")
    (tmp_path / "file").symlink_to("elsewhere")
    files.write_atomically(tmp_path / "file", "new")
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "old"


@pytest.mark.parametrize("write", [files.write_atomically, files.link_atomically])
def test_a_failed_write_names_the_path(tmp_path: Path, write: object) -> None:
    assert callable(write)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "entry").touch()
    for path in (tmp_path / "folder", tmp_path / "absent" / "file"):
        with pytest.raises(OSError, match=r"\w") as caught:
            write(path, "x")
        assert caught.value.filename == str(path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_is_written_only_when_its_target_changes(tmp_path: Path) -> None:
    link = tmp_path / "link"
    assert files.link_atomically(link, "one")
    before = link.lstat().st_ino
    assert not files.link_atomically(link, "one")
    assert link.lstat().st_ino == before
    assert files.link_atomically(link, Path("two"))
    assert os.readlink(link) == "two"  # noqa: PTH115 - compared as text


def test_staged_files_of_ended_processes_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    running = subprocess.Popen(["/bin/sleep", "60"])
    try:
        kept = {f".a.envmgr-{running.pid}", f".b.{ended.pid}", f"c.envmgr-{ended.pid}", ".d.envmgr-0", ".e.envmgr-x"}
        for name in kept | {f".f.envmgr-{ended.pid}"}:
            (tmp_path / name).touch()
        (tmp_path / f".g.envmgr-{ended.pid}").symlink_to("nowhere")
        files.write_atomically(tmp_path / "file", "")
        assert {path.name for path in tmp_path.iterdir()} == kept | {"file"}
    finally:
        running.kill()
        running.wait()


WRITER = """
import sys
from pathlib import Path
from envmgr.host import files
while True:
    for letter in "ab":
        files.write_atomically(Path(sys.argv[1]), letter * 200_000)
        files.link_atomically(Path(sys.argv[2]), letter)
"""


def test_a_reader_sees_whole_files_while_the_writer_is_killed(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, file, link]) as writer:
            while not file.exists():
                assert writer.poll() is None
            for _ in range(300):
                assert files.read_regular(file) in (b"a" * 200_000, b"b" * 200_000)
            writer.send_signal(signal.SIGKILL)
        assert files.read_text(file)[:1] in {"a", "b"}
        files.clean_up(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} <= {"file", "link"}


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("fifo", "folder", "device"):
        with pytest.raises(files.NotRegularError, match="not a regular file"):
            files.read_regular(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        files.read_regular(tmp_path / "absent")
    with pytest.raises(ValueError, match="null"):
        files.read_regular(tmp_path / "a\0b")


def test_the_size_read_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    assert files.read_regular(path, limit=100_000) == b"x" * 100_000
    with pytest.raises(OSError, match="too large") as caught:
        files.read_regular(path, limit=99_999)
    assert caught.value.errno == errno.EFBIG


def test_text_is_utf8_with_its_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\xff")
    with pytest.raises(UnicodeDecodeError):
        files.read_text(path)
    assert files.read_text(path, errors="surrogateescape") == "a\r\n\udcff"


def test_root_can_refuse_files_of_other_users(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    assert files.read_regular(path, own_only=True) == b"x"
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        with pytest.raises(PermissionError):
            files.read_regular(path, own_only=True)
    else:
        assert files.read_regular("/etc/passwd", own_only=True)  # belongs to root and is readable by all
