"""Checklist lines on what was true once and no longer is (links, grants, inherited state), typed into real shells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from shell_desk import Desk, furnished
from terminal import SHELLS

from envmgr.environments import record
from envmgr.shell import grant, offer, shells


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


LINES = {  # how one runs `{}` in another directory without a prompt between; bash and zsh have subshells
    "bash": (
        "cd {} && {}",
        "pushd {} >/dev/null; {}",
        "(cd {}; {})",
        'printf %s "$(cd {}; {})"',
        "cd {} | cat; (cd {}; {})",
    ),
    "zsh": ("cd {} && {}", "pushd {} >/dev/null; {}", "(cd {}; {})", 'printf %s "$(cd {}; {})"'),
    "fish": ("cd {}; and {}", "pushd {} >/dev/null; {}", "echo -n (cd {}; {})"),
}


def test_line_10_another_project_on_the_same_line(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        for line in LINES[desk.shell.name]:
            for name, program in (("spelled", desk.env("spelled") + "/bin/python"), ("exact", "3.12.7/bin/python")):
                where = str(desk.path(name))
                filled = line.replace("{}", where, line.count("{}") - 1).replace("{}", "python")
                assert terminal.type(filled).split("envmgr: ")[0].endswith(program)
                terminal.type(f"cd {desk.path('shop')}")
                assert desk.active(terminal) == desk.env("shop")
        terminal.type(f"cd {desk.path('spelled')}")
        terminal.type(f"pushd {desk.path('shop')} >/dev/null")
        assert terminal.type("popd >/dev/null; python") == desk.env("spelled") + "/bin/python"
        assert terminal.type("cd - >/dev/null; python") == desk.env("shop") + "/bin/python"


@pytest.mark.parametrize("desk", ["bash"], indirect=True)
def test_line_10_what_cd_tells_stays(desk: Desk) -> None:
    with desk.open() as terminal:
        for option in ("", "set -e", "set +e; set -o posix"):
            terminal.type(option)
            terminal.type(f"cd {desk.path('shop')}")
            assert terminal.type('echo "$_ $?"').strip().endswith("shop 0")
            assert terminal.type("cd -") == f"{desk.path('none')}\n"
            assert terminal.type(f"CDPATH={desk.scene.root}; cd shop") == f"{desk.path('shop')}\n"
            assert terminal.type("cd nowhere || echo $?") == "bash: cd: nowhere: No such file or directory\n1\n"
            assert terminal.type("cd / / || echo $?") == "bash: cd: too many arguments\n1\n"
            assert terminal.type("pushd / >/dev/null; dirs; popd") == f"/ {desk.path('shop')}\n{desk.path('shop')}\n"
            terminal.type(f"unset CDPATH; cd {desk.path('none')}")


THEIRS = 'alias ls="ls -d"\ncd() { builtin cd "$@" && echo "now in ${PWD##*/}" && ls /; }'


@pytest.mark.parametrize("desk", ["bash"], indirect=True)
def test_line_10_a_function_of_the_users_is_kept(desk: Desk) -> None:
    with desk.open("shop", rc=THEIRS, after=desk.line) as terminal:
        here = terminal.type("declare -f cd")
        python = desk.env("spelled") + "/bin/python"
        assert terminal.type(f"cd {desk.path('spelled')} && python") == f"now in spelled\n/\n{python}"
        terminal.type("envmgr unload")
        assert "builtin cd" in terminal.type("declare -f cd")
        assert "_envmgr" not in terminal.type("declare -f cd pushd popd; set | grep chpwd")
        assert "_envmgr" in here
    with desk.open("shop", after=THEIRS) as terminal:
        assert terminal.type(f"cd {desk.path('spelled')}") == "now in spelled\n/\n", (
            "behind the hook: at the next prompt"
        )
        assert desk.active(terminal) == desk.env("spelled")
        terminal.type("envmgr unload")
        assert "builtin cd" in terminal.type("declare -f cd")


@pytest.mark.parametrize("option", ["nocasematch", "nocaseglob"])
def test_line_13_names_that_differ_in_case(desk: Desk, option: str) -> None:
    for name in ("Case", "case"):
        project = desk.path(name)
        project.mkdir()
        (project / ".python-version").write_text("3.12\n")
        environment = desk.scene.home.envs / f"{name}-0" / "3.12"
        shutil.copytree(desk.env("shop"), environment)
        file = record.record_file(desk.scene.home, project, "3.12")
        file.parent.mkdir(parents=True)
        file.write_text(f"{environment.relative_to(desk.scene.home.root)}\n")
    with desk.open("none") as terminal:
        terminal.type(
            {"bash": f"shopt -s {option}", "zsh": f"setopt {option.replace('match', 'glob')}"}.get(desk.shell.name, "")
        )
        for name in ("Case", "case", "Case"):
            desk.cd(terminal, name)
            assert desk.active(terminal) == str(desk.scene.home.envs / f"{name}-0" / "3.12")
        if desk.shell.name == "bash":
            assert terminal.type(f"shopt -q {option} && echo kept") == "kept\n"
            assert terminal.type(f"envmgr shell; shopt -q {option} && echo kept").endswith("kept\n")


INNER = [(outer, inner) for outer in SHELLS for inner in SHELLS]


@pytest.mark.parametrize(("desk", "inner"), INNER, indirect=["desk"])
def test_line_37_a_shell_started_in_an_allowed_project(desk: Desk, inner: str) -> None:
    allow(desk, "own", "FRESH=1\nTOUCHED=1\nBEFORE=theirs\nUNEXPORTED=theirs\n")
    names = ("VIRTUAL_ENV", "FRESH", "TOUCHED", "BEFORE", "UNEXPORTED")
    desk.environ.update({"BEFORE": "user's", "PYTHONHOME": "/nowhere"})
    file = Path(desk.environ["HOME"]) / SHELLS[inner].rc
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{SHELLS[inner].quiet}{shells.shell_named(inner).line(desk.scene.home)}\n")
    with desk.open("none") as terminal:
        terminal.type("set -g UNEXPORTED mine" if desk.shell.name == "fish" else "UNEXPORTED=mine")
        desk.cd(terminal, "own")
        terminal.set("TOUCHED", "mine")
        inside = desk.tell(terminal, *names)
        assert inside["TOUCHED"] == "mine"
        terminal.shell = SHELLS[inner]
        assert terminal.type(f"exec {' '.join(terminal.shell.argv)}") == ""
        assert desk.tell(terminal, *names) == inside
        assert desk.active(terminal) == desk.env("own")
        assert desk.entries(terminal)[:2] == [desk.env("own") + "/bin", desk.shims]
        terminal.type("deactivate")
        assert desk.tell(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": "unset"}
        terminal.type("envmgr activate")
        assert desk.active(terminal) == desk.env("own")
        desk.cd(terminal, "none")
        assert terminal.type("env | grep -i _envmgr_") == ""
        left = desk.tell(terminal, *names, "PYTHONHOME")
        assert left == {
            "VIRTUAL_ENV": "unset",
            "FRESH": "unset",
            "TOUCHED": "mine",
            "BEFORE": "user's",
            "UNEXPORTED": "unset",
            "PYTHONHOME": "/nowhere",
        }
        assert desk.entries(terminal) == [desk.shims, "/usr/bin", "/bin"]


def test_line_37_unloading_in_a_shell_that_inherited(desk: Desk) -> None:
    allow(desk, "own", "FRESH=1\n")
    with desk.open("own") as terminal:
        terminal.type(f"exec {' '.join(desk.shell.argv)}")
        terminal.type("envmgr unload")
        assert desk.tell(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": "unset", "FRESH": "unset"}
        assert desk.entries(terminal) == ["/usr/bin", "/bin"]


def test_line_37_started_from_a_place_that_is_not_allowed_any_more(desk: Desk) -> None:
    """As in tmux, whose windows have the environment that its server was started with."""
    inherited = {
        "VIRTUAL_ENV": desk.env("own"),
        "_ENVMGR_ENV": desk.env("own"),
        "_ENVMGR_PLACE": f"{desk.path('own')}/",
        "_ENVMGR_NAMES": "FRESH:x[$(touch pwned)]:",
        "_ENVMGR_NEW_FRESH": "1",
        "FRESH": "1",
        "PATH": f"{desk.env('own')}/bin:{desk.shims}:/usr/bin:/bin",
    }
    desk.environ.update(inherited)
    allow(desk, "own", "FRESH=1\nMORE=1\n")
    with desk.open("own") as terminal:
        assert desk.tell(terminal, "FRESH", "MORE") == {"FRESH": "1", "MORE": "1"}
    allow(desk, "own", "FRESH=2\n")
    with desk.open("own") as terminal:
        assert desk.tell(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": desk.env("own"), "FRESH": "2"}
        desk.cd(terminal, "none")
        assert desk.tell(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": "unset", "FRESH": "unset"}
    grant.deny(desk.scene.home, desk.path("own"))
    with desk.open("own") as terminal:
        assert desk.tell(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": "unset", "FRESH": "unset"}
    assert not list(desk.scene.root.parent.rglob("pwned"))


def test_line_06_a_path_that_was_reset_outside_of_projects(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        desk.cd(terminal, "none")
        terminal.type("set -gx PATH /usr/bin /bin" if desk.shell.name == "fish" else "PATH=/usr/bin:/bin")
        assert desk.entries(terminal) == [desk.shims, "/usr/bin", "/bin"]
        desk.cd(terminal, "shop")
        terminal.type("set -gx PATH /usr/bin /bin" if desk.shell.name == "fish" else "PATH=/usr/bin:/bin")
        assert desk.entries(terminal) == [desk.env("shop") + "/bin", desk.shims, "/usr/bin", "/bin"]


@pytest.mark.parametrize("order", ["first", "last"])
def test_line_31_direnv_puts_the_environment_on_path_again(desk: Desk, order: str) -> None:
    """As `layout python` does, or an activate script that .envrc sources."""
    hook = {"fish": "direnv hook fish | source"}.get(desk.shell.name, f'eval "$(direnv hook {desk.shell.name})"')
    desk.path("shop/.envrc").write_text('export PATH="$VIRTUAL_ENV/bin:$PATH" VIRTUAL_ENV\n')
    desk.environ["DIRENV_LOG_FORMAT"] = ""
    rc, after = (hook, "") if order == "first" else ("", hook)
    with desk.open("none", rc=rc, after=after) as terminal:
        terminal.type(f"direnv allow {desk.path('shop')}")
        for _ in range(2):
            desk.cd(terminal, "shop")  # and out again, before another prompt has tidied up
            desk.cd(terminal, "none")
            terminal.type("")
            assert desk.active(terminal) == "unset"
            assert desk.env("shop") + "/bin" not in desk.entries(terminal)
        desk.cd(terminal, "shop")
        terminal.type("")
        assert desk.active(terminal) == desk.env("shop")
        desk.cd(terminal, "none")
        terminal.type("")
        assert desk.active(terminal) == "unset"
