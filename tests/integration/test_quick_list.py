"""`pythons.quick_list` prints the same as the ordinary code of `envmgr list --available`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envmgr.host import platforms
from envmgr.host.paths import Home
from envmgr.pythons import index, quick_list, selection

HERE = platforms.this_platform()


@pytest.fixture
def offline(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"ENVMGR_OFFLINE": "1"}


def ordinary(environ: dict[str, str]) -> str:
    """Return the output of the ordinary code, which every further option selects."""
    argv = [sys.executable, "-m", "envmgr", "list", "--available", "--platform", str(HERE)]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=True).stdout


def cached(environ: dict[str, str], text: str, *, age: float = 0) -> Path:
    file = selection.cache_file(Path(environ["ENVMGR_CACHE_DIR"]), HERE)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    os.utime(file, (time.time() - age, time.time() - age))
    return file


def test_the_bundled_index(offline: dict[str, str]) -> None:
    assert quick_list.available_text(offline) == ordinary(offline)


def test_refreshed_and_installed_builds(offline: dict[str, str], home: Home) -> None:
    names = ["cpython-3.14.99+20991231", "cpython-3.98.0rc1t+20991231", "cpython-3.98.0a1+20991231"]
    cached(offline, "# x y\n" + "".join(f"{name}-{HERE} {'a' * 64} 20991231/y.tar.gz\n" for name in names))
    (home.versions / f"{names[0]}-{HERE}").mkdir(parents=True)
    text = quick_list.available_text(offline)
    assert text == ordinary(offline)
    assert {"3.14.99+20991231", "installed"} <= set((text or "").split())


def test_a_build_in_both_cache_and_package(offline: dict[str, str]) -> None:
    cached(offline, index.dump(index.snapshot_candidates(HERE)[:5]))
    assert quick_list.available_text(offline) == ordinary(offline)


@pytest.mark.parametrize("name", ["ENVMGR_PYTHON_MIRROR", "ENVMGR_INDEX_URL"])
def test_a_mirror_is_left_to_the_cli(name: str, offline: dict[str, str]) -> None:
    assert quick_list.available_text(offline | {name: "file:///mirror"}) is None


def test_a_cache_that_is_due_is_left_to_the_cli(environ: dict[str, str]) -> None:
    assert quick_list.available_text(environ) is None
    file = cached(environ, "", age=86000)
    assert quick_list.available_text(environ)
    os.utime(file, (0, 0))
    assert quick_list.available_text(environ) is None


@pytest.mark.parametrize("text", ["x\n", "cpython-3.12+x\n", "cpython-3.12.1+mine-linux a b\n", "\x00\n"])
def test_a_damaged_cache_is_left_to_the_cli(text: str, offline: dict[str, str]) -> None:
    cached(offline, text)
    assert quick_list.available_text(offline) is None


def test_the_quick_list_loads_nothing_heavy(offline: dict[str, str]) -> None:
    run = "sys.argv[1:] = ['list', '--available']; from envmgr.__main__ import _run; _run(sys.argv[1:])"
    heavy = "{'click', 'dataclasses', 'httpx', 'inspect', 'json', 'pathlib', 'platformdirs', 're'}"
    check = f"sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(_source())!r}); {run}; {check}"]
    done = subprocess.run(argv, env=offline, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ordinary(offline)


def _source() -> Path:
    return Path(index.__file__).parents[2]
