"""What the documentation says of files and commands is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envmgr import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("changelog.d/*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    named = re.findall(r"(?:`|^\$ | {4}(?:\$ )?)envmgr ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= cli.VERBS.keys() | cli.OF_THE_HOOK.keys()


def test_every_variable_is_in_the_reference() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "shims").iterdir()]
    read = {name for file in sources for name in re.findall(r"\bENVMGR_[A-Z_]*[A-Z]\b", file.read_text())}
    assert read == set(
        re.findall(
            r"^\| `(ENVMGR_[A-Z_]+)`", (ROOT / "docs/reference/environment-variables.md").read_text(), re.MULTILINE
        )
    )
