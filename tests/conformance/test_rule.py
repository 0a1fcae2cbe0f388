"""The table of the resolution rule against its implementations: Python, the shim in five shells, and the hooks."""

from __future__ import annotations

import subprocess

import pytest
from prepared_projects import PreparedProjects
from rule_table import CASES, STALE, Case

from envmgr.errors import EnvmgrError
from envmgr.shell import programs
from envmgr.shell.active import active_python

SHELLS = {
    "dash": ["dash"],
    "busybox": ["busybox", "sh"],
    "bash": ["bash", "--posix"],
    "ksh": ["ksh"],
    "mksh": ["mksh"],
}
HOOKS = {
    "bash": ["bash", "--norc", "--noprofile", "-ic", '. "$1" && cd "$2" && _envmgr_prompt; eval "$3"', "bash"],
    "zsh": ["zsh", "-f", "-ic", '. "$1" && cd "$2" && _envmgr_prompt; eval "$3"', "zsh"],
    "fish": ["fish", "--no-config", "-ic", "source $argv[1]; and cd $argv[2]; and _envmgr_prompt; eval $argv[3]"],
}
PRINT_ACTIVE = {
    "bash": 'printf "%s\\n%s" "${VIRTUAL_ENV-}" "${PATH%%:*}"',
    "zsh": 'printf "%s\\n%s" "${VIRTUAL_ENV-}" "${PATH%%:*}"',
    "fish": "printf '%s\\n%s' \"$VIRTUAL_ENV\" $PATH[1]",
}


@pytest.mark.parametrize("case", CASES + STALE, ids=str)
def test_python_resolves_as_the_table_says(prepared: PreparedProjects, case: Case) -> None:
    environ = prepared.environ(case)
    try:
        here = active_python(prepared.home, prepared.cwd(case), environ)
        found: object = programs.find_program(prepared.home, here, case.command, environ)
    except EnvmgrError as error:
        found = error.exit_code
    assert found == (case.program if isinstance(case.program, int) else prepared.program(case))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("case", CASES + STALE, ids=str)
def test_the_shim_resolves_as_the_table_says(prepared: PreparedProjects, case: Case, shell: str) -> None:
    argv = [*SHELLS[shell], str(prepared.home.shims / case.command)]
    _compare(prepared, case, argv)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_shim_prints_what_it_would_run(prepared: PreparedProjects, case: Case) -> None:
    _compare(prepared, case, ["sh", str(prepared.home.shell / "shim.sh"), case.command])


@pytest.mark.parametrize("shell", HOOKS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_hook_activates_as_the_table_says(hooked: PreparedProjects, case: Case, shell: str) -> None:
    wanted = hooked.environment(case.active, case.cwd) if case.active else None
    first = f"{wanted}/bin" if wanted else str(hooked.home.shims)
    assert _active(hooked, case, shell) == f"{wanted or ''}\n{first}"


@pytest.mark.parametrize("shell", HOOKS)
@pytest.mark.parametrize("case", STALE, ids=str)
def test_the_hook_uses_nothing_stale(hooked: PreparedProjects, case: Case, shell: str) -> None:
    """It finds the environment of the present project or calls the launcher, which is missing here."""
    wanted = hooked.environment(case.active, case.cwd) if case.active else None
    answers = {f"\n{hooked.home.shims}"} | ({f"{wanted}\n{wanted}/bin"} if wanted else set())
    assert _active(hooked, case, shell) in answers


def _active(hooked: PreparedProjects, case: Case, shell: str) -> str:
    """Return VIRTUAL_ENV and the first entry of PATH in the directory of the case, a line each."""
    hook = hooked.home.shell / f"hook.{shell}"
    done = subprocess.run(
        [*HOOKS[shell], str(hook), str(hooked.cwd(case)), PRINT_ACTIVE[shell]],
        env=hooked.environ(case),
        cwd="/",
        capture_output=True,
        check=False,
        timeout=20,
    )
    return done.stdout.decode(errors="surrogateescape")


def _compare(prepared: PreparedProjects, case: Case, argv: list[str]) -> None:
    """Run a shim in the case's directory and compare what it started, or its exit code; nothing must be executed."""
    done = subprocess.run(
        argv, env=prepared.environ(case), cwd=prepared.cwd(case), capture_output=True, check=False, timeout=20
    )
    if isinstance(case.program, int):
        assert (done.returncode, done.stdout) == (case.program, b""), done.stderr
        assert done.stderr.startswith(b"envmgr: error: ")
        assert b"\x1b" not in done.stderr
    else:
        assert done.stdout.decode(errors="surrogateescape").removesuffix("\n") == str(prepared.program(case)), (
            done.stderr
        )
        assert done.stderr == b""


def test_shim_and_python_know_the_same_commands_of_python_itself(prepared: PreparedProjects) -> None:
    text = (
        (prepared.home.shell / "shim.sh")
        .read_text()
        .rpartition("case $__command in\n")[2]
        .partition("*) __elsewhere")[0]
    )
    patterns = [word for word in text.replace(") ;;", "").replace("|", " ").split() if word]
    assert sorted(patterns) == sorted(programs.PYTHON_COMMANDS)


def test_nothing_was_executed(prepared: PreparedProjects, hooked: PreparedProjects) -> None:
    for one in (prepared, hooked):
        assert not list(one.root.parent.rglob("pwned"))
