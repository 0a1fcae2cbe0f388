from __future__ import annotations

import os
from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host import paths
from envmgr.host.paths import Home


def test_variables_set_the_directories() -> None:
    environ = {"ENVMGR_HOME": "/h", "ENVMGR_CACHE_DIR": "/c", "ENVMGR_CONFIG_DIR": "/f"}
    assert paths.home(environ).root == Path("/h")
    assert paths.cache(environ) == Path("/c")
    assert paths.config_file(environ) == Path("/f/config.toml")


def test_without_variables_the_directories_are_those_of_the_platform() -> None:
    assert paths.home({}).root.name == "envmgr"
    assert paths.home({"ENVMGR_HOME": ""}) == paths.home({})
    assert paths.home({}).root != paths.cache({})


@pytest.mark.parametrize("text", ["relative", "./x", "~/x"])
def test_a_relative_home_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ENVMGR_HOME is not an absolute path"):
        paths.home({"ENVMGR_HOME": text})


def test_upwards_ends_below_a_ceiling() -> None:
    assert list(paths.upwards(Path("/a/b/c"))) == [Path("/a/b/c"), Path("/a/b"), Path("/a"), Path("/")]
    assert list(paths.upwards(Path("/a/b/c"), [Path("/a")])) == [Path("/a/b/c"), Path("/a/b")]
    assert list(paths.upwards(Path("/a"), [Path("/a")])) == []


@pytest.mark.parametrize(("name", "reason"), [(b"a:b", "colon"), (b"odd\xff", "UTF-8")])
def test_a_store_with_an_unsupported_path_is_refused(name: bytes, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        paths.ensure_supported(Home(Path("/tmp") / os.fsdecode(name)))
    assert "ENVMGR_HOME" in (caught.value.hint or "")
    paths.ensure_supported(Home(Path("/tmp/ü")))
