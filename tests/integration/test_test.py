"""`envmgr test`: real environments of two Pythons, real process groups, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from junitparser import JUnitXml
from python_archives import pythons
from sandbox import Sandbox

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
def sandbox(sandbox: Sandbox, pair: Home) -> Sandbox:
    sandbox.home, sandbox.environ["ENVMGR_HOME"] = pair, str(pair.root)
    return sandbox


def commands(sandbox: Sandbox, *code: str, more: str = "") -> None:
    """Let the matrix run lines of Python, one command each."""
    words = [["python", "-c", line] for line in code]
    (sandbox.project / "pyproject.toml").write_text(PROJECT.format(commands=words) + more)


def test_each_python_runs_the_commands_and_has_a_block(sandbox: Sandbox) -> None:
    commands(sandbox, "import sys; print('first', *sys.version_info[:2])", "import sys; print('second', *sys.argv[1:])")
    out = sandbox.run("test", "--", "-x", "a b")
    for python in (OLD, NEW):
        block = out[out.index(f"── {python}: passed") :]
        assert f"\nfirst {python.replace('.', ' ')}\n" in block.partition("──\n")[2].partition("── ")[0]
    assert out.count("\nsecond -x a b\n") == 2
    assert "passed: 3.11, 3.12\n" in sandbox.messages("test")
    assert "3.12" not in sandbox.messages("test", "-p", OLD)


def test_a_failure_ends_its_python_and_no_other(sandbox: Sandbox) -> None:
    commands(sandbox, "import sys; sys.exit(sys.version_info < (3, 12))", "print('went on')")
    assert "passed: 3.12; failed: 3.11\n" in sandbox.run("test", code=1)
    commands(sandbox, "print(1)")
    (sandbox.project / "pyproject.toml").write_text(PROJECT.format(commands=[["no-such-program"]]))
    assert "broken: 3.11, 3.12\n" in sandbox.run("test", code=1)


def test_what_is_missing_is_broken_and_skipped_only_on_request(sandbox: Sandbox) -> None:
    commands(sandbox, "print(1)")
    missing = ("--no-install", "-p", f"{OLD},3.99")
    assert "passed: 3.11; broken: 3.99\n" in sandbox.run("test", *missing, code=1)
    assert "passed: 3.11; skipped: 3.99\n" in sandbox.messages("test", "--skip-missing", *missing)
    assert "skipped: 3.99" in sandbox.run("test", "--skip-missing", "--no-install", "-p", "3.99", code=5)
    assert "-p names no Python" in sandbox.run("test", "-p", ",", code=2)
    assert "-p names no Python" in sandbox.run("test", "-p", "", code=2)


def test_variables_of_the_commands(sandbox: Sandbox) -> None:
    commands(sandbox, "import os, sys; print(os.environ['COVERAGE_FILE'], os.environ['VIRTUAL_ENV'] == sys.prefix)")
    out = sandbox.run("test")
    files = {line for line in out.splitlines() if line.endswith(" True")}
    assert len(files) == 2
    assert all(line.startswith(str(sandbox.project / ".coverage.test-")) for line in files)


def test_the_wheel_is_built_once_and_when_sources_change(sandbox: Sandbox) -> None:
    commands(sandbox, "import tomato; print(tomato.COLOUR)", more=BUILT)
    (sandbox.project / "backend.py").write_text(BACKEND)
    (sandbox.project / "src").mkdir()
    (sandbox.project / "tests").mkdir()
    source = sandbox.project / "src" / "tomato.py"
    source.write_text("COLOUR = 'green'\n")
    for engine, colour, builds in (("uv", "green", 1), ("uv", "red", 2), ("uv", "red", 2), ("pip", "yellow", 3)):
        source.write_text(f"COLOUR = {colour!r}\n")
        (sandbox.project / "tests" / f"test_{colour}.py").touch()
        out = sandbox.run("test", "--engine", engine)
        assert out.count(f"\n{colour}\n") == 2
        assert (sandbox.project / "tests" / "builds.log").read_text().count("built") == builds


def test_two_runs_at_once_both_pass(sandbox: Sandbox) -> None:
    commands(sandbox, "import tomato; print(tomato.COLOUR)", more=BUILT)
    (sandbox.project / "backend.py").write_text(BACKEND)
    for folder in ("src", "tests"):
        (sandbox.project / folder).mkdir()
    (sandbox.project / "src" / "tomato.py").write_text("COLOUR = 'green'\n")
    runs = [background(sandbox) for _ in range(3)]
    for one in runs:
        told = one.communicate()[1]
        assert (one.returncode, told) == (0, "passed: 3.11, 3.12\n")
    assert (sandbox.project / "tests" / "builds.log").read_text() == "built\n"


def test_an_environment_of_another_python_is_broken(sandbox: Sandbox) -> None:
    commands(sandbox, "print('ran')")
    sandbox.run("test")
    (target,) = record.environments_folder(sandbox.home, sandbox.project).glob("test-*3.11*")
    python = target / "bin" / "python"
    python.unlink()
    python.symlink_to(pythons() / "3.13.0" / "bin" / "python3.13")
    assert "passed: 3.12; broken: 3.11\n" in sandbox.run("test", code=1)


def background(sandbox: Sandbox) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "envmgr", "test", "-j", "2"]
    return subprocess.Popen(
        argv, cwd=sandbox.project, env=sandbox.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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
def test_ctrl_c_leaves_no_child(sandbox: Sandbox, number: int) -> None:
    mark = f"envmgr-mark-{os.getpid()}-{number}"
    (sandbox.project / "stay.py").write_text(STUBBORN.format(mark=mark, handler=""))
    (sandbox.project / "pyproject.toml").write_text(PROJECT.format(commands=[["python", "stay.py", mark]]))
    running = background(sandbox)
    wait_for(lambda: len(list(sandbox.project.glob("started-*"))) == 2)
    assert len(alive(mark)) == 4
    running.send_signal(number)
    assert running.wait(timeout=20) == 130
    assert alive(mark) == []
    for pipe in (running.stdout, running.stderr):
        assert pipe is not None
        pipe.close()


def test_a_second_ctrl_c_does_not_wait(sandbox: Sandbox) -> None:
    mark = f"envmgr-mark-{os.getpid()}-deaf"
    deaf = "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)"
    (sandbox.project / "stay.py").write_text(STUBBORN.format(mark=mark, handler=deaf))
    (sandbox.project / "pyproject.toml").write_text(PROJECT.format(commands=[["python", "stay.py", mark]]))
    running = background(sandbox)
    wait_for(lambda: len(list(sandbox.project.glob("started-*"))) == 2)
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


def test_a_background_process_neither_hangs_nor_survives_a_run(sandbox: Sandbox) -> None:
    mark = f"envmgr-mark-{os.getpid()}-left"
    commands(
        sandbox,
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'])",
    )
    started = time.monotonic()
    sandbox.run("test")
    assert time.monotonic() - started < 30
    assert alive(mark) == []


def terminal(sandbox: Sandbox, *words: str) -> pexpect.spawn[str]:
    argv = ["-m", "envmgr", "test", *words]
    environ = {**sandbox.environ, "TERM": "xterm"}
    return pexpect.spawn(
        sys.executable, argv, cwd=str(sandbox.project), env=environ, encoding="utf-8", timeout=60, dimensions=(24, 120)
    )


def test_a_terminal_shows_a_table_of_all_cells_with_their_last_lines(sandbox: Sandbox) -> None:
    commands(sandbox, "import time; print('a line', flush=True); time.sleep(2)")
    screen = terminal(sandbox)
    screen.expect(r"3\.1[12] +.*running.* a line")
    screen.expect("passed: 3.11, 3.12")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


def test_a_failure_is_shown_in_full_at_the_end_with_the_colours_of_its_command(sandbox: Sandbox) -> None:
    commands(sandbox, "import sys; print('\\x1b[31mred' if sys.stdout.isatty() else 'plain'); sys.exit(1)")
    screen = terminal(sandbox)
    screen.expect("3.11: failed")
    screen.expect("\x1b\\[31mred")
    screen.expect("failed: 3.11, 3.12")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 1


def test_one_cell_has_the_terminal(sandbox: Sandbox) -> None:
    commands(
        sandbox,
        "import sys; print(all(f.isatty() for f in (sys.stdin, sys.stdout, sys.stderr))); print('got', input())",
    )
    screen = terminal(sandbox, "-p", NEW)
    screen.expect("True")
    screen.sendline("hello")
    screen.expect("got hello")
    screen.expect("passed: 3.12")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


def test_ctrl_c_at_a_terminal_reaches_the_command_once(sandbox: Sandbox) -> None:
    mark = f"envmgr-mark-{os.getpid()}-tty"
    count = "signal.signal(signal.SIGINT, lambda *_: (pathlib.Path('ints').open('a').write('x'), sys.exit(1)))"
    (sandbox.project / "stay.py").write_text(STUBBORN.format(mark=mark, handler=count))
    for words in (["-p", NEW], []):  # one cell, which has the terminal; two, which have not
        (sandbox.project / "pyproject.toml").write_text(PROJECT.format(commands=[["python", "stay.py", mark]]))
        screen = terminal(sandbox, *words)
        wait_for(lambda: len(list(sandbox.project.glob("started-*"))) == (1 if words else 2))  # noqa: B023
        screen.sendintr()
        screen.expect("Interrupted")
        screen.expect(pexpect.EOF)
        screen.close()
        assert screen.exitstatus == 130
        assert (sandbox.project / "ints").read_text() == ("x" if words else "xx")
        assert alive(mark) == []
        for left in (*sandbox.project.glob("started-*"), sandbox.project / "ints"):
            left.unlink()


def test_an_interrupted_cell_shows_its_output(sandbox: Sandbox) -> None:
    commands(sandbox, "import time; print('until here', flush=True); open('started', 'w'); time.sleep(60)")
    running = background(sandbox)
    wait_for((sandbox.project / "started").exists)
    running.send_signal(signal.SIGINT)
    out, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted ──" in out
    assert "until here" in out
    assert "Interrupted" in told


def test_a_process_in_a_session_of_its_own_does_not_outlive_its_cell(sandbox: Sandbox) -> None:
    mark = f"envmgr-mark-{os.getpid()}-session"
    start = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{}'], start_new_session=True)"
    commands(sandbox, f"import subprocess, sys; {start.format(mark)}")
    sandbox.run("test")
    wait_for(lambda: alive(mark) == [])


def table(sandbox: Sandbox, text: str, *, project: str = "") -> None:
    (sandbox.project / "pyproject.toml").write_text(f'[tool.envmgr.test]\npythons = ["3.12"]\n{text}\n{project}')


def local_wheel(folder: Path, name: str, version: str = "1.0") -> Path:
    """Make a wheel of one module, `name`, which holds its version."""
    folder.mkdir(exist_ok=True)
    file, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return file


IMPORT = 'commands = [["python", "-c", "import {}"]]\n'


def test_a_package_that_is_no_longer_required_is_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    one, two = local_wheel(tmp_path / "wheels", "leek"), local_wheel(tmp_path / "wheels", "kale")
    groups = f"[dependency-groups]\ntest = ['leek @ {one.as_uri()}']\nmore = ['kale @ {two.as_uri()}']\n"
    table(sandbox, IMPORT.format("leek, kale") + 'groups = ["test", "more"]', project=groups)
    sandbox.run("test")
    table(sandbox, IMPORT.format("leek, kale") + 'groups = ["test"]', project=groups)
    assert "ModuleNotFoundError" in out_of(sandbox, 1)
    table(sandbox, IMPORT.format("leek"), project=groups)
    assert "ModuleNotFoundError" in out_of(sandbox, 1)


def out_of(sandbox: Sandbox, code: int, *words: str) -> str:
    """Run the tests, which end with `code`, and return what is printed."""
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", "test", *words],
        cwd=sandbox.project,
        env=sandbox.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def built(sandbox: Sandbox, colour: str = "green") -> None:
    """Make the project one that can be built: a module `tomato` that has a colour."""
    (sandbox.project / "backend.py").write_text(BACKEND)
    for folder in ("src", "tests"):
        (sandbox.project / folder).mkdir(exist_ok=True)
    (sandbox.project / "src" / "tomato.py").write_text(f"COLOUR = {colour!r}\n")


def test_another_package_mode_replaces_the_old_one(sandbox: Sandbox) -> None:
    built(sandbox)
    table(sandbox, IMPORT.format("tomato"), project=BUILT)
    sandbox.run("test")
    table(sandbox, IMPORT.format("tomato") + 'package = "none"', project=BUILT)
    assert "ModuleNotFoundError" in out_of(sandbox, 1)


def test_variables_that_steer_a_build_are_inputs_of_the_wheel(sandbox: Sandbox) -> None:
    built(sandbox)
    backend = (sandbox.project / "backend.py").read_text().replace('open("src/tomato.py").read()', "_source()")
    source = "def _source():\n    import os\n    return 'COLOUR = ' + repr(os.environ.get('V'))\n"
    (sandbox.project / "backend.py").write_text(source + backend)
    table(
        sandbox, 'commands = [["python", "-c", "import tomato; print(tomato.COLOUR)"]]\npass-env = ["V"]', project=BUILT
    )
    for value in ("one", "two"):
        sandbox.environ["V"] = value
        assert f"\n{value}\n" in sandbox.run("test")


@pytest.mark.parametrize("text", ['extras = ["nope"]', 'groups = ["nope"]', 'constraints = ["nope.txt"]'])
def test_an_unknown_extra_group_or_file_breaks_the_cell(sandbox: Sandbox, text: str) -> None:
    table(sandbox, IMPORT.format("sys") + text, project="[project]\nname = 'x'\nversion = '1'\n")
    assert "nope" in out_of(sandbox, 1)


def test_only_passed_variables_reach_the_commands(sandbox: Sandbox) -> None:
    code = "import os; print(*[os.environ.get(n) for n in ('PYTHONPATH', 'SECRET', 'AWS_X', 'OWN')])"
    table(sandbox, f'commands = [["python", "-c", "{code}"]]\npass-env = ["AWS_*"]\nenv = {{ OWN = "{{cell}}" }}')
    sandbox.environ |= {"PYTHONPATH": "/x", "SECRET": "s", "AWS_X": "a"}
    assert "\nNone None a 3.12\n" in sandbox.run("test")


def test_a_command_that_exchanges_the_environment_fails_the_cell(sandbox: Sandbox) -> None:
    other = pythons() / "3.13.0" / "bin" / "python3.13"
    code = "import os, sys; p = sys.prefix + '/bin/python'; os.unlink(p); os.symlink(sys.argv[1], p)"
    table(sandbox, f'commands = [["python", "-c", "{code}", "{other}"]]')
    assert "after the commands, the commands' Python is" in out_of(sandbox, 1)


def test_a_time_limit_ends_a_deaf_command(sandbox: Sandbox) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
    )
    table(sandbox, f'commands = [["python", "-c", "{code}"]]\ntimeout = 2')
    started = time.monotonic()
    out = out_of(sandbox, 1)
    assert time.monotonic() - started < 40
    assert "here" in out
    assert "time limit of 2 s" in out


def test_retries_allowed_failures_and_the_order_of_dependent_cells(sandbox: Sandbox) -> None:
    code = (
        "import os, sys; n = len(os.listdir('{tmp}/..')); f = open('tries', 'a'); f.write('x'); sys.exit(f.tell() < 2)"
    )
    named = (
        '[tool.envmgr.test.cells.last]\npython = "3.12"\ndepends = ["3.12"]\n'
        'commands = [["python", "-c", "print(len(open(\'tries\').read()))"]]\n'
        '[tool.envmgr.test.cells.lenient]\npython = "3.12"\nallow-failure = true\n'
        'commands = [["python", "-c", "1/0"]]\n'
    )
    table(sandbox, f'commands = [["python", "-c", "{code}"]]\nretries = 2\n{named}')
    out = out_of(sandbox, 0, "-j", "3")
    assert "flaky: 3.12" in out
    assert "allowed to fail: lenient" in out
    assert "passed: last" in out
    assert "\n2\n" in out


def test_prefixes_and_the_commands_before_and_after(sandbox: Sandbox) -> None:
    lines = {
        "commands-before": ["-", "python", "-c", "print('before'); 1/0"],
        "commands": ["!", "python", "-c", "print('main'); 1/0"],
        "commands-after": ["python", "-c", "print('after')"],
    }
    table(sandbox, "\n".join(f"{name} = {[words]!r}" for name, words in lines.items()))
    out = sandbox.run("test")
    assert [word for word in out.split() if word in ("before", "main", "after")] == ["before", "main", "after"]


def test_a_copy_of_the_tree_keeps_the_project_clean(sandbox: Sandbox) -> None:
    table(
        sandbox, 'commands = [["python", "-c", "open(\'made\', \'w\'); print(open(\'data\').read())"]]\ntree = "copy"'
    )
    (sandbox.project / "data").write_text("kept")
    assert "\nkept\n" in sandbox.run("test")
    assert not (sandbox.project / "made").exists()


def test_only_failed_cells_and_cells_with_new_inputs_run_again(sandbox: Sandbox) -> None:
    commands(sandbox, "import sys, os; sys.exit(sys.version_info < (3, 12) and not os.path.exists('mended'))")
    assert "failed: 3.11" in out_of(sandbox, 1)
    assert "cached: 3.12; failed: 3.11" in out_of(sandbox, 1, "--cached")
    (sandbox.project / "mended").touch()
    assert "passed: 3.11\n" in sandbox.messages("test", "--failed")
    assert "passed: 3.12; cached: 3.11" in sandbox.messages("test", "--cached")
    assert "no cell is selected" in sandbox.run("test", "--failed", code=2)


def test_large_output_that_is_no_text_is_passed_on_unchanged(sandbox: Sandbox) -> None:
    code = "import sys; [sys.stdout.buffer.write(b'\\xff' * 1000000 + b'\\n') for _ in range(20)]"
    (sandbox.project / "noise.py").write_text(code)
    table(sandbox, 'commands = [["python", "noise.py"]]')
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", "test"],
        cwd=sandbox.project,
        env=sandbox.environ,
        capture_output=True,
        check=True,
    )
    assert done.stdout.count(b"\xff") == 20_000_000


def test_json_and_junit_reports(sandbox: Sandbox) -> None:
    commands(sandbox, "import sys; print('noise'); sys.exit(sys.version_info < (3, 12))")
    data = json.loads(
        subprocess.run(
            [sys.executable, "-m", "envmgr", "test", "--json", "--junit", "out/report.xml"],
            cwd=sandbox.project,
            env=sandbox.environ,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    )
    assert [(each["cell"], each["state"], each["proof"]["version"]) for each in data["cells"]] == [
        ("3.11", "failed", "3.11.7"),
        ("3.12", "passed", "3.12.1"),
    ]
    report = JUnitXml.fromfile(str(sandbox.project / "out" / "report.xml"))
    assert (report.tests, report.failures) == (2, 1)


def test_the_tests_of_a_project_without_a_table(sandbox: Sandbox) -> None:
    (sandbox.project / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    (sandbox.project / "test_x.py").write_text(
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n"
    )
    told = out_of(sandbox, 0, "-p", "3.11,3.12")
    assert "commands: python -m unittest discover {args} (tests that do not import pytest)" in told
    assert "passed: 3.11, 3.12" in told
    assert sandbox.run("test", "--init").startswith("[tool.envmgr.test]\n")


def test_cells_are_listed_and_planned_without_running(sandbox: Sandbox) -> None:
    table(sandbox, 'axes = { x = ["1", "2"] }\ndeps = ["idna"]\n' + IMPORT.format("sys"))
    assert [line.split()[0] for line in sandbox.run("test", "--list").splitlines()] == ["3.12-x1", "3.12-x2"]
    plan = sandbox.run("test", "--dry-run", "--cell", "*x2")
    assert plan.splitlines() == [
        "3.12-x2: Python 3.12",
        "  package: deps-only",
        "  install: idna",
        "  run: python -c 'import sys'",
    ]


def test_groups_and_annotations_on_github(sandbox: Sandbox, tmp_path: Path) -> None:
    commands(sandbox, "import sys; print('::error::forged'); sys.exit(sys.version_info < (3, 12))")
    sandbox.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    out = out_of(sandbox, 1)
    assert "::group::3.11: failed" in out
    assert "::error title=3.11 failed::" in out
    assert out.index("::stop-commands::") < out.index("::error::forged")
    assert "| 3.12 | passed |" in (tmp_path / "summary").read_text()
