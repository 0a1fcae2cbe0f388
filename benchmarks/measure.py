"""Time interleaved cases, so that noise affects all of them equally, and report medians and their ratios to one case.

On a shared machine only the ratios of one run are meaningful. A benchmark is a module with a `main()` that calls
`compare`, or `report` and `count`; `benchmarks/run` runs all of them and ends with a table of all budgets.
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

verdicts: list[tuple[str, str, str]] = []  # title, name and result of each case with a budget


@dataclass(frozen=True)
class Case:
    """A function to time, `run`; `before` is not timed; `budget` is the highest ratio to the base that is allowed."""

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = lambda: None
    budget: float | None = None


def command(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Callable[[], object]:
    """Return a function that runs a program without output, and raises CalledProcessError if it fails."""

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
    """Run every case once to warm up, then all in turn, `rounds` times; skip a case that fails, with a message."""
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
    """Run a case once; return False, after a message, if it fails."""
    try:
        case.before()
        case.run()
    except (OSError, subprocess.CalledProcessError) as error:
        stderr = getattr(error, "stderr", None) or b""
        sys.stderr.write(f"  {case.name}: left out: {error} {stderr.decode(errors='replace')[-300:]}\n")
        return False
    return True


def report(title: str, samples: Samples, base: str, budgets: Mapping[str, float] | None = None) -> None:
    """Print a table of medians and their ratios to the case `base`; `budgets` are the highest ratios allowed."""
    print(f"\n## {title}\n")
    print(f"| what | median ms | min ms | ratio to {base} | budget |\n|---|---:|---:|---:|---|")
    if base not in samples:
        print(f"| {base} could not run | | | | |")
        return
    floor = statistics.median(samples[base])
    for name, values in samples.items():
        median, ratio = statistics.median(values), statistics.median(values) / floor
        text = verdict(title, f"{name}, ratio to {base}", ratio, (budgets or {}).get(name))
        print(f"| {name} | {median * 1e3:.3f} | {min(values) * 1e3:.3f} | {ratio:.2f} | {text} |")
    sys.stdout.flush()


def count(title: str, name: str, value: float, *, budget: float) -> None:
    """Print a number with its budget, such as the forks of a command."""
    print(f"- {name}: {value:g} ({verdict(title, name, value, budget)})", flush=True)


def verdict(title: str, name: str, value: float, budget: float | None) -> str:
    """Return a text that compares `value` with `budget`, and add it to `verdicts`; an empty text without a budget."""
    if budget is None:
        return ""
    text = f"{value:.3g}, at most {budget:g}: {'kept' if value <= budget else 'MISSED'}"
    verdicts.append((title, name, text))
    return text.partition(", ")[2]


def compare(title: str, cases: Sequence[Case], *, base: str, rounds: int = 20) -> Samples:
    """Time `cases` and print their table; return the samples."""
    samples = interleave(cases, rounds)
    report(title, samples, base, {case.name: case.budget for case in cases if case.budget is not None})
    return samples


def processes(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> tuple[int, int]:
    """Return the numbers of forks and of successful execs of a command, without its own exec."""
    with tempfile.NamedTemporaryFile("r") as log:
        traced = ["strace", "-f", "-q", "-e", "trace=process", "-e", "signal=none", "-o", log.name, *words]
        command(*traced, env=env, cwd=cwd)()
        text = log.read()
    return len(_FORKS.findall(text)), len(_EXECS.findall(text)) - 1


def program(name: str) -> str | None:
    """Return the path of a program that is not a shim of pyenv; None, after a message, if it is not installed."""
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(":") if not folder.endswith("/shims")]
    found = shutil.which(name, path=":".join([*folders, str(Path(sys.executable).parent)]))
    if found is None:
        sys.stderr.write(f"  {name}: not installed, not compared\n")
    return found


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a temporary directory, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="envmgr-bench-") as folder:
        yield Path(folder).resolve()


def environ(home: Path, **more: str) -> dict[str, str]:
    """Return minimal environment variables, with store, cache, configuration and HOME under `home`."""
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
