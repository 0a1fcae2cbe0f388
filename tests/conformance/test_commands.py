"""The commands give the answer that shims and hooks give: the same Python, the same environment, the same error.

Each command runs in a process of its own, forked from this one: a start of Python for each of a thousand calls would
take minutes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from prepared_projects import PreparedProjects, create_projects
from rule_table import CASES, STALE, Case

from envmgr.__main__ import main
from envmgr.cli import VERBS, cli
from envmgr.environments import record

PYTHON_CASES = [case for case in CASES + STALE if case.command == "python"]
RUN_CASES = [case for case in CASES if case.active or case.cwd == "none" or case.program == 2]


@dataclass(frozen=True)
class Done:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


def call(prepared: PreparedProjects, case: Case, *words: str) -> Done:
    """Run `envmgr WORDS` in the directory and under the variables of the case."""
    environ = {**prepared.environ(case), "ENVMGR_HOME": str(prepared.home.root), "ENVMGR_OFFLINE": "1"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _run_and_exit(words, environ, prepared.cwd(case), (out.fileno(), err.fileno()))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(os.fsdecode(file.read()))
    return Done(code, *texts)


def _run_and_exit(words: tuple[str, ...], environ: dict[str, str], cwd: Path, output: tuple[int, int]) -> None:
    """Run `envmgr WORDS` in this forked process and exit."""
    code = 70
    try:
        os.dup2(output[0], 1)
        os.dup2(output[1], 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv = ["envmgr", *words]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedProjects:
    """A stage of its own: commands bring shims up to date, and those of the stage are made by hand."""
    prepared = create_projects(tmp_path_factory.mktemp("commands"))
    for made in record.environments(prepared.home):
        if not os.path.lexists(made.project / record.VENV_LINK):  # else `run` would make it good
            (made.project / record.VENV_LINK).symlink_to(made.path)
    return prepared


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Import the commands once, before the forks."""
    for verb in VERBS:
        assert cli.get_command(None, verb)  # type: ignore[arg-type]


def active(prepared: PreparedProjects, case: Case) -> Path | None:
    return prepared.environment(case.active, case.cwd) if case.active else None


@pytest.mark.parametrize("case", PYTHON_CASES, ids=str)
def test_status_gives_the_answer_of_the_rule(prepared: PreparedProjects, case: Case) -> None:
    done = call(prepared, case, "status", "--json")
    facts = json.loads(done.out)
    assert done.err == ""
    if isinstance(case.program, int):
        assert (done.code, facts["error"]["exit_code"], facts["python"]) == (case.program, case.program, None)
        return
    assert (done.code, facts["error"]) == (0, None)
    wanted = active(prepared, case)
    if wanted:
        assert facts["environment"]["path"] == str(wanted)
        assert facts["environment"]["external"] == (facts["reason"] == "allowed") == (case.active in ("own", "owned"))
        assert facts["python"] == f"{wanted}/bin/python"
    else:
        assert facts["environment"] is None or facts["environment"]["state"] == "broken"
        if case.program != "system":
            assert Path(facts["python"]).samefile(prepared.program(case))
        assert (facts["version"] is None) == (case.program == "system")


@pytest.mark.parametrize("case", PYTHON_CASES, ids=str)
def test_env_path_is_the_active_environment(prepared: PreparedProjects, case: Case) -> None:
    done = call(prepared, case, "env", "path")
    if wanted := active(prepared, case):
        assert (done.code, done.out) == (0, f"{wanted}\n"), done.err
    else:
        assert done.out == ""
        assert done.code == (2 if case.program == 2 else 8), done.err


@pytest.mark.parametrize("case", PYTHON_CASES, ids=str)
def test_sync_would_install_into_the_active_environment(prepared: PreparedProjects, case: Case) -> None:
    done = call(prepared, case, "sync", "--dry-run")
    if wanted := active(prepared, case):
        assert done.code == 0, done.err
        assert f"{wanted}/bin/python\n" in done.out
    elif isinstance(case.program, int):
        assert done.code == case.program, done.err
    elif case.program == "system":
        assert done.code == 2, done.err
    else:
        assert "(to be made)" in done.out or done.code == 2


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.active or case.cwd == "none" or case.program == 2], ids=str
)
def test_run_starts_the_program_of_the_rule(prepared: PreparedProjects, case: Case) -> None:
    done = call(prepared, case, "run", case.command)
    if isinstance(case.program, int):
        assert (done.code, done.out) == (case.program, ""), done.err
    else:
        assert (done.code, done.out) == (0, str(prepared.program(case))), done.err
