from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import NoSuchVersionError
from envmgr.host import platforms
from envmgr.host.download import Network
from envmgr.pythons import index, refresh
from envmgr.versions.request import VersionRequest

HERE = platforms.this_platform()


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "a mirror"
    folder.mkdir()
    return folder


def test_a_mirror_s_sums_are_the_index(mirror: Path, tmp_path: Path) -> None:
    name = f"cpython-3.12.1+20240107-{platforms.triple(HERE)}-install_only_stripped.tar.gz"
    (mirror / "SHA256SUMS").write_text(f"{'a' * 64}  20240107/{name}\n")
    network = Network({"ENVMGR_PYTHON_MIRROR": mirror.as_uri()}, offline=True)
    assert refresh.pick(VersionRequest.parse("3"), network, tmp_path).path == f"20240107/{name}"
    with pytest.raises(NoSuchVersionError, match=r"3\.13 in file:///.*/a%20mirror"):
        refresh.pick(VersionRequest.parse("3.13"), network, tmp_path)


def test_a_mirror_without_sums_has_what_the_hosts_have(mirror: Path, tmp_path: Path) -> None:
    network = Network({"ENVMGR_PYTHON_MIRROR": mirror.as_uri()}, offline=True)
    assert refresh.available(HERE, network, tmp_path) == index.bundled(HERE) != []
