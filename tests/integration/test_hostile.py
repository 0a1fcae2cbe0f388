"""Hostile names, files and values at every verb: nothing of them is executed, nothing steers a terminal or hangs.

The projects of the rule table, their store and their system are in a directory of hostile names. Version files and
names that shims and hooks meet are in that table.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from prepared_projects import PreparedProjects, create_projects
from pty_shell import PtyShell
from rule_table import HOSTILE, Case
from sandbox import Sandbox

from envmgr.environments import record
from envmgr.shell import shims

TIMEOUT = 60.0  # seconds
ODD = "no\x1b]0;x\x07"
AWAY = Case("none", "system")
ALL = Path(*HOSTILE)
# no PATH can hold a colon, and no permission a line break
STORE = Path(*(name for name in HOSTILE if not {"\n", ":"} & {*name}), "a\u2028b")
NEST = Path("hostile", *STORE.parts)


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a program on a terminal."""

    code: int
    output: bytes


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedProjects]:
    """Return the prepared projects in a directory with hostile names, and assert that no name was executed."""
    root = tmp_path_factory.mktemp("hostile")
    (root / STORE).mkdir(parents=True)
    prepared = create_projects(root / STORE)
    nest = prepared.root / NEST
    nest.mkdir(parents=True)
    (nest / ".python-version").write_text("3.12\n")
    yield prepared
    assert not list(root.rglob("pwned"))


def variables(prepared: PreparedProjects, cwd: Path) -> dict[str, str]:
    ours = {"ENVMGR_HOME": str(prepared.home.root), "PWD": str(cwd)}
    aside = {f"ENVMGR_{name}_DIR": str(prepared.root.parent / name) for name in ("CACHE", "CONFIG")}
    return prepared.environ(AWAY) | ours | aside


def envmgr(*words: str) -> list[str]:
    return [sys.executable, "-m", "envmgr", *words]


def piped(argv: list[str], cwd: Path, environ: Mapping[str, str], *, code: int = 0) -> str:
    """Run a program that must end with `code`; return its stdout."""
    done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, check=False, timeout=TIMEOUT)
    assert b"Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    assert harmless(done.stderr)
    return os.fsdecode(done.stdout)


def run_on_terminal(argv: list[str], cwd: Path, environ: Mapping[str, str]) -> Outcome:
    """Run a program on a terminal."""
    leader, follower = os.openpty()
    with subprocess.Popen(argv, cwd=cwd, env=environ, stdin=follower, stdout=follower, stderr=follower) as child:
        os.close(follower)
        output = b""
        with suppress(OSError):  # EIO at the end, on Linux
            while more := os.read(leader, 65536):
                output += more
        os.close(leader)
        return Outcome(child.wait(TIMEOUT), output.replace(b"\r\n", b"\n"))


def harmless(output: bytes) -> bool:
    """Return whether this is text without C0, DEL and C1 control characters and without invalid bytes."""
    return all(c in "\n\t" or c.isprintable() for c in output.decode(errors="surrogateescape"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status"], 0),
        (["status", "--json"], 0),
        (["list"], 0),
        (["list", "--json"], 0),
        (["list", f"--{ODD}"], 2),
        (["env", "list"], 0),
        (["env", "list", "--json"], 0),
        (["env", "path"], 8),
        (["env", "remove", ODD], 2),
        (["env", "remove", "hostile"], 2),
        (["which", "python"], 0),
        (["which", "--all", "python"], 0),
        (["which", ODD], 127),
        (["whence", "pytest"], 0),
        (["whence", ODD], 127),
        (["find"], 0),
        (["find", ODD], 2),
        (["run", "true"], 8),  # the environment cannot be made in a store of such a name
        (["run", ODD], 8),
        (["run", "-p", ODD, "true"], 2),
        (["link", ODD], 2),
        (["uninstall", ODD], 2),
        (["install", ODD], 2),
        (["upgrade", ODD], 2),
        (["env", ODD], 2),
        (["list", "--available", "--platform", ODD], 2),
        (["mirror", "pack", ODD], 2),
        (["setup", ODD], 2),
        (["prune", "-n"], 0),
        (["use", ODD], 2),
        (["allow"], 2),
        (["allow", "--list"], 0),
        (["deny"], 0),
        (["doctor"], 1),
        (["doctor", "--json"], 1),
        (["completion", "bash"], 0),
        (["completion", ODD], 2),
        (["setup", "--print", "zsh"], 0),
        ([ODD], 2),
    ],
    ids=lambda value: ascii(" ".join(value)) if isinstance(value, list) else "",
)
def test_no_command_prints_control_characters(prepared: PreparedProjects, words: list[str], code: int) -> None:
    outcome = run_on_terminal(envmgr(*words), prepared.root / NEST, variables(prepared, prepared.root / NEST))
    assert b"Traceback" not in outcome.output
    assert harmless(outcome.output), outcome.output
    assert outcome.code == code, outcome.output


@pytest.mark.parametrize("words", [["which", "python"], ["which", "-a", "python"], ["find"]], ids=" ".join)
def test_a_path_for_a_program_is_as_it_is(prepared: PreparedProjects, words: list[str]) -> None:
    output = piped(envmgr(*words), prepared.root / NEST, variables(prepared, prepared.root / NEST))
    assert Path(output.removesuffix("\n")).parent.parent.parent.parent == prepared.home.root
    assert Path(output.removesuffix("\n")).exists()


@pytest.mark.parametrize(
    "words", [["status"], ["which", "python"], ["find"], ["run", "-p", "3.12", "env"]], ids=" ".join
)
def test_a_store_whose_name_has_a_line_break(tmp_path: Path, words: list[str]) -> None:
    prepared = PreparedProjects(create_projects(tmp_path / "first").home, tmp_path)
    odd = tmp_path / "a\nb"
    prepared.home.root.rename(odd)
    project = tmp_path / "first/projects/prefix"
    environ = variables(prepared, project) | {"ENVMGR_HOME": str(odd), "PATH": f"{odd}/shims:{os.defpath}"}
    assert harmless(piped(envmgr(*words), project, environ).encode())


@pytest.mark.parametrize("verb", [["allow"], ["deny"], ["env", "path"], ["env", "remove"], ["link"], ["run"], ["find"]])
def test_a_name_too_long_for_any_file_system(prepared: PreparedProjects, verb: list[str]) -> None:
    cwd = prepared.root / "none"
    outcome = run_on_terminal(envmgr(*verb, "x" * 5000), cwd, variables(prepared, cwd))
    assert outcome.output.startswith(b"envmgr: error: ")
    assert outcome.code in {1, 2, 8, 127}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status"], 0),
        (["find"], 0),
        (["which", "python"], 0),
        (["run", "true"], 8),  # it would make the environment
        (["run", "-p", "3.12", "true"], 0),
        (["env", "path"], 8),
        (["allow"], 1),
        (["deny"], 1),
        (["use", "3.12"], 8),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_project_whose_path_is_too_long_for_a_record(prepared: PreparedProjects, words: list[str], code: int) -> None:
    """A path may have 4096 bytes; in the store it has some more."""
    project = prepared.root
    while len(os.fsencode(project)) < 3900:
        project /= "z" * 100
    project.mkdir(parents=True, exist_ok=True)
    (project / ".python-version").write_text("3.12\n")
    (project / ".env").write_text("A=1\n")
    outcome = run_on_terminal(envmgr(*words), project, variables(prepared, project))
    assert harmless(outcome.output)
    assert b"Traceback" not in outcome.output
    assert outcome.code == code, outcome.output


CONTENTS = {
    "empty": (b"", 0),
    "crlf": (b"3.12\r\n", 0),
    "mark": (b"\xef\xbb\xbf3.12\n", 0),
    "bare": (b"3.12", 0),
    "one megabyte": (b"3" * 1_000_000, 2),
    "lines": (b"3.12\n" * 1000, 2),
    "nul": (b"3.12\0\n", 2),
    "dots": (b"..\n", 2),
    "absolute": (b"/bin\n", 2),
    "path": (b"path:/bin\n", 2),
    "option": (b"--help\n", 2),
    "dollar": (b"$(touch pwned)\n", 2),
    "escape": (b"3.12\x1b]0;x\x07\n", 2),
    "c1": (b"3.12\xc2\x9b31m\n", 2),
    "carriage return": (b"3.99\rsystem\x08\n", 2),
    "bytes": (b"\xff\xfe3\0", 2),
    "digits": (b"3." + b"9" * 5000, 2),
}
KINDS: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "directory": Path.mkdir,
    "device": lambda place: place.symlink_to("/dev/zero"),
    "dangling link": lambda place: place.symlink_to("nowhere"),
    "looping link": lambda place: place.symlink_to(place.name),
    "link to /": lambda place: place.symlink_to("/"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_the_content_of_a_version_file(prepared: PreparedProjects, tmp_path: Path, name: str) -> None:
    content, code = CONTENTS[name]
    (tmp_path / ".python-version").write_bytes(content)
    outcome = run_on_terminal(envmgr("status"), tmp_path, variables(prepared, tmp_path))
    assert (outcome.code, harmless(outcome.output)) == (code, True), outcome.output
    if code:
        assert b"/.python-version" in outcome.output


@pytest.mark.parametrize("name", KINDS)
def test_other_than_regular_files_are_ignored(prepared: PreparedProjects, tmp_path: Path, name: str) -> None:
    for file in (".python-version", ".venv", ".env", ".gitignore"):
        KINDS[name](tmp_path / file)
    assert b"system" in run_on_terminal(envmgr("status"), tmp_path, variables(prepared, tmp_path)).output
    outcome = run_on_terminal(envmgr("allow"), tmp_path, variables(prepared, tmp_path))
    assert outcome.code == 2
    assert b"nothing to allow" in outcome.output


def venv(place: Path, config: bytes = b"home = /usr/bin\n") -> Path:
    (place / "bin").mkdir(parents=True)
    (place / "bin/python").symlink_to("/bin/true")
    (place / "bin/greet").write_text("#!/bin/sh\necho hello\n")
    (place / "bin/greet").chmod(0o755)
    (place / "pyvenv.cfg").write_bytes(config)
    return place


def _opened(place: Path, part: str, mode: int = 0o777) -> None:
    venv(place)
    (place / part).chmod(mode)


def _inside(place: Path, make: Callable[[Path], object]) -> None:
    (venv(place) / "pyvenv.cfg").unlink()
    make(place / "pyvenv.cfg")


# the form of .venv -> how to make it, and the exit code of `envmgr allow`
VENVS: dict[str, tuple[Callable[[Path], object], int]] = {
    "a venv": (venv, 0),
    "a link out": (lambda place: place.symlink_to(venv(place.parent / "elsewhere")), 0),
    "a name as file": (lambda place: place.write_bytes(b"$(touch pwned)\n"), 2),
    "an escape as file": (lambda place: place.write_bytes(b"\x1b]0;x\x07/tmp\n"), 2),
    "a path as file": (lambda place: place.write_bytes(os.fsencode(venv(place.parent / "there"))), 2),
    "/ as file": (lambda place: place.write_bytes(b"/"), 2),
    "a megabyte as file": (lambda place: place.write_bytes(b"../" * 350_000), 2),
    "control characters": (lambda place: venv(place, b"home = \x1b]0;x\x07\nuv\x9b = 1\r\n"), 2),
    "an escape in pyvenv.cfg": (lambda place: venv(place, b"home = \x1b]0;x\x07\nuv\x07 = 1\r\n"), 0),
    "nul in pyvenv.cfg": (lambda place: venv(place, b"home = \0\n"), 2),
    "a large pyvenv.cfg": (lambda place: venv(place, b"home = x\n" * 100_000), 2),
    "a fifo as pyvenv.cfg": (lambda place: _inside(place, os.mkfifo), 2),
    "a device as pyvenv.cfg": (lambda place: _inside(place, KINDS["device"]), 2),
    "open to others": (lambda place: _opened(place, "."), 2),
    "commands open to others": (lambda place: _opened(place, "bin"), 2),
    "sticky commands": (lambda place: _opened(place, "bin", 0o1777), 2),
    "pyvenv.cfg open to others": (lambda place: _opened(place, "pyvenv.cfg", 0o666), 2),
    "in a sticky project": (lambda place: _opened(place, "..", 0o1777), 0),
    "in an open project": (lambda place: _opened(place, ".."), 2),
}


@pytest.mark.parametrize("name", VENVS)
def test_a_venv_of_the_project(prepared: PreparedProjects, name: str) -> None:
    make, code = VENVS[name]
    project = prepared.root / "none" / ODD / name.replace("/", "root")
    project.mkdir(parents=True)
    make(project / ".venv")
    environ = variables(prepared, project)
    for words, wanted in ((["status"], 0), (["allow"], code), (["allow", "--list"], 0)):
        outcome = run_on_terminal(envmgr(*words), project, environ)
        assert (outcome.code, harmless(outcome.output)) == (wanted, True), outcome.output
    greeting = ["sh", str(prepared.home.shims / "greet")]
    shims.refresh(prepared.home)
    if not (prepared.home.shims / "greet").is_symlink():  # else it is a command of an allowed environment
        (prepared.home.shims / "greet").symlink_to("../shell/shim.sh")
    try:
        assert piped(greeting, project, environ, code=127 if code else 0) == ("" if code else "hello\n")
    finally:
        (prepared.home.shims / "greet").unlink()


def test_a_venv_is_allowed_shown_used_and_denied_whatever_the_names(prepared: PreparedProjects) -> None:
    project = prepared.root / "none" / STORE
    project.mkdir(parents=True)
    made = venv(project / ".venv")
    environ = variables(prepared, project)
    assert harmless(run_on_terminal(envmgr("allow"), project, environ).output)
    assert harmless(run_on_terminal(envmgr("allow", "--list"), project, environ).output)
    assert harmless(piped(envmgr("allow", "--list"), project, environ).encode(errors="surrogateescape"))
    outcome = run_on_terminal(envmgr("which", "greet"), project, environ)
    assert (outcome.code, harmless(outcome.output)) == (0, True), outcome.output
    assert piped(envmgr("which", "greet"), project, environ) == f"{made}/bin/greet\n"
    assert piped(envmgr("run", "greet"), project, environ) == "hello\n"
    assert harmless(run_on_terminal(envmgr("deny"), project, environ).output)
    piped(envmgr("run", "greet"), project, environ, code=127)


SH = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"], "ksh": ["ksh"]}


@pytest.fixture
def broken(prepared: PreparedProjects) -> Iterator[str]:
    """A shim of a program that cannot be executed."""
    program, shim = prepared.home.aliases / "3.12/bin/broken", prepared.home.shims / "broken"
    program.write_text("#!/nowhere/\x1b]0;x\x07\n")
    program.chmod(0o755)
    shim.symlink_to("../shell/shim.sh")
    yield str(shim)
    program.unlink()
    shim.unlink()


@pytest.mark.parametrize("shell", SH)
def test_the_errors_of_a_shim(prepared: PreparedProjects, broken: str, shell: str) -> None:
    """A shell that cannot execute a program prints its path, and the shim's."""
    cwd, launcher = prepared.root / NEST, prepared.home.shell / "envmgr"
    environ = variables(prepared, cwd)
    outcomes = [
        run_on_terminal([*SH[shell], broken], cwd, environ),
        run_on_terminal([*SH[shell], str(prepared.home.shell / "shim.sh")], cwd, environ),
    ]
    launcher.rename(f"{launcher}.away")
    outcomes += [
        run_on_terminal([*SH[shell], broken], cwd, environ),
        run_on_terminal([*SH[shell], broken], prepared.root / "missing", environ),
    ]
    Path(f"{launcher}.away").rename(launcher)
    assert [outcome.code for outcome in outcomes] == [127, 2, 127, 127], outcomes
    assert all(harmless(outcome.output) for outcome in outcomes), outcomes


def test_a_shim_reads_files_only(prepared: PreparedProjects, broken: str) -> None:
    """An allowed file may have been replaced with a FIFO, and the default with a directory."""
    project = prepared.root / "none" / ODD / "fifo"
    made = venv(project / ".venv")
    (project / ".env").write_text("A=1\n")
    environ = variables(prepared, project)
    piped(envmgr("allow"), project, environ)
    for file in (made / "pyvenv.cfg", project / ".env"):
        file.unlink()
        os.mkfifo(file)
    prepared.home.default.mkdir()
    for argv in ([broken], envmgr("run", "true"), envmgr("status")):
        assert harmless(run_on_terminal(argv, project, environ).output)
    prepared.home.default.rmdir()


def test_the_note_on_entering(prepared: PreparedProjects, tmp_path: Path) -> None:
    project = tmp_path / ODD
    venv(project / ".venv")
    (project / ".python-version").write_text("3.12\n")
    argv = [str(prepared.home.shell / "envmgr"), "_enter", str(prepared.home.root), str(project)]
    outcome = run_on_terminal(argv, project, variables(prepared, project))
    assert (outcome.code, harmless(outcome.output)) == (0, True)
    assert b"envmgr allow" in outcome.output


def test_values_are_data(prepared: PreparedProjects, tmp_path: Path) -> None:
    text = [name for name in HOSTILE if name != "\udcff"]  # TOML is UTF-8
    values = [*text, "two\r\nlines\n\n", "a\u2028b", "$HOME ${x:-$(touch pwned)}", "'\"\\", "\x7f\x9b31m"]
    escaped = ["".join(f"\\U{ord(c):08X}" for c in value) for value in values]
    lines = [f'V{n} = "{value}"\n' for n, value in enumerate(escaped)]
    (tmp_path / "pyproject.toml").write_text("[tool.envmgr.env]\n" + "".join(lines))
    environ = variables(prepared, tmp_path)
    outcome = run_on_terminal(envmgr("allow"), tmp_path, environ)
    assert (outcome.code, harmless(outcome.output)) == (0, True), outcome.output
    print_all = "; ".join(f"printf '%s\\0' \"$V{n}\"" for n in range(len(values)))
    assert piped(envmgr("run", "sh", "-c", print_all), tmp_path, environ).split("\0")[:-1] == values


@pytest.mark.parametrize(
    "text",
    [
        'A = "nul\\u0000"',
        f"A = 0x{'f' * 9000}",
        f"A = {'1' * 5000}",
        f"A = {'[' * 20_000}",
        'A = "x',
        '"\x1b" = 1',
        '"\\u001b]0;x\\u0007" = 1',
        'PATH = "/tmp"',
        "A = 1\n[tool]\nenvmgr = 1",
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_values_that_are_refused(prepared: PreparedProjects, tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.envmgr.env]\n{text}\n", encoding="utf-8")
    outcome = run_on_terminal(envmgr("allow"), tmp_path, variables(prepared, tmp_path))
    assert (outcome.code, harmless(outcome.output)) == (2, True), outcome.output
    assert b"Traceback" not in outcome.output


@pytest.mark.parametrize(
    "content", [b"A='\x1b", b"\x1b=1", b"A=\0", b"\xff=1", b"A B=1", b"A=1\n" * 100_000, b"PATH=/tmp"]
)
def test_dotenv_files_that_are_refused(prepared: PreparedProjects, tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    outcome = run_on_terminal(envmgr("allow"), tmp_path, variables(prepared, tmp_path))
    assert (outcome.code, harmless(outcome.output)) == (2, True), outcome.output
    assert b"/.env" in outcome.output or b"PATH" in outcome.output


DECLARED = {
    "option": 'dependencies = ["--target=pwned"]',
    "option after blanks": 'dependencies = ["  -rpwned"]',
    "nul": 'dependencies = ["a\\u0000"]',
    "escape": 'dependencies = ["a\\u001b]0;x\\u0007"]',
    "no array": 'dependencies = "pwned"',
    "no text": "dependencies = [1]",
    "no extras": "optional-dependencies = 1",
    "nested": f"dependencies = {'[' * 20_000}",
}


@pytest.mark.parametrize("name", DECLARED)
def test_sync_takes_requirements_and_nothing_else(prepared: PreparedProjects, name: str) -> None:
    project = prepared.root / "shop"
    (project / "pyproject.toml").write_text(f'[project]\nname = "\\u001b]0;x\\u0007"\n{DECLARED[name]}\n')
    outcome = run_on_terminal(envmgr("sync"), project, variables(prepared, project))
    (project / "pyproject.toml").unlink()
    assert (outcome.code, harmless(outcome.output)) == (2, True), outcome.output
    assert b"pyproject.toml" in outcome.output


@pytest.mark.parametrize("option", ["-r", "--group", "--extra", "--engine"])
def test_sync_names_what_is_not_there(prepared: PreparedProjects, option: str) -> None:
    outcome = run_on_terminal(
        envmgr("sync", option, ODD), prepared.root / "shop", variables(prepared, prepared.root / "shop")
    )
    assert (outcome.code, harmless(outcome.output)) == (2, True), outcome.output


@pytest.mark.parametrize("name", KINDS)
def test_sync_reads_files_only(prepared: PreparedProjects, name: str) -> None:
    project = prepared.root / "shop"
    KINDS[name](project / "pyproject.toml")
    (project / "requirements.txt").write_text("-r odd\n")
    KINDS[name](project / "odd")
    outcomes = [
        run_on_terminal(envmgr("sync", *words), project, variables(prepared, project))
        for words in ([], ["--group", "x"])
    ]
    for file in ("pyproject.toml", "odd", "requirements.txt"):
        (project / file).rmdir() if (project / file).is_dir() and name == "directory" else (project / file).unlink()
    assert [outcome.code for outcome in outcomes] == [2, 2], outcomes


def test_a_project_of_any_name_is_used(sandbox: Sandbox) -> None:
    project = sandbox.project / ALL
    project.mkdir(parents=True)
    (project / ".git").write_bytes(b"gitdir: a\0b\n")
    os.mkfifo(project / ".gitignore")
    version = ".".join(map(str, sys.version_info[:2]))
    outcome = run_on_terminal(envmgr("use", version), project, sandbox.environ | {"PWD": str(project)})
    assert (outcome.code, harmless(outcome.output)) == (0, True), outcome.output
    made = record.lookup(sandbox.home, project, version)
    assert made is not None
    outcome = run_on_terminal(envmgr("env", "path"), project, sandbox.environ | {"PWD": str(project)})
    assert (outcome.code, outcome.output) == (0, f"{made.path}\n".encode())
    argv = envmgr("run", "python", "-c", "import sys; print(sys.prefix)")
    assert piped(argv, project, sandbox.environ | {"PWD": str(project)}) == f"{made.path}\n"
    assert not list(sandbox.project.parent.rglob("pwned"))


TABLE = """
[project]
name = "shop"
version = "1"
[tool.envmgr.test]
pythons = ["3"]
commands = [["python", "-c", "print(1)"]]
"""


def test_every_command_prints_projects_and_pythons_of_any_name(sandbox: Sandbox) -> None:
    """There is an environment, a linked Python and a test run; the commands print their paths."""
    project = sandbox.project / ALL
    (project / "bin").mkdir(parents=True)
    version = ".".join(map(str, sys.version_info[:2]))
    (project / "bin" / f"python{version}").symlink_to(Path(sys.base_prefix) / "bin" / f"python{version}")
    (project / "pyproject.toml").write_text(TABLE)
    (project / "requirements.txt").touch()
    environ = sandbox.environ | {"PWD": str(project), "TERM": "dumb"}
    for line, code in (
        (f"link bin/python{version} odd", 0),
        (f"use {version}", 0),
        ("sync", 0),
        (f"test -p {version}", 0),
        (f"test -p {version} -- {ODD}", 0),
        ("test -p nobody", 1),
        ("status", 0),
        ("list", 0),
        ("list --json", 0),
        ("find odd", 0),
        ("env list", 0),
        ("env list --json", 0),
        ("doctor", 1),
        ("whence pip", 0),
        ("prune -n", 0),
        (f"uninstall {version}", 8),
        ("env remove .", 0),
        ("uninstall odd", 0),
    ):
        outcome = run_on_terminal(envmgr(*line.split(" ")), project, environ)
        assert (outcome.code, harmless(outcome.output), b"Traceback" in outcome.output) == (code, True, False), (
            line,
            outcome.output,
        )
    assert not list(sandbox.project.parent.rglob("pwned"))


SHELLS = {
    "bash": ["bash", "--noprofile", "-i"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "-i"],
}


TYPED = ("allow ", "env path ", "link ", "allow $", "allow `", "allow a", "which ", "run ", "run $", "use ")


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_in_a_directory_of_hostile_names(prepared: PreparedProjects, tmp_path: Path, shell: str) -> None:
    cwd, active = tmp_path / "here", tmp_path / "venv"
    for name in HOSTILE:
        (cwd / name).mkdir(parents=True)
        (active / "bin" / name).mkdir(parents=True)  # what is active may be anybody's
    environ = variables(prepared, cwd) | {"HOME": str(tmp_path), "VIRTUAL_ENV": str(active)}
    with PtyShell(SHELLS[shell], cwd=cwd, environ=environ) as terminal:
        if shell == "zsh":
            terminal.variables_after("autoload -U compinit; compinit -u -D")
        file = {"bash": "completion.bash", "zsh": "hook.zsh", "fish": "completion.fish"}[shell]
        terminal.variables_after(f"cd {cwd}; ln -s $ENVMGR_HOME/shell shell; source ./shell/{file}")
        for line in TYPED:
            terminal.send(f"envmgr {line}\t\t\t")
            terminal.send("\x03\x03")
        terminal.variables()
        assert "\x1b]0;x\x07" not in terminal.screen()
    assert not list(tmp_path.rglob("pwned"))
