"""The walk of a new user, from nothing to a project whose Python is active on `cd`, with the real program."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from mirror_server import Mirror
from pty_shell import PtyShell
from python_archives import NEWER_TAG, pythons

PROMPT = "walk $ "
RC = {
    "bash": (".bashrc", f"PS1='{PROMPT}'\nbind 'set enable-bracketed-paste off'\n"),
    "zsh": (".zshrc", f"PS1='{PROMPT}'\nunsetopt zle prompt_sp prompt_cr\n"),
    "fish": (".config/fish/config.fish", f"function fish_prompt; echo -n '{PROMPT}'; end\nset -g fish_greeting\n"),
}
VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.prefix != sys.base_prefix)"


@dataclass(frozen=True)
class Person:
    """Somebody with a home and a mirror, who uses one installed `envmgr`."""

    program: Path
    environ: dict[str, str]
    home: Path

    def envmgr(self, *words: str, cwd: Path | None = None, code: int = 0) -> str:
        """Run envmgr, which ends with `code`; returns what it printed as data."""
        done = self.run(str(self.program), *words, cwd=cwd)
        assert done.returncode == code, done.stderr
        return done.stdout

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run any program, as a script of this person would."""
        return subprocess.run(
            words,
            check=False,
            env=self.environ,
            cwd=cwd or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def python(self, cwd: Path, program: str = "python") -> str:
        """Return the version that a Python on this person's PATH has in `cwd`, and whether it is an environment's."""
        done = self.run("/bin/sh", "-c", f'exec {program} -c "$0"', VERSION, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def person(program: Path, environ: dict[str, str], mirror: Mirror) -> Person:
    """Somebody who has envmgr, its shims on PATH, and nothing else."""
    shims = f"{environ['ENVMGR_HOME']}/shims"
    environ |= {"ENVMGR_PYTHON_MIRROR": mirror.url, "PATH": f"{shims}:/usr/local/bin:/usr/bin:/bin", "TERM": "xterm"}
    return Person(program, environ, Path(environ["HOME"]))


@pytest.fixture
def shop(person: Person) -> Path:
    """A project that pins nothing yet."""
    project = person.home / "shop"
    project.mkdir()
    return project


def test_install_link_and_list(person: Person) -> None:
    person.envmgr("install", "3.12", "3.11")
    person.envmgr("link", str(pythons() / "3.13.0"))
    listed = json.loads(person.envmgr("list", "--json"))
    assert {entry["version"] for entry in listed} == {"3.11.7", "3.12.1", "3.13.0"}
    found = Path(person.envmgr("find", "3.12").strip())
    assert subprocess.check_output([found, "-c", VERSION], text=True).split() == ["3.12.1", "False"]
    assert "3.10.13" in person.envmgr("list", "--available")


def test_use_switch_and_uninstall(person: Person, shop: Path) -> None:
    person.envmgr("use", "3.12", cwd=shop)
    assert (shop / ".python-version").read_text() == "3.12\n"
    assert (shop / ".venv").is_symlink()
    assert person.python(shop) == "3.12.1 True"
    assert person.python(shop, "python3.12") == "3.12.1 False"
    person.envmgr("use", "3.11", cwd=shop)
    assert person.python(shop) == "3.11.7 True"
    person.envmgr("use", "3.12", cwd=shop)
    assert person.python(shop) == "3.12.1 True"
    person.envmgr("use", "--global", "3.11")
    assert person.python(person.home) == "3.11.7 False"
    assert person.run(str(person.program), "uninstall", "3.12").returncode != 0
    person.envmgr("env", "remove", str(shop))
    person.envmgr("uninstall", "3.12")


def test_ask_where_everything_comes_from(person: Person, shop: Path) -> None:
    person.envmgr("use", "3.12", cwd=shop)
    environment = person.envmgr("env", "path", cwd=shop).strip()
    assert person.envmgr("which", "pip", cwd=shop).strip() == f"{environment}/bin/pip"
    facts = json.loads(person.envmgr("status", "--json", cwd=shop))
    assert facts["origin"] == {"variable": None, "file": f"{shop}/.python-version", "line": 1}
    assert str(shop) in person.envmgr("env", "list")
    ran = person.envmgr("run", "python", "-c", VERSION, cwd=shop)
    assert ran.strip() == "3.12.1 True"
    for shell in RC:
        assert f"{person.environ['ENVMGR_HOME']}/shell/" in person.envmgr("completion", shell)
    assert NEWER_TAG in person.envmgr("list")


def test_a_wrong_version_file_never_runs_another_python(person: Person, shop: Path) -> None:
    person.envmgr("install", "3.12")
    for text, code in (("3.11\n", 4), ("../../evil\n", 2), ("3.99\n", 4)):
        (shop / ".python-version").write_text(text)
        done = person.run("/bin/sh", "-c", "exec python -V", cwd=shop)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert f"{shop}/.python-version:1" in done.stderr


def test_sync_and_test(person: Person, shop: Path) -> None:
    (shop / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "shop"\nversion = "1"\ndependencies = ["iniconfig"]\n'
        '[tool.envmgr.test]\npythons = ["3.11", "3.12"]\n'
        'commands = [["python", "-c", "import shop, iniconfig, sys; sys.exit(shop.FAILS)"]]\n'
    )
    (shop / "shop").mkdir()
    (shop / "shop/__init__.py").write_text("FAILS = 0\n")
    person.envmgr("use", "3.12", cwd=shop)
    person.envmgr("sync", cwd=shop)
    assert person.run("/bin/sh", "-c", "exec python -c 'import iniconfig'", cwd=shop).returncode == 0
    person.envmgr("test", cwd=shop)
    (shop / "shop/__init__.py").write_text("FAILS = 1\n")
    person.envmgr("test", cwd=shop, code=1)


@pytest.mark.parametrize("shell", RC)
def test_active_on_cd(person: Person, shop: Path, shell: str) -> None:
    person.envmgr("install", "3.11")
    person.envmgr("use", "3.12", cwd=shop)
    name, text = RC[shell]
    rc = person.home / name
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(text)
    person.envmgr("setup", shell)
    once = rc.read_text()
    person.envmgr("setup", shell)
    assert rc.read_text() == once

    output = person.home / "version"
    ask = f'python -c "{VERSION}" >{output}'
    with PtyShell(
        [shell, "-i"], cwd=person.home, environ={**person.environ, "ENVMGR": str(person.program)}
    ) as terminal:
        terminal.variables_after(f"cd {shop}")
        assert terminal.variables_after(ask)["VIRTUAL_ENV_PROMPT"] == "shop"
        assert output.read_text() == "3.12.1 True\n"
        terminal.variables_after("$ENVMGR use 3.11")
        terminal.variables_after(ask)
        assert output.read_text() == "3.11.7 True\n"
        terminal.variables_after("$ENVMGR use 3.12")
        terminal.variables_after(ask)
        assert output.read_text() == "3.12.1 True\n"
        assert "VIRTUAL_ENV" not in terminal.variables_after("cd ..")
