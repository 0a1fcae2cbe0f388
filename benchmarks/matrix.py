"""Time `envmgr test`, compared with tox and tox-uv on the same project and Pythons: a first and a second run.

Needs some of Python 3.10 to 3.13 in `ENVMGR_TEST_PYTHONS` (by default those of pyenv), and PyPI for tox and pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import measure
from measure import Case

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "demo"
version = "0.1"
requires-python = ">=3.10"
[dependency-groups]
test = ["pytest"]
[tool.envmgr.test]
pythons = {pythons}
groups = ["test"]
commands = [["pytest", "-q", "tests"]]
[tool.tox]
env_list = {pythons}
venv_redirect = false
[tool.tox.env_run_base]
package = "wheel"
wheel_build_env = ".pkg"
dependency_groups = ["test"]
commands = [["pytest", "-q", "tests"]]
"""


def main() -> None:
    """Print the tables."""
    found = _pythons()
    uv = measure.program("uv")
    if not found or uv is None:
        print("\n## envmgr test\n\nneeds Pythons and uv")
        return
    with measure.scratch() as root:
        environ = _environ(root, found)
        project = _project(root, [name for name, _ in found])
        tox = _tox(root, uv)
        envmgr = Path(sys.executable).with_name("envmgr")
        for _, prefix in found:
            subprocess.run([envmgr, "link", prefix], env=environ, check=True, capture_output=True)
        ours = measure.command(envmgr, "test", env=environ, cwd=project)
        theirs = measure.command(tox, "run-parallel", "-q", "-p", "auto", env=environ, cwd=project)
        base = "tox-uv -p auto"
        measure.compare(
            f"test run over {len(found)} Pythons, from nothing (caches warm)",
            [
                Case(base, theirs, _without(project / ".tox")),
                Case("envmgr test", ours, _without(*_made(root)), budget=1),
            ],
            base=base,
            rounds=3,
        )
        alone = _processes(root, project, environ)
        measure.compare(
            "test run again",
            [Case(base, theirs), Case("envmgr test", ours, budget=0.8), Case("the pytest processes alone", alone)],
            base=base,
            rounds=5,
        )


def _pythons() -> list[tuple[str, Path]]:
    folder = Path(os.environ.get("ENVMGR_TEST_PYTHONS") or Path.home() / ".pyenv/versions")
    names = ("3.10", "3.11", "3.12", "3.13")
    return [(name, path) for name in names for path in sorted(folder.glob(f"{name}.*"))[:1]]


def _environ(root: Path, found: list[tuple[str, Path]]) -> dict[str, str]:
    links = root / "links"
    links.mkdir()
    for name, prefix in found:
        (links / f"python{name}").symlink_to(prefix / "bin" / f"python{name}")
    environ = measure.environ(root / "home")
    tools = Path(sys.executable).parent
    index = {name: value for name, value in os.environ.items() if name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX")}
    environ |= index | {"UV_CACHE_DIR": str(root / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    return environ | {"PATH": f"{links}:{tools}:{environ['PATH']}", "VIRTUALENV_NO_PERIODIC_UPDATE": "1"}


def _project(root: Path, pythons: list[str]) -> Path:
    project = root / "demo"
    for folder in ("src/demo", "tests"):
        (project / folder).mkdir(parents=True)
    (root / "home").mkdir()
    (project / "pyproject.toml").write_text(PROJECT.format(pythons=pythons))
    (project / "src/demo/__init__.py").write_text("X = 1\n")
    (project / "tests/test_x.py").write_text("def test_x():\n    import demo\n    assert demo.X == 1\n")
    return project


def _tox(root: Path, uv: str) -> Path:
    venv = root / "tox"
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, venv], check=True)
    subprocess.run([uv, "pip", "install", "-q", "-p", venv / "bin/python", "tox", "tox-uv"], check=True)
    return venv / "bin/tox"


def _made(root: Path) -> list[Path]:
    """Return the directories that envmgr made for the project: environments and wheels."""
    return [root / "home/envmgr/envs", root / "home/cache/wheels"]


def _without(*places: Path) -> Callable[[], object]:
    def remove() -> None:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)

    return remove


def _processes(root: Path, project: Path, environ: dict[str, str]) -> Callable[[], object]:
    def run() -> None:
        programs = (root / "home/envmgr/envs").glob("*/test-*/bin/python")
        running = [
            subprocess.Popen([one, "-m", "pytest", "-q", "tests"], cwd=project, env=environ, stdout=subprocess.DEVNULL)
            for one in programs
        ]
        for one in running:
            one.wait()

    return run


if __name__ == "__main__":
    main()
