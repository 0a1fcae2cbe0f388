"""Run the benchmarks that are named, else all, and end with the table of everything that has a budget."""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys

import measure

ALL = ["shim", "hook", "cli", "environment", "install", "matrix"]


def main(names: list[str]) -> None:
    """Run and print."""
    print(f"# envmgr on {platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name in names or ALL:
        try:
            importlib.import_module(name).main()
        except subprocess.CalledProcessError as error:
            print(f"\n{name}: broken off: {error} {error.stderr or ''}")
    print("\n## The budget\n\n| | what | measured |\n|---|---|---|")
    for title, name, told in measure.kept:
        print(f"| {title} | {name} | {told} |")


if __name__ == "__main__":
    main(sys.argv[1:])
