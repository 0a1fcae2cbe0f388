from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from envmgr.shell import shims

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_completion_table.py"


def test_the_table_matches_the_commands() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True)
    table = (shims.files() / "completion.tsv").read_text(encoding="utf-8")
    assert done.stdout == table, "run: python scripts/make_completion_table.py > shims/completion.tsv"


def test_no_cell_is_empty_or_odd() -> None:
    for line in (shims.files() / "completion.tsv").read_text(encoding="utf-8").splitlines():
        assert line.isascii()
        assert [bool(cell.strip()) for cell in line.split("\t")] == [True] * 4
