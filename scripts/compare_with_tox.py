"""Compare `envmgr test` with stock tox, or with plain pytest, on unmodified sdists of well-known projects.

Each project is downloaded from the package index and tested twice in scratch directories: by envmgr, and by tox in an
environment of its own (or by pytest in an environment made by hand, for projects without a configuration of tox). The
two runs must have the same outcome for each test, as their JUnit reports say. Not part of the test suite: it needs the
network and some minutes.

usage: python scripts/compare_with_tox.py [PROJECT...]
Needs uv and junitparser, as in the environment of scripts/test, and the Pythons of ENVMGR_TEST_PYTHONS or of pyenv.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from junitparser import JUnitXml

VERSION = "3.12"
_MOST = 5  # differences that are printed


@dataclass(frozen=True)
class Project:
    """A project, and the cell to compare; without one, it is tested by pytest with `requirements` installed."""

    name: str
    cell: str = ""
    requirements: tuple[str, ...] = ()


PROJECTS = (
    Project("click", "py3.12"),
    Project("itsdangerous", "py312"),
    Project("markupsafe", "py3.12"),  # a C extension
    Project("pluggy", "py312"),
    Project("structlog", "3.12-tests"),
    Project("attrs", "py312-tests"),
    Project("jinja2", "py3.12"),
    Project("werkzeug", "py3.12"),
    Project("h11", "", ("pytest",)),  # no [build-system]
    Project("idna", "", ("pytest",)),
)
Outcomes = dict[tuple[str, str], str]


def main() -> None:
    """Compare the projects named on the command line, by default all; exit with 1 where a result differs."""
    named = sys.argv[1:]
    wanted = [project for project in PROJECTS if not named or project.name in named]
    with tempfile.TemporaryDirectory() as scratch:
        environ = prepare(Path(scratch))
        results = [compare(project, Path(scratch), environ) for project in wanted]
    sys.exit(0 if all(results) else 1)


def prepare(scratch: Path) -> dict[str, str]:
    """Return the variables of a scratch store that has the Pythons of this machine."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ENVMGR_", "VIRTUAL_ENV"))}
    environ |= {"ENVMGR_HOME": str(scratch / "store"), "ENVMGR_CACHE_DIR": str(scratch / "cache")}
    environ |= {"UV_PYTHON_DOWNLOADS": "never", "ENVMGR_CONFIG_DIR": str(scratch / "config")}
    named = os.environ.get("ENVMGR_TEST_PYTHONS")
    for prefix in sorted((Path(named) if named else Path.home() / ".pyenv/versions").glob("3.1[0-9].*")):
        run(["envmgr", "link", str(prefix)], environ)
    environ["PATH"] = f"{scratch / 'store' / 'shims'}:{environ['PATH']}"
    return environ


def compare(project: Project, scratch: Path, environ: dict[str, str]) -> bool:
    """Test one project twice, print the counts, and return whether the outcomes are the same."""
    ours, theirs = (unpack(project.name, scratch / side / project.name) for side in ("ours", "theirs"))
    mine = by_envmgr(project, ours, environ)
    other = by_tox(project, theirs, scratch, environ) if project.cell else by_pytest(project, theirs, scratch, environ)
    same = bool(mine) and mine == other
    print(
        f"{'same' if same else 'DIFFERENT'}  {project.name:14} envmgr: {counts(mine)}  stock: {counts(other)}",
        flush=True,
    )
    different = [test for test in sorted(mine.keys() | other.keys()) if mine.get(test) != other.get(test)]
    for test in different[:_MOST]:
        print(f"    {'::'.join(test)}: {mine.get(test)}, stock {other.get(test)}")
    return same


def unpack(name: str, folder: Path) -> Path:
    """Download and unpack the newest sdist of `name`; returns its directory."""
    folder.mkdir(parents=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--dest",
        str(folder),
    ]
    subprocess.run([*pip, name], check=True, stderr=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
    (found,) = folder.iterdir()
    return found


def by_envmgr(project: Project, folder: Path, environ: dict[str, str]) -> Outcomes:
    """Return the outcomes under envmgr."""
    report = folder.parent / "report.xml"
    selection = ["--cell", project.cell] if project.cell else ["-p", VERSION]
    run(["envmgr", "test", *selection, "--junit", str(report)], environ, cwd=folder)
    return outcomes(report)


def by_tox(project: Project, folder: Path, scratch: Path, environ: dict[str, str]) -> Outcomes:
    """Return the outcomes under tox with tox-uv."""
    report, tool = folder.parent / "report.xml", scratch / "tox"
    if not tool.exists():
        run(["uv", "venv", "--quiet", "--python", sys.executable, str(tool)], environ)
        run(["uv", "pip", "install", "--quiet", "--python", f"{tool}/bin/python", "tox", "tox-uv"], environ)
    variables = {
        **environ,
        "PYTEST_ADDOPTS": f"--junitxml={report}",
        "TOX_OVERRIDE": "testenv.pass_env+=PYTEST_ADDOPTS",
    }
    run([f"{tool}/bin/tox", "run", "-q", "-e", project.cell], variables, cwd=folder)
    return outcomes(report)


def by_pytest(project: Project, folder: Path, scratch: Path, environ: dict[str, str]) -> Outcomes:
    """Return the outcomes under pytest in an environment made by hand."""
    report, env = folder.parent / "report.xml", scratch / f"{project.name}-env"
    run(["uv", "venv", "--quiet", "--python", VERSION, str(env)], environ)
    run(
        ["uv", "pip", "install", "--quiet", "--python", f"{env}/bin/python", ".", *project.requirements],
        environ,
        cwd=folder,
    )
    run([f"{env}/bin/python", "-m", "pytest", "-q", f"--junitxml={report}"], environ, cwd=folder)
    return outcomes(report)


def outcomes(report: Path) -> Outcomes:
    """Return the outcome of each test in a JUnit report, none where there is no report."""
    if not report.is_file():
        return {}
    found: Outcomes = {}
    for suite in JUnitXml.fromfile(str(report)):
        for case in suite:
            kinds = {type(each).__name__ for each in case.result}
            found[case.classname or "", case.name or ""] = ", ".join(sorted(kinds)) or "Passed"
    return found


def counts(found: Outcomes) -> str:
    """Return the number of tests by outcome."""
    kinds = sorted(set(found.values()))
    return ", ".join(f"{list(found.values()).count(kind)} {kind.lower()}" for kind in kinds) or "no report"


def run(argv: list[str], environ: dict[str, str], cwd: Path | None = None) -> None:
    """Run a program; print the end of its output where it fails, which a run of tests may."""
    done = subprocess.run(argv, env=environ, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        text = done.stdout.decode(errors="replace").strip().splitlines()[-3:]
        print(f"    {Path(argv[0]).name}: exit code {done.returncode}: " + " | ".join(text)[-400:], flush=True)


if __name__ == "__main__":
    main()
