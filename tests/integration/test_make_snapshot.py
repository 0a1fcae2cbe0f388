"""The script that makes the bundled index from the wheels of uv and pbs-installer."""

from __future__ import annotations

import json
import runpy
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from envmgr.pythons import index
from envmgr.pythons.candidate import HOSTS

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPTS / "make_snapshot.py")))


def test_the_table_in_uv_s_program_is_found(script: SimpleNamespace) -> None:
    program = Path(sys.executable).with_name("uv").read_bytes()
    found = list(index.table(script.embedded(program)))
    assert len(found) > 4000
    assert {candidate.build.implementation for candidate in found} == {"cpython", "pypy"}
    assert {candidate.build.variant for candidate in found} == {"", "t", "d", "td"}
    platforms = {str(candidate.build.platform) for candidate in found}
    assert {path.stem for path in index.SNAPSHOT.glob("*.txt")} <= platforms


def test_a_program_without_a_table_is_an_error(script: SimpleNamespace) -> None:
    with pytest.raises(SystemExit, match="has no table"):
        script.embedded(b"\x28\xb5\x2f\xfd is no frame")


def test_pbs_installer_s_table_is_read_where_it_has_sums(script: SimpleNamespace, tmp_path: Path) -> None:
    name = "20241016/cpython-3.12.7%2B20241016-x86_64-unknown-linux-gnu-install_only.tar.gz"
    files = [{"url": f"{HOSTS[1]}/{name}", "sha256": sha256} for sha256 in ("a" * 64, None)]
    with zipfile.ZipFile(tmp_path / "wheel", "w") as wheel:
        wheel.writestr("pbs_installer/versions.json", json.dumps([{"files": files}]))
    (found,) = script.pbs_installer(tmp_path / "wheel")
    assert found.path == name.replace("%2B", "+")
