"""Clones share files with their template: a change in place must not affect other clones undetected."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr.environments import builder, manifest
from envmgr.environments.record import Environment
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

Link = Callable[[Home, Path, str], Interpreter]
MINOR = platform.python_version().rpartition(".")[0]
FILE = f"lib/python{MINOR}/site-packages/pip/_internal/main.py"
# common changes of installed files, as commands for `sh` in the environment; $FILE is a file of pip
INSTALLERS = {
    "pip reinstalls": "bin/python -m pip install -q --force-reinstall --no-index --find-links $WHEELS pip",
    "pip uninstalls": "bin/python -m pip uninstall -qy pip",
    "ensurepip": "bin/python -m ensurepip --upgrade",
    "compileall": f"bin/python -m compileall -qf lib/python{MINOR}/site-packages/pip/_internal",
    "sed -i": "sed -i s/import/IMPORT/ $FILE",
    "patch": "cat $FILE >new; echo changed >>new; diff -u $FILE new >diff || patch -s $FILE diff",
    "an editor that renames": "cat $FILE >$FILE~; echo changed >>$FILE~; mv -f $FILE~ $FILE",
    "touch of a new file": "echo changed >$(dirname $FILE)/new.py",
    "removal": "rm -f $FILE",
}
IN_PLACE = {
    "append": "chmod u+w $FILE; echo changed >>$FILE",
    "an editor that writes in place": "chmod u+w $FILE; printf changed | dd of=$FILE conv=notrunc status=none",
    "truncation": "chmod u+w $FILE; : >$FILE",
    "chmod -R": "chmod -R u+w .",
    "touch": "touch $FILE",
}


@pytest.fixture
def store(tmp_path: Path, link: Link, sandbox: Sandbox) -> Sandbox:
    """Return a sandbox with a store of its own, so that a test can damage its template."""
    home = Home(tmp_path / "own")
    link(home, Path(sys.base_prefix), platform.python_version())
    sandbox.home, sandbox.environ["ENVMGR_HOME"] = home, str(home.root)
    return sandbox


@pytest.fixture
def two(store: Sandbox) -> tuple[Environment, Environment]:
    """Return the environments of two projects, clones of one template."""
    return make(store, "one"), make(store, "two")


def make(sandbox: Sandbox, name: str) -> Environment:
    project = sandbox.project / name
    project.mkdir()
    sandbox.run("use", MINOR, where=project)
    sandbox.project, whole = project, sandbox.project
    made = sandbox.environment(MINOR)
    sandbox.project = whole
    return made


def change(sandbox: Sandbox, environment: Environment, command: str) -> None:
    wheels = Path(subprocess.check_output([sys.executable, "-c", WHEELS], text=True).strip())
    variables = {"FILE": FILE, "WHEELS": str(wheels), "PIP_ROOT_USER_ACTION": "ignore"}
    subprocess.run(["sh", "-ec", command], cwd=environment.path, env=sandbox.environ | variables, check=True)


WHEELS = "from virtualenv.seed.wheels.embed import BUNDLE_FOLDER; print(BUNDLE_FOLDER)"


def contents(environment: Environment) -> dict[str, tuple[bytes, int]]:
    """Return contents and modes of an environment's shared files, without byte code, which contains times."""
    names = [name for name, _ in manifest.shared(environment.path) if not name.endswith((".pyc", "RECORD"))]
    assert FILE in names
    return {name: ((environment.path / name).read_bytes(), (environment.path / name).stat().st_mode) for name in names}


def test_shared_files_are_read_only_and_programs_stay_executable(two: tuple[Environment, Environment]) -> None:
    shared = contents(two[0])
    assert len(shared) > 400
    assert not [name for name, (_, mode) in shared.items() if mode & 0o222]
    assert (two[0].bin / "pip").stat().st_mode & 0o333
    if os.geteuid() != 0:  # root writes everywhere
        with pytest.raises(PermissionError):
            (two[0].path / FILE).open("a")


@pytest.mark.parametrize("how", INSTALLERS)
def test_tools_that_replace_files_change_one_environment_only(
    sandbox: Sandbox, interpreter: Interpreter, how: str
) -> None:
    one, other = (
        builder.build(sandbox.home, sandbox.project / it, interpreter, sandbox.environ) for it in ("one", "other")
    )
    before = contents(other)
    change(sandbox, one, INSTALLERS[how])
    assert not manifest.changed(one.path)
    assert contents(other) == before
    (template,) = sandbox.home.templates.glob("*-pip-*")
    assert manifest.is_intact(template)


@pytest.mark.parametrize("how", IN_PLACE)
def test_changes_in_place_are_detected_and_repaired(
    store: Sandbox, two: tuple[Environment, Environment], how: str
) -> None:
    one, other = two
    before = contents(other)
    (other.path / "lib" / f"python{MINOR}" / "site-packages" / "mine.py").write_text("mine = 1\n")
    change(store, one, IN_PLACE[how])
    assert contents(make(store, "three")) == before, "a later environment has the change"
    for environment in two:
        assert manifest.changed(environment.path)
    assert store.run("env", "list").count("  changed  ") == 2
    assert "Repaired" in store.messages("env", "repair", str(other.path))
    assert contents(other) == before
    assert manifest.changed(one.path)
    assert "Repaired" in store.messages("env", "repair", "--all")
    assert contents(one) == before
    assert "Nothing to repair" in store.messages("env", "repair", "--all")
    for environment in two:
        subprocess.run([environment.bin / "pip", "--version"], env=store.environ, check=True, capture_output=True)
    subprocess.run([other.bin / "python", "-c", "import mine"], env=store.environ, check=True)


def test_a_changed_group_is_detected(store: Sandbox, two: tuple[Environment, Environment]) -> None:
    """Only root may change the owner; other users may set another of their own groups."""
    other = 65534 if os.geteuid() == 0 else os.getgroups()[-1]
    before = (two[1].path / FILE).stat().st_gid
    change(store, two[0], f"chown -R :{other} .")
    assert bool(manifest.changed(two[1].path)) == (other != before)
    assert (make(store, "three").path / FILE).stat().st_gid == before


def test_doctor_reports_changed_files_and_the_repair_command(
    store: Sandbox, two: tuple[Environment, Environment]
) -> None:
    change(store, two[0], IN_PLACE["append"])
    store.environ["PATH"] = f"{store.home.shims}{os.pathsep}{store.environ['PATH']}"
    report = store.run("doctor")
    assert report.count("1 files that environments share were changed") == 2
    assert "run `envmgr env repair --all`" in report


def test_an_incomplete_template_is_made_again(store: Sandbox, two: tuple[Environment, ...]) -> None:
    (template,) = store.home.templates.iterdir()
    before = contents(two[0])
    for number, name in enumerate((FILE, manifest.NAME)):
        (template / name).unlink()
        assert contents(make(store, f"more{number}")) == before


def test_a_copied_store_keeps_its_template(store: Sandbox, tmp_path: Path) -> None:
    """A copy has other inode numbers, which is no reason to make the template again."""
    make(store, "one")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", store.home.root, copy], check=True)
    (template,) = (copy / "templates").iterdir()
    assert manifest.is_intact(template)
    interpreter = link_of(Home(copy))
    assert builder.build(Home(copy), tmp_path / "elsewhere", interpreter, store.environ).works


def link_of(home: Home) -> Interpreter:
    from envmgr.pythons.store import Store

    return Store(home).interpreter(next(Store(home).builds()))
