"""The shim as a process: what it costs, what it leaves alone, and the odd ways to reach it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from prepared_projects import PreparedProjects, create_projects
from sandbox import clean_environ

from envmgr.environments import binding
from envmgr.host import files


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedProjects:
    return create_projects(tmp_path / "prepared")


def run(
    prepared: PreparedProjects, argv: list[str | Path], where: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a directory of the stage, with the shims first on PATH."""
    cwd = prepared.root / where
    environ = (
        clean_environ(dict(os.environ)) | {"PATH": f"{prepared.home.shims}:/usr/bin:/bin", "PWD": str(cwd)} | variables
    )
    return subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize(
    ("where", "variable"), [("shop/src/deep", ""), ("own/src", ""), ("prefix", ""), ("wide", ""), ("none", "3.12")]
)
def test_it_starts_no_process_and_becomes_one_program(
    prepared: PreparedProjects, tmp_path: Path, where: str, variable: str
) -> None:
    log = tmp_path / "strace"
    for _ in range(2):  # the first answers for `wide` is Python's, and remembered
        run(
            prepared,
            ["strace", "-f", "-qq", "-o", log, "-e", "trace=process", "python"],
            where,
            ENVMGR_VERSION=variable,
        )
    assert not re.search(r"\b(v?fork|clone3?)\(", log.read_text())
    started = re.findall(r'execve\("([^"]*)"', log.read_text())
    assert [Path(program).parent.name for program in started] == ["shims", "bin"]


def test_its_own_variables_do_not_reach_the_program(prepared: PreparedProjects) -> None:
    python = prepared.home.aliases / "3.12" / "bin" / "python"
    python.resolve().write_text("#!/bin/sh\nenv\n")
    names = ("home", "dir", "file", "line", "word", "words", "env", "command", "print", "project", "record", "place")
    mine = dict.fromkeys(names, "mine") | {"IFS": " \t\n"}
    before = run(prepared, [python], "prefix", **mine).stdout
    after = run(prepared, ["python"], "prefix", **mine).stdout
    assert sorted(after.splitlines()) == sorted(before.splitlines())


def test_arguments_arrive_as_they_are(prepared: PreparedProjects) -> None:
    python = prepared.home.aliases / "3.12" / "bin" / "python"
    python.resolve().write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    given = ["", "a b", "*", "$(x)", "'", "\n", "-n", "\\"]
    assert run(prepared, ["python", *given], "prefix").stdout == "".join(f"<{one}>" for one in given)


@pytest.mark.parametrize("shell", [["dash"], ["busybox", "sh"], ["bash", "--posix"], ["ksh"]], ids=lambda one: one[0])
@pytest.mark.parametrize("directory", ["removed", "", "/nowhere"])
def test_it_ends_in_a_directory_that_was_removed(prepared: PreparedProjects, shell: list[str], directory: str) -> None:
    """There, PWD is `.` in ksh and the inherited value in bash; the variable's interpreter runs all the same."""
    folder = prepared.root / "removed"
    remove = 'cd "$0" && rmdir "$0" && PWD=$PWD_THERE && export PWD && exec "$@"'
    command: list[str | Path] = ["sh", "-c", remove, folder, *shell, prepared.home.shell / "shim.sh", "python"]
    folder.mkdir()
    ended = run(prepared, command, "none", PWD_THERE=directory, ENVMGR_VERSION="3.12")
    assert ended.stdout == f"{prepared.home.aliases}/3.12/bin/python\n"


@pytest.mark.parametrize("shell", [["dash"], ["busybox", "sh"], ["bash", "--posix"], ["ksh"]], ids=lambda one: one[0])
def test_it_finds_its_store_however_it_is_reached(prepared: PreparedProjects, tmp_path: Path, shell: list[str]) -> None:
    wanted = str(prepared.home.aliases / "3.12" / "bin" / "python")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(prepared.home.shims / "python")
    (tmp_path / "again").symlink_to("bin/python")
    (tmp_path / "python").symlink_to("again")
    shim = os.path.relpath(prepared.home.shims / "python", prepared.root / "prefix")
    for path in (shim, f"./{shim}", f"{prepared.home.shims}//python", tmp_path / "bin/python", tmp_path / "python"):
        assert run(prepared, [*shell, path], "prefix").stdout == wanted


def test_system_is_never_a_shim_again(prepared: PreparedProjects, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(prepared.home.shims / "python")
    system = prepared.root.parent / "system"
    path = f"{prepared.home.shims}:{tmp_path / 'bin'}:relative::{system}"
    assert run(prepared, ["python"], "system", PATH=path).stdout == f"{system}/python"
    alone = run(
        prepared,
        ["/bin/sh", prepared.home.shims / "python"],
        "system",
        PATH=f"{prepared.home.shims}:{tmp_path / 'bin'}",
    )
    assert alone.returncode == 127


def test_another_tools_shim_that_sends_us_back_is_asked_once(prepared: PreparedProjects, tmp_path: Path) -> None:
    """pyenv, asked for its `system`, takes the first `python` on PATH that is not its own: ours."""
    other = tmp_path / "other" / "shims"
    other.mkdir(parents=True)
    (other / "python").write_text('#!/bin/sh\nexec "$OURS/python" "$@"\n')
    (other / "python").chmod(0o755)
    system = prepared.root.parent / "system"
    path = f"{prepared.home.shims}:{other}:{system}"
    assert run(prepared, ["python"], "system", PATH=path, OURS=str(prepared.home.shims)).stdout == f"{system}/python"


def test_a_command_that_nothing_has_names_the_versions_that_have_it(prepared: PreparedProjects) -> None:
    files.link_atomically(prepared.home.shims / "black", "../shell/shim.sh")
    done = run(prepared, ["black"], "outer")
    assert done.returncode == 127
    assert "black: no such command under 3.11" in done.stderr
    assert "these have it: 3.12.7; pin one with `envmgr use`\n" in done.stderr
    assert "`envmgr use --global` everywhere" in run(prepared, ["black"], "none").stderr


def test_a_deleted_directory_has_the_default(prepared: PreparedProjects, tmp_path: Path) -> None:
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    prepared.home.default.write_text("3.12\n")
    line = f'rmdir "{doomed}"; exec python'
    done = subprocess.run(
        ["/bin/bash", "-c", line],
        cwd=doomed,
        env={"PATH": f"{prepared.home.shims}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == str(prepared.home.aliases / "3.12" / "bin" / "python")


def test_a_store_without_its_launcher_says_what_to_do(prepared: PreparedProjects) -> None:
    (prepared.home.shell / "envmgr").unlink()
    done = run(prepared, ["python"], "missing")
    assert done.returncode == 127
    assert "run any envmgr command" in done.stderr


def count_forks(log: Path) -> int:
    return len(re.findall(r"\b(?:v?fork|clone3?)\(", log.read_text()))


@pytest.mark.parametrize("entered", [True, False], ids=["entered", "not entered"])
def test_a_link_that_is_turned_to_another_project_means_that_one(
    prepared: PreparedProjects, tmp_path: Path, *, entered: bool
) -> None:
    link, log = prepared.root / "current", tmp_path / "strace"
    for target in ("shop", "shop/inner", "shop"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        if entered:
            binding.link_real_path(prepared.home, link)
        wanted = prepared.environment({"shop": "shop", "shop/inner": "inner"}[target], target) / "bin" / "python"
        assert run(prepared, ["python"], "current").stdout == str(wanted)
        run(prepared, ["strace", "-f", "-qq", "-o", log, "-e", "trace=process", "python"], "current")
        assert count_forks(log) == (0 if entered else 1)
    link.unlink()
    link.symlink_to("shop/inner")  # it was `shop` when it was entered last
    assert run(prepared, ["python"], "current").stdout == str(
        prepared.environment("inner", "shop/inner") / "bin" / "python"
    )


def test_a_project_that_was_replaced_by_a_link_has_the_environment_of_the_other(prepared: PreparedProjects) -> None:
    (prepared.root / "shop").rename(prepared.root / "moved")
    (prepared.root / "shop").symlink_to("inner")
    (prepared.root / "moved" / "inner").rename(prepared.root / "inner")
    assert run(prepared, ["python"], "shop").stdout == str(prepared.home.aliases / "3.11" / "bin" / "python")


def test_a_grant_does_not_follow_a_link_that_is_turned(prepared: PreparedProjects) -> None:
    link = prepared.root / "current"
    link.symlink_to("own")
    binding.link_real_path(prepared.home, link)
    assert run(prepared, ["python"], "current").stdout == str(prepared.root / "own/.venv/bin/python")
    link.unlink()
    link.symlink_to("prefix")
    assert run(prepared, ["python"], "current").stdout == str(prepared.home.aliases / "3.12" / "bin" / "python")
    link.unlink()
    link.symlink_to("owned")
    assert run(prepared, ["python"], "current").stdout == str(prepared.root / "owned/.venv/bin/python")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"3.11\n" + b"#" * 8187, 0),
        (b"3.11\n" + b"#" * 8188, 2),
        (b"3.11\n# " + "\u20ac".encode() * 2729, 2),
        (b"#\n" * 4093 + b"3.11\n", 0),
        (b"#\n" * 4095 + b"3.11\n", 2),
        (b"a\n" * 100_000, 2),
        (b"#\n" * 100_000, 2),
        (b"#" * 500_000 + b"\n3.11\n", 2),
    ],
    ids=[
        "8192 bytes",
        "8193 bytes",
        "8194 bytes of wide characters",
        "8191 bytes",
        "8195 bytes",
        "words",
        "comments",
        "one line",
    ],
)
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_version_file_has_at_most_8192_bytes(
    prepared: PreparedProjects, content: bytes, code: int, shell: str
) -> None:
    """Each may take the two seconds that Python needs on a machine that is busy, and not half a minute."""
    (prepared.root / "none" / ".python-version").write_bytes(content)
    done = subprocess.run(
        [shell, prepared.home.shims / "python"],
        cwd=prepared.root / "none",
        env={"PATH": f"{prepared.home.shims}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    assert (done.returncode, "larger than a version file can be" in done.stderr) == (code, code == 2)
