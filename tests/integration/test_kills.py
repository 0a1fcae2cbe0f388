"""Writers killed at a step: the old state or the new one holds, and the next command removes what was left.

strace sends SIGKILL when the process makes its n-th system call that changes a directory, so every step can be hit.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr.environments import manifest, record
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

Link = Callable[[Home, Path, str], Interpreter]
MINOR = platform.python_version().rpartition(".")[0]
CALLS = "rename,renameat,renameat2,unlink,unlinkat,rmdir,symlink,symlinkat,link,linkat,mkdir,mkdirat"
FILE = f"lib/python{MINOR}/site-packages/pip/_internal/main.py"


@pytest.fixture
def own(tmp_path: Path, link: Link, sandbox: Sandbox) -> Sandbox:
    """Return a user with a store of their own, and one environment in it."""
    home = Home(tmp_path / "own")
    link(home, Path(sys.base_prefix), platform.python_version())
    sandbox.home, sandbox.environ["ENVMGR_HOME"] = home, str(home.root)
    sandbox.run("use", MINOR)
    return sandbox


def steps() -> Iterator[int]:
    """Yield 1, 2, 3, 5, 8, ...: every step of what is short, a sample of a thousand alike."""
    one, other = 1, 2
    while True:
        yield one
        one, other = other, one + other


def killed(sandbox: Sandbox, step: int, argv: list[str]) -> bool:
    """Run a Python program, killed at its `step`-th change of a directory; return whether it was."""
    trace = [
        "strace",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={CALLS}",
        "-e",
        f"inject={CALLS}:signal=KILL:when={step}",
    ]
    done = subprocess.run(
        [*trace, sys.executable, *argv],
        cwd=sandbox.project,
        env=sandbox.environ | {"PWD": str(sandbox.project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0


def sweep(sandbox: Sandbox, command: list[str], prepare: Callable[[], object], check: Callable[[], object]) -> int:
    """Kill `envmgr command` at each step, checking after each; return how many steps were hit."""
    for hit, step in enumerate(steps()):
        prepare()
        if not killed(sandbox, step, ["-m", "envmgr", *command]):
            return hit
        check()
    raise AssertionError


def left(*places: Path) -> list[Path]:
    """Return what killed runs left in `places` and in `tmp/` of stores."""
    staged = [path for place in places for path in place.rglob("*.envmgr-*")]
    return staged + [path for place in places for path in (place / "tmp").glob("[!.]*")]


def works(sandbox: Sandbox) -> None:
    """Assert that the environment on record, if any, is whole, and that `.venv` leads to none that is half made."""
    found = record.lookup(sandbox.home, sandbox.project, MINOR)
    assert found is None or found.works
    for made in record.environments(sandbox.home):
        assert (made.path / FILE).exists()
        assert (made.bin / "pip").exists()


def test_use(own: Sandbox) -> None:
    def prepare() -> None:
        own.run("use", MINOR)
        own.run("env", "remove", str(own.project))

    hit = sweep(own, ["use", MINOR], prepare, lambda: works(own))
    assert hit > 8
    own.run("use", MINOR)
    assert not left(own.home.root, own.project)


def test_env_remove(own: Sandbox) -> None:
    def check() -> None:
        works(own)
        venv = own.project / ".venv"
        found = record.lookup(own.home, own.project, MINOR)
        assert found is None or venv.exists() or not os.path.lexists(venv)

    hit = sweep(own, ["env", "remove", str(own.project)], lambda: own.run("use", MINOR), check)
    assert hit > 8
    own.run("use", MINOR)
    assert not left(own.home.root, own.project)


def test_env_remove_that_was_killed_is_finished_by_the_next_command(own: Sandbox) -> None:
    for step in (8, 500):
        own.run("use", MINOR)
        assert killed(own, step, ["-m", "envmgr", "env", "remove", str(own.project)])
        assert left(own.home.root)
        own.run("use", "system")
        assert not left(own.home.root, own.project)


def test_env_repair(own: Sandbox) -> None:
    made = own.environment(MINOR)
    before = (made.path / FILE).read_bytes()

    def prepare() -> None:
        own.run("env", "repair", "--all")
        (made.path / FILE).chmod(0o644)
        (made.path / FILE).write_bytes(b"changed")

    def check() -> None:
        assert (made.path / FILE).read_bytes() in (b"changed", before)
        subprocess.run([made.bin / "python", "-c", "import pip"], env=own.environ, check=True)

    for step in (2, 34, 233, 610):  # each is preceded by the making of a template
        prepare()
        assert killed(own, step, ["-m", "envmgr", "env", "repair", str(own.project)])
        check()
    prepare()
    own.run("env", "repair", "--all")
    assert (made.path / FILE).read_bytes() == before
    assert not manifest.changed(made.path)
    assert not left(own.home.root, own.project)


def test_sums_of_a_mirror(own: Sandbox, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "20240107").mkdir(parents=True)
    code = "import sys; from pathlib import Path; from envmgr.pythons import mirror; m = Path(sys.argv[1])\n"
    code += "for name in 'ab': mirror.add_to_sums(m, m / '20240107' / name, 64 * name)"
    for step in steps():
        if not killed(own, step, ["-c", code, str(mirror)]):
            break
        for sums in mirror.rglob("SHA256SUMS"):
            assert all(line.split()[0] in ("a" * 64, "b" * 64) for line in sums.read_text().splitlines())
    assert step > 3
    assert (mirror / "SHA256SUMS").read_text().count("\n") == 2
    assert not left(mirror)
