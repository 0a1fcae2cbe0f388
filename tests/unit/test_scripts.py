from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envmgr.environments import scripts
from envmgr.environments.scripts import Destination
from envmgr.host import shebang

HOSTILE = [
    "/h/plain",
    "/h/a space",
    "/h/quo'te\"s",
    "/h/$HOME`id`!",
    "/h/back\\slash",
    "/h/line\nbreak",
    "/h/ü",
    "/h/" + "x" * 200,
]


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("name", [*scripts.QUOTES, "pip"])
def test_from_template_reverses_to_template(name: str, path: str) -> None:
    quoted = scripts.QUOTES.get(name, str)(path)
    head = shebang.absolute(Path(path) / "bin" / "python") if name == "pip" else f"set {quoted}\n".encode()
    data = head + b"the rest\n"
    blank = scripts.to_template(name, data, Path(path))
    assert blank != data
    assert scripts.from_template(name, blank, Destination(Path(path), "shop")) == data


@pytest.mark.parametrize("path", ["a space", "quo'te\"s", "$HOME`id`!", "back\\slash", "line\nbreak", "x" * 200])
def test_a_command_finds_its_python_in_any_path(tmp_path: Path, path: str) -> None:
    commands = tmp_path / path / "bin"
    commands.mkdir(parents=True)
    (commands / "python").symlink_to("/bin/echo")
    tool = commands / "tool"
    tool.write_bytes(shebang.absolute(commands / "python"))
    tool.chmod(0o755)
    (tmp_path / "link").symlink_to(tool)
    for called in (tool, tmp_path / "link"):
        assert subprocess.check_output([called, "x"], text=True) == f"{called} x\n"


def test_a_short_path_without_special_characters_is_a_plain_shebang() -> None:
    assert shebang.absolute(Path("/h/e/bin/python")) == b"#!/h/e/bin/python\n"


def test_python_reads_the_sh_lines_as_a_string() -> None:
    head = shebang.absolute(Path("/a b/bin/python"))
    compile(head + b"import sys\n", "tool", "exec")
