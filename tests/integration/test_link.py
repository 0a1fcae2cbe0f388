"""`link`, `list` and `find`, as a user calls them, over the Pythons of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from python_archives import pythons
from sandbox import Sandbox

from envmgr.environments import record
from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform

OLDEST, OLD, NEW = "2.7.18", "3.6.15", "3.12.1"


def call(environ: dict[str, str], *words: str, code: int = 0) -> str:
    """Run `envmgr` and return its stdout; on an error expected by `code`, its stderr."""
    argv = [sys.executable, "-m", "envmgr", *words]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


@pytest.fixture
def pyenv(tmp_path: Path) -> Path:
    """A pyenv root whose versions are links to real ones, with a broken version and an environment."""
    versions = tmp_path / "user/.pyenv/versions"
    versions.mkdir(parents=True)
    for version in (OLDEST, OLD, NEW):
        (versions / version).symlink_to(pythons() / version)
    broken = versions / "3.11.0/bin/python3.11"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"\x7fELF, but no more than that")
    broken.chmod(0o755)
    shutil.copytree(broken.parent.parent, versions / "environment")
    (versions / "environment/pyvenv.cfg").touch()
    return versions.parent


@pytest.fixture
def linked(environ: dict[str, str], pyenv: Path) -> dict[str, str]:
    """The environment of a store that has linked all of pyenv's."""
    assert pyenv.is_dir()
    call(environ, "link", "--from", "pyenv")
    return environ


def rows(environ: dict[str, str], *words: str) -> dict[str, dict[str, object]]:
    return {row["version"]: row for row in json.loads(call(environ, "list", "--json", *words))}


def test_all_of_pyenv_s_are_linked_but_the_broken_one(environ: dict[str, str], pyenv: Path, home: Home) -> None:
    before = sorted(pyenv.rglob("*"))
    argv = [sys.executable, "-m", "envmgr", "link", "--from", "pyenv"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True)
    assert f"broken: {pyenv}/versions/3.11.0/bin/python3.11: " in done.stderr
    assert set(rows(environ)) == {OLDEST, OLD, NEW}
    assert sorted(pyenv.rglob("*")) == before
    assert not list(home.tmp.iterdir())


@pytest.mark.parametrize(("version", "alias"), [(OLDEST, "2.7"), (OLD, "3.6"), (NEW, "3.12")])
def test_a_linked_python_runs_as_it_is(linked: dict[str, str], home: Home, version: str, alias: str) -> None:
    code = "import sys; sys.stdout.write('%d.%d.%d ' % sys.version_info[:3] + sys.prefix)"
    for program in (home.aliases / alias / "bin/python", home.shims / f"python{alias}"):
        said = subprocess.run([program, "-c", code], env=linked, capture_output=True, text=True, check=True).stdout
        assert said.partition(" ")[0] == version
        assert os.path.realpath(said.partition(" ")[2]) == str(pythons() / version)


def test_a_linked_python_is_listed_with_its_origin(linked: dict[str, str], home: Home) -> None:
    home.default.write_text("3.6\n")
    row = rows(linked)[OLD]
    assert row["aliases"] == ["3.6", OLD, f"{OLD}+pyenv"]
    assert (row["origin"], row["works"], row["default"]) == ("pyenv", True, True)
    assert str(row["path"]).endswith(f"/.pyenv/versions/{OLD}/bin/python3.6")
    lines = call(linked, "list", "3.6").splitlines()
    assert lines[0].split()[:4] == ["*", f"{OLD}+pyenv", "3.6,", OLD]


def test_what_its_owner_removed_is_listed_as_broken(linked: dict[str, str], pyenv: Path) -> None:
    (pyenv / "versions" / NEW).unlink()
    assert rows(linked)[NEW]["works"] is False
    assert "(broken: not there)" in call(linked, "list", "3.12")


@pytest.fixture
def brew(environ: dict[str, str], tmp_path: Path) -> Path:
    """A Homebrew with a Python: one path for a minor version, a link that every upgrade changes."""
    cellar, opt = tmp_path / "brew/Cellar/python@3.12", tmp_path / "brew/opt/python@3.12"
    for keg, version in (("old", NEW), ("new", "3.13.0")):  # two patches of one minor version are not at hand
        minor = version.rpartition(".")[0]
        for part in ("bin", "lib"):
            (cellar / keg / part).mkdir(parents=True)
        shutil.copy(pythons() / version / f"bin/python{minor}", cellar / keg / "bin/python3.12")
        (cellar / keg / f"lib/python{minor}").symlink_to(pythons() / version / f"lib/python{minor}")
    opt.parent.mkdir()
    opt.symlink_to(cellar / "old")
    environ["HOMEBREW_PREFIX"] = str(tmp_path / "brew")
    return opt


def upgrade(brew: Path) -> None:
    target = brew.resolve().with_name("new")
    brew.unlink()
    brew.symlink_to(target)


def test_replaced_python_is_reported_until_it_is_linked_again(environ: dict[str, str], brew: Path) -> None:
    call(environ, "link", "--from", "homebrew")
    call(environ, "link", str(brew), "mine")
    assert rows(environ)[NEW]["changed"] is False
    upgrade(brew)
    assert (rows(environ)[NEW]["works"], rows(environ)[NEW]["changed"]) == (False, True), "its library is missing"
    call(environ, "link", "--from", "homebrew")
    every = rows(environ)
    assert set(every) == {"3.13.0"}
    assert every["3.13.0"]["changed"] is False
    assert "/cpython-3.13.0+mine-" in call(environ, "find", "mine")
    assert "is not installed" in call(environ, "find", NEW, code=4)


def test_an_exact_pin_does_not_follow_what_its_owner_replaced(
    environ: dict[str, str], home: Home, brew: Path, tmp_path: Path
) -> None:
    call(environ, "link", "--from", "homebrew")
    exact, named = Sandbox(home, tmp_path / "exact", environ), Sandbox(home, tmp_path / "named", environ)
    for sandbox, pin in ((exact, NEW), (named, "homebrew")):
        sandbox.project.mkdir()
        sandbox.run("use", pin)
    upgrade(brew)
    said = exact.messages("link", "--from", "homebrew")
    assert said.count("`envmgr use` in") == 1
    assert f"`envmgr use` in {exact.project}" in said
    shim: list[str | Path] = [home.shims / "python", "-c", "print('ran')"]
    outcome = process.run(shim, environ=environ, cwd=exact.project)
    assert (outcome.code, f"Python {NEW} is not installed" in outcome.text) == (4, True), outcome.text
    assert record.lookup(home, named.project, "homebrew")


def test_rebuilt_python_is_reported(environ: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "opt/bin/python3.12"
    program.parent.mkdir(parents=True)
    shutil.copy(pythons() / NEW / "bin/python3.12", program)
    (tmp_path / "opt/lib").symlink_to(pythons() / NEW / "lib")
    call(environ, "link", str(program))
    assert "replaced since" not in call(environ, "list")
    shutil.copy(pythons() / NEW / "bin/python3.12", program)
    assert "(replaced since: link it again)" in call(environ, "list")
    call(environ, "link", str(program))
    assert "replaced since" not in call(environ, "list")


def test_a_version_file_may_name_what_pyenv_calls_no_version(environ: dict[str, str], pyenv: Path, home: Home) -> None:
    (pyenv / "versions/miniconda3-latest").symlink_to(pythons() / "3.13.0")
    call(environ, "link", "--from", "pyenv")
    found = call(environ | {"ENVMGR_VERSION": "miniconda3-latest"}, "find").strip()
    assert found == f"{home.versions}/cpython-3.13.0+miniconda3-latest-{this_platform()}/bin/python"
    subprocess.run([found, "-c", "pass"], check=True)
    assert rows(environ)["3.13.0"]["origin"] == "pyenv"


def test_linking_again_refreshes(linked: dict[str, str], home: Home, pyenv: Path) -> None:
    (home.versions / f"cpython-{NEW}+pyenv-{this_platform()}/bin/python3.12").unlink()
    call(linked, "link", str(pyenv / "versions" / NEW))
    assert (home.aliases / "3.12/bin/python3.12").exists()
    assert len(rows(linked)) == 3


def test_two_at_once_are_fine(environ: dict[str, str], home: Home) -> None:
    argv = [sys.executable, "-m", "envmgr", "link", str(pythons() / NEW)]
    running = [subprocess.Popen(argv, env=environ, stderr=subprocess.DEVNULL) for _ in range(5)]
    assert [process.wait() for process in running] == [0] * 5
    assert len(rows(environ)) == 1
    assert not list(home.tmp.iterdir())


def test_a_killed_link_leaves_the_old_state_or_the_new(linked: dict[str, str], home: Home, pyenv: Path) -> None:
    argv = [sys.executable, "-m", "envmgr", "link"]
    prefixes = [str(pyenv / "versions" / NEW), str(pythons() / "3.13.0")]  # one that is there, and one that is new
    for step in range(16):
        process = subprocess.Popen([*argv, prefixes[step % 2]], env=linked, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.06 + step * 0.012)
        process.kill()
        process.wait()
        every = rows(linked)
        assert {OLDEST, OLD, NEW} <= set(every)
        for row in every.values():
            subprocess.run([str(row["executable"]), "-c", "pass"], check=True)
        assert (home.aliases / "3.12/bin/python").exists()
    call(linked, "link", prefixes[1])
    assert (home.aliases / "3.13/bin/python").exists()
    assert not list(home.tmp.glob("link-*"))


def test_one_is_linked_under_a_name(environ: dict[str, str], home: Home) -> None:
    call(environ, "link", str(pythons() / NEW / "bin/python3"), "my-own")
    found = call(environ, "find", "my-own").strip()
    assert found == f"{home.versions}/cpython-{NEW}+my-own-{this_platform()}/bin/python"
    assert call(environ, "find", f"{NEW}+my-own").strip() == found


@pytest.mark.parametrize("name", ["3.12", "latest", "system", "pypy3", "a/b", "..", "a b", "-x", "$(x)", "", "x" * 101])
def test_a_name_must_be_a_name(environ: dict[str, str], home: Home, name: str) -> None:
    call(environ, "link", str(pythons() / NEW), "--", name, code=2)
    assert not home.versions.exists()


def test_a_name_that_is_taken_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    call(environ, "link", str(pythons() / NEW), "mine")
    copy = tmp_path / "opt/bin/python3.12"
    copy.parent.mkdir(parents=True)
    shutil.copy(pythons() / NEW / "bin/python3.12", copy)
    (tmp_path / "opt/lib").symlink_to(pythons() / NEW / "lib")
    assert "is linked to" in call(environ, "link", str(copy), "mine", code=2)
    call(environ, "link", str(copy), "other")


def test_the_system_s_python_brings_only_its_own_programs(environ: dict[str, str], home: Home) -> None:
    call(environ, "link", "--from", "system")
    for folder in home.versions.iterdir():
        minor = ".".join(folder.name.split("-")[1].split(".")[:2])
        targets = {os.path.basename(os.readlink(link)) for link in (folder / "bin").iterdir()}  # noqa: PTH115, PTH119
        assert all(minor in target for target in targets), targets


def test_link_needs_an_argument(environ: dict[str, str], tmp_path: Path) -> None:
    assert "give either a PATH or --from" in call(environ, "link", code=2)
    assert "no Python there" in call(environ, "link", str(tmp_path), code=2)
    assert "no Python of mise" in call(environ, "link", "--from", "mise", code=3)
    call(environ, "link", "--from", "nowhere", code=2)


def test_the_same_situation_has_the_same_exit_code_in_all_verbs(environ: dict[str, str]) -> None:
    for theirs in ({}, {"ENVMGR_INDEX_URL": "http://127.0.0.1:1/"}, {"ENVMGR_PYTHON_MIRROR": "http://127.0.0.1:1/"}):
        asked = environ | theirs
        for version in ("3.12", "3.99"):  # commands that only read do not use the network
            for words in (["find"], ["uninstall"], ["list"]):
                assert f"run `envmgr install {version}`" in call(asked, *words, version, code=4)
        for words in (["find"], ["uninstall"], ["list"], ["install"], ["use"], ["use", "--global"], ["run", "-p"]):
            assert "no Python is called work" in call(
                asked, *words, "work", *(["true"] if "-p" in words else []), code=3
            )
    for words in (["install"], ["use"], ["list", "--available"]):
        assert "the nearest are 3.12.16" in call(environ | {"ENVMGR_OFFLINE": "1"}, *words, "3.12.99", code=3)


def test_what_is_offered_instead_of_a_name_is_not_from_another_place(environ: dict[str, str]) -> None:
    message = call(environ | {"ENVMGR_PYTHON_MIRROR": "http://127.0.0.1:1/"}, "install", "pypy-work", code=3)
    assert "nearest" not in message


def test_find_follows_the_pin(linked: dict[str, str], home: Home) -> None:
    found = call(linked | {"ENVMGR_VERSION": "3.6"}, "find").strip()
    assert found == f"{home.versions}/cpython-{OLD}+pyenv-{this_platform()}/bin/python"
    message = call(linked | {"ENVMGR_VERSION": "3.7"}, "find", code=4)
    assert "Python 3.7 is not installed (ENVMGR_VERSION)" in message


def test_what_can_be_installed_is_listed(environ: dict[str, str]) -> None:
    short = call(environ, "list", "--offline", "--available").splitlines()
    every = call(environ, "list", "--offline", "--available", "--all").splitlines()
    assert 10 < len(short) < len(every)
    assert call(environ, "list", "--offline", "--all").splitlines() == every
    rows = json.loads(
        call(environ, "list", "--offline", "--available", "3.12.7", "--platform", "macos-aarch64-none", "--json")
    )
    (row,) = rows
    assert (row["version"], row["installed"]) == ("3.12.7", False)
    assert "aarch64-apple-darwin" in row["url"]
    assert len(row["sha256"]) == 64


def test_reading_writes_nothing(environ: dict[str, str], home: Home, tmp_path: Path) -> None:
    call(environ, "list")
    call(environ, "list", "--offline", "--available")
    call(environ, "find", "3.12", code=4)
    assert not home.root.exists()
    assert not (tmp_path / "cache").exists()
