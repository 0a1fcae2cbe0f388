"""Fast commands must not import heavy modules; the tests check module names, not milliseconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envmgr.environments import builder
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

SOURCE = Path(__file__).parents[2] / "src"
BOOT = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from envmgr.__main__ import main; main()"
HEAVY = {
    "argparse",
    "click",
    "collections",
    "httpx",
    "json",
    "logging",
    "packaging",
    "pathlib",
    "re",
    "rich",
    "subprocess",
}
HEAVY |= {"tomllib", "typing"}


def loaded(arguments: list[str], home: Path, *, alone: bool = True) -> set[str]:
    """Return the modules that `envmgr ARGUMENTS` imports until it ends or replaces itself with another program.

    It runs in the store; with `alone`, only the standard library can be imported.
    """
    run = subprocess.run(
        [sys.executable, "-I", *(["-S"] if alone else []), "-X", "importtime", "-c", BOOT, *arguments],
        cwd=home,
        env={"ENVMGR_HOME": str(home), "PATH": os.defpath, "ENVMGR_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("arguments", [["--version"], ["which", "python"], ["list", "--available"]], ids=" ".join)
def test_a_fast_command_imports_no_heavy_module(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "shell").mkdir()
    (tmp_path / "shell/shim.sh").write_text("exit 0\n")
    modules = loaded(arguments, tmp_path)
    assert "envmgr.__main__" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("call", ["_shim", "_which", "_enter"])
def test_internal_commands_do_not_import_the_network(call: str, tmp_path: Path) -> None:
    """Not even for an unknown version with an outdated index."""
    (tmp_path / ".python-version").write_text("3.99\n")
    modules = loaded([call, str(tmp_path), str(tmp_path) if call == "_enter" else "python"], tmp_path, alone=False)
    assert "envmgr.pythons.resolve" in modules
    assert not modules & {"httpx", "socket", "ssl", "envmgr.host.download", "envmgr.pythons.refresh"}


@pytest.mark.parametrize("arguments", [["_shim", ".", "sh", "-c", ":"], ["_enter", ".", "."]], ids=" ".join)
def test_internal_commands_without_output_do_not_import_click(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / ".python-version").write_text("system\n")
    modules = loaded([str(tmp_path) if word == "." else word for word in arguments], tmp_path, alone=False)
    assert "envmgr.hook_calls" in modules
    assert not modules & {"click", "rich"}


BUILD = """
import os, sys
from pathlib import Path
from envmgr.environments import builder
from envmgr.host.paths import Home
from envmgr.pythons.store import Store
store = Store(Home(Path(sys.argv[1])))
builder.build(store.home, Path(sys.argv[2]), store.interpreter(next(store.builds())), os.environ)
print(*sys.modules)
"""


def test_cloning_does_not_import_the_modules_for_templates(
    shared: Home, interpreter: Interpreter, environ: dict[str, str], tmp_path: Path
) -> None:
    builder.build(shared, tmp_path / "first", interpreter, environ)
    argv = [sys.executable, "-I", "-c", BUILD, str(shared.root), str(tmp_path / "second")]
    modules = set(subprocess.run(argv, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    assert "envmgr.environments.builder" in modules
    assert not modules & {"packaging", "shutil", "subprocess", "virtualenv"}
