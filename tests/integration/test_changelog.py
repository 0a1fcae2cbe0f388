"""The release notes are made of every fragment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = ("added", "changed", "fixed", "removed")


def test_every_fragment_is_in_the_release_notes() -> None:
    argv = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    notes = " ".join(done.stdout.split())
    assert "## 9.9.9 (" in notes
    fragments = [file for file in (ROOT / "changelog.d").iterdir() if file.name not in {"README.md", "template.md"}]
    assert fragments
    for fragment in fragments:
        assert fragment.name.split(".")[1:] in [[kind, "md"] for kind in KINDS], fragment.name
        assert " ".join(fragment.read_text().split()) in notes, fragment.name
