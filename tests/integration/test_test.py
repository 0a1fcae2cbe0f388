"""`envmgr test`: real environments of two Pythons, real process groups, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from desk import Desk
from packed import pythons

from envmgr.environments import record
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

OLD, NEW = "3.11", "3.12"
PROJECT = """
[tool.envmgr.test]
pythons = ["3.11", "3.12"]
commands = {commands}
"""
BUILT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tomato"
version = "1.0"
"""
# A build backend of the project's own, so that nothing is fetched to build it (PEP 517).
BACKEND = """
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    with open("tests/builds.log", "a") as log:
        log.write("built\\n")
    name = "tomato-1.0-py3-none-any.whl"
    info = "tomato-1.0.dist-info"
    members = {
        "tomato.py": open("src/tomato.py").read(),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: tomato\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{m},,\\n" for m in [*members, f"{info}/RECORD"])
    with zipfile.ZipFile(f"{directory}/{name}", "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return name
"""


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, link: Callable[[Home, Path, str], Interpreter]) -> Home:
    """Return a store with two Pythons; their templates are made once."""
    home = Home(tmp_path_factory.mktemp("pair") / "home")
    for version in ("3.11.7", "3.12.1"):
        link(home, pythons() / version, version)
    return home


@pytest.fixture
def bench(desk: Desk, pair: Home) -> Desk:
    desk.home, desk.environ["ENVMGR_HOME"] = pair, str(pair.root)
    return desk


def commands(bench: Desk, *code: str, more: str = "") -> None:
    """Let the matrix run lines of Python, one command each."""
    words = [["python", "-c", line] for line in code]
    (bench.project / "pyproject.toml").write_text(PROJECT.format(commands=words) + more)


def test_each_python_runs_the_commands_and_has_a_block(bench: Desk) -> None:
    commands(bench, "import sys; print('first', *sys.version_info[:2])", "import sys; print('second', *sys.argv[1:])")
    out = bench.call("test", "--", "-x", "a b")
    for python in (OLD, NEW):
        block = out[out.index(f"── {python}: passed") :]
        assert f"\nfirst {python.replace('.', ' ')}\n" in block.partition("──\n")[2].partition("── ")[0]
    assert out.count("\nsecond -x a b\n") == 2
    assert "passed: 3.11, 3.12\n" in bench.talk("test")
    assert "3.12" not in bench.talk("test", "-p", OLD)


def test_a_failure_ends_its_python_and_no_other(bench: Desk) -> None:
    commands(bench, "import sys; sys.exit(sys.version_info < (3, 12))", "print('went on')")
    assert "passed: 3.12; failed: 3.11\n" in bench.call("test", code=1)
    commands(bench, "print(1)")
    (bench.project / "pyproject.toml").write_text(PROJECT.format(commands=[["no-such-program"]]))
    assert "broken: 3.11, 3.12\n" in bench.call("test", code=1)


def test_what_is_missing_is_broken_and_skipped_only_on_request(bench: Desk) -> None:
    commands(bench, "print(1)")
    missing = ("--no-install", "-p", f"{OLD},3.99")
    assert "passed: 3.11; broken: 3.99\n" in bench.call("test", *missing, code=1)
    assert "passed: 3.11; skipped: 3.99\n" in bench.talk("test", "--skip-missing", *missing)
    assert "skipped: 3.99" in bench.call("test", "--skip-missing", "--no-install", "-p", "3.99", code=1)
    assert "same Python" in bench.call("test", "-p", "3.11,3.11.7", code=2)


def test_variables_of_the_commands(bench: Desk) -> None:
    commands(bench, "import os, sys; print(os.environ['COVERAGE_FILE'], os.environ['VIRTUAL_ENV'] == sys.prefix)")
    out = bench.call("test")
    files = {line for line in out.splitlines() if line.endswith(" True")}
    assert len(files) == 2
    assert all(line.startswith(str(bench.project / ".coverage.test-")) for line in files)


def test_the_wheel_is_built_once_and_when_sources_change(bench: Desk) -> None:
    commands(bench, "import tomato; print(tomato.COLOUR)", more=BUILT)
    (bench.project / "backend.py").write_text(BACKEND)
    (bench.project / "src").mkdir()
    (bench.project / "tests").mkdir()
    source = bench.project / "src" / "tomato.py"
    source.write_text("COLOUR = 'green'\n")
    for engine, colour, builds in (("uv", "green", 1), ("uv", "red", 2), ("uv", "red", 2), ("pip", "yellow", 3)):
        source.write_text(f"COLOUR = {colour!r}\n")
        (bench.project / "tests" / f"test_{colour}.py").touch()
        out = bench.call("test", "--engine", engine)
        assert out.count(f"\n{colour}\n") == 2
        assert (bench.project / "tests" / "builds.log").read_text().count("built") == builds


def test_two_runs_at_once_both_pass(bench: Desk) -> None:
    commands(bench, "import tomato; print(tomato.COLOUR)", more=BUILT)
    (bench.project / "backend.py").write_text(BACKEND)
    for folder in ("src", "tests"):
        (bench.project / folder).mkdir()
    (bench.project / "src" / "tomato.py").write_text("COLOUR = 'green'\n")
    runs = [background(bench) for _ in range(3)]
    for one in runs:
        told = one.communicate()[1]
        assert (one.returncode, told) == (0, "passed: 3.11, 3.12\n")
    assert (bench.project / "tests" / "builds.log").read_text() == "built\n"


def test_an_environment_of_another_python_is_broken(bench: Desk) -> None:
    commands(bench, "print('ran')")
    bench.call("test")
    (target,) = record.folder(bench.home, bench.project).glob("test-*3.11*")
    python = target / "bin" / "python"
    python.unlink()
    python.symlink_to(pythons() / "3.13.0" / "bin" / "python3.13")
    assert "passed: 3.12; broken: 3.11\n" in bench.call("test", code=1)


def background(bench: Desk) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "envmgr", "test", "-j", "2"]
    return subprocess.Popen(
        argv, cwd=bench.project, env=bench.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def alive(mark: str) -> list[str]:
    """Return the processes that have `mark` among their words."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes()
        except OSError:
            continue
        if mark.encode() in words and place.parent.name != str(os.getpid()):
            found.append(place.parent.name)
    return found


STUBBORN = """
import pathlib, signal, subprocess, sys, time
mark = {mark!r}
{handler}
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', mark])
pathlib.Path(f'started-{{sys.version_info[1]}}').touch()
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_no_child(bench: Desk, number: int) -> None:
    mark = f"envmgr-mark-{os.getpid()}-{number}"
    (bench.project / "stay.py").write_text(STUBBORN.format(mark=mark, handler=""))
    (bench.project / "pyproject.toml").write_text(PROJECT.format(commands=[["python", "stay.py", mark]]))
    running = background(bench)
    wait_for(lambda: len(list(bench.project.glob("started-*"))) == 2)
    assert len(alive(mark)) == 4
    running.send_signal(number)
    assert running.wait(timeout=20) == 130
    assert alive(mark) == []
    for pipe in (running.stdout, running.stderr):
        assert pipe is not None
        pipe.close()


def test_a_second_ctrl_c_does_not_wait(bench: Desk) -> None:
    mark = f"envmgr-mark-{os.getpid()}-deaf"
    deaf = "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)"
    (bench.project / "stay.py").write_text(STUBBORN.format(mark=mark, handler=deaf))
    (bench.project / "pyproject.toml").write_text(PROJECT.format(commands=[["python", "stay.py", mark]]))
    running = background(bench)
    wait_for(lambda: len(list(bench.project.glob("started-*"))) == 2)
    started = time.monotonic()
    for _ in range(3):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert running.wait(timeout=20) == 130
    assert time.monotonic() - started < 5
    assert alive(mark) == []
    for pipe in (running.stdout, running.stderr):
        assert pipe is not None
        pipe.close()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_background_process_neither_hangs_nor_survives_a_run(bench: Desk) -> None:
    mark = f"envmgr-mark-{os.getpid()}-left"
    commands(
        bench,
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'])",
    )
    started = time.monotonic()
    bench.call("test")
    assert time.monotonic() - started < 30
    assert alive(mark) == []


def test_a_terminal_sees_what_goes_on(bench: Desk) -> None:
    commands(bench, "import time; time.sleep(0.5)")
    argv = ["-m", "envmgr", "test"]
    screen = pexpect.spawn(
        sys.executable, argv, cwd=str(bench.project), env=bench.environ, encoding="utf-8", timeout=30
    )
    screen.expect("3.11 running  3.12 running")
    screen.expect("passed: 3.11, 3.12")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


def test_ctrl_c_at_a_terminal(bench: Desk) -> None:
    """The commands are not in the foreground: envmgr hands the signal on, and they get it once."""
    mark = f"envmgr-mark-{os.getpid()}-tty"
    count = "signal.signal(signal.SIGINT, lambda *_: (pathlib.Path('ints').open('a').write('x'), sys.exit(1)))"
    (bench.project / "stay.py").write_text(STUBBORN.format(mark=mark, handler=count))
    (bench.project / "pyproject.toml").write_text(PROJECT.format(commands=[["python", "stay.py", mark]]))
    argv = ["-m", "envmgr", "test", "-p", NEW]
    screen = pexpect.spawn(
        sys.executable, argv, cwd=str(bench.project), env=bench.environ, encoding="utf-8", timeout=30
    )
    wait_for(lambda: len(list(bench.project.glob("started-*"))) == 1)
    screen.sendintr()
    screen.expect("Interrupted")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 130
    assert (bench.project / "ints").read_text() == "x"
    assert alive(mark) == []
