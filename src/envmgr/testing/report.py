"""Reports of a test run as text and JSON. Prints nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from envmgr import __version__
from envmgr.testing.result import BROKEN, FAILED, STATES, Result, exit_code

SCHEMA = "envmgr.test/1"
_CHUNK = 1 << 16


def header(result: Result) -> str:
    """Return the line above the output of a cell."""
    return f"── {result.cell.name}: {result.state} in {result.seconds:.1f} s ──"


def footer(result: Result) -> str:
    """Return the lines below the output of a cell: the reason of a failure, and its log; empty for none."""
    lines = [result.message] if result.message else []
    if result.state in (FAILED, BROKEN) and result.log.is_file():
        lines.append(f"log: {result.log}")
    return "\n".join(lines)


def output(log: Path) -> Iterator[bytes]:
    """Yield the output of a cell, piece by piece, with a line break at its end; nothing where there is no log."""
    last = b"\n"
    try:
        with log.open("rb") as file:
            while data := file.read(_CHUNK):
                last = data
                yield data
    except OSError:
        return
    if not last.endswith(b"\n"):
        yield b"\n"


def summary(results: Sequence[Result]) -> str:
    """Return one line: the cells by state."""
    groups = {state: [each.cell.name for each in results if each.state == state] for state in STATES}
    return "; ".join(f"{state}: {', '.join(names)}" for state, names in groups.items() if names)


def as_json(results: Sequence[Result], project: Path) -> str:
    """Return the JSON report; `schema` changes when a key changes its meaning or goes."""
    code = exit_code(results)
    data = {
        "schema": SCHEMA,
        "envmgr": __version__,
        "status": {0: "passed", 1: "failed"}.get(code, "nothing passed"),
        "exit_code": code,
        "project": str(project),
        "cells": [result.to_json() for result in results],
    }
    return json.dumps(data, indent=1)


def as_markdown(results: Sequence[Result]) -> str:
    """Return a table in Markdown, for the job summary of a CI system."""
    lines = ["| cell | state | seconds | Python |", "| --- | --- | ---: | --- |"]
    for each in results:
        python = f"{each.proof.implementation} {each.proof.version}" if each.proof else ""
        lines.append(f"| {each.cell.name} | {each.state} | {each.seconds:.1f} | {python} |")
    return "\n".join(lines) + "\n"
