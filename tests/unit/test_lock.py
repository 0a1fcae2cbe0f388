from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envmgr.errors import EnvmgrError, StoreBusyError
from envmgr.host import lock

HOLDER = """
import sys, time
from pathlib import Path
from envmgr.host import lock
with lock.exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_busy_store_is_told_and_a_killed_holder_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "home" / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, file], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusyError, match=str(file.parent)), lock.exclusive(file, patience=0.05):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with lock.exclusive(file, patience=5):
        assert file.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EnvmgrError, match="cannot be written"),
        lock.exclusive(tmp_path / "file/home/.lock"),
    ):
        pass
