"""The documentation names existing files, commands and variables."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TypeGuard

import pytest

from envmgr import cli
from envmgr.host import variables

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("changelog.d/*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    named = re.findall(r"(?:`|^\$ | {4}(?:\$ )?)envmgr ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= cli.VERBS.keys() | cli.HOOK_COMMANDS.keys()


def test_variables_have_one_home_and_a_reference() -> None:
    page = (ROOT / "docs/reference/environment-variables.md").read_text()
    known = {value for name, value in vars(variables).items() if name.isupper()}
    public = {name for name in known if not name.startswith("_")}
    assert public == set(re.findall(r"^\| `(ENVMGR_[A-Z_]+)`", page, re.MULTILINE))

    modules = [file for file in (ROOT / "src").rglob("*.py") if file.name != "variables.py"]
    literals = {node.value for file in modules for node in ast.walk(ast.parse(file.read_text())) if is_text(node)}
    assert literals & known == set()

    pattern = re.compile(r"(?<!\w)ENVMGR_[A-Z_]*[A-Z]\b")  # those that begin with `_` are the hooks' own
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "shims").iterdir()]
    assert {name for file in sources for name in pattern.findall(file.read_text())} == public


def is_text(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_the_distribution_has_the_name_that_is_ours_on_the_package_index() -> None:
    """`envmgr` on the package index is an unrelated project, which `pip install envmgr` would install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "envmgr-py"
    texts = [*PAGES, *ROOT.glob("benchmarks/*.md"), *(ROOT / "src").rglob("*.py"), *(ROOT / "shims").iterdir()]
    verbs = r"(?:pipx? (?:un)?install|pipx run|uvx|uv (?:add|tool (?:un)?install|tool run|pip (?:un)?install))"
    named = {
        (file.name, word)
        for file in texts
        for line in re.findall(rf"{verbs}[^`\n]*", file.read_text())
        for word in re.findall(r"(?<![\w/.-])envmgr(?:-py)?\b(?!/)", line.partition("#")[0])
    }
    assert ("install-packages.md", "envmgr-py") in named
    assert {word for _, word in named} == {"envmgr-py"}


def test_tests_that_the_reference_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/reference/state-on-disk.md").read_text()))
    defined = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    assert len(named) > 20
    assert named <= defined
