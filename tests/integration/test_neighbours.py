"""Line 31 of docs/explanation/activation.md: other tools' hooks beside ours, loaded before it and after it.

mise, pyenv and pyenv-virtualenv are the real ones; conda is a stand-in (tests/conda.sh).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from neighbours import NEIGHBOURS, Neighbour
from shell_desk import Desk, furnished
from terminal import Terminal

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
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return furnished(str(request.param), tmp_path)


def beside(desk: Desk, name: str, order: str) -> Terminal:
    """Start the shell with the hook of a neighbour first or last in its rc file."""
    neighbour: Neighbour = NEIGHBOURS[name](desk.shell.name, Path(desk.environ["HOME"]))
    desk.environ.update(neighbour.environ)
    if order == "first":
        return desk.open("outer/deep", rc=neighbour.rc)
    return desk.open("outer/deep", after=neighbour.rc)


def settled(desk: Desk, terminal: Terminal) -> dict[str, str]:
    """Return what is exported, and the Python that runs, having seen the same at two more prompts."""
    told = [desk.tell(terminal, *NAMES) | {"python": terminal.type("python")} for _ in range(3)]
    assert told[0] == told[1] == told[2]
    return told[0]


@ORDERS
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_line_31_a_neighbour_in_either_order(desk: Desk, name: str, order: str) -> None:
    with beside(desk, name, order) as terminal:
        desk.cd(terminal, "none")
        before = settled(desk, terminal)
        assert before["VIRTUAL_ENV"] == "unset"
        assert before["python"].startswith(desk.environ["HOME"]), "the neighbour's"
        for where, ours in (("shop", "shop"), ("shop/inner", "inner"), ("shop", "shop"), ("spelled", "spelled")):
            assert desk.cd(terminal, where) == ""
            told = settled(desk, terminal)
            assert told["VIRTUAL_ENV"] == desk.env(ours)
            assert told["python"] == desk.env(ours) + "/bin/python"
            assert desk.active(terminal) == desk.env(ours)
        desk.cd(terminal, "none")
        assert settled(desk, terminal) == before


@ORDERS
def test_line_31_an_environment_of_pyenv_virtualenv(desk: Desk, order: str) -> None:
    """In a project that names one of its environments it rules, and in a pinned one ours does."""
    desk.path("none/.python-version").write_text("theirs\n")
    with beside(desk, "pyenv-virtualenv", order) as terminal:
        theirs = f"{desk.environ['HOME']}/.pyenv/versions/theirs"
        for where, ours in (("none", theirs), ("shop", desk.env("shop")), ("none", theirs)):
            desk.cd(terminal, where)
            terminal.type("")
            assert settled(desk, terminal)["VIRTUAL_ENV"] == ours
        desk.cd(terminal, "outer/deep")
        terminal.type("")
        assert settled(desk, terminal)["VIRTUAL_ENV"] == "unset"


@ORDERS
def test_line_31_conda_activate_by_hand(desk: Desk, order: str) -> None:
    """An environment of conda that is activated outside stays on PATH, behind ours, and comes back."""
    with beside(desk, "conda", order) as terminal:
        desk.cd(terminal, "none")
        base = settled(desk, terminal)
        terminal.type("conda activate science")
        outside = settled(desk, terminal)
        assert outside["python"].endswith("/envs/science/bin/python")
        desk.cd(terminal, "shop")
        inside = settled(desk, terminal)
        assert inside["VIRTUAL_ENV"] == desk.env("shop")
        assert inside["python"] == desk.env("shop") + "/bin/python"
        desk.cd(terminal, "none")
        assert settled(desk, terminal) == outside
        terminal.type("conda deactivate")
        assert settled(desk, terminal) == base


@ORDERS
def test_line_31_conda_activate_in_a_project(desk: Desk, order: str) -> None:
    """It is the user's choice until the project is left: no VIRTUAL_ENV of ours beside another Python."""
    with beside(desk, "conda", order) as terminal:
        terminal.type("conda deactivate")
        desk.cd(terminal, "shop")
        assert settled(desk, terminal)["VIRTUAL_ENV"] == desk.env("shop")
        terminal.type("conda activate science")
        told = settled(desk, terminal)
        assert told["VIRTUAL_ENV"] == "unset"
        assert told["python"].endswith("/envs/science/bin/python")
        desk.cd(terminal, "spelled")
        told = settled(desk, terminal)
        assert told["VIRTUAL_ENV"] == desk.env("spelled")
        assert told["python"] == desk.env("spelled") + "/bin/python"
