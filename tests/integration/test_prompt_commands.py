"""bash's PROMPT_COMMAND: other tools that change it before and after the hook, and `envmgr unload`."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_sandbox import ShellSandbox, create_shell_sandbox

PREEXEC = Path(__file__).parents[1] / "preexec.bash"
DRAW = 'draw() { drawn="$?:${VIRTUAL_ENV-}"; }'
# as starship does it where bash-preexec is not loaded
WRAP = """wrapped() { local status=$?; if [[ ${saved-} ]]; then eval "$saved"; fi; return "$status"; }
if [[ ${PROMPT_COMMAND-} != *wrapped* ]]; then saved=$PROMPT_COMMAND; PROMPT_COMMAND=wrapped; fi"""
SHOW = "declare -p PROMPT_COMMAND precmd_functions 2>/dev/null || :"


@pytest.fixture
def sandbox(tmp_path: Path) -> ShellSandbox:
    return create_shell_sandbox("bash", tmp_path)


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("edition", ["4", "6"])
@pytest.mark.parametrize("command", ["", "PROMPT_COMMAND='seen=1'; "])
def test_line_16_bash_preexec(sandbox: ShellSandbox, command: str, edition: str, order: str) -> None:
    tool = f"preexec_edition={edition}; . {PREEXEC}; {DRAW}; precmd_functions+=(draw)"
    rc, after = (command + tool, "") if order == "before" else (command, tool)
    with sandbox.open(rc=rc, after=after) as terminal:
        assert "__bp_install" not in terminal.type(SHOW)
        for name in ("shop", "spelled"):
            sandbox.cd(terminal, name)
            assert terminal.type('echo "$drawn"') == f"0:{sandbox.environment(name)}\n"
        terminal.type("false")
        assert terminal.type('echo "$drawn"') == f"1:{sandbox.environment('spelled')}\n"
        sandbox.cd(terminal, "none")
        assert terminal.type('echo "$drawn"') == "0:\n"
        sandbox.cd(terminal, "shop")
        assert terminal.type("envmgr unload") == ""
        assert "_envmgr" not in terminal.type(SHOW)
        assert terminal.type('echo "$drawn"') == "0:\n"


@pytest.mark.parametrize("order", ["after", "after, twice"])
@pytest.mark.parametrize("option", ["", "set -u"])
def test_line_34_unloading_beside_a_prompt_command_that_wraps_ours(
    sandbox: ShellSandbox, order: str, option: str
) -> None:
    after = WRAP if order == "after" else f"{WRAP}\n{sandbox.rc_line}\n{WRAP}"
    with sandbox.open("shop", after=f"{after}\n{option}") as terminal:
        assert sandbox.active(terminal) == sandbox.environment("shop")
        assert terminal.type("envmgr unload") == ""
        assert terminal.type("") == ""
        assert sandbox.variables(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": "unset"}
        terminal.type("false")
        assert terminal.type("echo $?") == "1\n"


COMMANDS = [
    "", "PROMPT_COMMAND='seen=1'", "PROMPT_COMMAND=('seen=1' 'more=1')", "PROMPT_COMMAND=('' 'seen=1')",
    "PROMPT_COMMAND=$'seen=1\\nmore=1'",
]  # fmt: skip


@pytest.mark.parametrize("option", ["set -u", "set -eu", "set -o posix; set -u", "IFS=n_"])
@pytest.mark.parametrize("command", COMMANDS)
def test_line_34_unloading_gives_the_prompt_commands_back(sandbox: ShellSandbox, command: str, option: str) -> None:
    with sandbox.open(rc=f"unset PROMPT_COMMAND\n{command}", after=option) as terminal:
        assert terminal.type("envmgr unload") == ""
        assert terminal.type("") == ""
        shown = terminal.type(SHOW)
        assert "_envmgr" not in shown
        if "seen" in command:
            assert "seen=1" in shown
        else:
            assert shown == ""


@pytest.mark.parametrize(
    "append",
    [
        'PROMPT_COMMAND="$PROMPT_COMMAND;later"',
        'PROMPT_COMMAND="$PROMPT_COMMAND; later"',
        "PROMPT_COMMAND+=$'\\nlater'",
        "PROMPT_COMMAND+=(later)",
    ],
)
@pytest.mark.parametrize("before", ["", "PROMPT_COMMAND='first=1'"])
def test_line_12_a_prompt_command_that_is_appended_sees_the_pipe_status(
    sandbox: ShellSandbox, before: str, append: str
) -> None:
    later = 'later() { seen="$?:${PIPESTATUS[*]}"; }'
    with sandbox.open("shop", rc=before, after=f"{later}; {append}") as terminal:
        terminal.type("false | true | false")
        assert terminal.type("echo $seen") == "1:1 0 1\n"
        terminal.type("envmgr unload")
        shown = terminal.type(SHOW)
        assert "_envmgr" not in shown
        assert "later" in shown
        terminal.type("false | true | false")
        assert terminal.type("echo $seen") == "1:1 0 1\n"
