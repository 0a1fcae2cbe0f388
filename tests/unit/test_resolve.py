from __future__ import annotations

import os
from pathlib import Path

import pytest

from envmgr.errors import NoSuchVersionError, NotInstalledError, UsageError
from envmgr.host.paths import Home
from envmgr.pythons import aliases, resolve
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions.request import VersionRequest


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
    assert by_file.project == tmp_path / "project"
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
    assert resolve.resolve_pin(home, deep, {"ENVMGR_VERSION": "3.12"}).words == "3.12", "the variable has precedence"


def test_what_is_missing_is_named_with_its_place_and_the_next_step(home: Home, deep: Path) -> None:
    (deep / ".python-version").write_text(">=3.13\nnobody\n")
    found = resolve.resolve_pin(home, deep, {})
    with pytest.raises(NotInstalledError, match=r"\.python-version:1") as missing:
        resolve.installed_interpreter(Store(home), found, found.requests[0])
    assert missing.value.hint == "run `envmgr install '>=3.13'`"
    with pytest.raises(NoSuchVersionError, match="no Python is called nobody") as unknown:
        resolve.installed_interpreter(Store(home), found, found.requests[1])
    assert unknown.value.hint == "no Python has a name; `envmgr link` gives one"


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


def test_without_any_pin_it_is_the_system_python(home: Home, tmp_path: Path) -> None:
    found = resolve.resolve_pin(home, tmp_path, {})
    assert [request.text for request in found.requests] == ["system"]
    assert (found.pin, found.project) == (None, None)
    assert "global default" in found.location


def test_ceilings_are_absolute_directories_in_a_list_like_path(home: Home, deep: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert resolve.ceilings({}) == []
    assert resolve.ceilings({"ENVMGR_CEILING_DIRS": f"{project}:relative::/mnt"}) == [project, Path("/mnt")]
    for ceiling, words in ((project, "system"), (tmp_path, "3.11")):
        environ = {"ENVMGR_CEILING_DIRS": f"/mnt:{ceiling}"}
        assert resolve.resolve_pin(home, deep, environ).words == words
        assert resolve.resolve_pin(home, deep, environ | {"ENVMGR_VERSION": "3.12"}).project == (
            project if words == "3.11" else None
        )


def test_an_installed_interpreter_is_returned(home: Home, deep: Path) -> None:
    found = resolve.resolve_pin(home, deep, {})
    interpreter = resolve.installed_interpreter(Store(home), found, found.requests[0])
    assert isinstance(interpreter, Interpreter)
    assert interpreter.build.patch_alias == "3.11.9"


def test_the_hint_for_an_unknown_name_has_the_names_of_linked_interpreters(home: Home, tmp_path: Path) -> None:
    for name, version in (("work", "3.12.7"), ("debug", "3.11.9")):
        folder = home.versions / f"cpython-{version}+{name}-linux-x86_64-gnu" / "bin"
        folder.mkdir(parents=True)
        (folder / "python").symlink_to(program(tmp_path / name / "python"))
    error = resolve.missing_error(Store(home), VersionRequest.parse("unknown"))
    assert "no Python is called unknown" in str(error)
    assert str(error).endswith("unknown")
    assert error.hint == "the names are debug, work"


def test_programs_of_our_environments_are_not_found_on_path(home: Home, tmp_path: Path) -> None:
    ours = program(home.envs / "shop-1" / "3.12" / "bin" / "black")
    real = program(tmp_path / "usr" / "black")
    assert resolve.find_on_path("black", home, {"PATH": f"{ours.parent}:{real.parent}"}) == real


def test_the_directory_of_shims_is_passed_over_by_any_name(home: Home, tmp_path: Path) -> None:
    program(home.shims / "black")
    (tmp_path / "alias").symlink_to(home.shims)
    real = program(tmp_path / "usr" / "black")
    path = f"{home.shims}:{tmp_path / 'alias'}:{real.parent}"
    assert resolve.find_on_path("black", home, {"PATH": path}) == real


def test_only_executable_files_are_found_on_path(home: Home, tmp_path: Path) -> None:
    program(tmp_path / "data" / "black").chmod(0o644)
    (tmp_path / "folder" / "black").mkdir(parents=True)
    real = program(tmp_path / "usr" / "black")
    path = f"{tmp_path / 'data'}:{tmp_path / 'folder'}:{real.parent}"
    assert resolve.find_on_path("black", home, {"PATH": path}) == real


def test_relative_entries_of_path_are_passed_over(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program(tmp_path / "bin" / "black")
    assert resolve.find_on_path("black", home, {"PATH": "bin:."}) is None


def test_the_shims_of_other_tools_are_passed_over_once_they_handed_back(home: Home, tmp_path: Path) -> None:
    shim = program(tmp_path / "pyenv" / "shims" / "black")
    real = program(tmp_path / "usr" / "black")
    path = {"PATH": f"{shim.parent}:{real.parent}"}
    assert resolve.find_on_path("black", home, path) == shim
    assert resolve.find_on_path("black", home, path | {resolve.GUARD: str(os.getpid())}) == real
    assert resolve.find_on_path("black", home, path | {resolve.GUARD: str(os.getppid())}) == shim
    assert resolve.find_on_path("black", home, path | {resolve.GUARD: ""}) == shim
