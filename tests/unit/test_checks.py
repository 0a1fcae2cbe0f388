from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home
from envmgr.shell import checks, setup, shells, shims
from envmgr.shell.checks import FAIL, OK, WARN, DoctorContext, Finding


@pytest.fixture
def context(tmp_path: Path) -> DoctorContext:
    """A store whose shell files are published, a user with a .bashrc that loads the hook, shims on PATH."""
    home, user = Home(tmp_path / "the store"), tmp_path / "user"
    user.mkdir()
    shims.refresh(home)
    (user / ".profile").write_text(". ~/.bashrc\n")
    setup.write(setup.plan_addition(user / ".bashrc", shells.shell_named("bash").line(home)))
    environ = {"HOME": str(user), "PATH": f"{home.shims}{os.pathsep}{os.defpath}"}
    return DoctorContext(home, environ, shells.shell_named("bash"))


def having(context: DoctorContext, **environ: str) -> DoctorContext:
    return DoctorContext(context.home, {**context.environ, **environ}, context.shell)


def states(context: DoctorContext, *checked: str) -> set[tuple[str, str]]:
    return {(found.subject, found.state) for found in checks.run_checks(context) if found.subject in checked}


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1
    return found[0]


def test_a_set_up_shell_has_no_problems(context: DoctorContext) -> None:
    assert states(context, "store", "shell files", "launcher", "rc file", "PATH") == {
        ("store", OK),
        ("shell files", OK),
        ("launcher", OK),
        ("rc file", OK),
        ("PATH", OK),
    }


def test_every_problem_comes_with_a_next_step(tmp_path: Path) -> None:
    found = list(
        checks.run_checks(DoctorContext(Home(tmp_path / "none"), {"HOME": str(tmp_path)}, shells.shell_named("fish")))
    )
    assert {one.subject for one in found if one.state == FAIL} == {"launcher", "PATH"}
    assert all(one.step for one in found if one.state != OK)


def test_a_changed_shell_file_is_named(context: DoctorContext) -> None:
    (context.home.shell / "hook.bash").write_text("")
    assert "hook.bash" in only(list(checks.check_shell_files(context))).message


def test_many_changed_shell_files_are_counted(context: DoctorContext) -> None:
    for file in context.home.shell.glob("hook*"):
        file.write_text("")
    message = only(list(checks.check_shell_files(context))).message
    assert "hook.bash" not in message
    assert f"files in {context.home.shell}" in message


def test_a_launcher_that_does_not_start_fails(context: DoctorContext) -> None:
    (context.home.shell / "envmgr").write_text("#!/bin/sh\nexec /nowhere/python\n")
    assert only(list(checks.check_launcher(context))).state == FAIL


def test_an_rc_file_without_the_line_is_named(context: DoctorContext) -> None:
    rc = Path(context.environ["HOME"]) / ".bashrc"
    rc.write_text("")
    found = only(list(checks.check_rc_files(context)))
    assert (found.state, found.step) == (WARN, "run `envmgr setup bash`")
    assert str(rc) in found.message


def test_the_hook_counts_as_loaded_only_by_an_ancestor_process(context: DoctorContext) -> None:
    assert only(list(checks.check_hook(having(context, _ENVMGR_SHELL=f"zsh {os.getppid()}")))).state == OK
    assert only(list(checks.check_hook(having(context, _ENVMGR_SHELL="zsh 999999999")))).state == WARN
    off = having(context, _ENVMGR_SHELL=f"zsh {os.getppid()}", ENVMGR_HOOK="off")
    assert only(list(checks.check_hook(off))).step == "unset ENVMGR_HOOK"


def test_a_python_before_the_shims_is_named(context: DoctorContext, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "python3").symlink_to(sys.executable)
    found = only(list(checks.check_path(having(context, PATH=f"{tmp_path}/other:{context.environ['PATH']}"))))
    assert (found.state, f"{tmp_path}/other/python3" in found.message) == (WARN, True)


def test_of_many_pythons_before_the_shims_the_first_are_named(context: DoctorContext, tmp_path: Path) -> None:
    folders = [tmp_path / f"bin{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
        (folder / "python3").symlink_to(sys.executable)
    before = os.pathsep.join(map(str, folders))
    found = only(list(checks.check_path(having(context, PATH=f"{before}:{context.environ['PATH']}"))))
    assert found.message.endswith(f"{folders[2]}/python3 and 5 more")
    assert found.message.count("/python3") == 3


def test_an_environment_of_the_store_may_come_before_the_shims(context: DoctorContext) -> None:
    programs = context.home.envs / "shop-1" / "3.12" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    assert only(list(checks.check_path(having(context, PATH=f"{programs}:{context.environ['PATH']}")))).state == OK


def test_shims_that_are_not_on_path_fail(context: DoctorContext) -> None:
    assert only(list(checks.check_path(having(context, PATH=os.defpath)))).state == FAIL


def test_variables_that_affect_every_python_are_named(context: DoctorContext) -> None:
    assert only(list(checks.check_variables(having(context, PYTHONHOME="/x")))).step == "unset PYTHONHOME"


def test_other_tools_are_listed_and_an_active_conda_is_a_warning(context: DoctorContext) -> None:
    around = having(context, PYENV_SHELL="bash", CONDA_PREFIX="/opt/conda", PATH="/home/u/.local/share/mise/shims")
    assert [(one.state, one.message.split(maxsplit=1)[0]) for one in checks.check_other_tools(around)] == [
        (OK, "pyenv"),
        (OK, "mise"),
        (WARN, "the"),
    ]


def test_an_alias_that_is_a_broken_link_fails(context: DoctorContext) -> None:
    context.home.aliases.mkdir()
    (context.home.aliases / "3.12").symlink_to("../versions/missing")
    assert only(list(checks.check_aliases(context))).step == "run `envmgr install 3.12`"


def test_an_interpreter_that_does_not_start_or_has_another_version_fails(context: DoctorContext) -> None:
    for name, program in (("3.1.1", "#!/bin/sh\nexit 3\n"), ("3.1.2", "#!/bin/sh\necho 3.1.3\n"), ("3.1.4", None)):
        folder = context.home.versions / f"cpython-{name}+x-linux-x86_64-gnu" / "bin"
        folder.mkdir(parents=True)
        if program:
            (folder / "python").write_text(program)
            (folder / "python").chmod(0o755)
    found = list(checks.check_interpreters(context))
    assert [one.state for one in found] == [FAIL] * 3
    assert ["cannot be run" in found[0].message, "3.1.3" in found[1].message, "exit code 3" in found[2].message] == [
        True
    ] * 3


def test_broken_and_orphaned_environments_are_named(context: DoctorContext, tmp_path: Path) -> None:
    for name, project in (("broken", tmp_path), ("orphaned", tmp_path / "missing")):
        environment = Environment(context.home.envs / f"{name}-1" / "3.12", project, "3.12")
        environment.bin.mkdir(parents=True)
        (environment.path / record.METADATA).write_text(record.dump(environment))
        if name == "orphaned":
            (environment.bin / "python").symlink_to(sys.executable)
    found = list(checks.check_environments(context))
    assert [one.state for one in found] == [WARN, WARN]
    assert [one.message.partition("/")[0] for one in found] == ["broken", "orphaned"]
