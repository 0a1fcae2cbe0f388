"""What the hook costs: at an idle prompt, on `cd` among known projects, and when a shell starts; and what it forks."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

import measure
import peers
import stage
from measure import Case, Samples
from peers import Peer

ROUNDS, FEW = 200, 10  # prompts of a session; of one that changes directory and is slow
SHELLS = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
SESSION = Path(__file__).with_name("session.sh")
FISH = Path(__file__).with_name("session.fish")
START = {
    "bash": ("bash", "--norc", "-i", "-c"),
    "zsh": ("zsh", "-f", "-i", "-c"),
    "fish": ("fish", "--no-config", "-i", "-c"),
}


def main() -> None:
    """Print the tables."""
    with stage.built() as built:
        others = peers.installed(built)
        for shell in filter(measure.program, SHELLS):
            _prompts(built, others, shell)
        if measure.program("fish"):
            _fish(built)
        for shell in filter(measure.program, START):
            _start(built, others, shell)
        with stage.built() as crowded:
            stage.crowd(crowded)
            for shell in filter(measure.program, SHELLS):
                _flat(built.deepest, crowded.deepest, shell)
            if measure.program("fish"):
                _flat_fish(built.deepest, crowded.deepest)


def _prompts(built: stage.Stage, others: list[Peer], shell: str) -> None:
    contenders: list[str | Peer] = ["floor", "envmgr", *others]
    idle: Samples = {_name(what): [] for what in contenders}
    idle["envmgr outside a project"] = []
    change: Samples = {_name(what): [] for what in contenders}
    for _ in range(3):  # sessions take turns, too
        for what in contenders:
            idle[_name(what)] += _session(built, shell, what, "idle")
            change[_name(what)] += _session(built, shell, what, "cd")
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


def _name(what: str | Peer) -> str:
    return what if isinstance(what, str) else what.name


_CROWDED = f"envmgr, {stage.PYTHONS} Pythons, {stage.ENVIRONMENTS:,} environments"


def _flat(few: stage.Stage, many: stage.Stage, shell: str) -> None:
    """Compare two stores, both from as deep: what is in them must not matter."""
    names = {"floor": few, "envmgr": few, _CROWDED: many}
    for mode in ("idle", "cd"):
        samples: Samples = {name: [] for name in names}
        for _ in range(3):
            for name, built in names.items():
                samples[name] += _session(built, shell, name.partition(",")[0], mode)
        measure.report(f"{mode}, {stage.LEVELS} levels deep in {shell}", samples, "envmgr", {_CROWDED: 1.2})


def _flat_fish(few: stage.Stage, many: stage.Stage) -> None:
    """Do the same for whole sessions of fish, which has no clock."""
    for mode in ("idle", "cd"):
        words = _words("fish", "envmgr", mode, ROUNDS)
        cases = [
            Case("envmgr", measure.command(*words, env=_environ(few))),
            Case(_CROWDED, measure.command(*words, env=_environ(many)), budget=1.2),
        ]
        measure.compare(f"{ROUNDS} prompts in fish, {mode}, {stage.LEVELS} levels deep", cases, base="envmgr", rounds=9)


def _words(shell: str, what: str, mode: str, rounds: int) -> list[str]:
    if shell == "fish":
        return ["fish", "--no-config", "-i", str(FISH), what, mode, str(rounds)]
    return [*SHELLS[shell], str(SESSION), what, mode, str(rounds)]


def _session(built: stage.Stage, shell: str, what: str | Peer, mode: str, *, outside: bool = False) -> list[float]:
    """Run one session; returns the seconds of each prompt."""
    rounds = FEW if mode == "cd" and isinstance(what, Peer) else ROUNDS
    told = subprocess.run(
        _words(shell, _name(what), mode, rounds),
        env=_environ(built, outside=outside) if isinstance(what, str) else _their(what),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return [int(line) / 1e6 for line in told.stdout.splitlines() if line.isdigit()]


def _their(peer: Peer) -> dict[str, str]:
    return {**peer.environ, "HERE": str(peer.here), "THERE": str(peer.there), "ACTIVE": "1"}


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
        samples = measure.compare(title, cases, base="floor", rounds=9)
        if mode == "cd":
            more = statistics.median(samples["envmgr"]) - statistics.median(samples["floor"])
            measure.count(title, "envmgr, ms on top of the floor, each", more * 1e3 / ROUNDS, budget=0.5)
        measure.count(title, "envmgr, forks", _forks(built, "fish", mode), budget=0)


def _start(built: stage.Stage, others: list[Peer], shell: str) -> None:
    """Compare a shell that reads an empty rc file with one that reads the line of each tool, outside of any project."""
    hook = built.store / f"shell/hook.{shell}"
    source = "source" if shell == "fish" else "."
    lines = {"nothing": (":", built.environ), "envmgr": (f"{source} '{hook}'", built.environ)}
    lines |= {peer.name: (peer.start[shell], peer.environ) for peer in others}
    cases = [
        Case(name, measure.command(*START[shell], line, env=environ, cwd=built.outside))
        for name, (line, environ) in lines.items()
    ]
    title = f"start of an interactive {shell}"
    samples = measure.compare(title, cases, base="nothing", rounds=40)
    pairs = zip(samples["envmgr"], samples["nothing"], strict=True)  # one after the other: what is slow is so for both
    more = statistics.median(ours - nothing for ours, nothing in pairs)
    measure.count(title, "envmgr, ms for sourcing", more * 1e3, budget=0.5)


if __name__ == "__main__":
    main()
