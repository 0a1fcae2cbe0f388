"""Test runs without a table: Pythons, requirements and commands worked out from the files of a project.

Each decision is one `Choice` with its reason, so that a run says what it chose and `--init` writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.testing.cell import Settings
from envmgr.testing.table import Table
from envmgr.versions import release_cycle

GROUPS = ("test", "tests", "testing", "dev")
_FILES = (
    *(f"requirements/{name}.txt" for name in GROUPS),
    *(f"requirements{joint}{name}.txt" for name in GROUPS for joint in "-_"),
    *(f"{name}-requirements.txt" for name in GROUPS),
    "tests/requirements.txt",
    "test/requirements.txt",
)
_CLASSIFIER = "Programming Language :: Python :: 3."
_PYTEST_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "conftest.py", "tests/conftest.py")
_PYTEST_SECTIONS = (("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]"))
_IMPORT = re.compile(r"^\s*(?:import|from)\s+pytest\b", re.MULTILINE)
_FUNCTION = re.compile(
    r"^(?:async\s+)?def\s+test_", re.MULTILINE
)  # unittest does not run these, and up to 3.11 it passes
_LARGEST = 1 << 20  # bytes of a test file that is searched for imports
_MOST = 500  # test files that are looked at


@dataclass(frozen=True)
class Choice:
    """One decision: the `key` of the table that would say the same, its `value`, and the reason."""

    key: str
    value: tuple[Any, ...]
    reason: str


@dataclass(frozen=True)
class Defaults:
    """A table made from a project's files, the choices it came from, and notes about what was not read."""

    table: Table
    choices: tuple[Choice, ...]
    notes: tuple[str, ...] = ()


def work_out(project: Path, today: date) -> Defaults:
    """Return the table for a project that has none. Raises UsageError where it has no tests, or no Python for them."""
    file = project / "pyproject.toml"
    tables = config.read(file)
    metadata = config.table(tables, file, "project")
    pythons = _pythons(metadata, today, file)
    requirements = _requirements(project, tables, metadata)
    runner = _commands(project, tables, requirements)
    choices = [pythons, *([requirements] if requirements else []), runner]
    if runner.value[0][:3] == ("python", "-m", "pytest") and not _names_pytest(project, tables, requirements):
        choices.append(Choice("deps", ("pytest",), "nothing that is installed names pytest"))
    if requirements and requirements.key in ("groups", "extras") and (project / "uv.lock").is_file():
        choices.insert(1, Choice("lock", (True,), "file uv.lock"))
    values = {"pythons": pythons.value}
    chosen: dict[str, Any] = {each.key: each.value for each in choices if each.key not in ("pythons", "lock")}
    chosen["lock"] = any(each.key == "lock" for each in choices)
    settings = Settings(**chosen)
    return Defaults(Table(file, values, settings), tuple(choices), tuple(_notes(project, tables)))


def _pythons(metadata: Mapping[str, Any], today: date, file: Path) -> Choice:
    """Choose the supported minor versions that requires-python allows; of those the classified ones, if any are."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    requires = metadata.get("requires-python", "")
    try:
        allowed = SpecifierSet(requires if isinstance(requires, str) else "")
    except InvalidSpecifier as error:
        raise UsageError(f"{file}: requires-python: {error}") from error
    supported = release_cycle.supported(today)
    fitting = [minor for minor in supported if allowed.contains(f"{minor}.999")]
    classified = [minor for minor in fitting if minor in classifiers(metadata)]
    reason = f"requires-python {requires}" if requires else "no requires-python"
    if classified:
        reason = "classifiers"
    if not (found := classified or fitting):
        raise UsageError(
            f"{file}: {reason} allows no Python that is still supported",
            hint="name those to test on: `envmgr test -p 3.8`, or pythons in [tool.envmgr.test]",
        )
    ended = [minor for minor in classifiers(metadata) if minor not in supported and allowed.contains(f"{minor}.999")]
    note = f"; without {', '.join(ended)}, at end of life" if ended else ""
    return Choice("pythons", tuple(found), f"{reason}, supported on {today}{note}")


def classifiers(metadata: Mapping[str, Any]) -> list[str]:
    """Return the minor versions that the classifiers of a project name, in their order."""
    found = metadata.get("classifiers")
    texts = [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
    minors = [text.removeprefix(_CLASSIFIER) for text in texts if text.startswith(_CLASSIFIER)]
    return [f"3.{minor}" for minor in minors if minor.isdigit()]


def _requirements(project: Path, tables: Mapping[str, Any], metadata: Mapping[str, Any]) -> Choice | None:
    """Choose the first there is of: a dependency group, an extra, a requirements file, of the usual names."""
    for key, title, found in (
        ("groups", "dependency group", tables.get("dependency-groups")),
        ("extras", "extra", metadata.get("optional-dependencies")),
    ):
        for name in GROUPS:
            if isinstance(found, dict) and name in found:
                return Choice(key, (name,), f"{title} {name}")
    for name in _FILES:
        if (project / name).is_file():
            return Choice("requirements", (name,), f"file {name}")
    return None


def _commands(project: Path, tables: Mapping[str, Any], requirements: Choice | None) -> Choice:
    """Choose pytest where it is configured, required or imported, or tests are functions; else unittest."""
    pytest = (("python", "-m", "pytest", "{args}"),)
    if reason := _pytest_reason(project, tables):
        return Choice("commands", pytest, reason)
    if requirements and _names_pytest(project, tables, requirements):
        return Choice("commands", pytest, f"{requirements.reason} has pytest")
    files = list(test_files(project))
    for file in files:
        text = _text(file)
        if _IMPORT.search(text):
            return Choice("commands", pytest, f"{file.relative_to(project)} imports pytest")
        if _FUNCTION.search(text):
            return Choice("commands", pytest, f"{file.relative_to(project)} has test functions")
    if not files:
        raise UsageError(
            f"{project}: no tests found (no test_*.py, no tests directory, no configuration of pytest)",
            hint="say what to run: commands in [tool.envmgr.test] of pyproject.toml; `envmgr test --init` begins one",
        )
    discover = ["python", "-m", "unittest", "discover"]
    if (project / "tests").is_dir():
        discover += ["-s", "tests", *(["-t", "."] if (project / "tests" / "__init__.py").is_file() else [])]
    return Choice("commands", ((*discover, "{args}"),), "tests that do not import pytest")


def _pytest_reason(project: Path, tables: Mapping[str, Any]) -> str | None:
    tool = tables.get("tool", {})
    if isinstance(tool, dict) and "pytest" in tool:
        return "[tool.pytest] in pyproject.toml"
    for name in _PYTEST_FILES:
        if (project / name).is_file():
            return f"file {name}"
    for name, section in _PYTEST_SECTIONS:
        if section in _text(project / name).splitlines():
            return f"{section} in {name}"
    return None


def test_files(project: Path) -> Iterator[Path]:
    """Yield the test modules of a project, a bounded number, in a fixed order."""
    count = 0
    for pattern in ("tests/**/*.py", "test/**/*.py", "test_*.py", "*_test.py", "src/**/test_*.py", "*/tests/**/*.py"):
        for file in sorted(project.glob(pattern)):
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(project).parts):
                yield file
                count += 1
                if count >= _MOST:
                    return


def _names_pytest(project: Path, tables: Mapping[str, Any], chosen: Choice | None) -> bool:
    """Return whether the chosen requirements mention pytest."""
    if chosen is None:
        return False
    if chosen.key == "requirements":
        text = _text(project / str(chosen.value[0]))
        return "pytest" in text
    named = tables["dependency-groups"] if chosen.key == "groups" else tables["project"]["optional-dependencies"]
    return "pytest" in str(_with_included(named, str(chosen.value[0]), set()))


def _with_included(named: Mapping[str, Any], group: str, seen: set[str]) -> list[Any]:
    """Return the entries of a group with those of the groups that it includes."""
    entries = named.get(group)
    if group in seen or not isinstance(entries, list):
        return []
    included = [str(each.get("include-group")) for each in entries if isinstance(each, dict)]
    return entries + [one for name in included for one in _with_included(named, name, {*seen, group})]


def _notes(project: Path, tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each declaration of test requirements that only its own tool understands."""
    tool = tables.get("tool", {})
    tool = tool if isinstance(tool, dict) else {}
    for name, key in (("poetry", "group"), ("poetry", "dev-dependencies"), ("pdm", "dev-dependencies")):
        if isinstance(tool.get(name), dict) and key in tool[name]:
            yield f"[tool.{name}.{key}] is not read; `envmgr run {name} ...` runs {name} on the same Pythons"
    for name in ("Pipfile", "environment.yml", "environment.yaml"):
        if (project / name).is_file():
            yield f"{name} is not read"


def _text(file: Path) -> str:
    """Return the text of a small regular file, empty for anything else."""
    try:
        if file.is_file() and file.stat().st_size <= _LARGEST:
            return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        pass
    return ""


def as_toml(found: Defaults) -> str:
    """Return the table `[tool.envmgr.test]` that says what was worked out, with the reasons as comments."""
    lines = ["[tool.envmgr.test]"]
    for choice in found.choices:
        value = "true" if choice.key == "lock" else _toml(choice.value)
        lines += [f"# {choice.reason}", f"{choice.key} = {value}"]
    return "\n".join(lines) + "\n"


def _toml(value: Sequence[Any] | str) -> str:
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False)  # a basic string of TOML has the same escapes
    return f"[{', '.join(_toml(each) for each in value)}]"
