"""The behaviours that docs/explanation/activation.md lists, by line, typed into real shells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
from shell_desk import Desk, forks, furnished
from terminal import SHELLS

from envmgr.environments import record
from envmgr.shell import shells


@pytest.fixture(params=["bash", "zsh", "fish"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return furnished(str(request.param), tmp_path)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that envmgr did not make."""
    path = tmp_path_factory.mktemp("foreign") / "theirs"
    venv.create(path, symlinks=True)
    return path


def test_line_01_idle_prompts_start_no_process(desk: Desk) -> None:
    inside = [f"cd {desk.path('shop/src/deep')}", "", "true", "true"]
    assert forks(desk, ["", "true", "true"]) == 0
    assert forks(desk, inside) == 0


def test_line_02_known_projects_start_no_process(desk: Desk) -> None:
    tour = [f"cd {desk.path(name)}" for name in ("shop", "spelled", "shop/inner", "shop", "none", "shop", "none")]
    assert forks(desk, tour) == 0


def test_line_02_a_first_seen_project_costs_one_call(desk: Desk) -> None:
    assert forks(desk, [f"cd {desk.path('prefix')}", "true", ""]) == 1


def test_line_03_leaving_restores_the_environment(desk: Desk) -> None:
    with desk.open() as terminal:
        names = terminal.type("set | sort" if desk.shell.name != "fish" else "set -n | sort")
        before = terminal.type("env | sort")
        desk.cd(terminal, "shop")
        assert desk.active(terminal) == desk.env("shop")
        desk.cd(terminal, "none")
        after = terminal.type("env | sort")
        keep = re.compile(
            r"^(_|OLDPWD|dirprev\w*|SHLVL|PIPESTATUS|pipestatus|RANDOM|_envmgr\w*|__fish\w*)=?.*\n", re.MULTILINE
        )
        assert keep.sub("", after) == keep.sub("", before)
        now = terminal.type("set | sort" if desk.shell.name != "fish" else "set -n | sort")
        fresh = {line.split("=")[0] for line in now.splitlines()} - {line.split("=")[0] for line in names.splitlines()}
        assert not {name for name in fresh if "VIRTUAL" in name or name == "deactivate"}


@pytest.mark.parametrize("value", ["/usr", "''"])
def test_line_03_and_26_pythonhome_comes_back(desk: Desk, value: str) -> None:
    with desk.open() as terminal:
        terminal.set("PYTHONHOME", value)
        terminal.set("PYTHONPATH", "/mine")
        desk.cd(terminal, "shop")
        told = desk.tell(terminal, "PYTHONHOME", "PYTHONPATH")
        assert told == {"PYTHONHOME": "unset", "PYTHONPATH": "/mine"}
        desk.cd(terminal, "none")
        assert desk.tell(terminal, "PYTHONHOME") == {"PYTHONHOME": value.strip("'")}


def test_line_04_path_edits_survive(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        terminal.prepend("/opt/first")
        terminal.append("/opt/last")
        desk.cd(terminal, "none")
        assert desk.entries(terminal) == ["/opt/first", desk.shims, "/usr/bin", "/bin", "/opt/last"]


def test_line_04_a_duplicate_of_the_users_stays(desk: Desk) -> None:
    ours = desk.env("shop") + "/bin"
    with desk.open() as terminal:
        terminal.append(shells.shell_named(desk.shell.name).quoted(ours))
        desk.cd(terminal, "shop")
        assert desk.entries(terminal).count(ours) == 2
        desk.cd(terminal, "none")
        assert desk.entries(terminal)[-1] == ours
        assert desk.entries(terminal).count(ours) == 1


def test_line_05_the_users_order_stays(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        terminal.prepend("/opt/first")
        terminal.type("true")
        ours = desk.env("shop") + "/bin"
        assert desk.entries(terminal)[:2] == ["/opt/first", ours]
        desk.cd(terminal, "shop/src/deep")
        assert desk.entries(terminal)[:2] == ["/opt/first", ours], "the same activation"
        desk.cd(terminal, "spelled")
        assert desk.entries(terminal)[:2] == [desk.env("spelled") + "/bin", "/opt/first"], "a new one"


def test_line_06_a_path_that_was_reset_is_repaired(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        terminal.type("set -gx PATH /usr/bin /bin" if desk.shell.name == "fish" else "PATH=/usr/bin:/bin")
        assert desk.active(terminal) == desk.env("shop")
        assert desk.entries(terminal)[0] == desk.env("shop") + "/bin"
        terminal.unset("VIRTUAL_ENV")
        assert desk.active(terminal) == desk.env("shop")


def test_line_07_a_venv_activated_by_hand_is_the_users(desk: Desk, foreign: Path) -> None:
    with desk.open("shop") as terminal:
        terminal.activate(foreign)
        assert desk.active(terminal) == str(foreign)
        for where in ("shop/src", "spelled", "none"):
            desk.cd(terminal, where)
            assert desk.active(terminal) == str(foreign)
            assert not any("/envs/" in entry for entry in desk.entries(terminal))
        desk.cd(terminal, "spelled")
        terminal.type("deactivate")
        assert desk.active(terminal) == desk.env("spelled"), "handed back, in the project we are in by then"
        desk.cd(terminal, "none")
        assert desk.active(terminal) == "unset"
        assert desk.entries(terminal) == [desk.shims, "/usr/bin", "/bin"]


def test_line_07_one_activated_before_is_left_alone(desk: Desk, foreign: Path) -> None:
    with desk.open() as terminal:
        terminal.activate(foreign)
        desk.cd(terminal, "shop")
        assert desk.active(terminal) == str(foreign)
        terminal.type("deactivate")
        assert desk.active(terminal) == desk.env("shop")


@pytest.mark.parametrize("command", ["deactivate", "envmgr deactivate"])
def test_line_08_deactivate_stays_off_until_one_leaves(desk: Desk, command: str) -> None:
    with desk.open("shop") as terminal:
        assert terminal.type(command) == ""
        for where in ("shop", "shop/src/deep", "shop"):
            desk.cd(terminal, where)
            assert desk.active(terminal) == "unset"
        assert terminal.type("envmgr activate") == ""
        assert desk.active(terminal) == desk.env("shop")
        terminal.type(command)
        desk.cd(terminal, "none")
        desk.cd(terminal, "shop")
        assert desk.active(terminal) == desk.env("shop")


def test_line_09_nested_and_sibling_projects(desk: Desk) -> None:
    with desk.open() as terminal:
        for where, name in (("shop", "shop"), ("shop/inner", "inner"), ("shop", "shop"), ("spelled", "spelled")):
            assert desk.cd(terminal, where) == ""
            assert desk.active(terminal) == desk.env(name)


def test_line_10_whatever_way_one_gets_there(desk: Desk) -> None:
    shop, spelled = desk.env("shop") + "/bin/python", desk.env("spelled") + "/bin/python"
    with desk.open() as terminal:
        here = desk.path("shop")
        assert terminal.type(f"cd {here} && python") == shop
        desk.cd(terminal, "none")
        assert terminal.type(f"sh -c 'cd {here}; python'") == shop
        if desk.shell.name != "fish":
            assert terminal.type(f"(cd {here}; python)") == shop
        terminal.type(f"pushd {here} >/dev/null")
        assert terminal.type("python") == shop
        terminal.type("popd >/dev/null")
        assert desk.active(terminal) == "unset"
        terminal.type(f"cd {here}")
        terminal.type(f"cd {desk.path('spelled')}")
        assert terminal.type("python") == spelled
        terminal.type("cd - >/dev/null")
        assert terminal.type("python") == shop
        if desk.shell.name == "zsh":
            terminal.type(f"cd -q {desk.path('spelled')}")
            assert terminal.type("python") == spelled


@pytest.mark.parametrize("desk", ["bash", "zsh"], indirect=True)
def test_line_10_autocd_and_cdpath(desk: Desk) -> None:
    with desk.open("none", rc="shopt -s autocd" if desk.shell.name == "bash" else "setopt autocd") as terminal:
        terminal.type(f"{desk.path('shop')}/")
        assert desk.active(terminal) == desk.env("shop")
        terminal.type(f"CDPATH={desk.scene.root}")
        terminal.type("cd spelled")
        assert desk.active(terminal) == desk.env("spelled")


KEYS = {  # what a key is bound to, and the key; in fish it is alt-right, which goes back to where one was
    "bash": ("bind -x '\"\\eu\": cd {}'", "\x1bu"),
    "zsh": ("go() {{ cd {}; zle reset-prompt }}; zle -N go; bindkey '\\eu' go", "\x1bu"),
    "fish": ("cd {}; cd -", "\x1b[1;3C"),
}


def test_line_10_a_key_that_changes_directory(desk: Desk) -> None:
    line, key = KEYS[desk.shell.name]
    with desk.open() as terminal:
        terminal.type(line.format(desk.path("shop")))
        assert desk.active(terminal) == "unset"
        terminal.press(key)
        assert terminal.type("python") == desk.env("shop") + "/bin/python", "without a prompt between"
        assert desk.active(terminal) == desk.env("shop")


def test_line_11_a_script_that_changes_directory_keeps_the_active_environment(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        told = terminal.type(f"sh -c 'cd {desk.path('spelled')}; python'")
        assert told == desk.env("shop") + "/bin/python"


def test_line_12_status_and_last_argument_stay(desk: Desk) -> None:
    pipeline = "false | true | false"
    with desk.open("shop", rc="PROMPT_COMMAND='true'" if desk.shell.name == "bash" else "") as terminal:
        assert terminal.type("echo one two") == "one two\n"
        if desk.shell.name != "fish":
            assert terminal.type('echo "$_"') == "two\n"
        terminal.type("false")
        assert terminal.type("echo $status" if desk.shell.name == "fish" else "echo $?") == "1\n"
        terminal.type(pipeline)
        assert terminal.type({"bash": 'echo "${PIPESTATUS[@]}"'}.get(desk.shell.name, "echo $pipestatus")) == "1 0 1\n"


@pytest.mark.parametrize("desk", ["bash", "zsh"], indirect=True)
def test_line_12_later_prompt_hooks_see_the_status(desk: Desk) -> None:
    hook = {
        "bash": "later() { seen=\"$?:${PIPESTATUS[*]}\"; }; PROMPT_COMMAND='later'",
        "zsh": 'later() { seen="$?:$pipestatus" }; precmd_functions=(later)',
    }[desk.shell.name]
    with desk.open("shop", rc=hook) as terminal:
        terminal.type("false | true | false")
        assert terminal.type("echo $seen") == "1:1 0 1\n"


@pytest.mark.parametrize("desk", ["bash", "zsh"], indirect=True)
def test_line_12_matches_stay(desk: Desk) -> None:
    match, show = {
        "bash": ("[[ abc =~ b(c) ]]", 'echo "${BASH_REMATCH[1]} $REPLY"'),
        "zsh": ("[[ abc = (#b)*b(*) ]]", 'echo "$match[1] $REPLY"'),
    }[desk.shell.name]
    with desk.open(rc="setopt extendedglob" if desk.shell.name == "zsh" else "") as terminal:
        terminal.type(f"{match}; REPLY=mine")
        desk.cd(terminal, "shop")
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
    ("desk", "option"), [(shell, option) for shell in OPTIONS for option in OPTIONS[shell]], indirect=["desk"]
)
def test_line_13_options_and_traps(desk: Desk, option: str) -> None:
    with desk.open() as terminal:
        terminal.type(option)
        for where, name in (("shop", "shop"), ("shop/inner", "inner"), ("spelled", "spelled"), ("none", None)):
            assert desk.cd(terminal, where) == ""
            assert desk.active(terminal) == (desk.env(name) if name else "unset")
            assert terminal.type("") == ""
        assert desk.cd(terminal, "shop") == ""
        for verb, name in (("deactivate", None), ("activate", "shop")):  # from the second file
            assert terminal.type(f"envmgr {verb}") == ""
            assert desk.active(terminal) == (desk.env(name) if name else "unset")
        assert desk.cd(terminal, "own") == ""
        assert desk.cd(terminal, "none") == ""
        terminal.type({"fish": "set -e IFS"}.get(desk.shell.name, "IFS=' '"))
        assert desk.cd(terminal, "shop") == ""


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


def test_line_14_aliases_and_functions_named_like_builtins(desk: Desk) -> None:
    if desk.shell.name == "fish":
        rc = "\n".join(f"function {name}; echo ours; end" for name in ("pushd", "prompt", "hash"))
    else:
        rc = "\n".join(f"{name}() {{ echo function; }}" for name in ("read", "printf", "type", "unset", "export"))
        rc += "".join(f"\nalias {name}='echo aliased #'" for name in NAMES)
    with desk.open(rc=rc) as terminal:
        assert terminal.first == ""
        for where, name in (("shop", "shop"), ("spelled", "spelled"), ("none", None)):
            assert desk.cd(terminal, where) == ""
            assert desk.active(terminal) == (desk.env(name) if name else "unset")
        assert desk.cd(terminal, "shop") == ""
        for verb, name in (("deactivate", None), ("activate", "shop")):  # from the second file
            assert terminal.type(f"envmgr {verb}") == ""
            assert desk.active(terminal) == (desk.env(name) if name else "unset")


COMMANDS = [
    "unset PROMPT_COMMAND", "PROMPT_COMMAND=", "PROMPT_COMMAND='seen=1'", "PROMPT_COMMAND='seen=1;'",
    "PROMPT_COMMAND=$'seen=1\\n'", "PROMPT_COMMAND=('seen=1' 'more=1')", "export PROMPT_COMMAND='seen=1'",
    "readonly PROMPT_COMMAND='seen=1'", "PROMPT_COMMAND='  seen=1  '",
]  # fmt: skip


@pytest.mark.parametrize("desk", ["bash"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_line_15_every_form_of_prompt_command(desk: Desk, command: str) -> None:
    with desk.open("shop", rc=command, after=desk.line) as terminal:
        assert terminal.first == ""
        kept = terminal.type('echo "${PROMPT_COMMAND[@]}"')
        assert kept.count("_envmgr_prompt") == (0 if "readonly" in command else 1), "sourced twice, registered once"
        if "readonly" not in command:
            assert desk.active(terminal) == desk.env("shop")
        if "seen" in command:
            assert terminal.type("echo $seen") == "1\n"
        assert terminal.type("bash --norc -ic true") == "", "nothing of ours is exported"


@pytest.mark.parametrize("desk", ["bash"], indirect=True)
def test_line_15_a_prompt_command_that_others_wrap(desk: Desk) -> None:
    wrap = 'original=("${PROMPT_COMMAND[@]}"); wrapped() { local c; for c in "${original[@]}"; do eval "$c"; done; }'
    with desk.open(after=f"{wrap}; unset PROMPT_COMMAND; PROMPT_COMMAND=wrapped") as terminal:
        desk.cd(terminal, "shop")
        assert desk.active(terminal) == desk.env("shop")


@pytest.mark.parametrize("desk", ["zsh", "fish"], indirect=True)
def test_line_15_sourced_twice_registered_once(desk: Desk) -> None:
    count = {
        "zsh": "echo ${(M)#precmd_functions:#_envmgr*} ${(M)#chpwd_functions:#_envmgr*}",
        "fish": "functions --handlers-type event | string match -r _envmgr | count; echo",
    }[desk.shell.name]
    with desk.open("shop") as terminal:
        once = terminal.type(count)
    with desk.open("shop", after=desk.line) as terminal:
        assert terminal.type(count) == once
        assert desk.active(terminal) == desk.env("shop")
        terminal.type(desk.line)
        assert desk.active(terminal) == desk.env("shop"), "sourced by hand while active"
        desk.cd(terminal, "none")
        assert desk.entries(terminal) == [desk.shims, "/usr/bin", "/bin"]


def test_line_16_prompts_are_drawn_after_us(desk: Desk) -> None:
    builder = {
        "bash": "draw() { drawn=$VIRTUAL_ENV; }; PROMPT_COMMAND=draw",
        "zsh": "draw() { drawn=$VIRTUAL_ENV }; precmd_functions=(draw)",
        "fish": "functions -c fish_prompt plain; function fish_prompt; set -g drawn $VIRTUAL_ENV; plain; end",
    }[desk.shell.name]
    with desk.open(rc=builder) as terminal:
        for name in ("shop", "spelled"):
            desk.cd(terminal, name)
            assert terminal.type("echo $drawn") == desk.env(name) + "\n"


def test_line_17_the_first_prompt_in_a_project(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        assert terminal.first == ""
        assert desk.active(terminal) == desk.env("shop")
    done = subprocess.run(
        [*desk.shell.argv[:-1], "-ic", "python"],
        env=desk.environ,
        cwd=desk.path("shop"),
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode() == desk.env("shop") + "/bin/python"


def test_line_18_nested_shells_derive_their_state_anew(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        for inner in ("bash", "zsh", "fish"):
            file = Path(desk.environ["HOME"]) / SHELLS[inner].rc
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SHELLS[inner].quiet + shells.shell_named(inner).line(desk.scene.home) + "\n")
            terminal.shell = SHELLS[inner]
            terminal.type(" ".join(terminal.shell.argv))
            assert desk.active(terminal) == desk.env("shop")
            desk.cd(terminal, "spelled")
            assert desk.active(terminal) == desk.env("spelled")
            desk.cd(terminal, "none")
            assert desk.active(terminal) == "unset"
            assert desk.entries(terminal).count(desk.shims) == 1
            terminal.shell = desk.shell
            terminal.type("exit")
            assert desk.active(terminal) == desk.env("shop")


def test_line_18_an_inherited_variable_is_not_believed(desk: Desk) -> None:
    inherited = {"VIRTUAL_ENV": desk.env("shop"), "PATH": f"/usr/bin:/bin:{desk.env('shop')}/bin:{desk.shims}"}
    desk.environ.update(inherited)
    with desk.open("shop") as terminal:
        assert desk.active(terminal) == desk.env("shop")
        assert desk.entries(terminal)[:2] == [desk.env("shop") + "/bin", desk.shims], "a login shell had moved them"
    with desk.open("none") as terminal:
        assert desk.active(terminal) == "unset"


def test_line_19_tmux_windows(desk: Desk) -> None:
    log = desk.path("told")
    socket = ("tmux", "-L", f"envmgr-{os.getpid()}-{desk.shell.name}", "-f", "/dev/null")
    with desk.open("shop") as terminal:
        shell = " ".join(desk.shell.argv)
        window = f"new-session -d -x 200 -y 50 -c {desk.path('spelled')} '{shell}'"
        terminal.type(f"{' '.join(socket)} {window}")
        try:
            terminal.type(
                f"{' '.join(socket)} send-keys '{desk.scene.root.parent}/tell VIRTUAL_ENV PATH >{log}.new' Enter"
            )
            terminal.type(f"{' '.join(socket)} send-keys 'mv {log}.new {log}' Enter")
            terminal.type(f"sh -c 'until test -s {log}; do sleep 0.05; done'")
        finally:
            terminal.type(f"{' '.join(socket)} kill-server")
    told = dict(line.split("=", 1) for line in log.read_text().splitlines())
    assert told["VIRTUAL_ENV"] == desk.env("spelled")
    assert told["PATH"].split(":").count(desk.env("shop") + "/bin") == 0


def test_line_20_edits_are_seen_whatever_their_time(desk: Desk) -> None:
    file = desk.path("shop/.python-version")
    status = file.stat()
    with desk.open("shop") as terminal:
        file.write_text("3.11\n")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert desk.active(terminal) == desk.env("shop")  # the prompt before this line did not know yet
        assert desk.active(terminal) == desk.env("other")
        nearer = desk.path("shop/src/.python-version")
        desk.cd(terminal, "shop/src")
        nearer.write_text("system\n")
        terminal.type("")
        assert desk.active(terminal) == "unset"
        nearer.unlink()
        terminal.type("")
        assert desk.active(terminal) == desk.env("other")
        file.unlink()
        file.symlink_to(desk.path("prefix/.python-version"))
        terminal.type("")
        assert desk.active(terminal) == desk.env("shop")


def test_line_20_what_another_terminal_puts_on_record_is_seen(desk: Desk) -> None:
    words = record.record_file(desk.scene.home, desk.path("shop"), "3.12.7")
    desk.path("shop/.python-version").write_text("3.12.7\n")
    with desk.open("shop") as terminal:
        assert "`envmgr use`" in terminal.first
        assert terminal.type("") == "", "told once"
        for name in ("shop", "other"):  # made, then under the same pin another one
            words.write_text(f"{Path(desk.env(name)).relative_to(desk.scene.home.root)}\n")
            assert terminal.type("") == ""
            assert desk.active(terminal) == desk.env(name)
        words.unlink()
        assert terminal.type("") == "", "told before"
        assert desk.active(terminal) == "unset"


def test_line_21_an_environment_that_vanishes_is_dropped_with_one_line(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        shutil.rmtree(desk.env("shop"))
        said = terminal.type("") + terminal.type("") + terminal.type("true")
        assert said.count("\n") == 1
        assert "no longer works" in said
        assert desk.active(terminal) == "unset"


def test_line_22_odd_directories(desk: Desk) -> None:
    doomed = desk.path("shop/doomed")
    doomed.mkdir()
    with desk.open("shop") as terminal:
        desk.cd(terminal, "shop/doomed")
        shutil.rmtree(doomed)
        assert terminal.type("") == ""
        assert terminal.type("true") == ""
        terminal.type("cd / 2>/dev/null")
        assert desk.active(terminal) == "unset"
        if desk.shell.name == "bash":
            terminal.type("cd //usr")
            assert desk.active(terminal) == "unset"
        assert desk.cd(terminal, "outer/fifo") != "hung"
        long = desk.path("shop") / "/".join(["d" * 100] * 36)
        long.mkdir(parents=True)
        terminal.type(f"cd {long}")
        assert desk.active(terminal) == desk.env("shop")


@pytest.mark.parametrize("desk", ["bash", "zsh"], indirect=True)
@pytest.mark.parametrize("change", ["unset PWD", "readonly PWD", "PWD=/nowhere"])
def test_line_22_a_broken_pwd_is_no_error(desk: Desk, change: str) -> None:
    with desk.open("shop") as terminal:
        terminal.type(change)
        assert terminal.type("") == ""
        assert terminal.type("true") == ""


def test_line_23_a_project_entered_through_a_link(desk: Desk) -> None:
    with desk.open() as terminal:
        assert desk.cd(terminal, "linked") == "", "the record is found, nothing is said"
        assert desk.active(terminal) == desk.env("shop")
        desk.cd(terminal, "none")
        assert forks(desk, [f"cd {desk.path('linked')}", f"cd {desk.path('shop')}"]) == 0, "and put on record"


def test_line_24_hostile_names(desk: Desk) -> None:
    for name in ("$(touch pwned)", "`touch pwned`", "%F{red}", "\\w", "\x1b]0;x\x07", "a\nb", "-n", "[x]*?"):
        hostile = desk.path("hostile") / name
        with desk.open(f"hostile/{name}", after="true") as terminal:
            assert terminal.first == ""
            told = desk.tell(terminal, "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT")
            assert Path(told["VIRTUAL_ENV"]).parent == record.environments_folder(desk.scene.home, hostile)
            assert re.fullmatch(r"[A-Za-z0-9._+-]+", told["VIRTUAL_ENV_PROMPT"])
    assert not list(desk.scene.root.rglob("pwned"))


def test_line_24_errors_show_no_control_bytes(desk: Desk) -> None:
    hostile = desk.path("\x1b]0;x\x07 $(touch pwned)")
    hostile.mkdir()
    (hostile / ".python-version").write_bytes(b"3.12\x1b[31m\n")
    with desk.open(hostile.name) as terminal:
        assert ".python-version:1: not a version request" in terminal.first
        assert "\x07" not in terminal.first
    assert not list(desk.scene.root.rglob("pwned"))


@pytest.mark.parametrize("words", ["!", "(", ")", "-n", "-a !", "] [", "=~", "a" * 100_000, "# " + "a" * 100_000])
def test_line_24_words_that_are_operators_elsewhere(desk: Desk, words: str) -> None:
    desk.path("prefix/.python-version").write_text(f"{words}\n")
    with desk.open() as terminal:
        said = [*desk.cd(terminal, "prefix").splitlines(), *terminal.type("").splitlines()]
        assert not [line for line in said if not line.startswith(("envmgr: ", "  "))]
        assert desk.active(terminal) == "unset"


def test_line_25_the_prompt_is_left_alone(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        assert desk.tell(terminal, "VIRTUAL_ENV_PROMPT") == {"VIRTUAL_ENV_PROMPT": "shop"}
        assert desk.tell(terminal, "PS1") == {"PS1": "unset"}, "not exported"
        if desk.shell.name != "fish":
            assert terminal.type("echo $PS1").strip() == f"{desk.shell.name}>"


def test_line_26_remembered_places_are_forgotten(desk: Desk) -> None:
    with desk.open() as terminal:
        terminal.type("python >/dev/null")
        for name in ("shop", "spelled"):
            desk.cd(terminal, name)
            assert terminal.type("python") == desk.env(name) + "/bin/python"
        if desk.shell.name == "bash":
            assert terminal.type("type -p python") == desk.env("spelled") + "/bin/python\n"


def test_line_27_a_foreign_venv_gets_one_note_per_visit(desk: Desk, foreign: Path) -> None:
    desk.path("prefix/.venv").symlink_to(foreign)
    with desk.open() as terminal:
        for _ in range(2):
            said = desk.cd(terminal, "prefix")
            assert "envmgr allow" in said
            assert said.count("\n") == 1
            assert terminal.type("") == ""
            assert desk.active(terminal) == "unset"
            desk.cd(terminal, "none")


def test_line_28_nothing_of_a_project_is_imported(desk: Desk) -> None:
    for name in ("re", "platform", "sitecustomize", "usercustomize", "envmgr", "click"):
        desk.path(f"prefix/{name}.py").write_text("open('pwned', 'w')\n")
    desk.environ["PYTHONPATH"] = str(desk.path("prefix"))
    with desk.open("prefix") as terminal:
        assert "`envmgr use`" in terminal.first
        terminal.type("pip9")
    assert not list(desk.scene.root.rglob("pwned"))


def test_line_29_sourcing_without_a_person_does_nothing(desk: Desk) -> None:
    show = {"fish": "set -n; functions -an", "zsh": "typeset +; functions +"}.get(
        desk.shell.name, "compgen -v; compgen -A function"
    )
    plain, sourced = (
        subprocess.run(
            [desk.shell.argv[0], "-c", f"{line}\n{show}\nprintenv"],
            env=desk.environ,
            cwd=desk.path("shop"),
            capture_output=True,
            check=True,
        )
        for line in ("true", desk.line)
    )
    assert sourced.stdout == plain.stdout
    assert sourced.stderr == plain.stderr == b""


def test_line_30_our_environment_activated_again_by_an_editor(desk: Desk, foreign: Path) -> None:
    """VS Code sources the activate script of `.venv` in its terminals, before or after the first prompt."""
    script = Path(desk.env("shop")) / "bin" / desk.shell.activate
    theirs = (
        (foreign / "bin" / desk.shell.activate).read_text().replace(str(foreign), desk.env("shop").replace("$", "\\$"))
    )
    script.write_text(
        theirs.replace(
            "'" + desk.env("shop").replace("$", "\\$") + "'", '"' + desk.env("shop").replace("$", "\\$") + '"'
        )
    )
    with desk.open("shop") as terminal:
        terminal.type(desk.shell.source.format(value=shells.shell_named(desk.shell.name).quoted(str(script))))
        assert desk.active(terminal) == desk.env("shop")
        terminal.type("deactivate")
        assert desk.active(terminal) == desk.env("shop")
        desk.cd(terminal, "none")
        assert desk.active(terminal) == "unset"


@pytest.mark.parametrize("order", ["first", "last"])
def test_line_31_direnv_in_either_order(desk: Desk, order: str) -> None:
    hook = {"fish": "direnv hook fish | source"}.get(desk.shell.name, f'eval "$(direnv hook {desk.shell.name})"')
    for name in ("shop", "none"):
        desk.path(f"{name}/.envrc").write_text(f"export WHERE={name}\nPATH_add bin\n")
    desk.environ["DIRENV_LOG_FORMAT"] = ""
    with desk.open(
        "outer/deep", rc=hook if order == "first" else "", after="" if order == "first" else hook
    ) as terminal:
        for name in ("shop", "none"):
            terminal.type(f"direnv allow {desk.path(name)}")
        for where in ("shop", "none", "shop", "spelled", "shop", "outer/deep"):
            desk.cd(terminal, where)
            terminal.type("")
            told = [desk.tell(terminal, "PATH", "VIRTUAL_ENV", "WHERE") for _ in range(2)]
            assert told[0] == told[1]
            assert told[0]["VIRTUAL_ENV"] == (desk.env(where) if where in {"shop", "spelled"} else "unset")
            assert desk.active(terminal) == told[0]["VIRTUAL_ENV"]


def test_line_32_interrupting_leaves_a_whole_state(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        terminal.interrupt("echo half")
        assert desk.active(terminal).endswith(desk.env("shop"))
        terminal.type("sleep 0.01 &")
        assert desk.cd(terminal, "spelled").count("_envmgr") == 0


def test_line_33_subshells_do_not_activate(desk: Desk) -> None:
    inner = f"(cd {desk.path('shop')}; echo done)"
    with desk.open() as terminal:
        assert terminal.type(f"echo {inner}" if desk.shell.name == "fish" else f'echo "${inner}"') == "done\n"
        # in fish this is no subshell: the directory has changed
        assert desk.active(terminal) == (desk.env("shop") if desk.shell.name == "fish" else "unset")
    started = forks(desk, [f"echo {inner}" if desk.shell.name == "fish" else f'echo "${inner}"'])
    assert started <= 1


def test_line_34_the_switch_in_one_shell(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        terminal.set("ENVMGR_HOOK", "off")
        assert desk.active(terminal) == "unset"
        terminal.unset("ENVMGR_HOOK")
        assert desk.active(terminal) == desk.env("shop")
    desk.environ["ENVMGR_HOOK"] = "off"
    with desk.open("prefix") as terminal:
        assert terminal.first == ""


def test_line_34_looking_on_cd_only(desk: Desk) -> None:
    desk.environ["ENVMGR_HOOK"] = "cd"
    with desk.open("shop") as terminal:
        assert desk.active(terminal) == desk.env("shop")
        desk.path("shop/.python-version").write_text("3.11\n")
        terminal.type("")
        assert desk.active(terminal) == desk.env("shop"), "the file is not looked at"
        desk.cd(terminal, "none")
        desk.cd(terminal, "shop")
        assert desk.active(terminal) == desk.env("other")
        terminal.type("PATH=/usr/bin:/bin" if desk.shell.name != "fish" else "set PATH /usr/bin /bin")
        assert desk.active(terminal) == desk.env("other"), "what is in memory is"


def test_line_34_unloading(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        assert terminal.type("envmgr unload") == ""
        assert desk.entries(terminal) == ["/usr/bin", "/bin"]
        assert desk.tell(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": "unset"}
        listing = {"bash": "declare -F; set", "zsh": "functions; set", "fish": "functions -a; set -n"}[desk.shell.name]
        shown = terminal.type(listing)
        assert not [line for line in shown.splitlines() if "_envmgr" in line and not line.startswith("_=")]
        assert desk.cd(terminal, "spelled") == ""


def test_line_34_one_shells_version(desk: Desk) -> None:
    with desk.open("shop") as terminal:
        assert terminal.type("envmgr shell 3.11") == ""
        assert desk.active(terminal) == desk.env("other")
        assert terminal.type("envmgr shell") == "3.11\n"
        assert terminal.type("envmgr shell --unset") == ""
        assert desk.active(terminal) == desk.env("shop")
        terminal.type("envmgr shell -")
        assert desk.active(terminal) == desk.env("other")
        assert "3.99" in terminal.type("envmgr shell 3.99")
        assert desk.active(terminal) == desk.env("other")


NEWER_THAN_BASH_32 = re.compile(
    r"\$\{\w+@|EPOCH|\bdeclare -g|\blocal -n|\[\[ -v|&>>|\|&|;;&|\$\{\w+(,,|\^\^)"
    r"|\bmapfile\b|\breadarray\b|\bcoproc\b|\{fd\}"
)


@pytest.mark.parametrize("desk", ["bash"], indirect=True)
@pytest.mark.parametrize("file", ["hook.bash", "hook-more.bash"])
def test_line_35_bash_32_can_read_the_hook(desk: Desk, file: str) -> None:
    text = (desk.scene.home.shell / file).read_text()
    assert not NEWER_THAN_BASH_32.search(text)
    assert subprocess.run(["bash", "-n"], input=text.encode(), check=False).returncode == 0
