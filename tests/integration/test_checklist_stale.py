"""Checklist lines on what was true once and no longer is (links, grants, inherited state), typed into real shells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pty_shell import SHELLS
from shell_sandbox import ShellSandbox, create_shell_sandbox

from envmgr.environments import record
from envmgr.shell import grant, offer, shells


@pytest.fixture(params=["bash", "zsh", "fish"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ShellSandbox:
    return create_shell_sandbox(str(request.param), tmp_path)


def turn(link: Path, target: Path) -> None:
    """Let a link lead elsewhere, by one rename, as deployments do."""
    staged = link.with_name(f"{link.name}.new")
    staged.symlink_to(target)
    staged.replace(link)


def allow(sandbox: ShellSandbox, name: str, dotenv: str = "") -> None:
    if dotenv:
        sandbox.path(f"{name}/.env").write_text(dotenv)
    grant.allow(sandbox.prepared.home, offer.read(sandbox.prepared.home, sandbox.path(name), os.environ))


def test_line_36_a_link_that_is_turned_to_another_project(sandbox: ShellSandbox) -> None:
    link = sandbox.path("current")
    link.symlink_to("shop")
    with sandbox.open() as terminal:
        for name in ("shop", "spelled", "shop", "spelled"):
            turn(link, sandbox.path(name))
            assert sandbox.cd(terminal, "current") == ""
            assert sandbox.active(terminal) == sandbox.environment(name)
            sandbox.cd(terminal, "none")
            assert sandbox.active(terminal) == "unset"


def test_line_36_a_link_that_is_turned_under_the_shell(sandbox: ShellSandbox) -> None:
    link = sandbox.path("current")
    link.symlink_to("shop")
    with sandbox.open("none") as terminal:
        sandbox.cd(terminal, "current")
        for name in ("spelled", "shop", "spelled"):
            turn(link, sandbox.path(name))
            terminal.type(f"cd {sandbox.path('none')}; cd {link}")
            assert sandbox.active(terminal) == sandbox.environment(name)
        turn(link, sandbox.path("shop"))
        assert terminal.type("") == ""
        assert sandbox.active(terminal) == sandbox.environment("shop"), "the version file is read through the link, too"


def test_line_36_a_link_to_an_allowed_project(sandbox: ShellSandbox) -> None:
    link = sandbox.path("current")
    link.symlink_to("shop")
    with sandbox.open() as terminal:
        for name in ("owned", "shop", "owned"):
            turn(link, sandbox.path(name))
            sandbox.cd(terminal, "current")
            assert sandbox.variables(terminal, "VIRTUAL_ENV")["VIRTUAL_ENV"] == sandbox.environment(name)
            sandbox.cd(terminal, "none")


def test_line_36_a_directory_in_the_place_of_a_link(sandbox: ShellSandbox) -> None:
    link = sandbox.path("current")
    link.symlink_to("shop")
    with sandbox.open() as terminal:
        sandbox.cd(terminal, "current")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.cd(terminal, "none")
        link.unlink()
        link.mkdir()
        (link / ".python-version").write_text("3.12\n")
        assert "`envmgr use` makes it" in sandbox.cd(terminal, "current")
        assert sandbox.active(terminal) == "unset"


@pytest.mark.parametrize("entered", [False, True])
def test_line_36_a_link_in_the_place_of_a_directory(sandbox: ShellSandbox, *, entered: bool) -> None:
    """Also where the directory was entered through another link before, so that its records name its path."""
    sandbox.path("current").symlink_to("shop")
    with sandbox.open() as terminal:
        sandbox.cd(terminal, "current" if entered else "shop")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.path("shop").rename(sandbox.path("moved"))
        sandbox.path("shop").symlink_to("spelled")
        for where in ("none", "shop"):
            sandbox.cd(terminal, where)
        assert sandbox.active(terminal) == sandbox.environment("spelled")


def test_line_36_a_path_that_depends_on_the_process(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        for name in ("shop", "spelled", "shop"):
            sandbox.cd(terminal, name)
            terminal.type("cd /proc/self/cwd")
            assert sandbox.active(terminal) == sandbox.environment(name)


def test_line_36_a_visit_through_a_link_costs_no_call_the_second_time(sandbox: ShellSandbox) -> None:
    sandbox.path("current").symlink_to("shop")
    with sandbox.open() as terminal:
        sandbox.cd(terminal, "current")
        launcher = sandbox.prepared.home.shell / "envmgr"
        launcher.write_text("#!/bin/sh\necho called >&2\n")
        assert sandbox.cd(terminal, "none") == ""
        assert sandbox.cd(terminal, "current") == ""
        assert terminal.type("") == ""
        assert sandbox.active(terminal) == sandbox.environment("shop")


def test_line_40_deny_and_allow_in_another_terminal(sandbox: ShellSandbox) -> None:
    allow(sandbox, "own", "FRESH=1\n")
    with sandbox.open("own/src") as terminal:
        assert sandbox.variables(terminal, "FRESH", "VIRTUAL_ENV") == {
            "FRESH": "1",
            "VIRTUAL_ENV": sandbox.environment("own"),
        }
        grant.deny(sandbox.prepared.home, sandbox.path("own"))
        terminal.type("")
        assert sandbox.variables(terminal, "FRESH", "VIRTUAL_ENV") == {"FRESH": "unset", "VIRTUAL_ENV": "unset"}
        allow(sandbox, "own", "FRESH=2\n")
        terminal.type("")
        assert sandbox.variables(terminal, "FRESH", "VIRTUAL_ENV") == {
            "FRESH": "2",
            "VIRTUAL_ENV": sandbox.environment("own"),
        }
        allow(sandbox, "own", "FRESH=3\nMORE=1\n")
        terminal.type("")
        assert sandbox.variables(terminal, "FRESH", "MORE") == {"FRESH": "3", "MORE": "1"}


def test_line_40_allow_in_another_terminal_where_nothing_was_allowed(sandbox: ShellSandbox) -> None:
    sandbox.path("none/.env").write_text("FRESH=1\n")
    for name in ("none", "shop"):
        with sandbox.open(name) as terminal:
            assert sandbox.variables(terminal, "FRESH") == {"FRESH": "unset"}
            allow(sandbox, name, "FRESH=1\n")
            terminal.type("")
            assert sandbox.variables(terminal, "FRESH") == {"FRESH": "1"}
            grant.deny(sandbox.prepared.home, sandbox.path(name))
            terminal.type("")
            assert sandbox.variables(terminal, "FRESH") == {"FRESH": "unset"}


def test_line_40_a_file_that_is_as_it_was_again(sandbox: ShellSandbox) -> None:
    allow(sandbox, "own", "FRESH=1\n")
    with sandbox.open() as terminal:
        sandbox.path("own/.env").write_text("FRESH=2\n")
        assert sandbox.cd(terminal, "own").count("has changed") == 1
        assert sandbox.variables(terminal, "FRESH") == {"FRESH": "unset"}
        sandbox.path("own/.env").write_text("FRESH=1\n")
        assert terminal.type("") == ""
        assert sandbox.variables(terminal, "FRESH") == {"FRESH": "1"}


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


def test_line_10_another_project_on_the_same_line(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        for line in LINES[sandbox.shell.name]:
            for name, program in (
                ("spelled", sandbox.environment("spelled") + "/bin/python"),
                ("exact", "3.12.7/bin/python"),
            ):
                where = str(sandbox.path(name))
                filled = line.replace("{}", where, line.count("{}") - 1).replace("{}", "python")
                assert terminal.type(filled).split("envmgr: ")[0].endswith(program)
                terminal.type(f"cd {sandbox.path('shop')}")
                assert sandbox.active(terminal) == sandbox.environment("shop")
        terminal.type(f"cd {sandbox.path('spelled')}")
        terminal.type(f"pushd {sandbox.path('shop')} >/dev/null")
        assert terminal.type("popd >/dev/null; python") == sandbox.environment("spelled") + "/bin/python"
        assert terminal.type("cd - >/dev/null; python") == sandbox.environment("shop") + "/bin/python"


@pytest.mark.parametrize("sandbox", ["bash"], indirect=True)
def test_line_10_what_cd_tells_stays(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        for option in ("", "set -e", "set +e; set -o posix"):
            terminal.type(option)
            terminal.type(f"cd {sandbox.path('shop')}")
            assert terminal.type('echo "$_ $?"').strip().endswith("shop 0")
            assert terminal.type("cd -") == f"{sandbox.path('none')}\n"
            assert terminal.type(f"CDPATH={sandbox.prepared.root}; cd shop") == f"{sandbox.path('shop')}\n"
            assert terminal.type("cd nowhere || echo $?") == "bash: cd: nowhere: No such file or directory\n1\n"
            assert terminal.type("cd / / || echo $?") == "bash: cd: too many arguments\n1\n"
            assert (
                terminal.type("pushd / >/dev/null; dirs; popd") == f"/ {sandbox.path('shop')}\n{sandbox.path('shop')}\n"
            )
            terminal.type(f"unset CDPATH; cd {sandbox.path('none')}")


THEIRS = 'alias ls="ls -d"\ncd() { builtin cd "$@" && echo "now in ${PWD##*/}" && ls /; }'


@pytest.mark.parametrize("sandbox", ["bash"], indirect=True)
def test_line_10_a_function_of_the_users_is_kept(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop", rc=THEIRS, after=sandbox.rc_line) as terminal:
        here = terminal.type("declare -f cd")
        python = sandbox.environment("spelled") + "/bin/python"
        assert terminal.type(f"cd {sandbox.path('spelled')} && python") == f"now in spelled\n/\n{python}"
        terminal.type("envmgr unload")
        assert "builtin cd" in terminal.type("declare -f cd")
        assert "_envmgr" not in terminal.type("declare -f cd pushd popd; set | grep chpwd")
        assert "_envmgr" in here
    with sandbox.open("shop", after=THEIRS) as terminal:
        assert terminal.type(f"cd {sandbox.path('spelled')}") == "now in spelled\n/\n", (
            "behind the hook: at the next prompt"
        )
        assert sandbox.active(terminal) == sandbox.environment("spelled")
        terminal.type("envmgr unload")
        assert "builtin cd" in terminal.type("declare -f cd")


@pytest.mark.parametrize("option", ["nocasematch", "nocaseglob"])
def test_line_13_names_that_differ_in_case(sandbox: ShellSandbox, option: str) -> None:
    for name in ("Case", "case"):
        project = sandbox.path(name)
        project.mkdir()
        (project / ".python-version").write_text("3.12\n")
        environment = sandbox.prepared.home.envs / f"{name}-0" / "3.12"
        shutil.copytree(sandbox.environment("shop"), environment)
        file = record.record_file(sandbox.prepared.home, project, "3.12")
        file.parent.mkdir(parents=True)
        file.write_text(f"{environment.relative_to(sandbox.prepared.home.root)}\n")
    with sandbox.open("none") as terminal:
        terminal.type(
            {"bash": f"shopt -s {option}", "zsh": f"setopt {option.replace('match', 'glob')}"}.get(
                sandbox.shell.name, ""
            )
        )
        for name in ("Case", "case", "Case"):
            sandbox.cd(terminal, name)
            assert sandbox.active(terminal) == str(sandbox.prepared.home.envs / f"{name}-0" / "3.12")
        if sandbox.shell.name == "bash":
            assert terminal.type(f"shopt -q {option} && echo kept") == "kept\n"
            assert terminal.type(f"envmgr shell; shopt -q {option} && echo kept").endswith("kept\n")


INNER = [(outer, inner) for outer in SHELLS for inner in SHELLS]


@pytest.mark.parametrize(("sandbox", "inner"), INNER, indirect=["sandbox"])
def test_line_37_a_shell_started_in_an_allowed_project(sandbox: ShellSandbox, inner: str) -> None:
    allow(sandbox, "own", "FRESH=1\nTOUCHED=1\nBEFORE=theirs\nUNEXPORTED=theirs\n")
    names = ("VIRTUAL_ENV", "FRESH", "TOUCHED", "BEFORE", "UNEXPORTED")
    sandbox.environ.update({"BEFORE": "user's", "PYTHONHOME": "/nowhere"})
    file = Path(sandbox.environ["HOME"]) / SHELLS[inner].rc
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{SHELLS[inner].prompt}{shells.shell_named(inner).line(sandbox.prepared.home)}\n")
    with sandbox.open("none") as terminal:
        terminal.type("set -g UNEXPORTED mine" if sandbox.shell.name == "fish" else "UNEXPORTED=mine")
        sandbox.cd(terminal, "own")
        terminal.set("TOUCHED", "mine")
        inside = sandbox.variables(terminal, *names)
        assert inside["TOUCHED"] == "mine"
        terminal.shell = SHELLS[inner]
        assert terminal.type(f"exec {' '.join(terminal.shell.argv)}") == ""
        assert sandbox.variables(terminal, *names) == inside
        assert sandbox.active(terminal) == sandbox.environment("own")
        assert sandbox.path_entries(terminal)[:2] == [sandbox.environment("own") + "/bin", sandbox.shims]
        terminal.type("deactivate")
        assert sandbox.variables(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": "unset"}
        terminal.type("envmgr activate")
        assert sandbox.active(terminal) == sandbox.environment("own")
        sandbox.cd(terminal, "none")
        assert terminal.type("env | grep -i _envmgr_") == ""
        left = sandbox.variables(terminal, *names, "PYTHONHOME")
        assert left == {
            "VIRTUAL_ENV": "unset",
            "FRESH": "unset",
            "TOUCHED": "mine",
            "BEFORE": "user's",
            "UNEXPORTED": "unset",
            "PYTHONHOME": "/nowhere",
        }
        assert sandbox.path_entries(terminal) == [sandbox.shims, "/usr/bin", "/bin"]


def test_line_37_unloading_in_a_shell_that_inherited(sandbox: ShellSandbox) -> None:
    allow(sandbox, "own", "FRESH=1\n")
    with sandbox.open("own") as terminal:
        terminal.type(f"exec {' '.join(sandbox.shell.argv)}")
        terminal.type("envmgr unload")
        assert sandbox.variables(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": "unset", "FRESH": "unset"}
        assert sandbox.path_entries(terminal) == ["/usr/bin", "/bin"]


def test_line_37_started_from_a_place_that_is_not_allowed_any_more(sandbox: ShellSandbox) -> None:
    """As in tmux, whose windows have the environment that its server was started with."""
    inherited = {
        "VIRTUAL_ENV": sandbox.environment("own"),
        "_ENVMGR_ENV": sandbox.environment("own"),
        "_ENVMGR_PLACE": f"{sandbox.path('own')}/",
        "_ENVMGR_NAMES": "FRESH:x[$(touch pwned)]:",
        "_ENVMGR_NEW_FRESH": "1",
        "FRESH": "1",
        "PATH": f"{sandbox.environment('own')}/bin:{sandbox.shims}:/usr/bin:/bin",
    }
    sandbox.environ.update(inherited)
    allow(sandbox, "own", "FRESH=1\nMORE=1\n")
    with sandbox.open("own") as terminal:
        assert sandbox.variables(terminal, "FRESH", "MORE") == {"FRESH": "1", "MORE": "1"}
    allow(sandbox, "own", "FRESH=2\n")
    with sandbox.open("own") as terminal:
        assert sandbox.variables(terminal, "VIRTUAL_ENV", "FRESH") == {
            "VIRTUAL_ENV": sandbox.environment("own"),
            "FRESH": "2",
        }
        sandbox.cd(terminal, "none")
        assert sandbox.variables(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": "unset", "FRESH": "unset"}
    grant.deny(sandbox.prepared.home, sandbox.path("own"))
    with sandbox.open("own") as terminal:
        assert sandbox.variables(terminal, "VIRTUAL_ENV", "FRESH") == {"VIRTUAL_ENV": "unset", "FRESH": "unset"}
    assert not list(sandbox.prepared.root.parent.rglob("pwned"))


def test_line_06_a_path_that_was_reset_outside_of_projects(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        sandbox.cd(terminal, "none")
        terminal.type("set -gx PATH /usr/bin /bin" if sandbox.shell.name == "fish" else "PATH=/usr/bin:/bin")
        assert sandbox.path_entries(terminal) == [sandbox.shims, "/usr/bin", "/bin"]
        sandbox.cd(terminal, "shop")
        terminal.type("set -gx PATH /usr/bin /bin" if sandbox.shell.name == "fish" else "PATH=/usr/bin:/bin")
        assert sandbox.path_entries(terminal) == [
            sandbox.environment("shop") + "/bin",
            sandbox.shims,
            "/usr/bin",
            "/bin",
        ]


@pytest.mark.parametrize("order", ["first", "last"])
def test_line_31_direnv_puts_the_environment_on_path_again(sandbox: ShellSandbox, order: str) -> None:
    """As `layout python` does, or an activate script that .envrc sources."""
    hook = {"fish": "direnv hook fish | source"}.get(sandbox.shell.name, f'eval "$(direnv hook {sandbox.shell.name})"')
    sandbox.path("shop/.envrc").write_text('export PATH="$VIRTUAL_ENV/bin:$PATH" VIRTUAL_ENV\n')
    sandbox.environ["DIRENV_LOG_FORMAT"] = ""
    rc, after = (hook, "") if order == "first" else ("", hook)
    with sandbox.open("none", rc=rc, after=after) as terminal:
        terminal.type(f"direnv allow {sandbox.path('shop')}")
        for _ in range(2):
            sandbox.cd(terminal, "shop")  # and out again, before another prompt has tidied up
            sandbox.cd(terminal, "none")
            terminal.type("")
            assert sandbox.active(terminal) == "unset"
            assert sandbox.environment("shop") + "/bin" not in sandbox.path_entries(terminal)
        sandbox.cd(terminal, "shop")
        terminal.type("")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.cd(terminal, "none")
        terminal.type("")
        assert sandbox.active(terminal) == "unset"
