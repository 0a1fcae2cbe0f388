"""The light calls of the command line, against a bare interpreter that does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import measure
import stage
from measure import Case


def main() -> None:
    """Print the table."""
    program = Path(sys.executable).with_name("envmgr")
    with stage.built() as built:
        measure.compare(
            "light calls",
            [
                Case("python -I -S -c pass", built.command(sys.executable, "-I", "-S", "-c", "pass")),
                Case("python -c pass", built.command(sys.executable, "-c", "pass")),
                Case("envmgr --version", built.command(program, "--version"), budget=2),
                Case("envmgr which python", built.command(program, "which", "python"), budget=2),
                Case("envmgr list --available", built.command(program, "list", "--available"), budget=3),
                Case("launcher --version", built.command(built.store / "shell/envmgr", "--version")),
                Case("envmgr status", built.command(program, "status")),
                Case("envmgr list", built.command(program, "list")),
                *_peers(built),
            ],
            base="python -I -S -c pass",
            rounds=20,
        )


def _peers(built: stage.Stage) -> list[Case]:
    uv = measure.program("uv")
    return [Case("uv --version", built.command(uv, "--version"))] if uv else []


if __name__ == "__main__":
    main()
