"""What the hook costs: at an idle prompt, on `cd` among known projects, and when a shell starts; and what it forks."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

import measure
import stage
from measure import Case, Samples

ROUNDS = 200
SHELLS = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
SESSION = Path(__file__).with_name("session.sh")
FISH = Path(__file__).with_name("session.fish")


def main() -> None:
    """Print the tables."""
    with stage.built() as built:
        for shell in SHELLS:
            if measure.program(shell):
                _prompts(built, shell)
        if measure.program("fish"):
            _fish(built)
        _start(built)
        with stage.built() as crowded:
            stage.crowd(crowded)
            for shell in filter(measure.program, SHELLS):
                _flat(built.deepest, crowded.deepest, shell)


def _prompts(built: stage.Stage, shell: str) -> None:
    contenders = ["floor", "envmgr", *filter(measure.program, ("direnv", "mise"))]
    idle: Samples = {what: [] for what in contenders}
    idle["envmgr outside a project"] = []
    change: Samples = {what: [] for what in contenders}
    for _ in range(3):  # sessions take turns, too
        for what in contenders:
            idle[what] += _session(built, shell, what, "idle")
            change[what] += _session(built, shell, what, "cd", rounds=ROUNDS if what in {"floor", "envmgr"} else 10)
        idle["envmgr outside a project"] += _session(built, shell, "envmgr", "idle", outside=True)
    budgets = {"envmgr": 1.3, "envmgr outside a project": 1.3}
    title = f"idle prompt in {shell}"
    measure.report(title, idle, "floor", budgets)
    measure.count(title, "envmgr, forks", _forks(built, shell, "idle"), budget=0)
    title = f"cd to another project in {shell}"
    measure.report(title, change, "floor")
    more = statistics.median(change["envmgr"]) - statistics.median(change["floor"])
    measure.count(title, "envmgr, ms on top of the floor", more * 1e3, budget=0.5)
    measure.count(title, "envmgr, forks", _forks(built, shell, "cd"), budget=0)


def _flat(few: stage.Stage, many: stage.Stage, shell: str) -> None:
    """Compare two stores, both from as deep: what is in them must not matter."""
    names = {"floor": few, "envmgr": few, f"envmgr, {stage.PYTHONS} Pythons, {stage.ENVIRONMENTS:,} environments": many}
    for mode in ("idle", "cd"):
        samples: Samples = {name: [] for name in names}
        for _ in range(3):
            for name, built in names.items():
                samples[name] += _session(built, shell, name.partition(",")[0], mode)
        measure.report(f"{mode}, {stage.LEVELS} levels deep in {shell}", samples, "envmgr", {[*names][-1]: 1.2})


def _words(shell: str, what: str, mode: str, rounds: int) -> list[str]:
    if shell == "fish":
        return ["fish", "--no-config", "-i", str(FISH), what, mode, str(rounds)]
    return [*SHELLS[shell], str(SESSION), what, mode, str(rounds)]


def _session(
    built: stage.Stage, shell: str, what: str, mode: str, *, rounds: int = ROUNDS, outside: bool = False
) -> list[float]:
    """Run one session; returns the seconds of each prompt."""
    told = subprocess.run(
        _words(shell, what, mode, rounds),
        env=_environ(built, outside=outside),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return [int(line) / 1e6 for line in told.stdout.splitlines() if line.isdigit()]


def _environ(built: stage.Stage, *, outside: bool = False) -> dict[str, str]:
    here, there = (built.outside, built.root) if outside else (built.a, built.b)
    active = "" if outside else "1"
    return {**built.environ, "HERE": str(here), "THERE": str(there), "STORE": str(built.store), "ACTIVE": active}


def _forks(built: stage.Stage, shell: str, mode: str) -> int:
    """Return what twenty more prompts fork."""
    few, many = (measure.processes(*_words(shell, "envmgr", mode, n), env=_environ(built))[0] for n in (2, 22))
    return many - few


def _fish(built: stage.Stage) -> None:
    for mode in ("idle", "cd"):
        cases = [
            Case(what, measure.command(*_words("fish", what, mode, ROUNDS), env=_environ(built)), budget=budget)
            for what, budget in (("none", None), ("floor", None), ("envmgr", 1.3 if mode == "idle" else None))
        ]
        title = f"{ROUNDS} prompts in fish, {mode}"
        measure.compare(title, cases, base="floor", rounds=5)
        measure.count(title, "envmgr, forks", _forks(built, "fish", mode), budget=0)


def _start(built: stage.Stage) -> None:
    """Compare a shell that reads an empty rc file with one that reads the line of each tool."""
    hook = built.store / "shell/hook.bash"
    lines = {"nothing": ":", "envmgr": f". '{hook}'"}
    if measure.program("direnv"):
        lines["direnv"] = 'eval "$(direnv hook bash)"'
    if pyenv := measure.program("pyenv"):
        lines["pyenv"] = f'eval "$({pyenv} init - bash)"'
    cases = [
        Case(name, measure.command("bash", "--norc", "-i", "-c", line, env=_environ(built), cwd=built.outside))
        for name, line in lines.items()
    ]
    samples = measure.compare("start of an interactive bash", cases, base="nothing", rounds=30)
    more = statistics.median(samples["envmgr"]) - statistics.median(samples["nothing"])
    measure.count("start of an interactive bash", "envmgr, ms", more * 1e3, budget=1)


if __name__ == "__main__":
    main()
