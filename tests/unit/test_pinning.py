from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envmgr.errors import EnvmgrError
from envmgr.versions import pinning, pins


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "3.12\n"),
        ("3.11\n", "3.12\n"),
        ("# ours\n\n3.11 # old\n3.10\n# end", "# ours\n\n3.12\n# end\n"),
        ("\ufeff3.11\r\n", "3.12\n"),
        ("not a version at all!\n", "3.12\n"),
        ("# ours\n", "# ours\n3.12\n"),
        ("\ufeff# ours\n3.11\n", "# ours\n3.12\n"),
    ],
)
def test_versions_are_replaced_and_comments_kept(tmp_path: Path, before: str | None, after: str) -> None:
    file = tmp_path / ".python-version"
    if before is not None:
        file.write_text(before)
    pinning.write(file, ["3.12"])
    assert file.read_text() == after
    assert [entry.name for entry in tmp_path.iterdir()] == [".python-version"]


def test_several_versions_are_written_one_per_line(tmp_path: Path) -> None:
    file = tmp_path / "new" / "inner" / "default"
    pinning.write(file, ["3.12", "3.11"])
    pin = pins.read(file)
    assert pin is not None
    assert (pin.words, pin.lines) == ("3.12 3.11", (1, 2))


def test_an_unchanged_file_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / ".python-version"
    file.write_text("# ours\n3.12\n")
    before = file.stat()
    pinning.write(file, ["3.12"])
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A link `.python-version` in a repository must not cause a write to its target."""
    victim = tmp_path / "bashrc"
    victim.write_text("3.11\n")
    file = tmp_path / ".python-version"
    file.symlink_to(victim)
    pinning.write(file, ["3.12"])
    assert victim.read_text() == "3.11\n"
    assert file.read_text() == "3.12\n"


def test_staged_files_of_ended_processes_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/true"]) as ended:
        pass
    others = [".python-version.bak1", f".python-version.{ended.pid}", ".python-version.envmgr-1"]
    for name in (*others, f".python-version.envmgr-{ended.pid}"):
        (tmp_path / name).touch()
    pinning.write(tmp_path / ".python-version", ["3.12"])
    assert {entry.name for entry in tmp_path.iterdir()} == {".python-version", *others}


def test_a_failed_write_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".python-version").mkdir()
    with pytest.raises(EnvmgrError, match="cannot be written"):
        pinning.write(tmp_path / ".python-version", ["3.12"])
    assert not list(tmp_path.glob(".python-version.*"))
