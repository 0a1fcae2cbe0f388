"""Time the fast commands of envmgr, compared with an interpreter that does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import bench_sandbox
import measure
from bench_sandbox import Sandbox
from measure import Case


def main() -> None:
    """Print the table."""
    program = Path(sys.executable).with_name("envmgr")
    with bench_sandbox.create() as box:
        measure.compare(
            "light calls",
            [
                Case("python -I -S -c pass", box.command(sys.executable, "-I", "-S", "-c", "pass")),
                Case("python -c pass", box.command(sys.executable, "-c", "pass")),
                Case("envmgr --version", box.command(program, "--version"), budget=2),
                Case("envmgr which python", box.command(program, "which", "python"), budget=2),
                Case("envmgr list --available", box.command(program, "list", "--available"), budget=3),
                Case("launcher --version", box.command(box.store / "shell/envmgr", "--version")),
                Case("envmgr status", box.command(program, "status")),
                Case("envmgr list", box.command(program, "list")),
                *_peers(box),
            ],
            base="python -I -S -c pass",
            rounds=20,
        )


def _peers(box: Sandbox) -> list[Case]:
    uv = measure.program("uv")
    return [Case("uv --version", box.command(uv, "--version"))] if uv else []


if __name__ == "__main__":
    main()
