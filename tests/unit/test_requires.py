from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.versions import requires


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('requires-python = ">=3.11"', ">=3.11"),
        ('requires-python = ">= 3.9, < 4"', ">=3.9,<4"),
        ('requires-python = ">=3.9,!=3.9.7,"', ">=3.9,!=3.9.7"),
        ('requires-python = "~=3.11"', "~=3.11"),
        ('requires-python = "==3.12.*"', "==3.12.*"),
        ('requires-python = "3.12"', "3.12"),
    ],
)
def test_the_nearest_pyproject_is_used(line: str, found: str, tmp_path: Path) -> None:
    inner = tmp_path / "src/package"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{line}\n')
    assert str(requires.from_pyproject(inner)) == found


@pytest.mark.parametrize("text", ["", "[project]\n", "[tool.x]\n"])
def test_a_pyproject_may_have_no_requirement(text: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.11"\n')
    (inner / "pyproject.toml").write_text(text)
    assert requires.from_pyproject(inner) is None


@pytest.mark.parametrize("value", ['"^3.11"', '""', "3.11", "[]", '">=3.11;x"', '"$(x)"'])
def test_an_invalid_requirement_names_its_file(value: str, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(f"[project]\nrequires-python = {value}\n")
    with pytest.raises(UsageError, match="requires-python") as raised:
        requires.from_pyproject(tmp_path)
    assert raised.value.message.startswith(f"{file}: ")


def test_a_broken_pyproject_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(UsageError, match=r"pyproject\.toml: not valid TOML"):
        requires.from_pyproject(tmp_path)
