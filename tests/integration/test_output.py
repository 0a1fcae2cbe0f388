"""Failing output: a stream that is closed or full, a closed pipe; and an error after which shims cannot be updated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr.host.paths import Home

ENVMGR = [sys.executable, "-I", "-m", "envmgr"]
PRINTING = [["--version"], ["--help"], ["env"], ["status"], ["doctor"], ["list", "--available"], ["use", "--help"]]


def completed(words: list[str], environ: dict[str, str], redirection: str) -> subprocess.CompletedProcess[str]:
    argv = ["sh", "-c", f'exec "$@" {redirection}', "sh", *ENVMGR, *words]
    environ = {**environ, "ENVMGR_OFFLINE": "1"}
    return subprocess.run(argv, env=environ, cwd="/", stderr=subprocess.PIPE, text=True, check=False, timeout=60)


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
    ids=["closed", "full"],
)
def test_a_stdout_that_cannot_be_written_is_one_line_of_error(
    words: list[str], redirection: str, reason: str, environ: dict[str, str]
) -> None:
    done = completed(words, environ, redirection)
    assert (done.returncode, done.stderr) == (1, f"envmgr: error: standard output: {reason}\n")


def test_a_command_without_output_needs_no_stdout(environ: dict[str, str], home: Home) -> None:
    done = completed(["list"], environ, ">&-")
    assert (done.returncode, done.stderr) == (0, "Nothing to list.\n")
    assert not home.root.exists()


@pytest.mark.parametrize("words", [["status"], ["list"], ["bogus"]], ids=" ".join)
def test_a_closed_stderr_does_not_change_stdout(words: list[str], environ: dict[str, str]) -> None:
    quiet = [*ENVMGR, *words]
    expected = subprocess.run(quiet, env=environ, cwd="/", capture_output=True, text=True, check=False)
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *quiet],
        env=environ,
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (closed.returncode, closed.stdout) == (expected.returncode, expected.stdout)


@pytest.mark.parametrize("words", [["status"], ["list"], ["bogus"], ["which", "bogus"]], ids=" ".join)
def test_messages_that_cannot_be_written_do_not_change_the_exit_code(words: list[str], environ: dict[str, str]) -> None:
    plain, full = (
        subprocess.run(
            ["sh", "-c", f'exec "$@" 2>{to}', "sh", *ENVMGR, *words],
            env=environ,
            cwd="/",
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        for to in ("/dev/null", "/dev/full")
    )
    assert (full.returncode, full.stdout) == (plain.returncode, plain.stdout)


def test_a_command_goes_on_when_the_reader_of_its_messages_has_ended(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text("system\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*ENVMGR, "use", "system"], env=sandbox.environ, cwd=sandbox.project, stderr=writer, check=False
    )
    os.close(writer)
    assert done.returncode == 0


def test_a_program_inherits_a_closed_stdout(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text("system\n")
    script = "import os, sys; sys.stderr.write(str((sys.stdout, os.fstat(0) is None)))"
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *ENVMGR, "run", sys.executable, "-c", script],
        env={**sandbox.environ, "PWD": str(sandbox.project)},
        cwd=sandbox.project,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "(None, False)")


def test_a_closed_pipe_ends_with_141(environ: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        argv = [*ENVMGR, "list", "--available", "--all"]
        done = subprocess.run(
            argv, env={**environ, "ENVMGR_OFFLINE": "1"}, stdout=stdout, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_error_of_the_command_is_reported_not_that_of_the_refresh(environ: dict[str, str], home: Home) -> None:
    home.versions.mkdir(parents=True)
    (home.shell / "hook.bash" / "in the way").mkdir(parents=True)
    argv = [*ENVMGR, "install", "--offline", "3.99"]
    done = subprocess.run(argv, env=environ, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "no Python matches 3.99" in done.stderr


def test_removing_an_environment_removes_the_shims_of_its_commands(sandbox: Sandbox) -> None:
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    sandbox.run("use", minor)
    program = sandbox.environment(minor).bin / "only-here"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    sandbox.run("sync", "-r", str(requirements(sandbox.project)))
    assert os.path.lexists(sandbox.home.shims / "only-here")
    sandbox.run("env", "remove", str(sandbox.project))
    assert not os.path.lexists(sandbox.home.shims / "only-here")


def requirements(project: Path) -> Path:
    """Return a requirements file that is fulfilled already."""
    file = project / "requirements.txt"
    file.write_text("pip\n")
    return file


def test_the_launcher_is_not_bent_by_variables_for_other_pythons(sandbox: Sandbox, tmp_path: Path) -> None:
    """PYTHONHOME alone keeps a Python from starting, and PYTHONPATH can put another `click` before ours."""
    (tmp_path / "click.py").write_text("raise SystemExit(99)\n")
    sandbox.run("completion", "bash")  # writes the launcher
    bent = {"PYTHONHOME": "/nonexistent", "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "/nonexistent"}
    for words in (["--version"], ["status"], ["run", "true"]):
        done = subprocess.run(
            [sandbox.home.shell / "envmgr", *words],
            env={**sandbox.environ, **bent, "PWD": "/"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
