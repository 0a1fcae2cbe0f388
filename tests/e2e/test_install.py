"""Installing from a mirror, as a user does it: real archives, real interpreters."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from mirror_server import Mirror
from python_archives import NEWER_TAG, TAG
from sandbox import Sandbox

from envmgr.environments import record
from envmgr.host import process
from envmgr.host.download import digest
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import mirror as mirrors


@pytest.fixture
def sandbox(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Sandbox:
    project = tmp_path / "shop"
    project.mkdir()
    return Sandbox(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})


@pytest.fixture
def python(home: Home, environ: dict[str, str]) -> Callable[..., process.Outcome]:
    """Run code in an installed Python, by its alias."""

    def run(alias: str, code: str) -> process.Outcome:
        return process.run([home.aliases / alias / "bin/python", "-I", "-c", code], environ=environ)

    return run


def builds(home: Home) -> set[str]:
    return {path.name.removesuffix(f"-{this_platform()}") for path in home.versions.iterdir()}


def test_the_newest_build_is_installed_and_works(sandbox: Sandbox, python: Callable[..., process.Outcome]) -> None:
    sandbox.run("install", "3.12", "3.13")
    assert builds(sandbox.home) == {f"cpython-3.12.1+{NEWER_TAG}", f"cpython-3.13.0+{TAG}"}
    for alias, version in {"3.12": "3.12.1", "3.12.1": "3.12.1", "3.13": "3.13.0"}.items():
        code = "import ssl, sqlite3, ctypes, zlib, lzma, venv, platform; print(platform.python_version())"
        assert python(alias, code) == process.Outcome(0, f"{version}\n")
    program = sandbox.home.shims / "python3.12"
    assert process.run([program, "-V"], environ=sandbox.environ).text == "Python 3.12.1\n"
    assert program.is_symlink()


def test_without_a_terminal_every_download_has_its_line(sandbox: Sandbox, mirror: Mirror) -> None:
    sandbox.environ["ENVMGR_PYTHON_MIRROR"] = mirror.url
    said = sandbox.messages("install", "3.11", "3.13", "--jobs", "2")
    assert sorted(re.findall(r"^Downloading (\S+) \(\d+\.\d MB\)$", said, re.MULTILINE)) == ["3.11.7", "3.13.0"]
    assert len(re.findall("^Installed Python", said, re.MULTILINE)) == 2
    assert "\x1b" not in said


def test_on_a_terminal_one_display_has_a_bar_for_each(sandbox: Sandbox, mirror: Mirror) -> None:
    sandbox.environ |= {"ENVMGR_PYTHON_MIRROR": mirror.url, "TERM": "xterm-256color", "COLUMNS": "100"}
    argv = ["-m", "envmgr", "install", "3.11", "3.13", "--jobs", "2"]
    screen = pexpect.spawn(sys.executable, argv, env=sandbox.environ, cwd=sandbox.project, encoding="utf-8", timeout=60)
    screen.expect(pexpect.EOF)
    text = screen.before or ""
    for name in ("3.11.7", "3.13.0"):
        assert re.search(rf"{re.escape(name)}.*[━╸╺].*MB", text), text
    assert text.count("Installed Python") == 2
    assert "Downloading" not in text


def test_sysconfig_names_the_real_prefix_and_any_compiler(
    sandbox: Sandbox, python: Callable[..., process.Outcome]
) -> None:
    sandbox.run("install", "3.13")
    prefix = sandbox.home.versions / f"cpython-3.13.0+{TAG}-{this_platform()}"
    code = "from sysconfig import get_config_vars as g; print(*(g()[k] for k in ('prefix', 'LIBDIR', 'CC')), sep='|')"
    assert python("3.13", code).text.split("|")[1:] == [f"{prefix}/lib", "cc\n"]
    for file in [*prefix.glob("lib/python3.13/_sysconfig*.py"), *prefix.glob("lib/pkgconfig/*.pc")]:
        assert "'/install" not in file.read_text()
        assert "=/install" not in file.read_text()


def test_pip_into_the_bare_interpreter_is_refused_towards_use(sandbox: Sandbox) -> None:
    sandbox.run("install", "3.12")
    pip = process.run([sandbox.home.aliases / "3.12/bin/pip", "install", "x"], environ=sandbox.environ)
    assert pip.code == 1
    assert "envmgr use 3.12" in pip.text


def test_receipt_has_url_and_sha256(sandbox: Sandbox) -> None:
    sandbox.run("install", "3.11")
    receipt = json.loads((sandbox.home.aliases / "3.11/receipt.json").read_text())
    assert receipt["path"].startswith(f"{TAG}/cpython-3.11.7+{TAG}-")
    assert len(receipt["sha256"]) == 64


def test_a_full_archive_is_unpacked_from_its_zstd(sandbox: Sandbox, archives: Path, tmp_path: Path) -> None:
    """Debug builds, and the oldest ones, are published in no other form; the prefix is `python/install` in it."""
    (packed,) = archives.glob(f"{TAG}/cpython-3.12.1+*")
    name = packed.name.replace("install_only_stripped.tar.gz", "debug-full.tar.zst")
    (tmp_path / "full/python/install").mkdir(parents=True)
    (tmp_path / "full/python/PYTHON.json").write_text("{}")
    (tmp_path / "mine" / TAG).mkdir(parents=True)
    commands: list[list[str | Path]] = [
        ["tar", "-xzf", packed, "-C", tmp_path / "full/python/install", "--strip-components", "1"],
        ["tar", "-cf", tmp_path / "full.tar", "-C", tmp_path / "full", "python"],
        ["zstd", "-q", "-1", tmp_path / "full.tar", "-o", tmp_path / "mine" / TAG / name],
    ]
    for argv in commands:
        outcome = process.run(argv, environ=sandbox.environ)
        assert outcome.code == 0, outcome.text
    mirrors.add_to_sums(tmp_path / "mine", tmp_path / "mine" / TAG / name, digest(tmp_path / "mine" / TAG / name))
    sandbox.environ["ENVMGR_PYTHON_MIRROR"] = (tmp_path / "mine").as_uri()
    sandbox.run("install", "3.12d")
    assert builds(sandbox.home) == {f"cpython-3.12.1d+{TAG}"}
    assert (
        sandbox.run("find", "3.12+debug")
        == f"{sandbox.home.versions}/cpython-3.12.1d+{TAG}-{this_platform()}/bin/python\n"
    )
    assert process.run([sandbox.home.aliases / "3.12d/bin/pip", "-V"], environ=sandbox.environ).code == 0
    assert "nearest are 3.12d" in sandbox.run("install", "3.12", code=3)


@pytest.mark.parametrize("required", [">=3.11,<3.13", ">= 3.11, < 3.13", "~=3.12.0"])
def test_without_a_request_requires_python_is_installed(required: str, sandbox: Sandbox) -> None:
    assert "envmgr install 3.12" in sandbox.run("install", code=2)
    (sandbox.project / "pyproject.toml").write_text(f'[project]\nname = "shop"\nrequires-python = "{required}"\n')
    sandbox.run("install")
    assert builds(sandbox.home) == {f"cpython-3.12.1+{NEWER_TAG}"}


def test_twice_is_once(sandbox: Sandbox) -> None:
    assert "Installed Python 3.11.7" in sandbox.messages("install", "3.11")
    assert "Already installed: Python 3.11.7" in sandbox.messages("install", "3.11")


def test_a_build_tag_is_part_of_the_identity(sandbox: Sandbox) -> None:
    sandbox.run("install", f"3.12.1+{TAG}")
    assert builds(sandbox.home) == {f"cpython-3.12.1+{TAG}"}
    sandbox.run("install", "3.12.1")
    assert builds(sandbox.home) == {f"cpython-3.12.1+{TAG}", f"cpython-3.12.1+{NEWER_TAG}"}
    assert (sandbox.home.aliases / "3.12").resolve().name.startswith(f"cpython-3.12.1+{NEWER_TAG}")


def test_version_that_the_mirror_lacks_is_reported_with_the_nearest(sandbox: Sandbox) -> None:
    error = sandbox.run("install", "3.12.9", code=3)
    assert "3.12.1" in error


def test_uninstalling_goes_back_to_the_next_build(sandbox: Sandbox) -> None:
    sandbox.run("install", f"3.12.1+{TAG}", "3.12")
    sandbox.run("uninstall", f"3.12.1+{NEWER_TAG}")
    assert builds(sandbox.home) == {f"cpython-3.12.1+{TAG}"}
    assert (sandbox.home.aliases / "3.12").resolve().name.startswith(f"cpython-3.12.1+{TAG}")
    sandbox.run("uninstall", "3.12")
    assert not builds(sandbox.home)
    assert not [path for path in sandbox.home.shims.iterdir() if path.name.startswith("python3.")]
    assert "not installed" in sandbox.run("uninstall", "3.12", code=4)


def test_uninstalling_what_environments_need_is_refused(sandbox: Sandbox) -> None:
    sandbox.run("install", f"3.12.1+{TAG}", "3.12", "3.11")
    place = record.environments_folder(sandbox.home, sandbox.project) / "3.12"
    place.mkdir(parents=True)
    (place / record.METADATA).write_text(record.dump(record.Environment(place, sandbox.project, "3.12")))
    sandbox.run("uninstall", f"3.12.1+{NEWER_TAG}")  # the alias 3.12 then points to the other build
    error = sandbox.run("uninstall", "3.12", code=8)
    assert str(sandbox.project) in error
    assert builds(sandbox.home) == {f"cpython-3.12.1+{TAG}", f"cpython-3.11.7+{TAG}"}
    sandbox.run("uninstall", "--force", "3.12")
    assert builds(sandbox.home) == {f"cpython-3.11.7+{TAG}"}
