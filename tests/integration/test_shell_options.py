"""Every option that a shell has, switched over before the hook is read: activation stays right and silent."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from shell_sandbox import ShellSandbox, create_shell_sandbox

# the shell reads its lines from a pipe: it is interactive, and runs prompt commands between them
ARGV = {
    "bash": ("bash", "--norc", "--noediting", "+m", "-i"),
    "zsh": ("zsh", "-f", "-i", "+m", "-s"),
    "fish": ("fish", "--no-config", "-i"),
}
# prints a line that switches each option over
TOGGLES = {
    "bash": r"""set -o | sed -E 's/^(\S+)\s+on$/set +o \1/; s/^(\S+)\s+off$/set -o \1/'
                shopt | sed -E 's/^(\S+)\s+on$/shopt -u \1/; s/^(\S+)\s+off$/shopt -s \1/'""",
    "zsh": r"""emulate -R zsh -o kshoptionprint -c setopt |
                sed -E 's/^(\S+)\s+on$/unsetopt \1/; s/^(\S+)\s+off$/setopt \1/'""",
}
LEFT_OUT = {
    "bash": {
        "vi": "needs a terminal",
        "onecmd": "ends the shell after one command",
        "verbose": "shows every line",
        "xtrace": "shows every command",
        "login_shell": "cannot be set",
        "restricted_shell": "cannot be set",
    },
    "zsh": {
        "noexec": "runs nothing more",
        "interactive": "cannot be set",
        "shinstdin": "cannot be set",
        "singlecommand": "cannot be set",
        "restricted": "allows neither cd nor PATH",
        "zle": "needs a terminal",
        "monitor": "needs a terminal",
        "verbose": "shows every line",
        "xtrace": "shows every command",
        "sourcetrace": "shows every file",
        "kshoptionprint": "is how this test asks",
    },
}
MORE = {
    "bash": ["set -ak", "set -eu", "IFS=/", "BASH_COMPAT=31"],
    "zsh": [
        *("emulate sh", "emulate ksh", "emulate csh", "setopt shglob ignorebraces ignoreclosebraces"),
        "setopt cshjunkiequotes rcquotes kshglob kshtypeset nofunctionargzero",
    ],
    "fish": [
        *("status job-control full", "status job-control none", "set -g IFS /", "set -g fish_trace ''"),
        *("set -gx fish_features all", "set -g fish_handle_reflow 1", "set -g fish_history ''"),
    ],
}
QUIET = {
    "bash": "PS1='' PS2=''",
    "zsh": "PS1='' PS2='' PROMPT_EOL_MARK=''; unsetopt promptcr promptsp",
    "fish": "function fish_prompt; end; function fish_title; end; set -g fish_greeting",
}
TELL = '#!/bin/sh\nprintf \'%s\\n\' "${VIRTUAL_ENV-none}" "${PATH%%:*}"\n'
PLACES = {"shop": "shop", "shop/inner": "inner", "own": "own", "spelled": "spelled", "none": "", "shop/src": "shop"}
VERBS = {"deactivate": "", "activate": "shop", "unload": ""}


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ShellSandbox:
    return create_shell_sandbox(str(request.param), tmp_path)


def options(shell: str) -> list[str]:
    """Return the lines that switch each option of this shell over; fish has none."""
    if shell == "fish":
        return []
    done = subprocess.run([*ARGV[shell][:2], "-i", "-c", TOGGLES[shell]], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    names = {line.split()[-1] for line in lines}
    assert len(lines) > 70
    return [line for line in lines if line.split()[-1] not in LEFT_OUT[shell]] + [
        f"unknown option: {name}" for name in LEFT_OUT[shell].keys() - names
    ]


def run(sandbox: ShellSandbox, line: str) -> tuple[str, str]:
    """Type `line` before the hook is read, then a tour through projects; return stdout and the later stderr."""
    lines = [
        QUIET[sandbox.shell.name],
        line,
        "echo START >&2",
        'source "$HOOK"' if sandbox.shell.name == "fish" else '. "$HOOK"',
        *(part for name in PLACES for part in (f'cd "$LAYOUT/{name}"', "", '"$TELL"')),
        *(part for verb in VERBS for part in (f"envmgr {verb}", '"$TELL"')),
        "exec true",
    ]
    environ = {**sandbox.environ, "HOOK": str(sandbox.prepared.home.shell / f"hook.{sandbox.shell.name}")}
    environ |= {"LAYOUT": str(sandbox.prepared.root), "TELL": str(sandbox.prepared.root / "tell")}
    done = subprocess.run(
        ARGV[sandbox.shell.name],
        input="\n".join(lines) + "\n",
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout, done.stderr.partition("START\n")[2]


@pytest.mark.parametrize("sandbox", ["bash", "zsh", "fish"], indirect=True)
def test_line_13_every_option(sandbox: ShellSandbox) -> None:
    (sandbox.prepared.root / "tell").write_text(TELL)
    (sandbox.prepared.root / "tell").chmod(0o755)
    active = [*PLACES.values(), *VERBS.values()]
    shown = [
        f"{sandbox.environment(name)}\n{sandbox.environment(name)}/bin" if name else f"none\n{sandbox.shims}"
        for name in active
    ]
    shown[-1] = "none\n/usr/bin"
    wanted = "".join(f"{lines}\n" for lines in shown), ""
    lines = ["", *options(sandbox.shell.name), *MORE[sandbox.shell.name]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = dict(zip(lines, pool.map(lambda line: run(sandbox, line), lines), strict=True))
    assert {line: answer for line, answer in answers.items() if answer != wanted} == {}


@pytest.mark.parametrize("sandbox", ["bash", "zsh"], indirect=True)
@pytest.mark.parametrize("order", ["before", "after"])
def test_line_13_nothing_of_the_hook_is_exported(sandbox: ShellSandbox, order: str) -> None:
    """`set -a` exports variables and functions that are made, or changed, while it is on."""
    before, after = ("set -a", "") if order == "before" else ("", "set -a")
    with sandbox.open("shop", rc=before, after=after) as terminal:
        for line in (
            "",
            f"cd {sandbox.path('own')}",
            "envmgr deactivate",
            "envmgr --version >/dev/null",
            f"cd {sandbox.path('none')}",
        ):
            assert terminal.type(line) == ""
            assert terminal.type("env | grep -E '_envmgr|deactivate' | cut -d= -f1") == ""
        terminal.type("mine=1")
        assert sandbox.variables(terminal, "mine") == {"mine": "1"}, "the option is still on"
