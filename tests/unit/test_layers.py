"""The layers: imports point downwards, and each third-party library is imported by one module only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import envmgr

SOURCE = Path(envmgr.__file__).parent
LAYERS = ["errors", "host", "versions", "pythons", "environments", "shell", "packages", "testing"]
LAYERS += ["hook_calls", "cli", "__main__"]
IMPORTERS = {
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


def layer(dotted: str) -> int:
    """Return the number of the layer of the module `envmgr.<layer>...`; 0 is the lowest."""
    name = dotted.split(".")[1]
    return -1 if name.startswith("__v") else LAYERS.index(name)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_downwards(module: Path) -> None:
    if module == SOURCE / "__init__.py":
        return
    own = layer(f"envmgr.{module.relative_to(SOURCE).with_suffix('').parts[0]}")
    for name in imports(ast.parse(module.read_text())):
        if name.startswith("envmgr."):
            assert layer(name) <= own, f"{name} is in a higher layer"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_third_party_library_is_imported_by_one_module(module: Path) -> None:
    path = module.relative_to(SOURCE).as_posix()
    for name in imports(ast.parse(module.read_text())):
        importer = IMPORTERS.get(name.partition(".")[0])
        assert importer is None or path.startswith(importer), f"only {importer} may import {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_libraries_are_imported_late(module: Path) -> None:
    early = ast.Module([node for node in ast.parse(module.read_text()).body if not is_definition(node)], [])
    libraries = {name.partition(".")[0] for name in imports(early)} & {*IMPORTERS, "packaging"}
    allowed = {"click"} if module.relative_to(SOURCE).parts[0] == "cli" else {"subprocess", "tarfile"}
    assert libraries <= allowed


def is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def test_only_the_console_prints() -> None:
    for module in MODULES:
        calls = [node.func for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
        prints = any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
        assert not prints or module.name == "console.py", module
