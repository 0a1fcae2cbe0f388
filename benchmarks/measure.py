"""Measuring side by side: cases take turns, so that the machine's noise hits all alike; medians; ratios to one case.

Absolute times mean nothing on a shared machine, ratios of one run do. A benchmark is a module with a `main()` that
calls `compare`, or `report` and `count`; `benchmarks/run` calls them all and ends with all that has a budget.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Samples = dict[str, list[float]]  # name -> seconds, one for each round
_FORKS = re.compile(r"^(?:\[pid +\d+\] +)?(?:\d+ +)?(?:clone3?|fork|vfork)\(", re.MULTILINE)
_EXECS = re.compile(r"\bexecve(?:\(| resumed).* = 0$", re.MULTILINE)

kept: list[tuple[str, str, str]] = []  # title, name, verdict of everything that had a budget, in order


@dataclass(frozen=True)
class Case:
    """One contender: `run` is timed, `before` is not; `budget` is the ratio to the base that it must not exceed."""

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = lambda: None
    budget: float | None = None


def command(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Callable[[], object]:
    """Return a call that runs one program in silence; it raises CalledProcessError when that fails."""

    def run() -> object:
        return subprocess.run(
            words,
            env=env,
            cwd=cwd,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    return run


def interleave(cases: Sequence[Case], rounds: int) -> Samples:
    """Run every case once to warm up, then all in turn, `rounds` times; a case that fails is named and left out."""
    cases = [case for case in cases if _works(case)]
    samples: Samples = {case.name: [] for case in cases}
    for _ in range(rounds):
        for case in cases:
            case.before()
            start = time.perf_counter()
            case.run()
            samples[case.name].append(time.perf_counter() - start)
    return samples


def _works(case: Case) -> bool:
    try:
        case.before()
        case.run()
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or b""
        sys.stderr.write(f"  {case.name}: left out: {error} {said.decode(errors='replace')[-300:]}\n")
        return False
    return True


def report(title: str, samples: Samples, base: str, budgets: Mapping[str, float] | None = None) -> None:
    """Print a table of medians with their ratio to the case called `base`; `budgets` are the highest ratios allowed."""
    print(f"\n## {title}\n")
    print(f"| what | median ms | min ms | ratio to {base} | budget |\n|---|---:|---:|---:|---|")
    if base not in samples:
        print(f"| {base} could not run | | | | |")
        return
    floor = statistics.median(samples[base])
    for name, values in samples.items():
        median, ratio = statistics.median(values), statistics.median(values) / floor
        told = verdict(title, f"{name}, ratio to {base}", ratio, (budgets or {}).get(name))
        print(f"| {name} | {median * 1e3:.3f} | {min(values) * 1e3:.3f} | {ratio:.2f} | {told} |")
    sys.stdout.flush()


def count(title: str, name: str, value: float, *, budget: float) -> None:
    """Print one number that has a budget, such as the forks of a command."""
    print(f"- {name}: {value:g} ({verdict(title, name, value, budget)})", flush=True)


def verdict(title: str, name: str, value: float, budget: float | None) -> str:
    """Tell in words whether `value` keeps to `budget`, and note it for the closing table."""
    if budget is None:
        return ""
    told = f"{value:.3g}, at most {budget:g}: {'kept' if value <= budget else 'MISSED'}"
    kept.append((title, name, told))
    return told.partition(", ")[2]


def compare(title: str, cases: Sequence[Case], *, base: str, rounds: int = 20) -> Samples:
    """Measure `cases` and print their table; returns the samples."""
    samples = interleave(cases, rounds)
    report(title, samples, base, {case.name: case.budget for case in cases if case.budget is not None})
    return samples


def processes(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> tuple[int, int]:
    """Return how many forks and how many successful execs a command makes, its own exec not counted."""
    with tempfile.NamedTemporaryFile("r") as log:
        traced = ["strace", "-f", "-q", "-e", "trace=process", "-e", "signal=none", "-o", log.name, *words]
        command(*traced, env=env, cwd=cwd)()
        text = log.read()
    return len(_FORKS.findall(text)), len(_EXECS.findall(text)) - 1


def program(name: str) -> str | None:
    """Return the path of a peer's program, or None after saying that it is not here; pyenv's shims do not count."""
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(":") if not folder.endswith("/shims")]
    found = shutil.which(name, path=":".join([*folders, str(Path(sys.executable).parent)]))
    if found is None:
        sys.stderr.write(f"  {name}: not installed, not compared\n")
    return found


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="envmgr-bench-") as folder:
        yield Path(folder).resolve()


def environ(home: Path, **more: str) -> dict[str, str]:
    """Return a bare environment for a contender, whose store, cache, configuration and HOME are all under `home`."""
    kept = {name: value for name, value in os.environ.items() if name.endswith(("_CERT", "_CERT_FILE", "_CA_BUNDLE"))}
    return kept | {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "ENVMGR_HOME": str(home / "envmgr"),
        "ENVMGR_CACHE_DIR": str(home / "cache"),
        "ENVMGR_CONFIG_DIR": str(home / "config"),
        **more,
    }
