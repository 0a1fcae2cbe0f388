"""The output of each quoting function; tests/conformance reads it with the real shells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envmgr.errors import UsageError
from envmgr.shell import quoting


@pytest.mark.parametrize(
    ("quote", "text", "quoted"),
    [
        (quoting.posix, "a b", "'a b'"),
        (quoting.posix, "it's", r"'it'\''s'"),
        (quoting.posix, "back\\slash", r"'back\slash'"),
        (quoting.posix, "a'\\\n\x1f\x7fb", r"$'a\047\134\012\037\177b'"),
        (quoting.fish, "a b", "'a b'"),
        (quoting.fish, "it's \\", r"'it\'s \\'"),
        (quoting.fish, "a\nb\x7f", r"'a'\x0a'b'\x7f''"),
        (quoting.tcsh, "it's!", r"'it'\''s\!'"),
        (quoting.elvish, 'a "b" \\', r'"a \"b\" \\"'),
        (quoting.elvish, "é\n\udcff", r'"é\x0a\xff"'),
        (quoting.nu, 'a "b" \\ $c', r'"a \u{22}b\u{22} \u{5c} $c"'),
        (quoting.nu, "\n\x7fé", r'"\u{a}\u{7f}é"'),
        (quoting.powershell, "it's $x", "'it''s $x'"),
        (quoting.powershell, "\u2018\u2019\u201a\u201b", "'\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201b'"),
    ],
)
def test_quoted_text(quote: Callable[[str], str], text: str, quoted: str) -> None:
    assert quote(text) == quoted


@pytest.mark.parametrize(
    ("quote", "text", "shell"),
    [
        (quoting.tcsh, "a\nb", "tcsh"),
        (quoting.tcsh, "\x7f", "tcsh"),
        (quoting.nu, "\udc80", "nushell"),
        (quoting.powershell, "\x00", "PowerShell"),
        (quoting.powershell, "\x1f", "PowerShell"),
    ],
)
def test_text_that_a_shell_cannot_represent_is_an_error(quote: Callable[[str], str], text: str, shell: str) -> None:
    with pytest.raises(UsageError, match=f"{shell} cannot represent this path") as caught:
        quote(text)
    assert caught.value.hint == "set ENVMGR_HOME to a path without such characters"
