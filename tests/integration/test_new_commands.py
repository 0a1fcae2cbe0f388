"""A command that pip installed a moment ago is found, and one that is gone is not; pip itself notices nothing of it."""

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
from desk import Desk
from packed import clean
from rule_stage import Scene, built

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
def pinned(desk: Desk) -> Desk:
    """A project with an environment."""
    desk.call("use", ".".join(map(str, sys.version_info[:2])))
    desk.environ["PATH"] = f"{desk.home.shims}:/usr/bin:/bin"
    return desk


def script(desk: Desk, text: str) -> subprocess.CompletedProcess[str]:
    """Run `text` with sh in the project, with nothing but the shims and the system on PATH."""
    return subprocess.run(
        ["sh", "-c", text], cwd=desk.project, env=desk.environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("pip", ["pip", "pip3", "python -m pip", "python3 -I -m pip", '"$ENVMGR" run pip'])
def test_a_command_is_there_at_once_and_gone_at_once(pinned: Desk, wheel: Path, pip: str) -> None:
    pinned.environ["ENVMGR"] = str(pinned.home.shell / "envmgr")
    done = script(pinned, f"{pip} -q install --no-index '{wheel}' && hello-there && cd / && hello-there")
    assert done.stdout == "hello from a project\n"
    assert done.returncode == 127
    done = script(pinned, f"{pip} -q uninstall -y hello; hello-there")
    assert (done.stdout, done.returncode) == ("", 127)
    assert not (pinned.home.shims / "hello-there").is_symlink()


def test_a_python_script_of_the_system_gives_way_to_the_projects(pinned: Desk, wheel: Path) -> None:
    done = script(
        pinned, f"pip -q install --no-index '{wheel}'; {SYSTEM}; cd /; '{pinned.home.shell}/shim.sh' {SYSTEM}"
    )
    assert done.stdout == f"hello from a project\n/usr/bin/{SYSTEM}\n"
    assert not (pinned.home.shims / "ls").exists()
    script(pinned, "pip -q uninstall -y hello")
    assert not (pinned.home.shims / SYSTEM).is_symlink()


def test_the_commands_of_an_environment_that_was_allowed_are_there_until_it_is_denied(desk: Desk, wheel: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", desk.project / ".venv"], check=True)
    desk.call("allow")
    desk.environ["PATH"] = f"{desk.home.shims}:/usr/bin:/bin"
    done = script(desk, f"pip -q install --no-index '{wheel}'; hello-there")
    assert done.stdout == "hello from a project\n", done.stderr
    (desk.home.shims / "hello-there").unlink()
    desk.call("allow")
    assert script(desk, "hello-there").stdout == "hello from a project\n"
    desk.call("deny")
    assert script(desk, "hello-there").returncode == 127
    assert not (desk.home.shims / "hello-there").is_symlink()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return built(tmp_path / "world")


def pip_is(scene: Scene, text: str) -> dict[str, str]:
    """Make the `pip` of project `shop` a script, and return the variables to call it with."""
    pip = scene.environment("shop", "shop") / "bin" / "pip"
    pip.write_text(f"#!/bin/sh\n{text}\n")
    pip.chmod(0o755)
    return clean(dict(os.environ)) | {"PATH": f"{scene.home.shims}:/usr/bin:/bin"}


def test_exit_code_streams_and_arguments_are_those_of_pip(scene: Scene) -> None:
    environ = pip_is(scene, "cat; printf '<%s>' \"$@\"; printf '%s' \"$0\" >&2; exit 23")
    argv = ["pip", "install", "a b", "*", "$(x)"]
    done = subprocess.run(
        argv, cwd=scene.root / "shop", env=environ, input="read", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (23, "read<install><a b><*><$(x)>")
    assert done.stderr == f"{scene.environment('shop', 'shop')}/bin/pip"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_pip_and_what_ends_it_ends_the_shim(scene: Scene, tmp_path: Path, number: int) -> None:
    name, told = signal.Signals(number).name[3:], tmp_path / "told"
    ready = tmp_path / "ready"
    trap = f"echo {name} >>'{told}'; trap - {name}; kill -{name} \\$\\$"
    text = f'trap "{trap}" {name}; >"{ready}"; while :; do sleep 0.1; done'
    with subprocess.Popen(["pip", "install"], cwd=scene.root / "shop", env=pip_is(scene, text)) as pip:
        _until(ready)
        pip.send_signal(number)
        assert pip.wait(timeout=20) == -number
    assert told.read_text() == f"{name}\n"


def test_pip_that_is_killed_is_a_shim_that_is_killed(scene: Scene) -> None:
    done = subprocess.run(["pip", "install"], cwd=scene.root / "shop", env=pip_is(scene, "kill -KILL $$"), check=False)
    assert done.returncode == -signal.SIGKILL


def test_pip_has_the_terminal_and_one_interrupt_for_each_key(scene: Scene, tmp_path: Path) -> None:
    told = tmp_path / "told"
    text = f"test -t 0 && test -t 1 || exit 9; trap 'echo INT >>{told}' INT; echo ready; read word; exit 5"
    environ = pip_is(scene, text)
    with pexpect.spawn(
        str(scene.home.shims / "pip"), ["install"], cwd=str(scene.root / "shop"), env=environ, timeout=20
    ) as pip:
        pip.expect_exact("ready")
        pip.sendintr()
        _until(told)
        pip.sendline("more")
        pip.expect(pexpect.EOF)
        pip.wait()
    assert pip.exitstatus == 5
    assert told.read_text() == "INT\n"


def test_a_pipe_that_is_closed_ends_what_run_starts_in_silence(scene: Scene) -> None:
    """Python ignores SIGPIPE; what it becomes must not."""
    envmgr = scene.home.shell / "envmgr"
    done = subprocess.run(
        [envmgr, "run", "sh", "-c", "yes | head -n 1"],
        cwd=scene.root / "none",
        env=pip_is(scene, ":"),
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


def test_shim_and_python_agree_on_what_installs(scene: Scene) -> None:
    """In a project without an environment, the shim asks Python for what installs, and runs the rest by itself."""
    bin_ = scene.home.aliases / "3.12" / "bin"
    (scene.home.shell / "envmgr").write_text("#!/bin/sh\nprintf asked\n")
    for call in CALLS:
        command, *arguments = call.split()
        if not (bin_ / command).exists():
            (bin_ / command).symlink_to(bin_.resolve() / "python")
        shim = scene.home.shims / command
        if shim.is_symlink():
            shim.unlink()
        shim.symlink_to("../shell/shim.sh")
        done = subprocess.run(
            [shim, *arguments],
            cwd=scene.root / "prefix",
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
