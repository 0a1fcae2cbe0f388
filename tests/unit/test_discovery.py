from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from envmgr.errors import BrokenInterpreterError, UsageError
from envmgr.pythons import discovery
from envmgr.pythons.discovery import FoundPython


def program(path: Path, text: str = "#!/bin/sh\nexit 1\n") -> Path:
    """Write a program that is a Python only by its name; discovery does not start it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def found(origin: str, home: Path, **variables: str) -> list[str]:
    environ = {"HOME": str(home)} | variables
    return [str(each.executable.relative_to(home)) for each in discovery.discover(origin, environ)]


@pytest.mark.parametrize(
    ("origin", "place"),
    [
        ("pyenv", ".pyenv/versions/3.12.1/bin/python3.12"),
        ("pyenv", ".pyenv/versions/pypy3.10-7.3.17/bin/pypy3.10"),
        ("pyenv", ".pyenv/versions/3.13.0t/bin/python3.13t"),
        ("uv", ".local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu/bin/python3.12"),
        ("mise", ".local/share/mise/installs/python/3.12.1/bin/python3.12"),
        ("asdf", ".asdf/installs/python/3.12.1/bin/python3.12"),
        ("rye", ".rye/py/cpython@3.12.1/bin/python3.12"),
        ("rye", ".rye/py/cpython@3.8.1/install/bin/python3.8"),
        ("hatch", ".local/share/hatch/pythons/pypy3.10/pypy3.10-v7.3.17-linux64/bin/pypy3.10"),
        ("conda", "miniforge3/bin/python3.12"),
        ("conda", "miniforge3/envs/science/bin/python3.12"),
    ],
)
def test_each_tool_keeps_its_pythons_somewhere(origin: str, place: str, tmp_path: Path) -> None:
    prefix = program(tmp_path / place).parent.parent
    if origin == "conda":
        (prefix / "conda-meta").mkdir()
    assert found(origin, tmp_path) == [place]


@pytest.mark.parametrize(
    ("origin", "variable", "place"),
    [
        ("pyenv", "PYENV_ROOT", "versions/3.12.1"),
        ("uv", "UV_PYTHON_INSTALL_DIR", "cpython-3.12.1-linux-x86_64-gnu"),
        ("uv", "XDG_DATA_HOME", "uv/python/cpython-3.12.1-linux-x86_64-gnu"),
        ("mise", "MISE_DATA_DIR", "installs/python/3.12.1"),
        ("mise", "MISE_INSTALLS_DIR", "python/3.12.1"),
        ("asdf", "ASDF_DATA_DIR", "installs/python/3.12.1"),
        ("pdm", "XDG_DATA_HOME", "pdm/python/cpython@3.12.1"),
        ("rye", "RYE_HOME", "py/cpython@3.12.1"),
        ("hatch", "HATCH_DATA_DIR", "pythons/3.12/python"),
        ("hatch", "HATCH_DATA_DIR", "pythons/3.7/python/install"),
        ("homebrew", "HOMEBREW_PREFIX", "opt/python@3.12"),
        ("homebrew", "HOMEBREW_PREFIX", "opt/python-freethreading"),
        ("conda", "MAMBA_ROOT_PREFIX", "envs/science"),
        ("conda", "XDG_DATA_HOME", "mamba"),
    ],
)
def test_variable_of_a_tool_changes_its_directory(origin: str, variable: str, place: str, tmp_path: Path) -> None:
    program(tmp_path / "else where" / place / "bin/python3.12")
    (tmp_path / "else where" / place / "conda-meta").mkdir()
    assert f"else where/{place}/bin/python3.12" in found(origin, tmp_path, **{variable: str(tmp_path / "else where")})


def test_conda_remembers_its_environments(tmp_path: Path) -> None:
    program(tmp_path / "work/bin/python3.12")
    (tmp_path / "work/conda-meta").mkdir()
    program(tmp_path / "gone by/bin/python3.12")
    program(tmp_path / ".conda/environments.txt", f"{tmp_path}/work\n{tmp_path}/gone by\n/nowhere\n")
    assert found("conda", tmp_path) == ["work/bin/python3.12"]


def test_one_python_under_two_names_is_one(tmp_path: Path) -> None:
    versions = tmp_path / ".pyenv/versions"
    program(versions / "3.12.1/bin/python3.12")
    (versions / "3.12").symlink_to("3.12.1")
    (versions / "latest").symlink_to("3.12.1")
    assert found("pyenv", tmp_path) == [".pyenv/versions/3.12.1/bin/python3.12"]


def test_a_tool_s_own_names_that_move_on_are_passed_over(tmp_path: Path) -> None:
    """`mise link` and uv's minor versions make links to directories of Pythons."""
    installs = tmp_path / ".local/share/mise/installs/python"
    program(tmp_path / "opt/python/bin/python3.12")
    installs.mkdir(parents=True)
    (installs / "3.12.1").symlink_to(tmp_path / "opt/python")
    for name in ("3", "3.12", "latest"):
        (installs / name).symlink_to("./3.12.1")
    assert found("mise", tmp_path) == [".local/share/mise/installs/python/3.12.1/bin/python3.12"]
    located = discovery.locate(installs / "latest", {"HOME": str(tmp_path)})
    assert located == FoundPython("mise", installs / "3.12.1/bin/python3.12")


def test_what_is_only_registered_with_rye_is_its_owner_s(tmp_path: Path) -> None:
    """`rye toolchain register` makes a link to the program itself."""
    toolchains = tmp_path / ".rye/py"
    toolchains.mkdir(parents=True)
    (toolchains / "cpython@3.12.1").symlink_to(program(tmp_path / "opt/bin/python3.12"))
    assert found("rye", tmp_path) == []


def test_partly_removed_python_is_reported(tmp_path: Path) -> None:
    versions = tmp_path / ".pyenv/versions"
    (versions / "3.10.1/lib").mkdir(parents=True)
    (versions / "3.11.1").symlink_to(tmp_path / "gone")
    (versions / "3.11").symlink_to("3.11.1")
    (versions / ".DS_Store").touch()
    (versions / "notes").touch()
    places = found("pyenv", tmp_path)
    assert places == [".pyenv/versions/3.10.1/bin/python3", ".pyenv/versions/3.11.1/bin/python3"]
    for place in places:
        with pytest.raises(BrokenInterpreterError, match="No such file"):
            discovery.identify(FoundPython("pyenv", tmp_path / place), {})


def test_an_environment_is_no_interpreter(tmp_path: Path) -> None:
    program(tmp_path / ".pyenv/versions/work/bin/python3.12")
    (tmp_path / ".pyenv/versions/work/pyvenv.cfg").touch()
    assert found("pyenv", tmp_path) == []
    with pytest.raises(UsageError, match="an environment, not an interpreter"):
        discovery.locate(tmp_path / ".pyenv/versions/work", {"HOME": str(tmp_path)})


def test_where_a_tool_is_not_there_is_nothing(tmp_path: Path) -> None:
    for origin in discovery.OWNERS:
        if origin not in {"system", "homebrew", "conda"}:  # these search system directories, too
            assert found(origin, tmp_path) == []
    with pytest.raises(UsageError, match="not a tool that envmgr can link from"):
        discovery.discover("chocolatey", {})


@pytest.mark.parametrize("named", ["", "bin", "bin/python3.12", "bin/python3"])
def test_a_python_is_located_by_prefix_folder_or_program(named: str, tmp_path: Path) -> None:
    prefix = tmp_path / ".pyenv/versions/3.12.1"
    executable = program(prefix / "bin/python3.12")
    (prefix / "bin/python3").symlink_to("python3.12")
    located = discovery.locate(prefix / named, {"HOME": str(tmp_path)})
    assert located.owner == "pyenv"
    assert os.path.realpath(located.executable) == str(executable)


@pytest.mark.parametrize(
    ("origin", "folder", "name"),
    [
        ("pyenv", "miniconda3-latest", "miniconda3-latest"),
        ("pyenv", "3.12.1", None),
        ("pyenv", "3.14-dev", None),
        ("pyenv", "pypy3.10-7.3.17", None),
        ("conda", "science", "science"),
        ("conda", "a b", None),
        ("conda", "system", None),
        ("uv", "cpython-3.12.1-linux-x86_64-gnu", None),
        ("homebrew", "python@3.12", None),
        ("hatch", "python", None),
        ("system", "usr", None),
    ],
)
def test_a_name_that_is_no_version_is_kept(origin: str, folder: str, name: str | None) -> None:
    assert discovery.owner_name(FoundPython(origin, Path("/x") / folder / "bin/python3.12")) == name


def test_what_is_no_tool_s_is_local(tmp_path: Path) -> None:
    executable = program(tmp_path / "opt/bin/python3.12")
    assert discovery.locate(tmp_path / "opt", {"HOME": str(tmp_path)}) == FoundPython("local", executable)


def test_where_no_python_is_none_is_located(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Python there"):
        discovery.locate(tmp_path / "nothing", {"HOME": str(tmp_path)})


def test_a_shim_is_never_started(tmp_path: Path) -> None:
    shim = program(tmp_path / "bin/python3.12", f"#!/bin/sh\ntouch {tmp_path}/started\n")
    with pytest.raises(BrokenInterpreterError, match="a script, not an interpreter"):
        discovery.identify(FoundPython("local", shim), {})
    assert not (tmp_path / "started").exists()


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / ".pyenv/versions/3.12.1/bin/python3"
    fifo.parent.mkdir(parents=True)
    os.mkfifo(fifo)
    (each,) = discovery.discover("pyenv", {"HOME": str(tmp_path)})
    with pytest.raises(BrokenInterpreterError, match="not a program"):
        discovery.identify(each, {})


def test_a_link_to_a_tool_is_never_started(tmp_path: Path) -> None:
    """The shims of mise and rye are programs, not scripts."""
    tool = program(tmp_path / "bin/mise")
    shutil.copy(shutil.which("touch") or "touch", tool)
    shim = tmp_path / "shims/python3.12"
    shim.parent.mkdir()
    shim.symlink_to(tool)
    with pytest.raises(BrokenInterpreterError, match=r"a link to .*/bin/mise, not an interpreter"):
        discovery.identify(FoundPython("local", shim), {})


@pytest.mark.parametrize("text", ["", "\x7fELF nonsense"])
def test_what_does_not_start_is_broken(tmp_path: Path, text: str) -> None:
    with pytest.raises(BrokenInterpreterError):
        discovery.identify(FoundPython("local", program(tmp_path / "bin/python3.12", text)), {})


def test_error_has_the_reason(tmp_path: Path) -> None:
    for name, message in (("false", r"python3\.12: does not start: exit code 1"), ("true", "not a Python that envmgr")):
        program = tmp_path / name / "python3.12"
        program.parent.mkdir()
        shutil.copy(shutil.which(name) or name, program)
        with pytest.raises(BrokenInterpreterError, match=message):
            discovery.identify(FoundPython("local", program), {})


def test_removed_python_is_broken(tmp_path: Path) -> None:
    with pytest.raises(BrokenInterpreterError, match="No such file"):
        discovery.identify(FoundPython("local", tmp_path / "bin/python3.12"), {})
