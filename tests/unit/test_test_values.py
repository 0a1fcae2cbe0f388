"""Substitutions, variables, proofs, history and reports of test runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host.platforms import Platform
from envmgr.testing import history, proof, report, variables
from envmgr.testing.cell import Cell
from envmgr.testing.result import Result, exit_code
from envmgr.testing.substitution import Values, uses_arguments
from envmgr.versions.version import Build, Version

VALUES = Values({"tmp": "/t", "cell": "3.12", "django": "4.2"}, ("-x", "a b"), {"CI": "1"})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pytest", "{args}"), ["pytest", "-x", "a b"]),
        (("pytest", "{args:tests}"), ["pytest", "-x", "a b"]),
        (("sh", "-c", "pytest {args}"), ["sh", "-c", "pytest -x 'a b'"]),
        (("--basetemp={tmp}/x", "{cell}", "{django}"), ["--basetemp=/t/x", "3.12", "4.2"]),
        (("{env:CI}", "{env:NO:default}", "{env:NO:}"), ["1", "default", ""]),
        (("{env:NO:http://host}", "{env}", "{env:}"), ["http://host", "{env}", "{env:}"]),
        (("{unknown}", '{"json": 1}', "{}", "{tmp:x}"), ["{unknown}", '{"json": 1}', "{}", "{tmp:x}"]),
    ],
)
def test_substitution(words: tuple[str, ...], expected: list[str]) -> None:
    assert VALUES.command(words) == expected


def test_defaults_of_arguments() -> None:
    none = Values({})
    assert none.command(("pytest", "{args}")) == ["pytest"]
    assert none.command(("pytest", "{args:-q 'a b'}", "x{args:y}")) == ["pytest", "-q", "a b", "xy"]
    assert none.text("x{args}") == "x"
    with pytest.raises(UsageError, match="NO"):
        none.text("{env:NO}")
    assert uses_arguments([("x",), ("{args:y}",)])
    assert not uses_arguments([("x", "args")])


def test_variables_that_are_passed() -> None:
    environ = {"PATH": "p", "HOME": "h", "LC_ALL": "C", "PYTHONPATH": "x", "TOKEN": "t", "AWS_KEY": "k"}
    environ |= {"PIP_TARGET": "bad", "PIP_INDEX_URL": "i", "UV_PYTHON": "bad", "https_proxy": "y", "CFLAGS": "-O0"}
    names = {"PATH", "HOME", "LC_ALL", "PIP_INDEX_URL", "https_proxy", "CFLAGS"}
    assert set(variables.passed(environ, ())) == names
    assert set(variables.passed(environ, ("AWS_*", "PYTHONPATH"))) == names | {"AWS_KEY", "PYTHONPATH"}
    assert variables.steering({"PATH": "p", "HOME": "h", "CFLAGS": "-O0", "TOKEN": "t"}) == {
        "CFLAGS": "-O0",
        "TOKEN": "t",
    }


def build(version: str = "3.12.1", variant: str = "", implementation: str = "cpython") -> Build:
    return Build(implementation, Version.parse(version), variant, "1", Platform("linux", "x86_64", "gnu"))


def test_a_real_python_proves_itself() -> None:
    done = subprocess.run([sys.executable, "-c", proof.PROBE], capture_output=True, check=True)
    found = proof.parse(b"printed by start-up code\n" + done.stdout)
    assert found is not None
    expected = build(".".join(map(str, sys.version_info[:3])))
    assert proof.problem(found, expected, Path(sys.prefix), {}) is None
    assert proof.parse(b"no proof") is None


PROOF = proof.Proof("cpython", "3.12.1", debug=False, gil=True, prefix="/env")


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (None, build(), "does not start"),
        (PROOF, build("3.12.2"), "version 3.12.2"),
        (PROOF, build(implementation="pypy"), "should be pypy"),
        (PROOF, build(variant="d"), "a debug build"),
        (PROOF, build(variant="t"), "a build without the GIL"),
        (proof.Proof("cpython", "3.12.1", debug=False, gil=False, prefix="/env"), build(), "a build with the GIL"),
        (proof.Proof("cpython", "3.12.1", debug=False, gil=True, prefix="/other"), build(), "the environment /env"),
    ],
)
def test_a_proof_of_another_python_is_a_problem(found: proof.Proof | None, expected: Build, message: str) -> None:
    assert message in (proof.problem(found, expected, Path("/env"), {}) or "")


def test_a_gil_that_was_asked_for_is_none() -> None:
    assert proof.problem(PROOF, build(variant="t"), Path("/env"), {"PYTHON_GIL": "1"}) is None


def result(name: str, state: str, message: str = "") -> Result:
    return Result(Cell(name, name), state, 1.25, Path("/nonexistent"), message)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ("passed", 0),
        ("cached skipped", 0),
        ("flaky", 0),
        ("passed|allowed to fail", 0),
        ("skipped", 5),
        ("allowed to fail", 5),
        ("passed failed", 1),
        ("passed broken", 1),
        ("", 5),
    ],
)
def test_exit_codes_tell_failed_and_nothing_passed_apart(states: str, code: int) -> None:
    words = [word for part in states.split("|") for word in ([part] if "allowed" in part else part.split())]
    assert exit_code([result("3.12", state) for state in words]) == code


def test_text_reports() -> None:
    results = [
        result("3.10", "skipped"),
        result("3.11", "passed"),
        result("3.12", "failed", "x"),
        result("3.13", "passed"),
    ]
    assert report.summary(results) == "passed: 3.11, 3.13; failed: 3.12; skipped: 3.10"
    assert report.header(results[1]) == "── 3.11: passed in 1.2 s ──"
    assert report.footer(results[2]) == "x"
    assert "| 3.12 | failed | 1.2 |  |" in report.as_markdown(results)
    assert list(report.output(Path("/nonexistent"))) == []


def test_the_json_report_is_versioned() -> None:
    data = json.loads(report.as_json([result("3.12", "failed", "why")], Path("/p")))
    assert (data["schema"], data["status"], data["exit_code"], data["project"]) == ("envmgr.test/1", "failed", 1, "/p")
    assert set(data["cells"][0]) == {
        *("cell", "python", "axes", "state", "seconds", "attempts", "message", "log", "key", "proof")
    }


def outcome(state: str, key: str = "k") -> history.Outcome:
    return history.Outcome(state, key, 1.0, 0.0)


def test_history(tmp_path: Path) -> None:
    history.add(tmp_path, {"a": outcome("failed"), "b": outcome("passed")})
    assert history.failed(tmp_path) == {"a"}
    assert history.passed(tmp_path, "b", "k")
    assert not history.passed(tmp_path, "b", "other")
    for _ in range(12):
        history.add(tmp_path, {"a": outcome("passed")})
    assert len(history.read(tmp_path)["a"]) == 10
    history.add(tmp_path, {"a": outcome("failed")})
    assert not history.passed(tmp_path, "a", "k")
    assert history.is_flaky(history.read(tmp_path)["a"])
    assert not history.is_flaky([outcome("passed"), outcome("failed", "j")])
    (tmp_path / "history.json").write_text("[1")
    assert history.read(tmp_path) == {}
