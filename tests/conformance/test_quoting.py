"""A path, quoted for a shell, read by that real shell, is the same bytes again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envmgr.shell import dialects

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
}


def read_back(shell: str, values: list[str], quoted: Callable[[str], str]) -> list[str]:
    """Let `shell` print each value from its quoted form, NUL after each."""
    script = "".join(f"printf '%s\\0' {quoted(value)}\n" for value in values)
    done = subprocess.run(
        SHELLS[shell],
        input=os.fsencode(script),
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
    )
    assert done.stderr == b""
    return [os.fsdecode(value) for value in done.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("shell", SHELLS)
def test_hostile_values(shell: str) -> None:
    assert read_back(shell, HOSTILE, dialects.named(shell.split(maxsplit=1)[0]).quoted) == HOSTILE


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.binary(max_size=60).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"0"))), min_size=10, max_size=40)
)
def test_any_bytes(shell: str, values: list[str]) -> None:
    assert read_back(shell, values, dialects.named(shell.split(maxsplit=1)[0]).quoted) == values
