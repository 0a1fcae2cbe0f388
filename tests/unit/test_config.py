from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host import config


def test_a_table_is_returned_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.envmgr.test]\npythons = ["3.12"]\n')
    tables = config.read(file)
    assert config.table(tables, file, "tool", "envmgr", "test") == {"pythons": ["3.12"]}
    assert config.table(tables, file, "tool", "other") == {}
    assert config.read(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[tool", "pyproject.toml: not valid TOML"),
        (b"\xff", "pyproject.toml: cannot be read"),
        (b"tool = 1\n", "pyproject.toml: tool must be a table"),
    ],
)
def test_an_error_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        config.table(config.read(file), file, "tool")
