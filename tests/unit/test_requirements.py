from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.packages.requirements import read_requirements

PYPROJECT = """
[project]
name = "shop"
dependencies = ["attrs>=23"]
optional-dependencies = { Web_App = ["idna"] }
[dependency-groups]
test = ["pytest", { include-group = "Type.Check" }]
type-check = ["mypy"]
round = [{ include-group = "trip" }]
trip = [{ include-group = "round" }]
odd = [{ something = "else" }]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def test_dependencies_extras_and_groups_come_from_pyproject(project: Path) -> None:
    assert read_requirements(project).arguments == ("attrs>=23",)
    assert read_requirements(project, extras=["web-app"], groups=["test"]).arguments == (
        "attrs>=23",
        "idna",
        "pytest",
        "mypy",
    )
    assert read_requirements(project).files == (project / "pyproject.toml",)


def test_a_project_with_a_build_system_is_installed_editable(project: Path) -> None:
    (project / "pyproject.toml").write_text(PYPROJECT + "[build-system]\nrequires = []\n")
    assert read_requirements(project).arguments == ("-e", ".")
    assert read_requirements(project, extras=["web-app"]).arguments == ("-e", ".[web-app]")
    assert read_requirements(project, include="dependencies").arguments == ("attrs>=23",)
    assert read_requirements(project, include="nothing", groups=["type-check"]).arguments == ("mypy",)


def test_the_order_is_lock_requirements_pyproject(project: Path) -> None:
    (project / "requirements.txt").write_text("idna\n")
    assert read_requirements(project).arguments == ("-r", str(project / "requirements.txt"))
    (project / "pylock.toml").write_text("lock-version = '1.0'\n")
    assert read_requirements(project).arguments == ("-r", str(project / "pylock.toml"))
    assert read_requirements(project, requirements=["requirements.txt"], groups=["type-check"]).arguments == (
        "-r",
        str(project / "requirements.txt"),
        "mypy",
    )


def test_the_digest_covers_included_files(project: Path) -> None:
    (project / "requirements.txt").write_text("-r more.txt # more\n--constraint=limits.txt\n-r https://x/y.txt\n")
    (project / "more.txt").write_text("-r requirements.txt\nidna\n")
    (project / "limits.txt").write_text("idna<4\n")
    before = read_requirements(project)
    assert {file.name for file in before.files} == {"requirements.txt", "more.txt", "limits.txt"}
    digest = before.digest
    assert read_requirements(project).digest == digest
    (project / "limits.txt").write_text("idna<3\n")
    assert read_requirements(project).digest != digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": ["no"]}, "has no dependency group 'no'"),
        ({"extras": ["no"]}, "has no extra 'no'"),
        ({"groups": ["round"]}, "pyproject.toml: Cyclic dependency group include"),
        ({"groups": ["odd"]}, "pyproject.toml: Invalid dependency group item"),
        ({"requirements": ["none.txt"]}, "none.txt: cannot be read"),
    ],
)
def test_errors_name_the_file_and_the_unknown_name(project: Path, options: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_requirements(project, **options)  # type: ignore[arg-type]


def test_a_project_without_requirements_has_no_arguments(tmp_path: Path) -> None:
    assert read_requirements(tmp_path).arguments == ()


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ('a = "x"', "a string rather than a list"),
        ("a = [1]", "Invalid dependency group item"),
        ('a = ["-r other.txt"]', "Expected package name"),
        ('a = ["b @ https://host/b.whl\\n--index-url https://evil"]', "Expected semicolon"),
        ('a = [{ include-group = "b" }]', "'b' not found"),
        ('a = ["x"]\nA = ["y"]', "Duplicate dependency group names"),
        ("\n".join(f'a{n or ""} = [{{ include-group = "a{n + 1}" }}]' for n in range(3000)), "too deeply"),
    ],
)
def test_a_malformed_dependency_group_is_an_error(tmp_path: Path, groups: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[dependency-groups]\n{groups}\n")
    with pytest.raises(UsageError, match=message):
        read_requirements(tmp_path, include="nothing", groups=["a"])
