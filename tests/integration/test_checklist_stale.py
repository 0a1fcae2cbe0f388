"""Checklist lines on what was true once and no longer is (links, grants, inherited state), typed into real shells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shell_desk import Desk, furnished

from envmgr.shell import grant, offer


@pytest.fixture(params=["bash", "zsh", "fish"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return furnished(str(request.param), tmp_path)


def turn(link: Path, target: Path) -> None:
    """Let a link lead elsewhere, by one rename, as deployments do."""
    staged = link.with_name(f"{link.name}.new")
    staged.symlink_to(target)
    staged.replace(link)


def allow(desk: Desk, name: str, dotenv: str = "") -> None:
    if dotenv:
        desk.path(f"{name}/.env").write_text(dotenv)
    grant.allow(desk.scene.home, offer.read(desk.scene.home, desk.path(name), os.environ))


def test_line_36_a_link_that_is_turned_to_another_project(desk: Desk) -> None:
    link = desk.path("current")
    link.symlink_to("shop")
    with desk.open() as terminal:
        for name in ("shop", "spelled", "shop", "spelled"):
            turn(link, desk.path(name))
            assert desk.cd(terminal, "current") == ""
            assert desk.active(terminal) == desk.env(name)
            desk.cd(terminal, "none")
            assert desk.active(terminal) == "unset"


def test_line_36_a_link_that_is_turned_under_the_shell(desk: Desk) -> None:
    link = desk.path("current")
    link.symlink_to("shop")
    with desk.open("none") as terminal:
        desk.cd(terminal, "current")
        for name in ("spelled", "shop", "spelled"):
            turn(link, desk.path(name))
            terminal.type(f"cd {desk.path('none')}; cd {link}")
            assert desk.active(terminal) == desk.env(name)
        turn(link, desk.path("shop"))
        assert terminal.type("") == ""
        assert desk.active(terminal) == desk.env("shop"), "the version file is read through the link, too"


def test_line_36_a_link_to_an_allowed_project(desk: Desk) -> None:
    link = desk.path("current")
    link.symlink_to("shop")
    with desk.open() as terminal:
        for name in ("owned", "shop", "owned"):
            turn(link, desk.path(name))
            desk.cd(terminal, "current")
            assert desk.tell(terminal, "VIRTUAL_ENV")["VIRTUAL_ENV"] == desk.env(name)
            desk.cd(terminal, "none")


def test_line_36_a_directory_in_the_place_of_a_link(desk: Desk) -> None:
    link = desk.path("current")
    link.symlink_to("shop")
    with desk.open() as terminal:
        desk.cd(terminal, "current")
        assert desk.active(terminal) == desk.env("shop")
        desk.cd(terminal, "none")
        link.unlink()
        link.mkdir()
        (link / ".python-version").write_text("3.12\n")
        assert "`envmgr use` makes it" in desk.cd(terminal, "current")
        assert desk.active(terminal) == "unset"


@pytest.mark.parametrize("entered", [False, True])
def test_line_36_a_link_in_the_place_of_a_directory(desk: Desk, *, entered: bool) -> None:
    """Also where the directory was entered through another link before, so that its records name its path."""
    desk.path("current").symlink_to("shop")
    with desk.open() as terminal:
        desk.cd(terminal, "current" if entered else "shop")
        assert desk.active(terminal) == desk.env("shop")
        desk.path("shop").rename(desk.path("moved"))
        desk.path("shop").symlink_to("spelled")
        for where in ("none", "shop"):
            desk.cd(terminal, where)
        assert desk.active(terminal) == desk.env("spelled")


def test_line_36_a_path_that_depends_on_the_process(desk: Desk) -> None:
    with desk.open() as terminal:
        for name in ("shop", "spelled", "shop"):
            desk.cd(terminal, name)
            terminal.type("cd /proc/self/cwd")
            assert desk.active(terminal) == desk.env(name)


def test_line_36_a_visit_through_a_link_costs_no_call_the_second_time(desk: Desk) -> None:
    desk.path("current").symlink_to("shop")
    with desk.open() as terminal:
        desk.cd(terminal, "current")
        launcher = desk.scene.home.shell / "envmgr"
        launcher.write_text("#!/bin/sh\necho called >&2\n")
        assert desk.cd(terminal, "none") == ""
        assert desk.cd(terminal, "current") == ""
        assert terminal.type("") == ""
        assert desk.active(terminal) == desk.env("shop")


def test_line_40_deny_and_allow_in_another_terminal(desk: Desk) -> None:
    allow(desk, "own", "FRESH=1\n")
    with desk.open("own/src") as terminal:
        assert desk.tell(terminal, "FRESH", "VIRTUAL_ENV") == {"FRESH": "1", "VIRTUAL_ENV": desk.env("own")}
        grant.deny(desk.scene.home, desk.path("own"))
        terminal.type("")
        assert desk.tell(terminal, "FRESH", "VIRTUAL_ENV") == {"FRESH": "unset", "VIRTUAL_ENV": "unset"}
        allow(desk, "own", "FRESH=2\n")
        terminal.type("")
        assert desk.tell(terminal, "FRESH", "VIRTUAL_ENV") == {"FRESH": "2", "VIRTUAL_ENV": desk.env("own")}
        allow(desk, "own", "FRESH=3\nMORE=1\n")
        terminal.type("")
        assert desk.tell(terminal, "FRESH", "MORE") == {"FRESH": "3", "MORE": "1"}


def test_line_40_allow_in_another_terminal_where_nothing_was_allowed(desk: Desk) -> None:
    desk.path("none/.env").write_text("FRESH=1\n")
    for name in ("none", "shop"):
        with desk.open(name) as terminal:
            assert desk.tell(terminal, "FRESH") == {"FRESH": "unset"}
            allow(desk, name, "FRESH=1\n")
            terminal.type("")
            assert desk.tell(terminal, "FRESH") == {"FRESH": "1"}
            grant.deny(desk.scene.home, desk.path(name))
            terminal.type("")
            assert desk.tell(terminal, "FRESH") == {"FRESH": "unset"}


def test_line_40_a_file_that_is_as_it_was_again(desk: Desk) -> None:
    allow(desk, "own", "FRESH=1\n")
    with desk.open() as terminal:
        desk.path("own/.env").write_text("FRESH=2\n")
        assert desk.cd(terminal, "own").count("has changed") == 1
        assert desk.tell(terminal, "FRESH") == {"FRESH": "unset"}
        desk.path("own/.env").write_text("FRESH=1\n")
        assert terminal.type("") == ""
        assert desk.tell(terminal, "FRESH") == {"FRESH": "1"}
