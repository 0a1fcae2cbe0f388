"""The hooks of the other shells, typed into on a pty: in, out, and nothing of the user's lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prepared_projects import prepare_project
from pty_shell import PtyShell

from envmgr.host.paths import Home
from envmgr.shell import setup as rc
from envmgr.shell import shells, shims


@dataclass(frozen=True)
class Words:
    """How a shell says what differs: put a directory in front of PATH, set PATH, set and unset a variable, quote."""

    prepend: str
    path: str
    set: str
    unset: str
    status: str = "$?"


POSIX = Words("export PATH={}:$PATH", "export PATH={}", "export {}={}", "unset {}")
# no Debian package; scripts/test takes it from npm where that is there
NU = Words("$env.PATH = ($env.PATH | prepend {})", "$env.PATH = '{}'", "$env.{} = '{}'", "hide-env {}", "")
SHELLS = {
    "ksh": POSIX,
    "mksh": POSIX,
    "tcsh": Words('setenv PATH {}:"$PATH"', "setenv PATH {}", "setenv {} {}", "unsetenv {}", "$status"),
    "elvish": Words("set paths = [{} $@paths]", "set-env PATH {}", "set-env {} {}", "unset-env {}", ""),
    **({"nu": NU} if "ENVMGR_TEST_NU" in os.environ else {}),
    "xonsh": Words("$PATH.insert(0, '{}')", "$PATH = '{}'.split(':')", "${} = '{}'", "del ${}", ""),
}


@dataclass
class Place:
    """A running shell in `root`, its words, and the environments of the projects in there."""

    name: str
    shell: PtyShell
    words: Words
    home: Home
    root: Path
    envs: dict[str, Path]

    def active(self, told: dict[str, str]) -> str | None:
        """Return the project whose environment is active, None for no environment; PATH and variable must agree."""
        first = told["PATH"].split(":")[0]
        for name, environment in self.envs.items():
            if told.get("VIRTUAL_ENV") == str(environment):
                assert told["PATH"].split(":").count(f"{environment}/bin") == 1
                assert first == f"{environment}/bin" or first.startswith("/opt")
                return name
        assert "VIRTUAL_ENV" not in told
        assert not any(entry.startswith(f"{self.home.envs}/") for entry in told["PATH"].split(":"))
        return None


HOSTILE = "$(touch pwned)/`touch pwned`; '\" \\/-n %F{red} \\w [x]*? ~ é/\x1b]0;x\x07"


@pytest.mark.parametrize("name", SHELLS)
def test_a_project_whose_path_is_hostile(name: str, tmp_path: Path, environ: dict[str, str]) -> None:
    home, dialect = Home(tmp_path / "store"), shells.shell_named(name)
    shims.refresh(home)
    environ["ENVMGR_HOME"] = str(home.root)
    environ["PATH"] += f":{os.environ.get('ENVMGR_TEST_NU', '/')}"
    for file in dialect.select_files(dialect.rc_files(environ)):
        rc.write(rc.plan_addition(file, dialect.line(home)))
    project = tmp_path / (HOSTILE.rpartition("/")[0] if name == "nu" else HOSTILE)  # it takes escapes out of paths
    environment = prepare_project(home, project)
    with PtyShell([name], cwd=project, environ=environ) as shell:
        assert shell.variables()["VIRTUAL_ENV"] == str(environment)
        assert "VIRTUAL_ENV" not in shell.variables_after(f"cd {tmp_path}")
    assert not list(tmp_path.rglob("pwned"))


@pytest.fixture(params=SHELLS)
def place(request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str]) -> Iterator[Place]:
    name = str(request.param)
    home, dialect = Home(tmp_path / "the store's `own`"), shells.shell_named(name)
    shims.refresh(home)
    environ["ENVMGR_HOME"] = str(home.root)
    environ["PATH"] += f":{os.environ.get('ENVMGR_TEST_NU', '/')}"
    for file in dialect.select_files(dialect.rc_files(environ)):
        rc.write(rc.plan_addition(file, dialect.line(home)))
    names = {"shop": "3.12", "shop/inner": "3.11 3.9", "other": ">=3.11,<3.13"}
    envs = {project: prepare_project(home, tmp_path / project, words) for project, words in names.items()}
    envs["odd"] = prepare_project(home, tmp_path / "it's $(touch pwned) `touch pwned`; \\ *", entered=tmp_path / "odd")
    with PtyShell([name], cwd=tmp_path, environ=environ) as shell:
        yield Place(name, shell, SHELLS[name], home, tmp_path, envs)
    assert not (tmp_path / "pwned").exists()


def test_in_and_out(place: Place) -> None:
    before = place.shell.variables()
    seen = [
        place.active(place.shell.variables_after(f"cd {step}"))
        for step in ("shop", "inner", "..", "../other", "../odd", "..")
    ]
    assert seen == ["shop", "shop/inner", "shop", "other", "odd", None]
    after = place.shell.variables()
    ours = {"PWD", "OLDPWD", "?", "_", "SHLVL", "CMD_DURATION_MS"}
    assert {key: after[key] for key in after.keys() - ours} == {key: before[key] for key in before.keys() - ours}


@pytest.mark.parametrize("directory", ["shop", "shop/inner", "//shop"])
def test_a_working_directory_variable_that_is_no_path_is_outside_of_projects(place: Place, directory: str) -> None:
    """A search upwards from there must end. elvish and nushell refuse such an assignment, xonsh undoes it."""
    place.shell.variables_after("cd shop")
    assign = {"tcsh": "set cwd = {}", "elvish": "set pwd = {}", "nu": "$env.PWD = '{}'", "xonsh": "$PWD = '{}'"}
    place.shell.variables_after(assign.get(place.name, "PWD={}").format(directory))
    after = place.shell.variables()
    assert place.active(after) == ("shop" if place.name in {"elvish", "nu", "xonsh"} else None)
    assert place.active(place.shell.variables_after(f"cd {place.root}/other")) == "other"


def test_the_prompt_variable_is_the_name(place: Place) -> None:
    assert place.shell.variables_after("cd shop")["VIRTUAL_ENV_PROMPT"] == "shop"


def test_what_the_user_added_to_path_stays(place: Place) -> None:
    place.shell.variables_after("cd shop")
    place.shell.variables_after(place.words.prepend.format("/opt/mine"))
    told = place.shell.variables_after("cd ..")
    assert place.active(told) is None
    assert told["PATH"].split(":")[:2] == ["/opt/mine", str(place.home.shims)]


def test_a_path_that_was_reset_is_repaired(place: Place) -> None:
    kept = place.shell.variables_after("cd shop")["PATH"].split(":")[1:]
    assert place.active(place.shell.variables_after(place.words.path.format(":".join(kept[1:])))) == "shop"


def test_deactivate_holds_until_the_project_is_left(place: Place) -> None:
    place.shell.variables_after("cd shop")
    assert place.active(place.shell.variables_after("envmgr deactivate")) is None
    assert place.active(place.shell.variables()) is None
    assert place.active(place.shell.variables_after("envmgr activate")) == "shop"
    place.shell.variables_after("envmgr deactivate")
    place.shell.variables_after("cd ..")
    assert place.active(place.shell.variables_after("cd shop")) == "shop"


def test_an_environment_that_the_user_activated_is_theirs(place: Place) -> None:
    place.shell.variables_after(place.words.set.format("VIRTUAL_ENV", "/opt/venv"))
    told = place.shell.variables_after("cd shop")
    assert told["VIRTUAL_ENV"] == "/opt/venv"
    assert str(place.home.envs) not in told["PATH"]
    assert place.active(place.shell.variables_after(place.words.unset.format("VIRTUAL_ENV"))) == "shop"


def test_the_hook_can_be_switched_off(place: Place) -> None:
    place.shell.variables_after("cd shop")
    assert place.active(place.shell.variables_after(place.words.set.format("ENVMGR_HOOK", "off"))) is None
    assert place.active(place.shell.variables_after(place.words.unset.format("ENVMGR_HOOK"))) == "shop"


def test_nothing_is_looked_for_at_a_ceiling_or_above(place: Place) -> None:
    place.shell.variables_after(place.words.set.format("ENVMGR_CEILING_DIRS", f"/nowhere:{place.root}/shop"))
    assert place.active(place.shell.variables_after("cd shop")) is None
    assert place.active(place.shell.variables_after("cd inner")) == "shop/inner"
    assert place.active(place.shell.variables_after("cd ../../other")) == "other"
    place.shell.variables_after(place.words.unset.format("ENVMGR_CEILING_DIRS"))
    assert place.active(place.shell.variables_after("cd ../shop")) == "shop"


def test_a_version_file_that_changes_is_seen(place: Place) -> None:
    assert place.active(place.shell.variables_after("cd shop")) == "shop"
    file = place.root / "shop" / ".python-version"
    status = file.stat()
    file.write_text("system # changed\n")
    os.utime(file, (status.st_atime, status.st_mtime))
    assert place.active(place.shell.variables()) in (None, "shop")  # seen before the next prompt
    assert place.active(place.shell.variables()) is None


def test_an_environment_that_is_gone_is_dropped(place: Place) -> None:
    place.shell.variables_after("cd shop")
    (place.envs["shop"] / "bin" / "python").unlink()
    place.shell.variables()
    assert place.active(place.shell.variables()) is None
    assert place.shell.screen().count("envmgr use") <= 1


def test_pythonhome_is_put_aside_and_comes_back(place: Place) -> None:
    place.shell.variables_after(place.words.set.format("PYTHONHOME", "/opt/home"))
    assert "PYTHONHOME" not in place.shell.variables_after("cd shop")
    assert place.shell.variables_after("cd ..")["PYTHONHOME"] == "/opt/home"


def test_the_status_is_kept(place: Place) -> None:
    if place.words.status:
        place.shell.variables_after("cd shop")
        place.shell.send("false\r")
        assert place.shell.variables(status=place.words.status)["?"] == "1"


def test_a_nested_shell_starts_from_what_it_finds(place: Place) -> None:
    place.shell.variables_after("cd shop")
    assert place.active(place.shell.start(place.name)) == "shop"
    assert place.active(place.shell.variables_after("cd ..")) is None


def test_commands_are_for_the_store_of_the_hook(place: Place) -> None:
    place.shell.variables_after(place.words.unset.format("ENVMGR_HOME"))
    place.shell.variables_after("cd shop")
    assert "ENVMGR_HOME" not in place.shell.variables_after("envmgr env path")
    assert str(place.envs["shop"]) in place.shell.screen()


def test_a_version_for_this_shell(place: Place) -> None:
    place.shell.variables_after("cd shop")
    assert "ENVMGR_VERSION" not in place.shell.variables_after("envmgr shell 3.99")
    assert place.shell.variables_after("envmgr shell system")["ENVMGR_VERSION"] == "system"
    assert place.active(place.shell.variables()) is None
    assert place.active(place.shell.variables_after("envmgr shell --unset")) == "shop"
    assert place.shell.variables_after("envmgr shell -")["ENVMGR_VERSION"] == "system"


def test_deactivate_alone_holds_too(place: Place) -> None:
    place.shell.variables_after("cd shop")
    assert place.active(place.shell.variables_after("deactivate")) is None
    assert place.active(place.shell.variables()) is None
    assert place.active(place.shell.variables_after("envmgr activate")) == "shop"


def test_unloading_takes_everything_away(place: Place) -> None:
    place.shell.variables_after("cd shop")
    told = place.shell.variables_after("envmgr unload")
    assert "VIRTUAL_ENV" not in told
    assert not [entry for entry in told["PATH"].split(":") if str(place.home.root) in entry]
    told = place.shell.variables_after("cd ../other")
    assert "VIRTUAL_ENV" not in told
    assert "hook" not in place.shell.screen().rpartition("unload")[2].replace("tell", "")


def test_several_versions_for_this_shell(place: Place) -> None:
    place.shell.variables_after("cd shop")
    assert place.shell.variables_after("envmgr shell system 3.11")["ENVMGR_VERSION"] == "system 3.11"
    assert place.active(place.shell.variables()) is None
    assert place.active(place.shell.variables_after("envmgr shell --unset")) == "shop"


def test_the_hook_may_be_read_twice(place: Place) -> None:
    load = shells.shell_named(place.name).load(place.home)
    place.shell.variables_after("cd shop")
    place.shell.variables_after(load)
    assert place.active(place.shell.variables()) == "shop"
    assert place.active(place.shell.variables_after("envmgr deactivate")) is None
    assert place.active(place.shell.variables()) is None
    assert place.active(place.shell.variables_after("envmgr activate")) == "shop"
    told = place.shell.variables_after("cd ..")
    assert place.active(told) is None
    assert told["PATH"].split(":").count(str(place.home.shims)) == 1
    assert "VIRTUAL_ENV" not in place.shell.variables_after("envmgr unload")
    assert "VIRTUAL_ENV" not in place.shell.variables_after("cd shop")


def test_a_link_that_is_turned_leads_to_the_other_project(place: Place) -> None:
    link = place.root / "current"
    for name in ("shop", "other", "shop"):
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        assert place.active(place.shell.variables_after("cd current")) == name
        assert place.active(place.shell.variables_after("cd ..")) is None


def test_a_version_file_that_is_too_long_is_not_read(place: Place) -> None:
    file = place.root / "shop" / ".python-version"
    file.write_text("3.12\n#" + "x" * 8186 + "\n")
    assert file.stat().st_size == 8193
    assert place.active(place.shell.variables_after("cd shop")) is None
    place.shell.variables_after("cd ..")
    file.write_text("3.12\n#" + "x" * 8185 + "\n")
    assert place.active(place.shell.variables_after("cd shop")) == "shop"
