"""Time the hook at an idle prompt, on `cd` between known projects and at the start of a shell; count its forks."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

import bench_sandbox
import measure
import peers
from bench_sandbox import Sandbox
from measure import Case, Samples
from peers import Peer

ROUNDS, FEW = 200, 10  # prompts of a session; of a session with `cd` and a slow peer
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
    with bench_sandbox.create() as box:
        others = peers.installed(box)
        for shell in filter(measure.program, SHELLS):
            _prompts(box, others, shell)
        if measure.program("fish"):
            _fish(box)
        for shell in filter(measure.program, START):
            _start(box, others, shell)
        with bench_sandbox.create() as full:
            bench_sandbox.fill_store(full)
            for shell in filter(measure.program, SHELLS):
                _scaling(box.deepest, full.deepest, shell)
            if measure.program("fish"):
                _scaling_fish(box.deepest, full.deepest)


def _prompts(box: Sandbox, others: list[Peer], shell: str) -> None:
    contenders: list[str | Peer] = ["floor", "envmgr", *others]
    idle: Samples = {_name(what): [] for what in contenders}
    idle["envmgr outside a project"] = []
    change: Samples = {_name(what): [] for what in contenders}
    for _ in range(3):  # interleave sessions, too
        for what in contenders:
            idle[_name(what)] += _session(box, shell, what, "idle")
            change[_name(what)] += _session(box, shell, what, "cd")
        idle["envmgr outside a project"] += _session(box, shell, "envmgr", "idle", outside=True)
    budgets = {"envmgr": 1.3, "envmgr outside a project": 1.3}
    title = f"idle prompt in {shell}"
    measure.report(title, idle, "floor", budgets)
    measure.count(title, "envmgr, forks", _forks(box, shell, "idle"), budget=0)
    title = f"cd to another project in {shell}"
    measure.report(title, change, "floor")
    more = statistics.median(change["envmgr"]) - statistics.median(change["floor"])
    measure.count(title, "envmgr, ms on top of the floor", more * 1e3, budget=0.5)
    measure.count(title, "envmgr, forks", _forks(box, shell, "cd"), budget=0)


def _name(what: str | Peer) -> str:
    return what if isinstance(what, str) else what.name


_FULL_STORE = f"envmgr, {bench_sandbox.PYTHONS} Pythons, {bench_sandbox.ENVIRONMENTS:,} environments"


def _scaling(few: Sandbox, many: Sandbox, shell: str) -> None:
    """Compare a small and a full store, in directories of the same depth: the times must be the same."""
    names = {"floor": few, "envmgr": few, _FULL_STORE: many}
    for mode in ("idle", "cd"):
        samples: Samples = {name: [] for name in names}
        for _ in range(3):
            for name, box in names.items():
                samples[name] += _session(box, shell, name.partition(",")[0], mode)
        measure.report(f"{mode}, {bench_sandbox.LEVELS} levels deep in {shell}", samples, "envmgr", {_FULL_STORE: 1.2})


def _scaling_fish(few: Sandbox, many: Sandbox) -> None:
    """Do the same for fish, which has no clock, by timing whole sessions."""
    for mode in ("idle", "cd"):
        words = _words("fish", "envmgr", mode, ROUNDS)
        cases = [
            Case("envmgr", measure.command(*words, env=_environ(few))),
            Case(_FULL_STORE, measure.command(*words, env=_environ(many)), budget=1.2),
        ]
        measure.compare(
            f"{ROUNDS} prompts in fish, {mode}, {bench_sandbox.LEVELS} levels deep", cases, base="envmgr", rounds=9
        )


def _words(shell: str, what: str, mode: str, rounds: int) -> list[str]:
    if shell == "fish":
        return ["fish", "--no-config", "-i", str(FISH), what, mode, str(rounds)]
    return [*SHELLS[shell], str(SESSION), what, mode, str(rounds)]


def _session(box: Sandbox, shell: str, what: str | Peer, mode: str, *, outside: bool = False) -> list[float]:
    """Run one session; return the seconds of each prompt."""
    rounds = FEW if mode == "cd" and isinstance(what, Peer) else ROUNDS
    result = subprocess.run(
        _words(shell, _name(what), mode, rounds),
        env=_environ(box, outside=outside) if isinstance(what, str) else _peer_environ(what),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return [int(line) / 1e6 for line in result.stdout.splitlines() if line.isdigit()]


def _peer_environ(peer: Peer) -> dict[str, str]:
    return {**peer.environ, "HERE": str(peer.here), "THERE": str(peer.there), "ACTIVE": "1"}


def _environ(box: Sandbox, *, outside: bool = False) -> dict[str, str]:
    here, there = (box.outside, box.root) if outside else (box.a, box.b)
    active = "" if outside else "1"
    return {**box.environ, "HERE": str(here), "THERE": str(there), "STORE": str(box.store), "ACTIVE": active}


def _forks(box: Sandbox, shell: str, mode: str) -> int:
    """Return the number of forks of twenty prompts."""
    few, many = (measure.processes(*_words(shell, "envmgr", mode, n), env=_environ(box))[0] for n in (2, 22))
    return many - few


def _fish(box: Sandbox) -> None:
    for mode in ("idle", "cd"):
        cases = [
            Case(what, measure.command(*_words("fish", what, mode, ROUNDS), env=_environ(box)), budget=budget)
            for what, budget in (("none", None), ("floor", None), ("envmgr", 1.3 if mode == "idle" else None))
        ]
        title = f"{ROUNDS} prompts in fish, {mode}"
        samples = measure.compare(title, cases, base="floor", rounds=9)
        if mode == "cd":
            more = statistics.median(samples["envmgr"]) - statistics.median(samples["floor"])
            measure.count(title, "envmgr, ms on top of the floor, each", more * 1e3 / ROUNDS, budget=0.5)
        measure.count(title, "envmgr, forks", _forks(box, "fish", mode), budget=0)


def _start(box: Sandbox, others: list[Peer], shell: str) -> None:
    """Compare the start of a shell with an empty rc file and with the rc line of each tool, outside of any project."""
    hook = box.store / f"shell/hook.{shell}"
    source = "source" if shell == "fish" else "."
    lines = {"nothing": (":", box.environ), "envmgr": (f"{source} '{hook}'", box.environ)}
    lines |= {peer.name: (peer.start[shell], peer.environ) for peer in others}
    cases = [
        Case(name, measure.command(*START[shell], line, env=environ, cwd=box.outside))
        for name, (line, environ) in lines.items()
    ]
    title = f"start of an interactive {shell}"
    samples = measure.compare(title, cases, base="nothing", rounds=40)
    pairs = zip(samples["envmgr"], samples["nothing"], strict=True)  # neighbouring runs have the same noise
    more = statistics.median(ours - nothing for ours, nothing in pairs)
    measure.count(title, "envmgr, ms for sourcing", more * 1e3, budget=0.5)


if __name__ == "__main__":
    main()
