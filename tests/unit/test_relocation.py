from __future__ import annotations

import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envmgr.pythons import relocation

SYSCONFIG = {
    "prefix": "/install",
    "LIBDIR": "/install/lib",
    "CFLAGS": "-I/install/include -L/install/lib -fdebug-prefix-map=/installer=/x -O2",
    "CC": "/tools/llvm/bin/clang -pthread",
    "CXX": "x86_64-linux-gnu-g++-12 -pthread",
    "LDSHARED": "clang -shared -isysroot /Applications/Xcode.app/SDK -L/install/lib",
    "AR": "/tools/llvm/bin/llvm-ar",
    "CONFIG_ARGS": "'--prefix=/install' 'CC=clang'",
    "VERSION": "3.12",
    "HAVE_FORK": 1,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An unpacked archive with only the files that `relocate` rewrites."""
    root = tmp_path / "stage/python"
    for folder in ("bin", "lib/python3.12/config-3.12-x86_64-linux-gnu", "lib/pkgconfig"):
        (root / folder).mkdir(parents=True)
    (root / "bin/python3.12").symlink_to(sys.executable)
    (root / "bin/data").write_bytes(b"\x7fELF /install/bin")
    script = root / "bin/tell"
    script.write_text("#!/install/bin/python3.12\nimport sys\nprint('ran', *sys.argv[1:])\n")
    script.chmod(0o755)
    (root / "bin/python3.12-config").write_text("#!/bin/sh\nprefix='/install'\necho -I/install/include /installed\n")
    (root / "lib/pkgconfig/python-3.12.pc").write_text("prefix=/install\nlibdir=${prefix}/lib\n")
    (root / "lib/python3.12/config-3.12-x86_64-linux-gnu/Makefile").write_text(
        "prefix=\t/install\nA=$(prefix):/install\n"
    )
    (root / "lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py").write_text(f"build_time_vars = {SYSCONFIG!r}\n")
    return root


def variables(root: Path) -> dict[str, object]:
    (file,) = root.glob("lib/python3.12/_sysconfigdata_*.py")
    found = runpy.run_path(str(file))["build_time_vars"]
    assert isinstance(found, dict)
    return found


def test_sysconfig_names_the_prefix_and_compilers_that_are_everywhere(root: Path) -> None:
    relocation.relocate(root, Path("/home/me/py"))
    assert variables(root) == SYSCONFIG | {
        "prefix": "/home/me/py",
        "LIBDIR": "/home/me/py/lib",
        "CFLAGS": "-I/home/me/py/include -L/home/me/py/lib -fdebug-prefix-map=/installer=/x -O2",
        "CC": "cc -pthread",
        "CXX": "c++ -pthread",
        "LDSHARED": "cc -shared -L/home/me/py/lib",
        "AR": "ar",
        "CONFIG_ARGS": "'--prefix=/home/me/py' 'CC=clang'",  # the options of the build, not a compiler to use
        "PYTHON_BUILD_STANDALONE": 1,
    }


def test_files_that_hold_the_prefix_hold_the_new_one(root: Path) -> None:
    relocation.relocate(root, Path("/home/me/py"))
    assert (root / "lib/pkgconfig/python-3.12.pc").read_text() == "prefix=/home/me/py\nlibdir=${prefix}/lib\n"
    (makefile,) = root.glob("lib/python3.12/config-*/Makefile")
    assert makefile.read_text() == "prefix=\t/home/me/py\nA=$(prefix):/home/me/py\n"
    said = (root / "bin/python3.12-config").read_text()
    assert said == "#!/bin/sh\nprefix='/home/me/py'\necho -I/home/me/py/include /installed\n"
    assert (root / "bin/tell").read_text().startswith("#!/home/me/py/bin/python3.12\n")
    assert (root / "bin/data").read_bytes() == b"\x7fELF /install/bin"


def test_twice_is_once(root: Path) -> None:
    def texts() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}

    relocation.relocate(root, Path("/home/me/install"))
    once = texts()
    relocation.relocate(root, Path("/home/me/install"))
    assert texts() == once


@pytest.mark.parametrize("name", ["with a blank", "long" * 40])
def test_scripts_run_where_a_first_line_would_not_do(name: str, root: Path, tmp_path: Path) -> None:
    """The kernel splits a first line at blanks, and cuts it at 127 bytes."""
    prefix = tmp_path / name
    relocation.relocate(root, prefix)
    root.rename(prefix)
    run = subprocess.run([prefix / "bin/tell", "a b"], capture_output=True, text=True, check=True)
    assert run.stdout == "ran a b\n"


@pytest.mark.parametrize(("program", "stdlib"), [("python3.13t", "python3.13t"), ("pypy3.10", "pypy3.10")])
def test_python_and_python3_are_always_there(program: str, stdlib: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / program).touch()
    (tmp_path / "lib" / stdlib).mkdir(parents=True)
    relocation.relocate(tmp_path, tmp_path)
    for name in ("python", "python3"):
        assert (tmp_path / "bin" / name).resolve().name == program
    managed = (tmp_path / "lib" / stdlib / "EXTERNALLY-MANAGED").read_text()
    assert managed.startswith("[externally-managed]\nError=")
    assert f"`envmgr use {stdlib.removeprefix('python')}`" in managed


def test_names_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("python", "python3", "python3.12"):
        (tmp_path / "bin" / name).write_text(name)
    relocation.relocate(tmp_path, tmp_path)
    assert (tmp_path / "bin/python").read_text() == "python"


@pytest.mark.parametrize(
    "text",
    [
        "build_time_vars = 3\n",
        "build_time_vars = dict(a=1)\n",
        "build_time_vars = {[]: 1}\n",
        "build_time_vars = {'a': " + "9" * 5000 + "}\n",
        "build_time_vars = " + "[" * 100_000,
        "build_time_vars = " + "-" * 200_000 + "1\n",
        "build_time_vars = {\0}\n",
        "build_time_vars = {",
        "build_time_vars = {'a': '\udcff'}\n",
        "import os\nbuild_time_vars = {'a': '/install'}\n" + "#" * 2_000_000,
    ],
    ids=["number", "call", "unhashable", "digits", "brackets", "signs", "nul", "cut", "bytes", "large"],
)
def test_a_sysconfig_that_is_no_literal_is_left_alone(text: str, root: Path) -> None:
    (file,) = root.glob("lib/python3.12/_sysconfigdata_*.py")
    file.write_text(text, errors="surrogateescape")
    relocation.relocate(root, Path("/x"))
    assert file.read_text(errors="surrogateescape") == text


def test_a_sysconfig_of_blanks_takes_no_time(root: Path) -> None:
    (file,) = root.glob("lib/python3.12/_sysconfigdata_*.py")
    file.write_text(f"build_time_vars = {{'CC': 'clang{' ' * 200_000}', 'LDSHARED': {'/a-' * 200_000!r}}}\n")
    before = time.process_time()
    relocation.relocate(root, Path("/x"))
    assert time.process_time() - before < 3
    assert variables(root)["CC"] == f"cc{' ' * 200_000}"
