"""Any text of a version file has the same words for Python and for the hooks, which look them up as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox import clean_environ

from envmgr.errors import UsageError
from envmgr.host.paths import Home
from envmgr.shell import shims
from envmgr.versions import pins

READ = {
    "bash": 'while IFS= read -r -d "" text; do _envmgr_parse "$text"; printf "%s\\0" "$__words"; done',
    "zsh": 'while IFS= read -r -d "" text; do _envmgr_parse "$text"; printf "%s\\0" "$__words"; done',
    "fish": "_envmgr_more; while read -z text; printf '%s\\0' (_envmgr_parse $text); end",
}
ARGV = {
    "bash": ("bash", "--norc", "--noprofile", "-ic"),
    "zsh": ("zsh", "-f", "-ic"),
    "fish": ("fish", "--no-config", "-ic"),
}
PIECES = (
    "3.12",
    "3",
    "system",
    "pypy3.10",
    ">=3.11,",
    "<3.13",
    "a/b",
    "$(x)",
    "*",
    "'",
    '"',
    "\\",
    "%",
    "é",
    "-n",
    "~",
)
BLANKS = (" ", "\t", "\r", "\n", "#", "\ufeff", "\x0b", "\xa0", "  ", "# x")
TEXTS = st.lists(st.sampled_from(PIECES + BLANKS * 2), max_size=12).map("".join) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("words") / "store")
    shims.refresh(home)
    return home.shell


@pytest.mark.parametrize("shell", READ)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXTS, min_size=40, max_size=80))
def test_hooks_read_the_words_that_python_reads(hooks: Path, shell: str, texts: list[str]) -> None:
    done = subprocess.run(
        [*ARGV[shell], f". '{hooks}/hook.{shell}'\n{READ[shell]}"],
        input="".join(text + "\0" for text in texts).encode(),
        env=clean_environ(dict(os.environ)) | {"LC_ALL": "C.UTF-8", "HOME": str(hooks), "TERM": "dumb"},
        capture_output=True,
        check=True,
    )
    found = done.stdout.decode().split("\0")[:-1]
    assert len(found) == len(texts)
    for text, words in zip(texts, found, strict=True):
        try:
            pin = pins.parse(text)
        except UsageError:
            continue  # the hook finds no record for such words, and asks
        assert words == (pin.words if pin else "")
