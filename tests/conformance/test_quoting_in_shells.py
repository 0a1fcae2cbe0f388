"""A path, quoted for a shell, read by that real shell, is the same bytes again."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tempfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envmgr.errors import UsageError
from envmgr.shell import shells

HOSTILE = [
    *(
        "'",
        "''",
        "it's",
        '"',
        "\\",
        "\\'",
        "\\\\",
        "a\\",
        "$HOME",
        "$(touch x)",
        "`touch x`",
        "!",
        "!!",
        "a!b",
        "\n",
        "a\nb",
    ),
    *(
        "\t",
        "\r",
        "\x1b]0;x\x07",
        "\x7f",
        ";",
        "*",
        "~",
        "-n",
        "%F{red}",
        "\\w",
        "{a,b}",
        "#",
        " # envmgr",
        "\udcff\udcfe",
        "é",
    ),
    *("e\u0301", "\u2019", "\u2028", "'\\''\n", "\\047\n", "\n1", "\x010", " ", "(", "^", "x" * 4096),
]
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "zsh rcquotes": ["zsh", "-f", "-o", "rcquotes"],
    "fish": ["fish", "--no-config"],
    "ksh": ["ksh"],
    "mksh": ["mksh"],
    "elvish": ["elvish", "-norc"],
    "tcsh": ["tcsh", "-f"],
    **({"nu": [f"{os.environ['ENVMGR_TEST_NU']}/nu", "-n"]} if "ENVMGR_TEST_NU" in os.environ else {}),
}


PRINT = {"elvish": 'print {}"\\x00"\n', "nu": "print -n ({} + (char nul))\n"}
UNSPEAKABLE = {"tcsh": r"[\x00-\x1f\x7f]", "nu": "[\udc80-\udcff]"}


def read_back(shell: str, values: list[str], quoted: Callable[[str], str]) -> list[str]:
    """Let `shell` print each value from its quoted form, NUL after each."""
    line = PRINT.get(shell, "printf '%s\\0' {}\n")
    with tempfile.NamedTemporaryFile() as script:
        script.write(os.fsencode("".join(line.format(quoted(value)) for value in values)))
        script.flush()
        environ = {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)}
        done = subprocess.run([*SHELLS[shell], script.name], capture_output=True, check=True, env=environ)
    assert done.stderr == b""
    return [os.fsdecode(value) for value in done.stdout.split(b"\0")[:-1]]


def plain(shell: str, values: list[str]) -> list[str]:
    """Leave out what the shell has no way to say in one line, and is an error."""
    return [value for value in values if shell not in UNSPEAKABLE or not re.search(UNSPEAKABLE[shell], value)]


@pytest.mark.parametrize("shell", SHELLS)
def test_hostile_values(shell: str) -> None:
    values = plain(shell, HOSTILE)
    assert read_back(shell, values, shells.shell_named(shell.split(maxsplit=1)[0]).quoted) == values


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.binary(max_size=60).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"0"))), min_size=10, max_size=40)
)
def test_any_bytes(shell: str, values: list[str]) -> None:
    values = plain(shell, values)
    assert read_back(shell, values, shells.shell_named(shell.split(maxsplit=1)[0]).quoted) == values


@settings(max_examples=200)
@given(st.text())
def test_xonsh_reads_what_python_writes(value: str) -> None:
    assert ast.literal_eval(shells.shell_named("xonsh").quoted(value)) == value


@pytest.mark.parametrize(("shell", "value"), [("tcsh", "a\nb"), ("nu", "a\udcff")])
def test_what_a_shell_has_no_way_to_say_is_an_error(shell: str, value: str) -> None:
    with pytest.raises(UsageError, match=shell):
        shells.shell_named(shell).quoted(value)
