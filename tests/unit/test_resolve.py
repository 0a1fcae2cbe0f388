from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import NoSuchVersionError, NotInstalledError, UsageError
from envmgr.host.paths import Home
from envmgr.pythons import aliases, resolve
from envmgr.pythons.store import Store


def program(path: Path) -> Path:
    """Make an executable file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for name in ("cpython-3.12.7+20241016", "cpython-3.11.9+20241016"):
        program(home.versions / f"{name}-linux-x86_64-gnu" / "bin" / "python")
    aliases.update_aliases(home)
    return home


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "src" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".python-version").write_text("# ours\n3.11\n")
    return folder


def test_variable_beats_file_beats_default_beats_system(home: Home, deep: Path, tmp_path: Path) -> None:
    by_variable = resolve.resolve_pin(home, deep, {"ENVMGR_VERSION": "3.12"})
    assert (by_variable.words, by_variable.location) == ("3.12", "ENVMGR_VERSION")
    assert by_variable.project == tmp_path / "project", "a variable replaces the words, not the project"
    by_file = resolve.resolve_pin(home, deep, {})
    assert (by_file.words, by_file.location) == ("3.11", f"{tmp_path}/project/.python-version:2")
    assert resolve.resolve_pin(home, tmp_path, {}).words == "system"
    home.default.write_text("3.12\n")
    assert resolve.resolve_pin(home, tmp_path, {}).location == f"{home.default}:1"


def test_a_file_that_names_no_version_is_passed_over(home: Home, deep: Path) -> None:
    (deep / ".python-version").write_text("\n# nothing yet\n")
    assert resolve.resolve_pin(home, deep, {}).words == "3.11"


def test_a_bad_file_is_an_error_that_names_file_and_line(home: Home, deep: Path) -> None:
    bad = deep / ".python-version"
    bad.write_text("3.12\n../../bin\n")
    with pytest.raises(UsageError) as caught:
        resolve.resolve_pin(home, deep, {})
    assert caught.value.message.startswith(f"{bad}:2: ")
    assert resolve.resolve_pin(home, deep, {"ENVMGR_VERSION": "3.12"}).words == "3.12", "the variable still rules"


def test_what_is_missing_is_named_with_its_place_and_the_next_step(home: Home, deep: Path) -> None:
    (deep / ".python-version").write_text(">=3.13\nnobody\n")
    found = resolve.resolve_pin(home, deep, {})
    with pytest.raises(NotInstalledError, match=r"\.python-version:1") as missing:
        resolve.installed_interpreter(Store(home), found, found.requests[0])
    assert missing.value.hint == "run `envmgr install '>=3.13'`"
    with pytest.raises(NoSuchVersionError, match="no Python is called nobody") as unknown:
        resolve.installed_interpreter(Store(home), found, found.requests[1])
    assert unknown.value.hint == "no Python has a name yet; `envmgr link` gives one"


def test_system_is_path_without_the_shims_and_links_to_them(home: Home, tmp_path: Path) -> None:
    program(home.shell / "shim.sh")
    (home.shims / "python").symlink_to("../shell/shim.sh")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(home.shims / "python")
    real = program(tmp_path / "usr" / "python")
    path = f"{home.shims}:relative:{tmp_path / 'bin'}:{real.parent}"
    assert resolve.find_on_path("python", home, {"PATH": path}) == real
    assert resolve.find_on_path("nothing", home, {"PATH": path}) is None


def test_holders_are_named_newest_first(home: Home) -> None:
    assert list(resolve.versions_with(Store(home), "python")) == ["3.12.7", "3.11.9"]
    assert list(resolve.versions_with(Store(home), "black")) == []
