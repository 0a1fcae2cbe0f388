"""Stock tools, told nothing but a PATH with `shims/` in front, find our Pythons and make environments that work."""

from __future__ import annotations

from pathlib import Path

import pytest
from python_archives import TAG, unpack

from envmgr.host import process
from envmgr.host.paths import Home

TELL = "import sys; print('ran', *sys.version_info[:2], 'on', sys.base_prefix)"
FILES = {
    "pyproject.toml": """\
[project]
name = "p"
version = "0"
requires-python = ">=3.12,<3.13"
[tool.hatch.envs.t]
python = "3.12"
skip-install = true
""",
    "tox.ini": "[tox]\nenv_list = py312\nno_package = true\n[testenv]\ncommands = python tell.py\n",
    "noxfile.py": "import nox\n\n@nox.session(python='3.12')\ndef t(s):\n    s.run('python', 'tell.py')\n",
    "tell.py": TELL + "\n",
}
COMMANDS = {
    "tox": [["tox", "-q"]],
    "nox": [["nox"]],
    "hatch": [["hatch", "run", "t:python", "tell.py"]],
    "poetry": [["poetry", "env", "use", "3.12"], ["poetry", "run", "python", "tell.py"]],
    "pdm": [["pdm", "use", "-f", "3.12"], ["pdm", "run", "python", "tell.py"]],
    "pipenv": [["pipenv", "--python", "3.12"], ["pipenv", "run", "python", "tell.py"]],
    "uv": [["uv", "venv", "-q", "-p", "3.12", "v"], ["v/bin/python", "tell.py"]],
}


@pytest.mark.parametrize("tool", COMMANDS)
def test_a_stock_tool_finds_our_python(
    tool: str, tools: Path, archives: Path, home: Home, environ: dict[str, str], tmp_path: Path
) -> None:
    unpack(archives, home, "3.12.1", TAG)
    project = tmp_path / "project"
    project.mkdir()
    for name, text in FILES.items():
        (project / name).write_text(text)
    environ |= {"PATH": f"{home.shims}:/usr/bin:/bin", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
    for program, *arguments in COMMANDS[tool]:
        place = project if "/" in program else tools
        outcome = process.run([place / program, *arguments], environ=environ, cwd=project, timeout=120)
        assert outcome.code == 0, outcome.text
    assert "ran 3 12 on" in outcome.text
    assert str(home.root) in outcome.text.partition("ran 3 12 on")[2].partition("\n")[0]
