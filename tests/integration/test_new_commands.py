"""A newly installed command is found at once, an uninstalled one is not; the shim is transparent to pip."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pexpect
import pytest
from prepared_projects import PreparedProjects, create_projects
from sandbox import Sandbox, clean_environ

from envmgr.shell import programs


def first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline(100)


# a program of the system that is a Python script; Debian's xonsh is one
SYSTEM = next(
    path.name for path in sorted(Path("/usr/bin").iterdir()) if path.is_file() and b"python3" in first_line(path)
)
HELLO = {
    "hello.py": "def main():\n    print('hello from a project')\n",
    "hello-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: hello\nVersion: 1\n",
    "hello-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "hello-1.dist-info/entry_points.txt": "[console_scripts]\nhello-there = hello:main\n{system} = hello:main\n",
    "hello-1.dist-info/RECORD": "",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with two commands."""
    path = tmp_path / "hello-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in HELLO.items():
            archive.writestr(name, text.replace("{system}", SYSTEM))
    return path


@pytest.fixture
def pinned(sandbox: Sandbox) -> Sandbox:
    """A project with an environment."""
    sandbox.run("use", ".".join(map(str, sys.version_info[:2])))
    sandbox.environ["PATH"] = f"{sandbox.home.shims}:/usr/bin:/bin"
    return sandbox


def script(sandbox: Sandbox, text: str) -> subprocess.CompletedProcess[str]:
    """Run `text` with sh in the project, with nothing but the shims and the system on PATH."""
    return subprocess.run(
        ["sh", "-c", text], cwd=sandbox.project, env=sandbox.environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("pip", ["pip", "pip3", "python -m pip", "python3 -I -m pip", '"$ENVMGR" run pip'])
def test_a_command_is_installed_and_uninstalled_at_once(pinned: Sandbox, wheel: Path, pip: str) -> None:
    pinned.environ["ENVMGR"] = str(pinned.home.shell / "envmgr")
    done = script(pinned, f"{pip} -q install --no-index '{wheel}' && hello-there && cd / && hello-there")
    assert done.stdout == "hello from a project\n"
    assert done.returncode == 127
    done = script(pinned, f"{pip} -q uninstall -y hello; hello-there")
    assert (done.stdout, done.returncode) == ("", 127)
    assert not (pinned.home.shims / "hello-there").is_symlink()


def test_a_python_script_of_the_system_gives_way_to_the_projects(pinned: Sandbox, wheel: Path) -> None:
    done = script(
        pinned, f"pip -q install --no-index '{wheel}'; {SYSTEM}; cd /; '{pinned.home.shell}/shim.sh' {SYSTEM}"
    )
    assert done.stdout == f"hello from a project\n/usr/bin/{SYSTEM}\n"
    assert not (pinned.home.shims / "ls").exists()
    script(pinned, "pip -q uninstall -y hello")
    assert not (pinned.home.shims / SYSTEM).is_symlink()


def test_the_commands_of_an_environment_that_was_allowed_are_there_until_it_is_denied(
    sandbox: Sandbox, wheel: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", sandbox.project / ".venv"], check=True)
    sandbox.run("allow")
    sandbox.environ["PATH"] = f"{sandbox.home.shims}:/usr/bin:/bin"
    done = script(sandbox, f"pip -q install --no-index '{wheel}'; hello-there")
    assert done.stdout == "hello from a project\n", done.stderr
    (sandbox.home.shims / "hello-there").unlink()
    sandbox.run("allow")
    assert script(sandbox, "hello-there").stdout == "hello from a project\n"
    sandbox.run("deny")
    assert script(sandbox, "hello-there").returncode == 127
    assert not (sandbox.home.shims / "hello-there").is_symlink()


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedProjects:
    return create_projects(tmp_path / "prepared")


def pip_is(prepared: PreparedProjects, text: str) -> dict[str, str]:
    """Make the `pip` of project `shop` a script, and return the variables to call it with."""
    pip = prepared.environment("shop", "shop") / "bin" / "pip"
    pip.write_text(f"#!/bin/sh\n{text}\n")
    pip.chmod(0o755)
    return clean_environ(dict(os.environ)) | {"PATH": f"{prepared.home.shims}:/usr/bin:/bin"}


def test_exit_code_streams_and_arguments_are_those_of_pip(prepared: PreparedProjects) -> None:
    environ = pip_is(prepared, "cat; printf '<%s>' \"$@\"; printf '%s' \"$0\" >&2; exit 23")
    argv = ["pip", "install", "a b", "*", "$(x)"]
    done = subprocess.run(
        argv, cwd=prepared.root / "shop", env=environ, input="read", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (23, "read<install><a b><*><$(x)>")
    assert done.stderr == f"{prepared.environment('shop', 'shop')}/bin/pip"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_pip_and_ends_the_shim_as_well(
    prepared: PreparedProjects, tmp_path: Path, number: int
) -> None:
    name, output = signal.Signals(number).name[3:], tmp_path / "output"
    ready = tmp_path / "ready"
    trap = f"echo {name} >>'{output}'; trap - {name}; kill -{name} \\$\\$"
    text = f'trap "{trap}" {name}; >"{ready}"; while :; do sleep 0.1; done'
    with subprocess.Popen(["pip", "install"], cwd=prepared.root / "shop", env=pip_is(prepared, text)) as pip:
        _until(ready)
        pip.send_signal(number)
        assert pip.wait(timeout=20) == -number
    assert output.read_text() == f"{name}\n"


def test_pip_that_is_killed_is_a_shim_that_is_killed(prepared: PreparedProjects) -> None:
    done = subprocess.run(
        ["pip", "install"], cwd=prepared.root / "shop", env=pip_is(prepared, "kill -KILL $$"), check=False
    )
    assert done.returncode == -signal.SIGKILL


def test_pip_has_the_terminal_and_one_interrupt_for_each_key(prepared: PreparedProjects, tmp_path: Path) -> None:
    output = tmp_path / "output"
    text = f"test -t 0 && test -t 1 || exit 9; trap 'echo INT >>{output}' INT; echo ready; read word; exit 5"
    environ = pip_is(prepared, text)
    with pexpect.spawn(
        str(prepared.home.shims / "pip"), ["install"], cwd=str(prepared.root / "shop"), env=environ, timeout=20
    ) as pip:
        pip.expect_exact("ready")
        pip.sendintr()
        _until(output)
        pip.sendline("more")
        pip.expect(pexpect.EOF)
        pip.wait()
    assert pip.exitstatus == 5
    assert output.read_text() == "INT\n"


def test_a_closed_pipe_ends_the_program_of_run_without_an_error(prepared: PreparedProjects) -> None:
    """Python ignores SIGPIPE; the program that replaces it must not."""
    envmgr = prepared.home.shell / "envmgr"
    done = subprocess.run(
        [envmgr, "run", "sh", "-c", "yes | head -n 1"],
        cwd=prepared.root / "none",
        env=pip_is(prepared, ":"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("y\n", "")


CALLS = (
    "pip install x", "pip3.12 -q uninstall x", "python -m pip install x", "python3 -I -mpip install x", "uv add x",
    "uv pip sync r.txt", "python3.12 -m ensurepip", "pip list", "python -m pip --version", "python -c install", "pip",
    "python install", "python a b c -m pip install", "black install", "uv run x", "pipx install x", "pip installs",
    "python-config install",
)  # fmt: skip


def test_shim_and_python_agree_on_installing_commands(prepared: PreparedProjects) -> None:
    """In a project without an environment, the shim asks Python for what installs, and runs the rest by itself."""
    bin_ = prepared.home.aliases / "3.12" / "bin"
    (prepared.home.shell / "envmgr").write_text("#!/bin/sh\nprintf asked\n")
    for call in CALLS:
        command, *arguments = call.split()
        if not (bin_ / command).exists():
            (bin_ / command).symlink_to(bin_.resolve() / "python")
        shim = prepared.home.shims / command
        if shim.is_symlink():
            shim.unlink()
        shim.symlink_to("../shell/shim.sh")
        done = subprocess.run(
            [shim, *arguments],
            cwd=prepared.root / "prefix",
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/bin"},
        )
        assert (done.stdout == "asked") == programs.installs(command, arguments), call


def _until(path: Path) -> None:
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.1)
    pytest.fail(f"{path} never came")
