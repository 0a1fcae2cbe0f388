from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.shell import offer
from envmgr.shell.offer import External

ANOTHER_USER = 54321


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with a .venv that uv made, a table and a dotenv file."""
    folder = tmp_path / "shop"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to("/usr/bin/env")
    (folder / ".venv/bin/pip").touch(0o755)
    (folder / ".venv/lib/python3.12/site-packages/foo/inner").mkdir(parents=True)
    (folder / ".venv/lib/python3.12/site-packages/foo/inner/deep.py").touch()
    (folder / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n")
    (folder / "pyproject.toml").write_text('[tool.envmgr.env]\nPORT = 8000\nNAME = "$(touch x)"\n')
    (folder / ".env").write_text("NAME=from dotenv\n")
    return folder


def external(home: Home, project: Path, environ: dict[str, str], *, thorough: bool = True) -> External:
    found = offer.external(home, project, environ, thorough=thorough)
    assert found
    return found


def test_the_offer_of_a_project(home: Home, project: Path, environ: dict[str, str]) -> None:
    offered = offer.read(home, project, environ)
    assert offered.environment
    assert offered.environment.path == project / ".venv"
    assert offered.environment.python == Path(os.path.realpath("/usr/bin/env"))
    assert offered.environment.config == "home = /usr/bin\nuv = 0.13.8\n"
    assert offered.variables == {"PORT": "8000", "NAME": "from dotenv"}
    assert set(offered.sources) == {"pyproject.toml", ".env"}
    rests_on = [
        *(project / name for name in ("pyproject.toml", ".env", ".venv", ".venv/bin", ".venv/pyvenv.cfg")),
        *(project / name for name in (".venv/bin/python", ".venv/lib/python3.12/site-packages", ".git")),
    ]
    times = {path: path.stat().st_mtime_ns if path.exists() else None for path in rests_on}
    assert dict(offered.times) == times
    assert offered.times[project / ".git"] is None


def test_a_part_that_is_not_offered_is_not_watched(home: Home, project: Path, environ: dict[str, str]) -> None:
    (project / "pyproject.toml").write_text("[project]\n")
    (project / ".venv").rename(project / "venv")
    offered = offer.read(home, project, environ)
    assert offered.environment is None
    assert list(offered.times) == [project / ".env"]


def test_the_index_of_the_repository_is_watched(project: Path, environ: dict[str, str]) -> None:
    process.run(["git", "init", "-q", project.parent], environ=environ)
    watched = offer.dependencies(project, environment=True, sources=())
    assert project.parent / ".git/index" in watched
    (project / ".git").write_text("gitdir: ../trees/shop\n")
    watched = offer.dependencies(project, environment=True, sources=())
    assert project / "../trees/shop/index" in watched


def test_both_repositories_are_watched_where_the_environment_lies_elsewhere(
    project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    (project / ".venv").rename(tmp_path / "away")
    (project / ".venv").symlink_to(tmp_path / "away")
    process.run(["git", "init", "-q", project], environ=environ)
    watched = offer.dependencies(project, environment=True, sources=())
    assert {project / ".git/index", tmp_path / ".git", project / ".venv", tmp_path / "away/bin"} <= set(watched)


@pytest.mark.parametrize(
    ("config", "maker"), [("uv = 1\n", "uv"), ("virtualenv = 20\n", "virtualenv"), ("home = /uv\n", "venv")]
)
def test_the_tool_that_created_it(config: str, maker: str) -> None:
    assert External(Path("/x"), config, "").maker == maker


def test_our_own_environment_is_not_external(
    home: Home, project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    ours = home.envs / "shop-1" / "3.12"
    ours.mkdir(parents=True)
    (ours / "pyvenv.cfg").write_text("home = /x\n")
    (project / ".venv").rename(tmp_path / "away")
    (project / ".venv").symlink_to(ours)
    assert offer.external(home, project, environ, thorough=True) is None


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, os.fspath])
def test_without_a_regular_pyvenv_cfg_it_is_no_environment(
    home: Home, project: Path, environ: dict[str, str], make: Callable[[Path], object]
) -> None:
    (project / ".venv/pyvenv.cfg").unlink()
    make(project / ".venv/pyvenv.cfg")
    assert offer.external(home, project, environ, thorough=True) is None


@pytest.mark.parametrize("target", [None, "nowhere", "python"])
def test_an_environment_without_its_python_is_refused(
    home: Home, project: Path, environ: dict[str, str], target: str | None
) -> None:
    python = project / ".venv/bin/python"
    python.unlink()
    if target:
        python.symlink_to(target)
    with pytest.raises(UsageError, match="its Python is missing"):
        offer.external(home, project, environ, thorough=True)


SHALLOW = [
    ".", ".venv", ".venv/pyvenv.cfg", ".venv/bin", ".venv/bin/pip", ".venv/lib", ".venv/lib/python3.12",
    ".venv/lib/python3.12/site-packages", ".venv/lib/python3.12/site-packages/foo",
]  # fmt: skip
DEEP = [".venv/lib/python3.12/site-packages/foo/inner", ".venv/lib/python3.12/site-packages/foo/inner/deep.py"]


@pytest.mark.parametrize("place", [*SHALLOW, *DEEP])
def test_a_part_that_others_can_write_to_is_refused(
    home: Home, project: Path, environ: dict[str, str], place: str
) -> None:
    (project / place).chmod(0o777)
    with pytest.raises(UsageError, match="other users can write"):
        offer.external(home, project, environ, thorough=True)


@pytest.mark.parametrize("place", SHALLOW)
def test_looking_again_is_less_deep(home: Home, project: Path, environ: dict[str, str], place: str) -> None:
    (project / DEEP[0]).chmod(0o777)
    assert offer.external(home, project, environ, thorough=False)
    (project / place).chmod(0o777)
    with pytest.raises(UsageError, match="other users can write"):
        offer.external(home, project, environ, thorough=False)


@pytest.mark.parametrize("place", [".", ".venv", ".venv/pyvenv.cfg", ".venv/bin", ".venv/bin/pip"])
def test_a_part_of_another_user_is_refused(home: Home, project: Path, environ: dict[str, str], place: str) -> None:
    os.chown(project / place, ANOTHER_USER, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        offer.external(home, project, environ, thorough=False)


def test_a_program_of_another_user_behind_a_link_is_refused(
    home: Home, project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "tool").touch(0o755)
    os.chown(tmp_path / "tool", ANOTHER_USER, -1)
    (project / ".venv/bin/tool").symlink_to(tmp_path / "tool")
    with pytest.raises(UsageError, match="belongs to another user"):
        offer.external(home, project, environ, thorough=False)


def test_the_parent_directory_of_a_linked_environment_is_checked(
    home: Home, project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "holder").mkdir()
    (project / ".venv").rename(tmp_path / "holder/env")
    (project / ".venv").symlink_to(tmp_path / "holder/env")
    assert external(home, project, environ).path == tmp_path / "holder/env"
    (tmp_path / "holder").chmod(0o777)
    with pytest.raises(UsageError, match="other users can write"):
        offer.external(home, project, environ, thorough=False)
    (tmp_path / "holder").chmod(0o1777)
    assert external(home, project, environ).path == tmp_path / "holder/env"


def test_a_broken_link_is_ignored(home: Home, project: Path, environ: dict[str, str]) -> None:
    (project / ".venv/bin/missing").symlink_to("/nowhere/at/all")
    (project / ".venv/bin/loop").symlink_to("loop")
    external(home, project, environ)


def test_the_identity_has_the_directory_and_every_python(home: Home, project: Path, environ: dict[str, str]) -> None:
    first = external(home, project, environ).identity
    assert external(home, project, environ, thorough=False).identity == first
    (project / ".venv/bin/ipython").touch(0o755)
    assert external(home, project, environ).identity == first, "not one of its Pythons"
    (project / ".venv/bin/python3.12").symlink_to("/usr/bin/id")
    second = external(home, project, environ).identity
    assert second != first
    assert set(json.loads(second)["programs"]) == {"python", "python3.12"}


def test_a_python_in_the_project_is_known_by_its_content(home: Home, project: Path, environ: dict[str, str]) -> None:
    python = project / ".venv/bin/python"
    python.unlink()
    python.write_bytes(b"\x7fELF one")
    python.chmod(0o755)
    first = external(home, project, environ).identity
    python.write_bytes(b"\x7fELF two")
    assert external(home, project, environ).identity != first
    python.rename(project / "tool")
    python.symlink_to(project / "tool")
    first = external(home, project, environ).identity
    (project / "tool").write_bytes(b"\x7fELF ten")
    assert external(home, project, environ).identity != first, "elsewhere in the project"


def test_a_python_outside_may_be_upgraded_by_its_owner(
    home: Home, project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    python = project / ".venv/bin/python"
    python.unlink()
    (tmp_path / "base").write_text("3.12.7")
    python.symlink_to(tmp_path / "base")
    first = external(home, project, environ).identity
    (tmp_path / "base").write_text("3.12.8")
    assert external(home, project, environ).identity == first
    (tmp_path / "other").write_text("3.12.8")
    python.unlink()
    python.symlink_to(tmp_path / "other")
    assert external(home, project, environ).identity != first


def test_another_directory_in_its_place_is_another_environment(
    home: Home, project: Path, environ: dict[str, str]
) -> None:
    first = external(home, project, environ).identity
    (project / ".venv").rename(project / "before")
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to("/usr/bin/env")
    (project / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n")
    assert external(home, project, environ).identity != first


@pytest.mark.parametrize("tracked", [".venv", ".venv/bin/pip", ".venv/lib"])
def test_an_environment_of_which_git_tracks_anything_is_refused(
    home: Home, project: Path, environ: dict[str, str], tracked: str
) -> None:
    process.run(["git", "init", "-q", project], environ=environ)
    external(home, project, environ)
    process.run(["git", "add", "-f", tracked], environ=environ, cwd=project)
    with pytest.raises(UsageError, match="tracked by git"):
        offer.external(home, project, environ, thorough=False)


def test_a_tracked_environment_behind_a_link_is_refused(home: Home, project: Path, environ: dict[str, str]) -> None:
    (project / ".venv").rename(project / "env")
    (project / ".venv").symlink_to("env")
    process.run(["git", "init", "-q", project], environ=environ)
    external(home, project, environ)
    process.run(["git", "add", "-f", "env"], environ=environ, cwd=project)
    with pytest.raises(UsageError, match="tracked by git"):
        offer.external(home, project, environ, thorough=False)
    process.run(["git", "rm", "-rq", "--cached", "env"], environ=environ, cwd=project)
    process.run(["git", "add", "-f", ".venv"], environ=environ, cwd=project)
    with pytest.raises(UsageError, match="tracked by git"):
        offer.external(home, project, environ, thorough=False)


@pytest.mark.parametrize("entry", ["A = true", "A = [1]", "A = 1.5", '"A B" = "x"', '"../x" = "y"', 'A = "\\u0000"'])
def test_a_table_with_other_values_than_variables_is_refused(project: Path, entry: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.envmgr.env]\n{entry}\n")
    with pytest.raises(UsageError, match=r"\[tool\.envmgr\.env\]"):
        offer.declared_variables(project)


def test_whole_numbers_have_64_bits(project: Path) -> None:
    (project / ".env").unlink()
    (project / "pyproject.toml").write_text(f"[tool.envmgr.env]\nA = {2**63 - 1}\nB = {-(2**63) + 1}\n")
    assert offer.declared_variables(project)[0] == {"A": str(2**63 - 1), "B": str(-(2**63) + 1)}
    (project / "pyproject.toml").write_text(f"[tool.envmgr.env]\nA = {2**63}\n")
    with pytest.raises(UsageError, match="whole number"):
        offer.declared_variables(project)


@pytest.mark.parametrize("name", ["SECONDS", "path"])
@pytest.mark.parametrize("source", [".env", "pyproject.toml"])
def test_variables_of_the_shell_itself_are_refused(project: Path, source: str, name: str) -> None:
    (project / source).write_text(f"{name}=1\n" if source == ".env" else f"[tool.envmgr.env]\n{name} = 1\n")
    with pytest.raises(UsageError, match=f"{name} belong to the shell"):
        offer.declared_variables(project)


@pytest.mark.parametrize("source", [".env", "pyproject.toml"])
def test_a_source_that_others_own_or_can_write_is_refused(project: Path, source: str) -> None:
    (project / source).chmod(0o666)
    with pytest.raises(UsageError, match="other users can write"):
        offer.declared_variables(project)
    (project / source).chmod(0o644)
    project.chmod(0o777)
    with pytest.raises(UsageError, match="other users can write"):
        offer.declared_variables(project)
    project.chmod(0o755)
    os.chown(project / source, ANOTHER_USER, -1)
    with pytest.raises(UsageError, match="another user"):
        offer.declared_variables(project)


@pytest.mark.parametrize("name", [".env", ".venv/pyvenv.cfg"])
@pytest.mark.parametrize(
    ("content", "message"),
    [(b"A=\xff\n", "UTF-8"), (b"A=1\n" * 65_537, "too large"), (b"A=1\0\n", "NUL")],
)
def test_a_file_that_is_no_small_text_is_refused(
    home: Home, project: Path, environ: dict[str, str], name: str, content: bytes, message: str
) -> None:
    (project / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        offer.read(home, project, environ)


def test_a_file_of_256_kib_is_read(project: Path) -> None:
    (project / ".env").write_bytes(b"A=1\n" * 65_536)
    assert offer.declared_variables(project)[0]["A"] == "1"


def test_a_path_that_is_no_regular_file_has_no_variables(project: Path) -> None:
    for name in offer.SOURCES:
        (project / name).unlink()
    os.mkfifo(project / ".env")
    (project / "pyproject.toml").mkdir()
    assert offer.declared_variables(project) == ({}, {})


def test_a_file_without_variables_is_no_source(project: Path) -> None:
    (project / ".env").write_text("# nothing\n")
    assert set(offer.declared_variables(project)[1]) == {"pyproject.toml"}


BYTES = st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
LINES = st.sampled_from(
    [
        "home = /usr/bin",
        "uv = 1",
        "=",
        "A=1",
        "A='",
        'A="',
        "[tool.envmgr.env]",
        "A = 1",
        "A = 'x'",
        "\ufeff",
        "\0",
        "é",
    ]
)
HOSTILE = BYTES | st.lists(LINES, max_size=8).map(lambda lines: "\n".join(lines).encode())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=HOSTILE, table=HOSTILE, dotenv=HOSTILE)
def test_any_file_of_a_project_is_read_or_refused(
    home: Home, project: Path, environ: dict[str, str], config: bytes, table: bytes, dotenv: bytes
) -> None:
    (project / ".venv/pyvenv.cfg").write_bytes(config)
    (project / "pyproject.toml").write_bytes(b"[tool.envmgr.env]\n" + table)
    (project / ".env").write_bytes(dotenv)
    for part in (
        lambda: offer.declared_variables(project),
        lambda: external(home, project, environ, thorough=False).maker,
    ):
        try:
            part()
        except EnvmgrError:
            continue


@pytest.mark.parametrize("place", DEEP)
def test_an_offer_is_checked_to_its_deepest_file(
    home: Home, project: Path, environ: dict[str, str], place: str
) -> None:
    (project / place).chmod(0o777)
    with pytest.raises(UsageError, match="other users can write"):
        offer.read(home, project, environ)
