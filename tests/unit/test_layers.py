"""The storeys of the house: imports point downwards, and each foreign library has one home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import envmgr

SOURCE = Path(envmgr.__file__).parent
STOREYS = ["errors", "host", "versions", "pythons", "environments", "shell", "packages", "testing"]
STOREYS += ["hook_calls", "cli", "__main__"]
HOMES = {
    "click": "cli",
    "filelock": "host/lock.py",
    "httpx": "host/network.py",
    "platformdirs": "host/paths.py",
    "rich": "cli",
    "subprocess": "host/process.py",
    "tarfile": "host/archive.py",
    "tomllib": "host/config.py",
    "virtualenv": "environments/templates.py",
}
MODULES = sorted(SOURCE.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a piece of source imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def storey(dotted: str) -> int:
    """Return how high the module named `envmgr.<storey>...` stands; 0 is the ground."""
    name = dotted.split(".")[1]
    return -1 if name.startswith("__v") else STOREYS.index(name)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_downwards(module: Path) -> None:
    if module == SOURCE / "__init__.py":
        return
    here = storey(f"envmgr.{module.relative_to(SOURCE).with_suffix('').parts[0]}")
    for name in imports(ast.parse(module.read_text())):
        if name.startswith("envmgr."):
            assert storey(name) <= here, f"{name} is upstairs"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_foreign_library_has_one_home(module: Path) -> None:
    place = module.relative_to(SOURCE).as_posix()
    for name in imports(ast.parse(module.read_text())):
        home = HOMES.get(name.partition(".")[0])
        assert home is None or place.startswith(home), f"{name} lives in {home}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_libraries_are_imported_late(module: Path) -> None:
    early = ast.Module([node for node in ast.parse(module.read_text()).body if not is_definition(node)], [])
    foreign = {name.partition(".")[0] for name in imports(early)} & {*HOMES, "packaging"}
    allowed = {"click"} if module.relative_to(SOURCE).parts[0] == "cli" else {"subprocess", "tarfile"}
    assert foreign <= allowed


def is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def test_only_the_console_prints() -> None:
    for module in MODULES:
        calls = [node.func for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
        prints = any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
        assert not prints or module.name == "console.py", module
