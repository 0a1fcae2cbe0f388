"""Run the named benchmarks, or all of them, and print a table of all budgets at the end."""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys

import measure

ALL = ["shim", "hook", "cli", "environment", "install", "matrix"]


def main(names: list[str]) -> None:
    """Run the benchmarks `names`, or all, and print their tables."""
    print(f"# envmgr on {platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name in names or ALL:
        try:
            importlib.import_module(name).main()
        except subprocess.CalledProcessError as error:
            print(f"\n{name}: aborted: {error} {error.stderr or ''}")
    print("\n## The budget\n\n| | what | measured |\n|---|---|---|")
    for title, name, text in measure.verdicts:
        print(f"| {title} | {name} | {text} |")


if __name__ == "__main__":
    main(sys.argv[1:])
