from __future__ import annotations

import logging
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import virtualenv
from python_archives import pythons

from envmgr.environments import binding, builder, record, scripts, templates
from envmgr.environments.base_interpreter import base_python
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

Environ = dict[str, str]
Link = Callable[[Home, Path, str], Interpreter]
MAKE = """
import os, sys
from pathlib import Path
from envmgr.environments import builder
from envmgr.host.paths import Home
from envmgr.pythons.store import Store
home = Home(Path(sys.argv[1]))
store = Store(home)
print(builder.build(home, Path(sys.argv[2]), store.interpreter(next(store.builds())), os.environ).path)
"""


def run(*argv: str | Path, environ: Environ) -> str:
    return subprocess.run(argv, env=environ, check=True, capture_output=True, text=True).stdout


def test_python_and_pip_run_in_an_environment(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    code = "import sys, pip; print(sys.prefix, sys.base_prefix, pip.__file__, sep='\\n')"
    prefix, base, pip = run(made.bin / "python", "-c", code, environ=environ).splitlines()
    assert Path(prefix) == made.path
    assert Path(base).samefile(sys.base_prefix)
    assert made.path in Path(pip).parents
    assert str(made.path) in run(made.bin / "pip", "--version", environ=environ)
    assert (made.path / ".gitignore").read_text().rstrip().endswith("*")
    assert (made.path / "CACHEDIR.TAG").is_file()
    assert made == record.load(made.path)
    assert list(record.environments(shared)).count(made) == 1


def test_pyvenv_cfg_has_the_keys_that_other_tools_read(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    lines = (made.path / "pyvenv.cfg").read_text().splitlines()
    config = {name: value for name, _, value in (line.partition(" = ") for line in lines)}
    version = interpreter.build.version
    home = Path(os.path.realpath(interpreter.executable)).parent
    assert config["home"] == str(home)
    assert config["version"] == str(version)
    assert config["version_info"].startswith(f"{version}.")
    assert config["python-version"] == version.minor_text
    assert config["implementation"] == "CPython"
    assert config["include-system-site-packages"] == "false"
    assert config["prompt"].strip('"') == "shop"


def test_a_clone_shares_files_with_its_template_and_contains_no_placeholder(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    own = {
        file for file in made.path.rglob("*") if file.is_file() and not file.is_symlink() and file.stat().st_nlink == 1
    }
    assert {file.parent for file in own} == {made.path, made.bin}
    assert list(made.path.rglob("pip/__pycache__/*.pyc"))
    assert not [file for file in own if b"MARK" in file.read_bytes()]


def test_uninstalling_in_one_clone_leaves_the_others_unchanged(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    one, other = (builder.build(shared, project / name, interpreter, environ) for name in ("one", "other"))
    run(
        one.bin / "python", "-m", "pip", "uninstall", "-qy", "pip", environ=environ | {"PIP_ROOT_USER_ACTION": "ignore"}
    )
    assert not (one.bin / "pip").exists()
    run(other.bin / "pip", "--version", environ=environ)


def test_an_environment_without_pip_is_empty(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ, pip=False)
    assert not (made.bin / "pip").exists()
    assert "None" in run(
        made.bin / "python", "-c", "from importlib.util import find_spec as f; print(f('pip'))", environ=environ
    )


def test_a_working_environment_is_not_recreated(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    (made.path / "mine").touch()
    assert builder.build(shared, project, interpreter, environ) == made
    assert (made.path / "mine").exists()


def test_a_broken_environment_is_recreated(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    (made.bin / "python").unlink()
    assert not made.works
    assert builder.build(shared, project, interpreter, environ).works


@pytest.mark.parametrize("name", ["a space", "quo'te\"s", "$HOME`id`!#'#", "back\\slash", "ü"])
def test_activation_scripts_equal_those_of_virtualenv(
    link: Link, tmp_path: Path, environ: Environ, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are equal byte for byte to those of a virtualenv at the same path."""
    logging.getLogger("virtualenv").addHandler(logging.NullHandler())
    home = Home(tmp_path / name)
    interpreter = link(home, Path(sys.base_prefix), platform.python_version())
    made = builder.build(home, tmp_path / "shop", interpreter, environ, pip=False)
    ours = {file.name: file.read_bytes() for file in made.bin.glob("*activate*")}
    shutil.rmtree(made.path)
    monkeypatch.chdir(tmp_path)
    options = ["-p", str(interpreter.executable), "--no-seed", "--no-venv-redirect", "--prompt", "shop"]
    options += ["--app-data", str(tmp_path / "data"), "--activators", templates.ACTIVATORS]
    virtualenv.cli_run([*options, str(made.path)], setup_logging=False, env=environ)
    assert ours == {file.name: file.read_bytes() for file in made.bin.glob("*activate*")}
    assert {"activate", "activate.fish", "activate.csh"} <= ours.keys()


def test_activation_works_in_a_store_with_a_hostile_path(link: Link, tmp_path: Path, environ: Environ) -> None:
    home = Home(tmp_path / "a 'b' \"c\" $HOME `touch pwned`\n!")
    interpreter = link(home, Path(sys.base_prefix), platform.python_version())
    made = builder.build(home, tmp_path / "shop", interpreter, environ)
    for shell, script in (("sh", "activate"), ("bash", "activate"), ("zsh", "activate"), ("fish", "activate.fish")):
        code = '. "$1"; python -c "import sys; print(sys.prefix, end=\'\')"'
        if shell == "fish":
            code = code.replace('"$1"', "$argv[1]")
        words = [shell, "-c", code, *(["x"] if shell != "fish" else []), str(made.bin / script)]
        done = subprocess.run(words, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == str(made.path), shell
    assert not (tmp_path / "pwned").exists()
    assert str(made.path) in run(made.bin / "pip", "--version", environ=environ)


def test_eight_processes_create_an_environment_once(link: Link, tmp_path: Path, environ: Environ) -> None:
    home = Home(tmp_path / "home")
    link(home, Path(sys.base_prefix), platform.python_version())
    command = [sys.executable, "-c", MAKE, str(home.root), str(tmp_path / "shop")]
    processes = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    answers = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert len(answers) == 1
    assert run(Path(answers.pop().strip()) / "bin" / "pip", "--version", environ=environ)
    assert len(list(home.templates.iterdir())) == 1
    assert not list(home.tmp.iterdir())


def test_a_killed_process_leaves_no_incomplete_environment(link: Link, tmp_path: Path, environ: Environ) -> None:
    home = Home(tmp_path / "home")
    interpreter = link(home, Path(sys.base_prefix), platform.python_version())
    builder.build(home, tmp_path / "other", interpreter, environ)
    for moment in range(12):
        victim = subprocess.Popen([sys.executable, "-c", MAKE, home.root, tmp_path / f"p{moment}"], env=environ)
        time.sleep(0.05 + moment / 100)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    builder.build(home, tmp_path / "last", interpreter, environ)
    for made in record.environments(home):
        run(made.bin / "python", "-c", "import pip._internal.cli.main", environ=environ)
    assert not list(home.tmp.iterdir())


def test_remove_removes_the_records_and_the_link(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    assert binding.bind(shared, project, "3.x", made) == []
    assert record.lookup(shared, project, "3.x") == made
    builder.remove(shared, made)
    assert record.lookup(shared, project, "3.x") is None
    assert not made.path.parent.exists()
    assert not os.path.lexists(project / ".venv")


def test_unsupported_and_missing_pythons_are_errors(link: Link, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    old = link(home, Path("/nowhere"), "2.7.18")
    with pytest.raises(EnvironmentFailedError, match=r"2\.7\.18"):
        base_python(home, old)
    missing = link(home, Path("/nowhere"), "3.9.1")
    with pytest.raises(EnvironmentFailedError, match="missing or incomplete"):
        base_python(home, missing)


def test_old_pythons_get_the_pip_of_their_ensurepip(link: Link, tmp_path: Path, environ: Environ) -> None:
    """For 3.6 to 3.8 virtualenv ships no pip. There are no archives of them, so this machine's own are linked."""
    home = Home(tmp_path / "home")
    for prefix in sorted(pythons().glob("3.[678].*")):
        made = builder.build(home, tmp_path / "shop", link(home, prefix, prefix.name), environ)
        done = subprocess.run([made.bin / "pip", "--version"], env=environ, capture_output=True, text=True, check=True)
        assert str(made.path) in done.stdout
        assert done.stderr == ""


def test_a_line_break_in_the_path_of_the_base_is_an_error(link: Link, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    prefix = tmp_path / "a\nb"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python3.12").write_text("#!/bin/sh\n")
    (prefix / "bin" / "python3.12").chmod(0o755)
    with pytest.raises(EnvironmentFailedError, match="line break"):
        base_python(home, link(home, prefix, "3.12.1"))


def test_the_path_of_a_store_must_be_utf8_that_of_a_project_need_not(
    link: Link, tmp_path: Path, shared: Home, interpreter: Interpreter, environ: Environ
) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff")
    store = Home(odd)
    with pytest.raises(EnvironmentFailedError, match="UTF-8"):
        base_python(store, link(store, Path(sys.base_prefix), platform.python_version()))
    assert builder.build(shared, odd, interpreter, environ) in record.environments(shared)


def test_a_project_in_a_record_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.envmgr"):
        binding.ensure_bindable(tmp_path / ".envmgr" / "p")


def test_every_activation_script_with_a_path_has_a_quoting(
    shared: Home, interpreter: Interpreter, project: Path, environ: Environ
) -> None:
    made = builder.build(shared, project, interpreter, environ)
    for file in made.bin.glob("*activate*"):
        assert (str(made.path).encode() in file.read_bytes()) == (file.name in scripts.QUOTES), file.name


@pytest.mark.parametrize("fault", ["symlink:error=EIO:when=3", "mkdir:error=ENOSPC:when=30", "chmod:error=EIO:when=2"])
def test_a_disk_error_in_virtualenv_is_a_message_of_one_line(
    link: Link, tmp_path: Path, environ: Environ, fault: str
) -> None:
    home = Home(tmp_path / "home")
    link(home, Path(sys.base_prefix), platform.python_version())
    trace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={fault.partition(':')[0]}",
        "-e",
        f"inject={fault}",
    ]
    argv = [*trace, sys.executable, "-m", "envmgr", "use", platform.python_version()]
    (tmp_path / "shop").mkdir()
    environ["ENVMGR_HOME"] = str(home.root)
    done = subprocess.run(argv, env=environ, cwd=tmp_path / "shop", capture_output=True, text=True, check=False)
    assert done.returncode == 8, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    assert "Input/output error" in done.stderr or "No space left" in done.stderr
    assert not list((tmp_path / "shop").iterdir())
