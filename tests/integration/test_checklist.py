"""The behaviours that docs/explanation/activation.md lists, by line, typed into real shells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
from pty_shell import SHELLS
from shell_sandbox import ShellSandbox, count_forks, create_shell_sandbox

from envmgr.environments import record
from envmgr.shell import shells


@pytest.fixture(params=["bash", "zsh", "fish"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ShellSandbox:
    return create_shell_sandbox(str(request.param), tmp_path)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that envmgr did not make."""
    path = tmp_path_factory.mktemp("foreign") / "theirs"
    venv.create(path, symlinks=True)
    return path


def test_line_01_idle_prompts_start_no_process(sandbox: ShellSandbox) -> None:
    inside = [f"cd {sandbox.path('shop/src/deep')}", "", "true", "true"]
    assert count_forks(sandbox, ["", "true", "true"]) == 0
    assert count_forks(sandbox, inside) == 0


def test_line_02_known_projects_start_no_process(sandbox: ShellSandbox) -> None:
    tour = [f"cd {sandbox.path(name)}" for name in ("shop", "spelled", "shop/inner", "shop", "none", "shop", "none")]
    assert count_forks(sandbox, tour) == 0


def test_line_02_a_first_seen_project_costs_one_call(sandbox: ShellSandbox) -> None:
    assert count_forks(sandbox, [f"cd {sandbox.path('prefix')}", "true", ""]) == 1


def test_line_03_leaving_restores_the_environment(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        names = terminal.type("set | sort" if sandbox.shell.name != "fish" else "set -n | sort")
        before = terminal.type("env | sort")
        sandbox.cd(terminal, "shop")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.cd(terminal, "none")
        after = terminal.type("env | sort")
        keep = re.compile(
            r"^(_|OLDPWD|dirprev\w*|SHLVL|PIPESTATUS|pipestatus|RANDOM|_envmgr\w*|__fish\w*)=?.*\n", re.MULTILINE
        )
        assert keep.sub("", after) == keep.sub("", before)
        now = terminal.type("set | sort" if sandbox.shell.name != "fish" else "set -n | sort")
        fresh = {line.split("=")[0] for line in now.splitlines()} - {line.split("=")[0] for line in names.splitlines()}
        assert not {name for name in fresh if "VIRTUAL" in name or name == "deactivate"}


@pytest.mark.parametrize("value", ["/usr", "''"])
def test_line_03_and_26_pythonhome_comes_back(sandbox: ShellSandbox, value: str) -> None:
    with sandbox.open() as terminal:
        terminal.set("PYTHONHOME", value)
        terminal.set("PYTHONPATH", "/mine")
        sandbox.cd(terminal, "shop")
        told = sandbox.variables(terminal, "PYTHONHOME", "PYTHONPATH")
        assert told == {"PYTHONHOME": "unset", "PYTHONPATH": "/mine"}
        sandbox.cd(terminal, "none")
        assert sandbox.variables(terminal, "PYTHONHOME") == {"PYTHONHOME": value.strip("'")}


def test_line_04_path_edits_survive(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        terminal.prepend("/opt/first")
        terminal.append("/opt/last")
        sandbox.cd(terminal, "none")
        assert sandbox.path_entries(terminal) == ["/opt/first", sandbox.shims, "/usr/bin", "/bin", "/opt/last"]


def test_line_04_a_duplicate_of_the_users_stays(sandbox: ShellSandbox) -> None:
    ours = sandbox.environment("shop") + "/bin"
    with sandbox.open() as terminal:
        terminal.append(shells.shell_named(sandbox.shell.name).quoted(ours))
        sandbox.cd(terminal, "shop")
        assert sandbox.path_entries(terminal).count(ours) == 2
        sandbox.cd(terminal, "none")
        assert sandbox.path_entries(terminal)[-1] == ours
        assert sandbox.path_entries(terminal).count(ours) == 1


def test_line_05_the_users_order_stays(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        terminal.prepend("/opt/first")
        terminal.type("true")
        ours = sandbox.environment("shop") + "/bin"
        assert sandbox.path_entries(terminal)[:2] == ["/opt/first", ours]
        sandbox.cd(terminal, "shop/src/deep")
        assert sandbox.path_entries(terminal)[:2] == ["/opt/first", ours], "the same activation"
        sandbox.cd(terminal, "spelled")
        assert sandbox.path_entries(terminal)[:2] == [sandbox.environment("spelled") + "/bin", "/opt/first"], (
            "a new one"
        )


def test_line_06_a_path_that_was_reset_is_repaired(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        terminal.type("set -gx PATH /usr/bin /bin" if sandbox.shell.name == "fish" else "PATH=/usr/bin:/bin")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        assert sandbox.path_entries(terminal)[0] == sandbox.environment("shop") + "/bin"
        terminal.unset("VIRTUAL_ENV")
        assert sandbox.active(terminal) == sandbox.environment("shop")


def test_line_07_a_venv_activated_by_hand_is_the_users(sandbox: ShellSandbox, foreign: Path) -> None:
    with sandbox.open("shop") as terminal:
        terminal.activate(foreign)
        assert sandbox.active(terminal) == str(foreign)
        for where in ("shop/src", "spelled", "none"):
            sandbox.cd(terminal, where)
            assert sandbox.active(terminal) == str(foreign)
            assert not any("/envs/" in entry for entry in sandbox.path_entries(terminal))
        sandbox.cd(terminal, "spelled")
        terminal.type("deactivate")
        assert sandbox.active(terminal) == sandbox.environment("spelled"), (
            "handed back, in the project we are in by then"
        )
        sandbox.cd(terminal, "none")
        assert sandbox.active(terminal) == "unset"
        assert sandbox.path_entries(terminal) == [sandbox.shims, "/usr/bin", "/bin"]


def test_line_07_one_activated_before_is_left_alone(sandbox: ShellSandbox, foreign: Path) -> None:
    with sandbox.open() as terminal:
        terminal.activate(foreign)
        sandbox.cd(terminal, "shop")
        assert sandbox.active(terminal) == str(foreign)
        terminal.type("deactivate")
        assert sandbox.active(terminal) == sandbox.environment("shop")


@pytest.mark.parametrize("command", ["deactivate", "envmgr deactivate"])
def test_line_08_deactivate_stays_off_until_one_leaves(sandbox: ShellSandbox, command: str) -> None:
    with sandbox.open("shop") as terminal:
        assert terminal.type(command) == ""
        for where in ("shop", "shop/src/deep", "shop"):
            sandbox.cd(terminal, where)
            assert sandbox.active(terminal) == "unset"
        assert terminal.type("envmgr activate") == ""
        assert sandbox.active(terminal) == sandbox.environment("shop")
        terminal.type(command)
        sandbox.cd(terminal, "none")
        sandbox.cd(terminal, "shop")
        assert sandbox.active(terminal) == sandbox.environment("shop")


def test_line_09_nested_and_sibling_projects(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        for where, name in (("shop", "shop"), ("shop/inner", "inner"), ("shop", "shop"), ("spelled", "spelled")):
            assert sandbox.cd(terminal, where) == ""
            assert sandbox.active(terminal) == sandbox.environment(name)


def test_line_10_whatever_way_one_gets_there(sandbox: ShellSandbox) -> None:
    shop, spelled = sandbox.environment("shop") + "/bin/python", sandbox.environment("spelled") + "/bin/python"
    with sandbox.open() as terminal:
        here = sandbox.path("shop")
        assert terminal.type(f"cd {here} && python") == shop
        sandbox.cd(terminal, "none")
        assert terminal.type(f"sh -c 'cd {here}; python'") == shop
        if sandbox.shell.name != "fish":
            assert terminal.type(f"(cd {here}; python)") == shop
        terminal.type(f"pushd {here} >/dev/null")
        assert terminal.type("python") == shop
        terminal.type("popd >/dev/null")
        assert sandbox.active(terminal) == "unset"
        terminal.type(f"cd {here}")
        terminal.type(f"cd {sandbox.path('spelled')}")
        assert terminal.type("python") == spelled
        terminal.type("cd - >/dev/null")
        assert terminal.type("python") == shop
        if sandbox.shell.name == "zsh":
            terminal.type(f"cd -q {sandbox.path('spelled')}")
            assert terminal.type("python") == spelled


@pytest.mark.parametrize("sandbox", ["bash", "zsh"], indirect=True)
def test_line_10_autocd_and_cdpath(sandbox: ShellSandbox) -> None:
    with sandbox.open("none", rc="shopt -s autocd" if sandbox.shell.name == "bash" else "setopt autocd") as terminal:
        terminal.type(f"{sandbox.path('shop')}/")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        terminal.type(f"CDPATH={sandbox.prepared.root}")
        terminal.type("cd spelled")
        assert sandbox.active(terminal) == sandbox.environment("spelled")


KEYS = {  # what a key is bound to, and the key; in fish it is alt-right, which goes back to where one was
    "bash": ("bind -x '\"\\eu\": cd {}'", "\x1bu"),
    "zsh": ("go() {{ cd {}; zle reset-prompt }}; zle -N go; bindkey '\\eu' go", "\x1bu"),
    "fish": ("cd {}; cd -", "\x1b[1;3C"),
}


def test_line_10_a_key_that_changes_directory(sandbox: ShellSandbox) -> None:
    line, key = KEYS[sandbox.shell.name]
    with sandbox.open() as terminal:
        terminal.type(line.format(sandbox.path("shop")))
        assert sandbox.active(terminal) == "unset"
        terminal.press(key)
        assert terminal.type("python") == sandbox.environment("shop") + "/bin/python", "without a prompt between"
        assert sandbox.active(terminal) == sandbox.environment("shop")


def test_line_11_a_script_that_changes_directory_keeps_the_active_environment(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        told = terminal.type(f"sh -c 'cd {sandbox.path('spelled')}; python'")
        assert told == sandbox.environment("shop") + "/bin/python"


def test_line_12_status_and_last_argument_stay(sandbox: ShellSandbox) -> None:
    pipeline = "false | true | false"
    with sandbox.open("shop", rc="PROMPT_COMMAND='true'" if sandbox.shell.name == "bash" else "") as terminal:
        assert terminal.type("echo one two") == "one two\n"
        if sandbox.shell.name != "fish":
            assert terminal.type('echo "$_"') == "two\n"
        terminal.type("false")
        assert terminal.type("echo $status" if sandbox.shell.name == "fish" else "echo $?") == "1\n"
        terminal.type(pipeline)
        assert (
            terminal.type({"bash": 'echo "${PIPESTATUS[@]}"'}.get(sandbox.shell.name, "echo $pipestatus")) == "1 0 1\n"
        )


@pytest.mark.parametrize("sandbox", ["bash", "zsh"], indirect=True)
def test_line_12_later_prompt_hooks_see_the_status(sandbox: ShellSandbox) -> None:
    hook = {
        "bash": "later() { seen=\"$?:${PIPESTATUS[*]}\"; }; PROMPT_COMMAND='later'",
        "zsh": 'later() { seen="$?:$pipestatus" }; precmd_functions=(later)',
    }[sandbox.shell.name]
    with sandbox.open("shop", rc=hook) as terminal:
        terminal.type("false | true | false")
        assert terminal.type("echo $seen") == "1:1 0 1\n"


@pytest.mark.parametrize("sandbox", ["bash", "zsh"], indirect=True)
def test_line_12_matches_stay(sandbox: ShellSandbox) -> None:
    match, show = {
        "bash": ("[[ abc =~ b(c) ]]", 'echo "${BASH_REMATCH[1]} $REPLY"'),
        "zsh": ("[[ abc = (#b)*b(*) ]]", 'echo "$match[1] $REPLY"'),
    }[sandbox.shell.name]
    with sandbox.open(rc="setopt extendedglob" if sandbox.shell.name == "zsh" else "") as terminal:
        terminal.type(f"{match}; REPLY=mine")
        sandbox.cd(terminal, "shop")
        assert terminal.type(show) == "c mine\n"


OPTIONS = {
    "bash": [
        "set -u", "set -f", "set -o pipefail", "set -o posix", "shopt -s nullglob", "shopt -s failglob", "set -e",
        "shopt -s nocasematch", "shopt -s extdebug", "IFS=/3", "shopt -s nocaseglob dotglob", "set -C", "set -o noglob",
        "trap 'echo trapped' EXIT", "set -E; trap 'echo trapped' ERR", "trap 'x=1' DEBUG", "trap 'echo trapped' RETURN",
        "set +h", "set +m", "LC_ALL=C", "shopt -s compat32", "set -a", "set -k", "set -o vi",
    ],
    "zsh": [
        "setopt ksharrays", "setopt shwordsplit", "setopt nounset", "setopt warncreateglobal", "setopt noclobber",
        "setopt errexit", "setopt cshnullglob", "setopt globsubst", "setopt extendedglob", "setopt nullglob", "IFS=/3",
        "setopt errreturn", "setopt noglob", "setopt pipefail", "setopt nohashcmds", "TRAPZERR() { echo trapped }",
        "TRAPINT() { return 1 }", "setopt rcexpandparam", "setopt posixbuiltins", "setopt nomatch", "setopt chaselinks",
    ],
    "fish": ["set -g IFS /3", "set -g fish_trace ''"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("sandbox", "option"), [(shell, option) for shell in OPTIONS for option in OPTIONS[shell]], indirect=["sandbox"]
)
def test_line_13_options_and_traps(sandbox: ShellSandbox, option: str) -> None:
    with sandbox.open() as terminal:
        terminal.type(option)
        for where, name in (("shop", "shop"), ("shop/inner", "inner"), ("spelled", "spelled"), ("none", None)):
            assert sandbox.cd(terminal, where) == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")
            assert terminal.type("") == ""
        assert sandbox.cd(terminal, "shop") == ""
        for verb, name in (("deactivate", None), ("activate", "shop")):  # from the second file
            assert terminal.type(f"envmgr {verb}") == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")
        assert sandbox.cd(terminal, "own") == ""
        assert sandbox.cd(terminal, "none") == ""
        terminal.type({"fish": "set -e IFS"}.get(sandbox.shell.name, "IFS=' '"))
        assert sandbox.cd(terminal, "shop") == ""


NAMES = (
    "test",
    "read",
    "local",
    "export",
    "unset",
    "printf",
    "true",
    "shift",
    "eval",
    "command",
    "type",
)


def test_line_14_aliases_and_functions_named_like_builtins(sandbox: ShellSandbox) -> None:
    if sandbox.shell.name == "fish":
        rc = "\n".join(f"function {name}; echo ours; end" for name in ("pushd", "prompt", "hash"))
    else:
        rc = "\n".join(f"{name}() {{ echo function; }}" for name in ("read", "printf", "type", "unset", "export"))
        rc += "".join(f"\nalias {name}='echo aliased #'" for name in NAMES)
    with sandbox.open(rc=rc) as terminal:
        assert terminal.first == ""
        for where, name in (("shop", "shop"), ("spelled", "spelled"), ("none", None)):
            assert sandbox.cd(terminal, where) == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")
        assert sandbox.cd(terminal, "shop") == ""
        for verb, name in (("deactivate", None), ("activate", "shop")):  # from the second file
            assert terminal.type(f"envmgr {verb}") == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")


COMMANDS = [
    "unset PROMPT_COMMAND", "PROMPT_COMMAND=", "PROMPT_COMMAND='seen=1'", "PROMPT_COMMAND='seen=1;'",
    "PROMPT_COMMAND=$'seen=1\\n'", "PROMPT_COMMAND=('seen=1' 'more=1')", "export PROMPT_COMMAND='seen=1'",
    "readonly PROMPT_COMMAND='seen=1'", "PROMPT_COMMAND='  seen=1  '",
]  # fmt: skip


@pytest.mark.parametrize("sandbox", ["bash"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_line_15_every_form_of_prompt_command(sandbox: ShellSandbox, command: str) -> None:
    with sandbox.open("shop", rc=command, after=sandbox.rc_line) as terminal:
        assert terminal.first == ""
        kept = terminal.type('echo "${PROMPT_COMMAND[@]}"')
        assert kept.count("_envmgr_prompt") == (0 if "readonly" in command else 1), "sourced twice, registered once"
        if "readonly" not in command:
            assert sandbox.active(terminal) == sandbox.environment("shop")
        if "seen" in command:
            assert terminal.type("echo $seen") == "1\n"
        assert terminal.type("bash --norc -ic true") == "", "nothing of ours is exported"


@pytest.mark.parametrize("sandbox", ["bash"], indirect=True)
def test_line_15_a_prompt_command_that_others_wrap(sandbox: ShellSandbox) -> None:
    wrap = 'original=("${PROMPT_COMMAND[@]}"); wrapped() { local c; for c in "${original[@]}"; do eval "$c"; done; }'
    with sandbox.open(after=f"{wrap}; unset PROMPT_COMMAND; PROMPT_COMMAND=wrapped") as terminal:
        sandbox.cd(terminal, "shop")
        assert sandbox.active(terminal) == sandbox.environment("shop")


@pytest.mark.parametrize("sandbox", ["zsh", "fish"], indirect=True)
def test_line_15_sourced_twice_registered_once(sandbox: ShellSandbox) -> None:
    count = {
        "zsh": "echo ${(M)#precmd_functions:#_envmgr*} ${(M)#chpwd_functions:#_envmgr*}",
        "fish": "functions --handlers-type event | string match -r _envmgr | count; echo",
    }[sandbox.shell.name]
    with sandbox.open("shop") as terminal:
        once = terminal.type(count)
    with sandbox.open("shop", after=sandbox.rc_line) as terminal:
        assert terminal.type(count) == once
        assert sandbox.active(terminal) == sandbox.environment("shop")
        terminal.type(sandbox.rc_line)
        assert sandbox.active(terminal) == sandbox.environment("shop"), "sourced by hand while active"
        sandbox.cd(terminal, "none")
        assert sandbox.path_entries(terminal) == [sandbox.shims, "/usr/bin", "/bin"]


def test_line_16_prompts_are_drawn_after_us(sandbox: ShellSandbox) -> None:
    builder = {
        "bash": "draw() { drawn=$VIRTUAL_ENV; }; PROMPT_COMMAND=draw",
        "zsh": "draw() { drawn=$VIRTUAL_ENV }; precmd_functions=(draw)",
        "fish": "functions -c fish_prompt plain; function fish_prompt; set -g drawn $VIRTUAL_ENV; plain; end",
    }[sandbox.shell.name]
    with sandbox.open(rc=builder) as terminal:
        for name in ("shop", "spelled"):
            sandbox.cd(terminal, name)
            assert terminal.type("echo $drawn") == sandbox.environment(name) + "\n"


def test_line_17_the_first_prompt_in_a_project(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        assert terminal.first == ""
        assert sandbox.active(terminal) == sandbox.environment("shop")
    done = subprocess.run(
        [*sandbox.shell.argv[:-1], "-ic", "python"],
        env=sandbox.environ,
        cwd=sandbox.path("shop"),
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode() == sandbox.environment("shop") + "/bin/python"


def test_line_18_nested_shells_derive_their_state_anew(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        for inner in ("bash", "zsh", "fish"):
            file = Path(sandbox.environ["HOME"]) / SHELLS[inner].rc
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SHELLS[inner].prompt + shells.shell_named(inner).line(sandbox.prepared.home) + "\n")
            terminal.shell = SHELLS[inner]
            terminal.type(" ".join(terminal.shell.argv))
            assert sandbox.active(terminal) == sandbox.environment("shop")
            sandbox.cd(terminal, "spelled")
            assert sandbox.active(terminal) == sandbox.environment("spelled")
            sandbox.cd(terminal, "none")
            assert sandbox.active(terminal) == "unset"
            assert sandbox.path_entries(terminal).count(sandbox.shims) == 1
            terminal.shell = sandbox.shell
            terminal.type("exit")
            assert sandbox.active(terminal) == sandbox.environment("shop")


def test_line_18_an_inherited_variable_is_not_believed(sandbox: ShellSandbox) -> None:
    inherited = {
        "VIRTUAL_ENV": sandbox.environment("shop"),
        "PATH": f"/usr/bin:/bin:{sandbox.environment('shop')}/bin:{sandbox.shims}",
    }
    sandbox.environ.update(inherited)
    with sandbox.open("shop") as terminal:
        assert sandbox.active(terminal) == sandbox.environment("shop")
        assert sandbox.path_entries(terminal)[:2] == [sandbox.environment("shop") + "/bin", sandbox.shims], (
            "a login shell had moved them"
        )
    with sandbox.open("none") as terminal:
        assert sandbox.active(terminal) == "unset"


def test_line_19_tmux_windows(sandbox: ShellSandbox) -> None:
    log = sandbox.path("exported")
    socket = ("tmux", "-L", f"envmgr-{os.getpid()}-{sandbox.shell.name}", "-f", "/dev/null")
    with sandbox.open("shop") as terminal:
        shell = " ".join(sandbox.shell.argv)
        window = f"new-session -d -x 200 -y 50 -c {sandbox.path('spelled')} '{shell}'"
        terminal.type(f"{' '.join(socket)} {window}")
        try:
            terminal.type(f"{' '.join(socket)} send-keys 'printenv VIRTUAL_ENV PATH >{log}.new' Enter")
            terminal.type(f"{' '.join(socket)} send-keys 'mv {log}.new {log}' Enter")
            terminal.type(f"sh -c 'until test -s {log}; do sleep 0.05; done'")
        finally:
            terminal.type(f"{' '.join(socket)} kill-server")
    active, path = log.read_text().splitlines()
    assert active == sandbox.environment("spelled")
    assert path.split(":").count(sandbox.environment("shop") + "/bin") == 0


def test_line_20_edits_are_seen_whatever_their_time(sandbox: ShellSandbox) -> None:
    file = sandbox.path("shop/.python-version")
    status = file.stat()
    with sandbox.open("shop") as terminal:
        file.write_text("3.11\n")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert sandbox.active(terminal) == sandbox.environment("shop")  # the prompt before this line did not know yet
        assert sandbox.active(terminal) == sandbox.environment("other")
        nearer = sandbox.path("shop/src/.python-version")
        sandbox.cd(terminal, "shop/src")
        nearer.write_text("system\n")
        terminal.type("")
        assert sandbox.active(terminal) == "unset"
        nearer.unlink()
        terminal.type("")
        assert sandbox.active(terminal) == sandbox.environment("other")
        file.unlink()
        file.symlink_to(sandbox.path("prefix/.python-version"))
        terminal.type("")
        assert sandbox.active(terminal) == sandbox.environment("shop")


def test_line_20_what_another_terminal_puts_on_record_is_seen(sandbox: ShellSandbox) -> None:
    words = record.record_file(sandbox.prepared.home, sandbox.path("shop"), "3.12.7")
    sandbox.path("shop/.python-version").write_text("3.12.7\n")
    with sandbox.open("shop") as terminal:
        assert "`envmgr use`" in terminal.first
        assert terminal.type("") == "", "told once"
        for name in ("shop", "other"):  # made, then under the same pin another one
            words.write_text(f"{Path(sandbox.environment(name)).relative_to(sandbox.prepared.home.root)}\n")
            assert terminal.type("") == ""
            assert sandbox.active(terminal) == sandbox.environment(name)
        words.unlink()
        assert terminal.type("") == "", "told before"
        assert sandbox.active(terminal) == "unset"


def test_line_21_an_environment_that_vanishes_is_dropped_with_one_line(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        shutil.rmtree(sandbox.environment("shop"))
        said = terminal.type("") + terminal.type("") + terminal.type("true")
        assert said.count("\n") == 1
        assert "no longer works" in said
        assert sandbox.active(terminal) == "unset"


def test_line_22_odd_directories(sandbox: ShellSandbox) -> None:
    doomed = sandbox.path("shop/doomed")
    doomed.mkdir()
    with sandbox.open("shop") as terminal:
        sandbox.cd(terminal, "shop/doomed")
        shutil.rmtree(doomed)
        assert terminal.type("") == ""
        assert terminal.type("true") == ""
        terminal.type("cd / 2>/dev/null")
        assert sandbox.active(terminal) == "unset"
        if sandbox.shell.name == "bash":
            terminal.type("cd //usr")
            assert sandbox.active(terminal) == "unset"
        assert sandbox.cd(terminal, "outer/fifo") != "hung"
        long = sandbox.path("shop") / "/".join(["d" * 100] * 36)
        long.mkdir(parents=True)
        terminal.type(f"cd {long}")
        assert sandbox.active(terminal) == sandbox.environment("shop")


@pytest.mark.parametrize("sandbox", ["bash", "zsh"], indirect=True)
@pytest.mark.parametrize(
    "change", ["unset PWD", "readonly PWD", "PWD=/nowhere", "PWD=foo", "PWD=foo/bar", "PWD=", "PWD=//"]
)
def test_line_22_a_broken_pwd_is_no_error(sandbox: ShellSandbox, change: str) -> None:
    with sandbox.open("shop") as terminal:
        terminal.type(change)
        assert terminal.type("") == ""
        assert terminal.type("true") == ""
        if "readonly" not in change:
            sandbox.cd(terminal, "shop/inner")
            assert sandbox.active(terminal) == sandbox.environment("inner")


@pytest.mark.parametrize("sandbox", ["bash", "zsh"], indirect=True)
@pytest.mark.parametrize("where", ["shop", "own", "none"])
def test_line_22_a_relative_pwd_is_outside_of_projects(sandbox: ShellSandbox, where: str) -> None:
    with sandbox.open(where) as terminal:
        terminal.type("PWD=shop")
        assert sandbox.active(terminal) == "unset"


def test_line_23_a_project_entered_through_a_link(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        assert sandbox.cd(terminal, "linked") == "", "the record is found, nothing is said"
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.cd(terminal, "none")
        assert count_forks(sandbox, [f"cd {sandbox.path('linked')}", f"cd {sandbox.path('shop')}"]) == 0, (
            "and put on record"
        )


def test_line_24_hostile_names(sandbox: ShellSandbox) -> None:
    for name in ("$(touch pwned)", "`touch pwned`", "%F{red}", "\\w", "\x1b]0;x\x07", "a\nb", "-n", "[x]*?"):
        hostile = sandbox.path("hostile") / name
        with sandbox.open(f"hostile/{name}", after="true") as terminal:
            assert terminal.first == ""
            told = sandbox.variables(terminal, "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT")
            assert Path(told["VIRTUAL_ENV"]).parent == record.environments_folder(sandbox.prepared.home, hostile)
            assert re.fullmatch(r"[A-Za-z0-9._+-]+", told["VIRTUAL_ENV_PROMPT"])
    assert not list(sandbox.prepared.root.rglob("pwned"))


def test_line_24_errors_show_no_control_bytes(sandbox: ShellSandbox) -> None:
    hostile = sandbox.path("\x1b]0;x\x07 $(touch pwned)")
    hostile.mkdir()
    (hostile / ".python-version").write_bytes(b"3.12\x1b[31m\n")
    with sandbox.open(hostile.name) as terminal:
        assert ".python-version:1: not a version request" in terminal.first
        assert "\x07" not in terminal.first
    assert not list(sandbox.prepared.root.rglob("pwned"))


@pytest.mark.parametrize("words", ["!", "(", ")", "-n", "-a !", "] [", "=~", "a" * 100_000, "# " + "a" * 100_000])
def test_line_24_words_that_are_operators_elsewhere(sandbox: ShellSandbox, words: str) -> None:
    sandbox.path("prefix/.python-version").write_text(f"{words}\n")
    with sandbox.open() as terminal:
        said = [*sandbox.cd(terminal, "prefix").splitlines(), *terminal.type("").splitlines()]
        assert not [line for line in said if not line.startswith(("envmgr: ", "  "))]
        assert sandbox.active(terminal) == "unset"


def test_line_25_the_prompt_is_left_alone(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        assert sandbox.variables(terminal, "VIRTUAL_ENV_PROMPT") == {"VIRTUAL_ENV_PROMPT": "shop"}
        assert sandbox.variables(terminal, "PS1") == {"PS1": "unset"}, "not exported"
        if sandbox.shell.name != "fish":
            assert terminal.type("echo $PS1").strip() == f"{sandbox.shell.name}>"


def test_line_26_remembered_places_are_forgotten(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        terminal.type("python >/dev/null")
        for name in ("shop", "spelled"):
            sandbox.cd(terminal, name)
            assert terminal.type("python") == sandbox.environment(name) + "/bin/python"
        if sandbox.shell.name == "bash":
            assert terminal.type("type -p python") == sandbox.environment("spelled") + "/bin/python\n"


def test_line_27_a_foreign_venv_gets_one_note_per_visit(sandbox: ShellSandbox, foreign: Path) -> None:
    sandbox.path("prefix/.venv").symlink_to(foreign)
    with sandbox.open() as terminal:
        for _ in range(2):
            said = sandbox.cd(terminal, "prefix")
            assert "envmgr allow" in said
            assert said.count("\n") == 1
            assert terminal.type("") == ""
            assert sandbox.active(terminal) == "unset"
            sandbox.cd(terminal, "none")


def test_line_28_nothing_of_a_project_is_imported(sandbox: ShellSandbox) -> None:
    for name in ("re", "platform", "sitecustomize", "usercustomize", "envmgr", "click"):
        sandbox.path(f"prefix/{name}.py").write_text("open('pwned', 'w')\n")
    sandbox.environ["PYTHONPATH"] = str(sandbox.path("prefix"))
    with sandbox.open("prefix") as terminal:
        assert "`envmgr use`" in terminal.first
        terminal.type("pip9")
    assert not list(sandbox.prepared.root.rglob("pwned"))


def test_line_29_sourcing_without_a_person_does_nothing(sandbox: ShellSandbox) -> None:
    show = {"fish": "set -n; functions -an", "zsh": "typeset +; functions +"}.get(
        sandbox.shell.name, "compgen -v; compgen -A function"
    )
    plain, sourced = (
        subprocess.run(
            [sandbox.shell.argv[0], "-c", f"{line}\n{show}\nprintenv"],
            env=sandbox.environ,
            cwd=sandbox.path("shop"),
            capture_output=True,
            check=True,
        )
        for line in ("true", sandbox.rc_line)
    )
    assert sourced.stdout == plain.stdout
    assert sourced.stderr == plain.stderr == b""


def test_line_30_our_environment_activated_again_by_an_editor(sandbox: ShellSandbox, foreign: Path) -> None:
    """VS Code sources the activate script of `.venv` in its terminals, before or after the first prompt."""
    script = Path(sandbox.environment("shop")) / "bin" / sandbox.shell.activate
    theirs = (
        (foreign / "bin" / sandbox.shell.activate)
        .read_text()
        .replace(str(foreign), sandbox.environment("shop").replace("$", "\\$"))
    )
    script.write_text(
        theirs.replace(
            "'" + sandbox.environment("shop").replace("$", "\\$") + "'",
            '"' + sandbox.environment("shop").replace("$", "\\$") + '"',
        )
    )
    with sandbox.open("shop") as terminal:
        terminal.type(sandbox.shell.source.format(value=shells.shell_named(sandbox.shell.name).quoted(str(script))))
        assert sandbox.active(terminal) == sandbox.environment("shop")
        terminal.type("deactivate")
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.cd(terminal, "none")
        assert sandbox.active(terminal) == "unset"


def test_line_30_a_shell_started_in_an_environment_of_the_user_keeps_it(sandbox: ShellSandbox, foreign: Path) -> None:
    """As in a terminal of an editor: VIRTUAL_ENV and PATH are inherited, then the rc file is read."""
    sandbox.environ.update(VIRTUAL_ENV=str(foreign), PATH=f"/first:{foreign}/bin:{sandbox.environ['PATH']}")
    with sandbox.open("shop") as terminal:
        for where in ("shop", "none"):
            sandbox.cd(terminal, where)
            assert sandbox.variables(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": str(foreign)}
            assert sandbox.path_entries(terminal)[:3] == ["/first", f"{foreign}/bin", sandbox.shims]


@pytest.mark.parametrize("order", ["first", "last"])
def test_line_31_direnv_in_either_order(sandbox: ShellSandbox, order: str) -> None:
    hook = {"fish": "direnv hook fish | source"}.get(sandbox.shell.name, f'eval "$(direnv hook {sandbox.shell.name})"')
    for name in ("shop", "none"):
        sandbox.path(f"{name}/.envrc").write_text(f"export WHERE={name}\nPATH_add bin\n")
    sandbox.environ["DIRENV_LOG_FORMAT"] = ""
    with sandbox.open(
        "outer/deep", rc=hook if order == "first" else "", after="" if order == "first" else hook
    ) as terminal:
        for name in ("shop", "none"):
            terminal.type(f"direnv allow {sandbox.path(name)}")
        for where in ("shop", "none", "shop", "spelled", "shop", "outer/deep"):
            sandbox.cd(terminal, where)
            terminal.type("")
            told = [sandbox.variables(terminal, "PATH", "VIRTUAL_ENV", "WHERE") for _ in range(2)]
            assert told[0] == told[1]
            assert told[0]["VIRTUAL_ENV"] == (sandbox.environment(where) if where in {"shop", "spelled"} else "unset")
            assert sandbox.active(terminal) == told[0]["VIRTUAL_ENV"]


def test_line_32_interrupting_leaves_a_whole_state(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        terminal.interrupt("echo half")
        assert sandbox.active(terminal).endswith(sandbox.environment("shop"))
        terminal.type("sleep 0.01 &")
        assert sandbox.cd(terminal, "spelled").count("_envmgr") == 0


def test_line_33_subshells_do_not_activate(sandbox: ShellSandbox) -> None:
    inner = f"(cd {sandbox.path('shop')}; echo done)"
    with sandbox.open() as terminal:
        assert terminal.type(f"echo {inner}" if sandbox.shell.name == "fish" else f'echo "${inner}"') == "done\n"
        # in fish this is no subshell: the directory has changed
        assert sandbox.active(terminal) == (sandbox.environment("shop") if sandbox.shell.name == "fish" else "unset")
    started = count_forks(sandbox, [f"echo {inner}" if sandbox.shell.name == "fish" else f'echo "${inner}"'])
    assert started <= 1


def test_line_34_the_switch_in_one_shell(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        terminal.set("ENVMGR_HOOK", "off")
        assert sandbox.active(terminal) == "unset"
        terminal.unset("ENVMGR_HOOK")
        assert sandbox.active(terminal) == sandbox.environment("shop")
    sandbox.environ["ENVMGR_HOOK"] = "off"
    with sandbox.open("prefix") as terminal:
        assert terminal.first == ""


def test_line_34_looking_on_cd_only(sandbox: ShellSandbox) -> None:
    sandbox.environ["ENVMGR_HOOK"] = "cd"
    with sandbox.open("shop") as terminal:
        assert sandbox.active(terminal) == sandbox.environment("shop")
        sandbox.path("shop/.python-version").write_text("3.11\n")
        terminal.type("")
        assert sandbox.active(terminal) == sandbox.environment("shop"), "the file is not looked at"
        sandbox.cd(terminal, "none")
        sandbox.cd(terminal, "shop")
        assert sandbox.active(terminal) == sandbox.environment("other")
        terminal.type("PATH=/usr/bin:/bin" if sandbox.shell.name != "fish" else "set PATH /usr/bin /bin")
        assert sandbox.active(terminal) == sandbox.environment("other"), "what is in memory is"


def test_line_34_unloading(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        assert terminal.type("envmgr unload") == ""
        assert sandbox.path_entries(terminal) == ["/usr/bin", "/bin"]
        assert sandbox.variables(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": "unset"}
        listing = {"bash": "declare -F; set", "zsh": "functions; set", "fish": "functions -a; set -n"}[
            sandbox.shell.name
        ]
        shown = terminal.type(listing)
        assert not [line for line in shown.splitlines() if "_envmgr" in line and not line.startswith("_=")]
        assert sandbox.cd(terminal, "spelled") == ""


def test_line_34_one_shells_version(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        assert terminal.type("envmgr shell 3.11") == ""
        assert sandbox.active(terminal) == sandbox.environment("other")
        assert terminal.type("envmgr shell") == "3.11\n"
        assert terminal.type("envmgr shell --unset") == ""
        assert sandbox.active(terminal) == sandbox.environment("shop")
        terminal.type("envmgr shell -")
        assert sandbox.active(terminal) == sandbox.environment("other")
        assert "3.99" in terminal.type("envmgr shell 3.99")
        assert sandbox.active(terminal) == sandbox.environment("other")


NEWER_THAN_BASH_32 = re.compile(
    r"\$\{\w+@|EPOCH|\bdeclare -g|\blocal -n|\[\[ -v|&>>|\|&|;;&|\$\{\w+(,,|\^\^)"
    r"|\bmapfile\b|\breadarray\b|\bcoproc\b|\{fd\}"
)


@pytest.mark.parametrize("sandbox", ["bash"], indirect=True)
@pytest.mark.parametrize("file", ["hook.bash", "hook-more.bash"])
def test_line_35_bash_32_can_read_the_hook(sandbox: ShellSandbox, file: str) -> None:
    text = (sandbox.prepared.home.shell / file).read_text()
    assert not NEWER_THAN_BASH_32.search(text)
    assert subprocess.run(["bash", "-n"], input=text.encode(), check=False).returncode == 0
