"""Writing grants (grant.py) and reading them (trust.py): what was allowed, and whether it still holds."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envmgr.environments import record
from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.shell import grant, offer, trust
from envmgr.shell.trust import Grant, Result

HOUR = 3600
ENVIRON = dict(os.environ)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with a .venv, a table and a dotenv file, none of them changed within the last hour."""
    folder = tmp_path / "shop"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to("/usr/bin/env")
    (folder / ".venv/lib/python3.12/site-packages").mkdir(parents=True)
    (folder / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n")
    (folder / "pyproject.toml").write_text("[tool.envmgr.env]\nPORT = 8000\n")
    (folder / ".env").write_text("NAME=from dotenv\n")
    age(folder)
    return folder


def age(folder: Path, by: float = HOUR) -> None:
    """Let all in `folder` be as it was some time ago."""
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (time.time() - by,) * 2, follow_symlinks=False)


def allow(home: Home, project: Path) -> Path:
    """Allow all that the project offers; return its record folder."""
    grant.allow(home, offer.read(home, project, ENVIRON))
    return record.record_folder(home, project)


def granted(home: Home, project: Path) -> Grant:
    return trust.granted(home, project, None, ENVIRON)


def test_the_files_of_a_grant(home: Home, project: Path) -> None:
    folder = allow(home, project)
    written = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    stamps = {f".checked/{number}" for number in range(8) if number != 7}  # .git is missing
    assert set(written) == stamps | {
        ".allowed", ".identity", ".copies/.env", ".copies/pyproject.toml", ".copies/pyvenv.cfg", ".variables/NAME",
        ".variables/PORT", ".checked/paths", ".checked/environment", ".checked/variables", ".checked/written",
    }  # fmt: skip
    assert written[".allowed"].read_text() == f"{project}/.venv\n{os.path.realpath('/usr/bin/env')}\nPORT\nNAME\n"
    assert written[".copies/.env"].read_text() == "NAME=from dotenv\n"
    assert written[".variables/PORT"].read_text() == "8000"
    lines = written[".checked/paths"].read_text().splitlines()
    assert f"+{project}/.venv" in lines
    assert f"={project}/.git" in lines
    for number, line in enumerate(lines[:-1]):
        assert written[f".checked/{number}"].stat().st_mtime_ns == Path(line[1:]).stat().st_mtime_ns
    assert list(trust.all_grants(home)) == [(project, [f"{project}/.venv", "PORT", "NAME"])]


def test_an_allowed_environment_and_variables_are_granted(home: Home, project: Path) -> None:
    assert granted(home, project) == Grant()
    allow(home, project)
    assert granted(home, project) == Grant(project / ".venv", {"PORT": "8000", "NAME": "from dotenv"}, project)


@pytest.mark.parametrize("part", ["environment", "variables"])
def test_one_part_alone(home: Home, project: Path, part: str) -> None:
    if part == "environment":
        (project / ".env").unlink()
        (project / "pyproject.toml").unlink()
    else:
        (project / ".venv").rename(project / "venv")
    folder = allow(home, project)
    assert (folder / ".checked/environment").exists() == (part == "environment")
    assert (folder / ".checked/variables").exists() == (part == "variables")
    assert (folder / ".variables").exists() == (part == "variables")
    found = granted(home, project)
    assert (found.venv is None, bool(found.variables)) == (part == "variables", part == "variables")
    age(project, HOUR / 2)
    assert trust.examine(home, project, ENVIRON) == Result(part == "environment", part == "variables")
    assert granted(home, project) == found


def test_allowing_again_replaces_and_denying_revokes(home: Home, project: Path) -> None:
    folder = allow(home, project)
    (project / ".env").unlink()
    allow(home, project)
    assert not (folder / ".copies/.env").exists()
    assert not (folder / ".variables/NAME").exists()
    assert grant.deny(home, project)
    assert not grant.deny(home, project)
    assert list(folder.iterdir()) == []
    assert list(trust.all_grants(home)) == []
    assert granted(home, project) == Grant()


def test_files_of_a_killed_allow_are_removed(home: Home, project: Path) -> None:
    folder = allow(home, project)
    (folder / ".allowed").unlink()
    (project / ".env").unlink()
    allow(home, project)
    assert granted(home, project).variables == {"PORT": "8000"}
    age(project, HOUR / 2)
    assert granted(home, project).variables == {"PORT": "8000"}


def test_steering_variables_need_unsafe(home: Home, project: Path) -> None:
    (project / ".env").write_text("PIP_INDEX_URL=x\nPORT=1\n")
    offered = offer.read(home, project, ENVIRON)
    with pytest.raises(UsageError, match="PIP_INDEX_URL: these variables"):
        grant.allow(home, offered)
    assert not record.record_folder(home, project).exists()
    grant.allow(home, offered, unsafe=True)
    assert granted(home, project).variables["PIP_INDEX_URL"] == "x"


def test_a_path_with_a_line_break_is_refused(home: Home, project: Path) -> None:
    odd = project.rename(project.with_name("a\nb"))
    with pytest.raises(UsageError, match="line break"):
        grant.allow(home, offer.read(home, odd, ENVIRON))
    (odd / ".venv").rename(odd / "venv")
    with pytest.raises(UsageError, match="line break"):
        grant.allow(home, offer.read(home, odd, ENVIRON))


def test_a_store_that_cannot_be_written_is_an_error(home: Home, project: Path) -> None:
    home.root.write_text("a file")
    with pytest.raises(EnvmgrError) as caught:
        allow(home, project)
    assert caught.value.hint == "nothing was allowed"


def test_the_nearest_grant_counts_up_to_the_project_and_below_the_ceilings(home: Home, project: Path) -> None:
    inner = project / "src/inner"
    inner.mkdir(parents=True)
    assert trust.nearest(home, inner, None) is None
    allow(home, project)
    assert trust.nearest(home, inner, None) == project
    assert trust.nearest(home, inner, project) == project
    assert trust.nearest(home, inner, project / "src") is None, "a project of its own"
    assert trust.nearest(home, inner, None, [project]) is None
    assert trust.granted(home, inner, None, ENVIRON | {"ENVMGR_CEILING_DIRS": str(project / "src")}) == Grant()
    (inner / ".env").write_text("INNER=1\n")
    allow(home, inner)
    assert trust.granted(home, inner, None, ENVIRON).variables == {"INNER": "1"}


def test_in_a_path_too_long_for_a_record_nothing_is_allowed(home: Home) -> None:
    place = Path("/", *["x" * 250] * 16)
    assert trust.nearest(home, place, None) is None
    assert grant.recheck(home, place, ENVIRON) == ()


def test_a_grant_that_cannot_be_read_grants_nothing(home: Home, project: Path) -> None:
    folder = allow(home, project)
    (folder / ".variables/PORT").unlink()
    assert granted(home, project) == Grant()
    (folder / ".allowed").write_text("only one line\n")
    assert granted(home, project) == Grant()
    assert grant.recheck(home, project, ENVIRON) == ()
    (folder / ".checked/paths").unlink()
    assert grant.recheck(home, project, ENVIRON) == ()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def replace_python(project: Path) -> None:
    python = project / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/usr/bin/id")


def turn_into_link(project: Path) -> None:
    (project / ".venv").rename(project / "before")
    (project / "evil/bin").mkdir(parents=True)
    (project / "evil/bin/python").symlink_to("/usr/bin/env")
    (project / "evil/pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n")
    (project / ".venv").symlink_to("evil")


def open_to_others(project: Path) -> None:
    (project / ".venv/bin").chmod(0o777)
    (project / ".venv/bin/ls").touch(0o755)  # by another user


def give_away(project: Path) -> None:
    before = (project / ".venv/bin").stat()
    os.chown(project / ".venv/bin", 54321, -1)
    os.utime(project / ".venv/bin", ns=(before.st_atime_ns, before.st_mtime_ns))


def track(project: Path) -> None:
    process.run(["git", "init", "-q", project], environ=ENVIRON)
    process.run(["git", "add", "-f", ".venv"], environ=ENVIRON, cwd=project)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pyvenv.cfg": (lambda project: append(project / ".venv/pyvenv.cfg", b"home = /tmp\n"), "not the file that was"),
    "pyvenv.cfg with a NUL": (lambda project: append(project / ".venv/pyvenv.cfg", b"\0\nhome = /tmp\n"), "a NUL"),
    "python": (replace_python, "its Python was replaced by another program"),
    "link": (turn_into_link, "is no longer "),
    "missing": (lambda project: (project / ".venv").rename(project / "away"), "is no longer "),
    "writable": (open_to_others, "other users can write to it"),
    "owner": (give_away, "belongs to another user"),
    "tracked": (track, "tracked by git"),
    "no python": (lambda project: (project / ".venv/bin/python").unlink(), "its Python is missing"),
    "unreadable": (lambda project: (project / ".venv/pyvenv.cfg").write_bytes(b"\xff"), "not UTF-8"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_revokes_the_environment_and_no_more(home: Home, project: Path, change: str) -> None:
    folder = allow(home, project)
    make, message = CHANGES[change]
    make(project)
    assert trust.last_result(folder) is None
    found = granted(home, project)
    assert found.venv is None
    assert found.variables == {"PORT": "8000", "NAME": "from dotenv"}
    problems = grant.recheck(home, project, ENVIRON)
    assert problems == found.problems
    assert len(problems) == 1
    assert re.search(message, problems[0])
    assert not (folder / ".checked/environment").exists()
    assert (folder / ".checked/variables").exists()
    assert granted(home, project).venv is None, "and stays revoked"
    age(project, HOUR / 2)
    assert grant.recheck(home, project, ENVIRON) == (), "and is reported once"
    assert granted(home, project).problems == problems


@pytest.mark.parametrize("name", ["pyproject.toml", ".env"])
@pytest.mark.parametrize("change", [lambda path: append(path, b"\n"), Path.unlink, lambda path: append(path, b"\0")])
def test_a_changed_source_revokes_the_variables_and_no_more(
    home: Home, project: Path, name: str, change: Callable[[Path], object]
) -> None:
    folder = allow(home, project)
    change(project / name)
    assert granted(home, project) == Grant(
        project / ".venv", {}, project, (f"{project / name} is not the file that was allowed",)
    )
    assert len(grant.recheck(home, project, ENVIRON)) == 1
    assert (folder / ".checked/environment").exists()
    assert not (folder / ".checked/variables").exists()


@pytest.mark.parametrize("path", [".venv/bin/new", ".venv/lib/python3.12/site-packages/new.pth", ".git/index"])
def test_a_change_that_is_no_harm_is_stamped_anew_without_a_word(home: Home, project: Path, path: str) -> None:
    if path.startswith(".git"):
        process.run(["git", "init", "-q", project], environ=ENVIRON)
    folder = allow(home, project)
    before = granted(home, project)
    (project / path).write_bytes(b"")
    if path.startswith(".git"):
        (project / path).unlink()
        process.run(["git", "add", "pyproject.toml"], environ=ENVIRON, cwd=project)
    assert trust.last_result(folder) is None
    assert granted(home, project) == before
    age(project, HOUR / 2)
    assert grant.recheck(home, project, ENVIRON) == ()
    assert trust.last_result(folder) == Result(environment=True, variables=True)
    assert granted(home, project) == before


def test_a_time_that_goes_back_is_a_change(home: Home, project: Path) -> None:
    folder = allow(home, project)
    os.utime(project / ".venv/bin", (1, 1))
    assert trust.last_result(folder) is None


def test_a_reverted_change_is_granted_again(home: Home, project: Path) -> None:
    allow(home, project)
    open_to_others(project)
    assert grant.recheck(home, project, ENVIRON)
    (project / ".venv/bin").chmod(0o755)
    (project / ".venv/bin/ls").unlink()
    age(project, HOUR / 2)
    assert grant.recheck(home, project, ENVIRON) == ()
    assert granted(home, project).venv == project / ".venv"


def test_a_path_changed_within_the_last_second_is_checked_again(home: Home, project: Path) -> None:
    os.utime(project / ".venv/bin")
    folder = allow(home, project)
    assert trust.last_result(folder) is None
    assert granted(home, project).venv == project / ".venv"
    age(project, 1.5)
    assert grant.recheck(home, project, ENVIRON) == ()
    assert trust.last_result(folder)
    age(project, -HOUR)  # a clock that was set back; to look at every prompt for an hour would not help
    assert grant.recheck(home, project, ENVIRON) == ()
    assert trust.last_result(folder)


def test_a_change_between_showing_and_allowing_is_noticed(home: Home, project: Path) -> None:
    offered = offer.read(home, project, ENVIRON)
    replace_python(project)
    grant.allow(home, offered)
    assert granted(home, project).venv is None


def test_a_stamp_without_its_path_and_a_path_without_its_stamp_are_changes(home: Home, project: Path) -> None:
    folder = allow(home, project)
    assert trust.last_result(folder)
    (folder / ".checked/7").touch()
    assert trust.last_result(folder) is None
    (folder / ".checked/7").unlink()
    assert trust.last_result(folder)
    (folder / ".checked/0").unlink()
    assert trust.last_result(folder) is None


def test_a_path_of_root_need_not_belong_to_the_user(home: Home, project: Path) -> None:
    folder = allow(home, project)
    text = (folder / ".checked/paths").read_text()
    os.chown(project / ".env", 54321, -1)
    assert trust.last_result(folder) is None
    (folder / ".checked/paths").write_text(text.replace(f"+{project}/.env", f"={project}/.env"))
    assert trust.last_result(folder)


def test_nothing_is_looked_at_without_a_grant_or_a_change(home: Home, project: Path) -> None:
    assert grant.recheck(home, project, ENVIRON) == ()
    assert not record.record_folder(home, project).exists()
    folder = allow(home, project)
    before = (folder / ".checked").stat().st_ino
    assert grant.recheck(home, project, ENVIRON) == ()
    assert (folder / ".checked").stat().st_ino == before


def test_a_result_that_cannot_be_written_is_an_oserror(home: Home, project: Path) -> None:
    folder = allow(home, project)
    os.utime(project / ".env", (1, 1))
    (folder / f".checked.{os.getpid()}").mkdir()
    (folder / f".checked.{os.getpid()}-{os.getpid()}").write_text("in the way")
    with pytest.raises(OSError, match="Not a directory"):
        grant.recheck(home, project, ENVIRON)


def test_a_project_behind_a_link_has_the_grant_of_its_physical_path(home: Home, project: Path) -> None:
    link = project.with_name("current")
    link.symlink_to("shop")
    allow(home, link)
    assert granted(home, link).venv == project / ".venv"
    assert granted(home, project).venv == project / ".venv"
    assert [place for place, _ in trust.all_grants(home)] == [project]
    assert grant.deny(home, link)
    assert granted(home, project) == Grant()


def test_a_project_that_is_reached_through_a_link_has_its_grant(home: Home, project: Path) -> None:
    allow(home, project)
    link = project.with_name("current")
    link.symlink_to("shop")
    assert granted(home, link).variables["PORT"] == "8000"


def test_the_written_result_counts_while_nothing_changes(home: Home, project: Path) -> None:
    folder = allow(home, project)
    (folder / ".checked/environment").unlink()
    assert granted(home, project).venv is None
    age(project, HOUR / 2)
    assert granted(home, project).venv == project / ".venv"


def test_without_a_granted_environment_there_is_none_whatever_the_result(home: Home, project: Path) -> None:
    (project / ".venv").rename(project / "venv")
    folder = allow(home, project)
    (folder / ".checked/environment").touch()
    assert granted(home, project).venv is None


def test_a_problem_in_a_path_that_is_not_utf8_is_read_again(home: Home, project: Path) -> None:
    odd = project.rename(project.with_name(os.fsdecode(b"caf\xe9")))
    folder = allow(home, odd)
    append(odd / ".env", b"\n")
    problems = grant.recheck(home, odd, ENVIRON)
    assert problems[0].startswith(f"{odd}/.env ")
    assert trust.last_problems(folder) == problems


def test_a_file_that_held_no_variables_when_allowed_is_not_compared(home: Home, project: Path) -> None:
    (project / "pyproject.toml").write_text("[project]\n")
    age(project)
    folder = allow(home, project)
    assert trust.examine(home, project, ENVIRON) == Result(environment=True, variables=True)
    before = (folder / ".checked/paths").read_text()
    assert f"{project}/pyproject.toml" not in before
    age(project, HOUR / 2)
    assert grant.recheck(home, project, ENVIRON) == ()
    assert (folder / ".checked/paths").read_text() == before


def test_a_later_check_reads_no_deeper_than_the_entries_of_site_packages(home: Home, project: Path) -> None:
    package = project / ".venv/lib/python3.12/site-packages/foo"
    package.mkdir()
    (package / "inner.py").touch()
    allow(home, project)
    (package / "inner.py").chmod(0o666)
    assert trust.examine(home, project, ENVIRON).environment
    package.chmod(0o777)
    assert not trust.examine(home, project, ENVIRON).environment


def test_an_environment_whose_bin_is_a_file_is_not_granted(home: Home, project: Path) -> None:
    allow(home, project)
    (project / ".venv/bin").rename(project / "bin")
    (project / ".venv/bin").touch()
    assert granted(home, project).problems == (f"{project}/.venv/bin: Not a directory",)


def test_all_grants_are_sorted_and_have_variables_without_an_environment(home: Home, tmp_path: Path) -> None:
    for name in "cadb":
        (tmp_path / name).mkdir()
        (tmp_path / name / ".env").write_text(f"{name.upper()}=1\n")
        allow(home, tmp_path / name)
    assert list(trust.all_grants(home)) == [(tmp_path / name, [name.upper()]) for name in "abcd"]


def test_a_home_that_has_records_already_takes_a_grant(home: Home, project: Path) -> None:
    folder = record.record_folder(home, project)
    (folder / ".copies").mkdir(parents=True)
    (folder / ".variables").mkdir()
    allow(home, project)
    assert granted(home, project).variables == {"PORT": "8000", "NAME": "from dotenv"}


def test_several_problems_are_read_back_as_several(home: Home, project: Path) -> None:
    folder = allow(home, project)
    replace_python(project)
    append(project / ".env", b"\n")
    append(project / "pyproject.toml", b"\n")
    problems = grant.recheck(home, project, ENVIRON)
    assert len(problems) == 3
    assert trust.last_problems(folder) == problems


def test_without_an_environment_the_first_two_lines_are_empty(home: Home, project: Path) -> None:
    (project / ".venv").rename(project / "venv")
    folder = allow(home, project)
    assert (folder / ".allowed").read_text() == "\n\nPORT\nNAME\n"


def test_through_a_link_the_same_paths_are_watched_after_a_check(home: Home, project: Path) -> None:
    folder = allow(home, project)
    before = (folder / ".checked/paths").read_text()
    link = project.with_name("current")
    link.symlink_to("shop")
    age(project, HOUR / 2)
    assert grant.recheck(home, link, ENVIRON) == ()
    assert (folder / ".checked/paths").read_text() == before
