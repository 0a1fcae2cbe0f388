from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envmgr.errors import EnvmgrError, StoreBusyError
from envmgr.host import lock

HOLDER = """
import sys, time
from pathlib import Path
from envmgr.host import lock
with lock.exclusive(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_locked_store_is_busy_until_its_process_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "home" / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, file], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(StoreBusyError, match=str(file.parent)), lock.exclusive(file, timeout=0.05):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with lock.exclusive(file, timeout=5):
        assert file.exists()


def test_an_error_names_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EnvmgrError, match="cannot be written"),
        lock.exclusive(tmp_path / "file/home/.lock"),
    ):
        pass


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvmgrError, match="cannot be written"), lock.exclusive(tmp_path / ".lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    working: list[int] = []

    def work(number: int) -> None:
        with lock.exclusive(tmp_path / ".lock"):
            working.append(number)
            time.sleep(0.01)
            assert working.pop() == number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_a_removed_lock_file_does_not_lock(tmp_path: Path) -> None:
    file = tmp_path / ".lock"
    with lock.exclusive(file):
        file.unlink()
        with lock.exclusive(file, timeout=0):
            assert file.exists()


@pytest.mark.parametrize("refusal", ["EACCES", "ENOSYS", "ENOLCK", "EIO"])
def test_a_filesystem_that_refuses_to_lock_is_an_error_at_once(tmp_path: Path, refusal: str) -> None:
    """Some network filesystems refuse; strace makes the kernel return the same error to a real process."""
    code = (
        "import sys; from pathlib import Path; from envmgr.host import lock\nwith lock.exclusive(Path(sys.argv[1])): 1"
    )
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", f"inject=flock:error={refusal}"]
    command: list[str | Path] = [*trace, sys.executable, "-W", "error", "-c", code, tmp_path / ".lock"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    last_line = done.stderr.strip().splitlines()[-1]
    assert f"EnvmgrError: {tmp_path}/.lock: cannot be locked: {os.strerror(getattr(errno, refusal))}" in last_line
