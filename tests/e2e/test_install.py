"""Installing from a mirror, as a user does it: real archives, real interpreters."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from desk import Desk
from mirror_server import Mirror
from packed import NEWER_TAG, TAG

from envmgr.environments import record
from envmgr.host import process
from envmgr.host.download import digest
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import mirror as mirrors


@pytest.fixture
def desk(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Desk:
    project = tmp_path / "shop"
    project.mkdir()
    return Desk(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})


@pytest.fixture
def python(home: Home, environ: dict[str, str]) -> Callable[..., process.Outcome]:
    """Run code in an installed Python, by its alias."""

    def run(alias: str, code: str) -> process.Outcome:
        return process.run([home.aliases / alias / "bin/python", "-I", "-c", code], environ=environ)

    return run


def builds(home: Home) -> set[str]:
    return {path.name.removesuffix(f"-{this_platform()}") for path in home.versions.iterdir()}


def test_the_newest_build_is_installed_and_works(desk: Desk, python: Callable[..., process.Outcome]) -> None:
    desk.call("install", "3.12", "3.13")
    assert builds(desk.home) == {f"cpython-3.12.1+{NEWER_TAG}", f"cpython-3.13.0+{TAG}"}
    for alias, version in {"3.12": "3.12.1", "3.12.1": "3.12.1", "3.13": "3.13.0"}.items():
        code = "import ssl, sqlite3, ctypes, zlib, lzma, venv, platform; print(platform.python_version())"
        assert python(alias, code) == process.Outcome(0, f"{version}\n")
    program = desk.home.shims / "python3.12"
    assert process.run([program, "-V"], environ=desk.environ).text == "Python 3.12.1\n"
    assert program.is_symlink()


def test_without_a_terminal_every_download_has_its_line(desk: Desk, mirror: Mirror) -> None:
    desk.environ["ENVMGR_PYTHON_MIRROR"] = mirror.url
    said = desk.talk("install", "3.11", "3.13", "--jobs", "2")
    assert sorted(re.findall(r"^Downloading (\S+) \(\d+\.\d MB\)$", said, re.MULTILINE)) == ["3.11.7", "3.13.0"]
    assert len(re.findall("^Installed Python", said, re.MULTILINE)) == 2
    assert "\x1b" not in said


def test_on_a_terminal_one_display_has_a_bar_for_each(desk: Desk, mirror: Mirror) -> None:
    desk.environ |= {"ENVMGR_PYTHON_MIRROR": mirror.url, "TERM": "xterm-256color", "COLUMNS": "100"}
    argv = ["-m", "envmgr", "install", "3.11", "3.13", "--jobs", "2"]
    screen = pexpect.spawn(sys.executable, argv, env=desk.environ, cwd=desk.project, encoding="utf-8", timeout=60)
    screen.expect(pexpect.EOF)
    text = screen.before or ""
    for name in ("3.11.7", "3.13.0"):
        assert re.search(rf"{re.escape(name)}.*[━╸╺].*MB", text), text
    assert text.count("Installed Python") == 2
    assert "Downloading" not in text


def test_sysconfig_names_the_real_prefix_and_any_compiler(desk: Desk, python: Callable[..., process.Outcome]) -> None:
    desk.call("install", "3.13")
    prefix = desk.home.versions / f"cpython-3.13.0+{TAG}-{this_platform()}"
    code = "from sysconfig import get_config_vars as g; print(*(g()[k] for k in ('prefix', 'LIBDIR', 'CC')), sep='|')"
    assert python("3.13", code).text.split("|")[1:] == [f"{prefix}/lib", "cc\n"]
    for file in [*prefix.glob("lib/python3.13/_sysconfig*.py"), *prefix.glob("lib/pkgconfig/*.pc")]:
        assert "'/install" not in file.read_text()
        assert "=/install" not in file.read_text()


def test_pip_into_the_bare_interpreter_is_refused_towards_use(desk: Desk) -> None:
    desk.call("install", "3.12")
    pip = process.run([desk.home.aliases / "3.12/bin/pip", "install", "x"], environ=desk.environ)
    assert pip.code == 1
    assert "envmgr use 3.12" in pip.text


def test_the_receipt_says_where_it_came_from(desk: Desk) -> None:
    desk.call("install", "3.11")
    receipt = json.loads((desk.home.aliases / "3.11/receipt.json").read_text())
    assert receipt["path"].startswith(f"{TAG}/cpython-3.11.7+{TAG}-")
    assert len(receipt["sha256"]) == 64


def test_a_full_archive_is_unpacked_from_its_zstd(desk: Desk, archives: Path, tmp_path: Path) -> None:
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
        outcome = process.run(argv, environ=desk.environ)
        assert outcome.code == 0, outcome.text
    mirrors.add_to_sums(tmp_path / "mine", tmp_path / "mine" / TAG / name, digest(tmp_path / "mine" / TAG / name))
    desk.environ["ENVMGR_PYTHON_MIRROR"] = (tmp_path / "mine").as_uri()
    desk.call("install", "3.12d")
    assert builds(desk.home) == {f"cpython-3.12.1d+{TAG}"}
    assert (
        desk.call("find", "3.12+debug") == f"{desk.home.versions}/cpython-3.12.1d+{TAG}-{this_platform()}/bin/python\n"
    )
    assert process.run([desk.home.aliases / "3.12d/bin/pip", "-V"], environ=desk.environ).code == 0
    assert "nearest are 3.12d" in desk.call("install", "3.12", code=3)


@pytest.mark.parametrize("required", [">=3.11,<3.13", ">= 3.11, < 3.13", "~=3.12.0"])
def test_without_a_request_requires_python_says_what_to_install(required: str, desk: Desk) -> None:
    assert "envmgr install 3.12" in desk.call("install", code=2)
    (desk.project / "pyproject.toml").write_text(f'[project]\nname = "shop"\nrequires-python = "{required}"\n')
    desk.call("install")
    assert builds(desk.home) == {f"cpython-3.12.1+{NEWER_TAG}"}


def test_twice_is_once(desk: Desk) -> None:
    assert "Installed Python 3.11.7" in desk.talk("install", "3.11")
    assert "Already installed: Python 3.11.7" in desk.talk("install", "3.11")


def test_a_build_tag_is_part_of_the_identity(desk: Desk) -> None:
    desk.call("install", f"3.12.1+{TAG}")
    assert builds(desk.home) == {f"cpython-3.12.1+{TAG}"}
    desk.call("install", "3.12.1")
    assert builds(desk.home) == {f"cpython-3.12.1+{TAG}", f"cpython-3.12.1+{NEWER_TAG}"}
    assert (desk.home.aliases / "3.12").resolve().name.startswith(f"cpython-3.12.1+{NEWER_TAG}")


def test_what_the_mirror_has_not_is_told_with_the_nearest(desk: Desk) -> None:
    error = desk.call("install", "3.12.9", code=3)
    assert "3.12.1" in error


def test_uninstalling_goes_back_to_the_next_build(desk: Desk) -> None:
    desk.call("install", f"3.12.1+{TAG}", "3.12")
    desk.call("uninstall", f"3.12.1+{NEWER_TAG}")
    assert builds(desk.home) == {f"cpython-3.12.1+{TAG}"}
    assert (desk.home.aliases / "3.12").resolve().name.startswith(f"cpython-3.12.1+{TAG}")
    desk.call("uninstall", "3.12")
    assert not builds(desk.home)
    assert not [path for path in desk.home.shims.iterdir() if path.name.startswith("python3.")]
    assert "not installed" in desk.call("uninstall", "3.12", code=4)


def test_uninstalling_what_environments_need_is_refused(desk: Desk) -> None:
    desk.call("install", f"3.12.1+{TAG}", "3.12", "3.11")
    place = record.environments_folder(desk.home, desk.project) / "3.12"
    place.mkdir(parents=True)
    (place / record.METADATA).write_text(record.dump(record.Environment(place, desk.project, "3.12")))
    desk.call("uninstall", f"3.12.1+{NEWER_TAG}")  # the alias 3.12 goes on with the other build
    error = desk.call("uninstall", "3.12", code=8)
    assert str(desk.project) in error
    assert builds(desk.home) == {f"cpython-3.12.1+{TAG}", f"cpython-3.11.7+{TAG}"}
    desk.call("uninstall", "--force", "3.12")
    assert builds(desk.home) == {f"cpython-3.11.7+{TAG}"}
