"""Line 31 of docs/explanation/activation.md: other tools' hooks beside ours, loaded before it and after it.

mise, pyenv and pyenv-virtualenv are the real ones; conda is a stand-in (tests/conda.sh).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from other_tools import OTHER_TOOLS, OtherTool
from pty_shell import PromptShell
from shell_sandbox import ShellSandbox, create_shell_sandbox

NAMES = (
    "PATH",
    "VIRTUAL_ENV",
    "VIRTUAL_ENV_PROMPT",
    "PYENV_VIRTUAL_ENV",
    "PYENV_VERSION",
    "CONDA_PREFIX",
    "CONDA_SHLVL",
    "CONDA_DEFAULT_ENV",
)
ORDERS = pytest.mark.parametrize("order", ["first", "last"])


@pytest.fixture(params=["bash", "zsh", "fish"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ShellSandbox:
    return create_shell_sandbox(str(request.param), tmp_path)


def beside(sandbox: ShellSandbox, name: str, order: str) -> PromptShell:
    """Start the shell with the hook of a neighbour first or last in its rc file."""
    neighbour: OtherTool = OTHER_TOOLS[name](sandbox.shell.name, Path(sandbox.environ["HOME"]))
    sandbox.environ.update(neighbour.environ)
    if order == "first":
        return sandbox.open("outer/deep", rc=neighbour.rc)
    return sandbox.open("outer/deep", after=neighbour.rc)


def stable_variables(sandbox: ShellSandbox, terminal: PromptShell) -> dict[str, str]:
    """Return what is exported, and the Python that runs, the same at three prompts in a row."""
    told = [sandbox.variables(terminal, *NAMES) | {"python": terminal.type("python")} for _ in range(3)]
    assert told[0] == told[1] == told[2]
    return told[0]


@ORDERS
@pytest.mark.parametrize("name", OTHER_TOOLS)
def test_line_31_a_neighbour_in_either_order(sandbox: ShellSandbox, name: str, order: str) -> None:
    with beside(sandbox, name, order) as terminal:
        sandbox.cd(terminal, "none")
        before = stable_variables(sandbox, terminal)
        assert before["VIRTUAL_ENV"] == "unset"
        assert before["python"].startswith(sandbox.environ["HOME"]), "the neighbour's"
        for where, ours in (("shop", "shop"), ("shop/inner", "inner"), ("shop", "shop"), ("spelled", "spelled")):
            assert sandbox.cd(terminal, where) == ""
            told = stable_variables(sandbox, terminal)
            assert told["VIRTUAL_ENV"] == sandbox.environment(ours)
            assert told["python"] == sandbox.environment(ours) + "/bin/python"
            assert sandbox.active(terminal) == sandbox.environment(ours)
        sandbox.cd(terminal, "none")
        assert stable_variables(sandbox, terminal) == before


@ORDERS
def test_line_31_an_environment_of_pyenv_virtualenv(sandbox: ShellSandbox, order: str) -> None:
    """In a project that names one of its environments it rules, and in a pinned one ours does."""
    sandbox.path("none/.python-version").write_text("theirs\n")
    with beside(sandbox, "pyenv-virtualenv", order) as terminal:
        theirs = f"{sandbox.environ['HOME']}/.pyenv/versions/theirs"
        for where, ours in (("none", theirs), ("shop", sandbox.environment("shop")), ("none", theirs)):
            sandbox.cd(terminal, where)
            terminal.type("")
            assert stable_variables(sandbox, terminal)["VIRTUAL_ENV"] == ours
        sandbox.cd(terminal, "outer/deep")
        terminal.type("")
        assert stable_variables(sandbox, terminal)["VIRTUAL_ENV"] == "unset"


@ORDERS
def test_line_31_conda_activate_by_hand(sandbox: ShellSandbox, order: str) -> None:
    """An environment of conda that is activated outside stays on PATH, behind ours, and comes back."""
    with beside(sandbox, "conda", order) as terminal:
        sandbox.cd(terminal, "none")
        base = stable_variables(sandbox, terminal)
        terminal.type("conda activate science")
        outside = stable_variables(sandbox, terminal)
        assert outside["python"].endswith("/envs/science/bin/python")
        sandbox.cd(terminal, "shop")
        inside = stable_variables(sandbox, terminal)
        assert inside["VIRTUAL_ENV"] == sandbox.environment("shop")
        assert inside["python"] == sandbox.environment("shop") + "/bin/python"
        sandbox.cd(terminal, "none")
        assert stable_variables(sandbox, terminal) == outside
        terminal.type("conda deactivate")
        assert stable_variables(sandbox, terminal) == base


@ORDERS
def test_line_31_conda_activate_in_a_project(sandbox: ShellSandbox, order: str) -> None:
    """It is the user's choice until the project is left: no VIRTUAL_ENV of ours beside another Python."""
    with beside(sandbox, "conda", order) as terminal:
        terminal.type("conda deactivate")
        sandbox.cd(terminal, "shop")
        assert stable_variables(sandbox, terminal)["VIRTUAL_ENV"] == sandbox.environment("shop")
        terminal.type("conda activate science")
        told = stable_variables(sandbox, terminal)
        assert told["VIRTUAL_ENV"] == "unset"
        assert told["python"].endswith("/envs/science/bin/python")
        sandbox.cd(terminal, "spelled")
        told = stable_variables(sandbox, terminal)
        assert told["VIRTUAL_ENV"] == sandbox.environment("spelled")
        assert told["python"] == sandbox.environment("spelled") + "/bin/python"
