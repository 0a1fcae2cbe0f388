"""Files of other programs: whatever their content, reading them succeeds or raises EnvmgrError."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from envmgr.environments import external, record
from envmgr.environments.record import Environment
from envmgr.errors import EnvmgrError
from envmgr.host import config
from envmgr.host.paths import Home
from envmgr.packages import requirements, sync
from envmgr.shell.active import active_python
from envmgr.testing import matrix, table
from envmgr.versions import pins, requires

ANY = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(
    ["3.12", ">=3.11", "system", "pypy3.10", "3.12,", "..", "a/b", "\x1b", "*", "-e", "\ufeff", "9" * 99]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | WORDS, inner, max_size=3),
    max_leaves=8,
)
DEEP = b"[" * 100_000 + b"]" * 100_000
BYTES = st.binary(max_size=60) | st.lists(WORDS | TEXTS, max_size=8).map(lambda words: " ".join(words).encode())


def toml(value: object) -> str:
    """Return `value` as TOML, or an empty string for a type that TOML does not have."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(value if isinstance(value, str) else "", ensure_ascii=True).replace("\x7f", "\\u007f")


@ANY
@example(data=b"3.12 " * 2000)
@example(data=b"3.12\0")
@example(data=b"\xff")
@given(data=BYTES)
def test_version_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / pins.FILE_NAME).write_bytes(data)
    with suppress(EnvmgrError):
        active_python(Home(tmp_path / "store"), tmp_path, {})
    with suppress(EnvmgrError):
        active_python(Home(tmp_path / "store"), tmp_path, {pins.VARIABLE: os.fsdecode(data)})


@ANY
@example(data=DEEP)
@example(data=b'{"project": 1, "base": []}')
@example(data=b'{"project": "a\\u0000b", "base": "3.12"}')
@example(data=b'{"project": "\\ud800", "base": "3.12"}')
@example(data=b"9" * 5000)
@given(data=BYTES | VALUES.map(lambda value: json.dumps(value).encode()))
def test_environment_files(tmp_path: Path, data: bytes) -> None:
    """`envmgr.json`, the fingerprint of `sync`, a record file and `.venv/pyvenv.cfg`."""
    home, project = Home(tmp_path / "store"), tmp_path / "shop"
    project.mkdir(exist_ok=True)
    path = record.environments_folder(home, project) / "3.12"
    path.mkdir(parents=True, exist_ok=True)
    for name in (record.METADATA, "envmgr-sync.json", external.CONFIG):
        (path / name).write_bytes(data)
    file = record.record_file(home, project, "3.12")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    made = Environment(path, project, "3.12")
    record.lookup(home, project, "3.12")
    list(record.environments(home))
    list(record.records_of(home, made))
    record.moved(home, project)
    external.python_build(Environment(path, project, "", external=True))
    wanted = requirements.read_requirements(project, include="nothing")
    assert not sync.is_current(made, wanted)
    with suppress(OSError):
        (project / record.VENV_LINK).symlink_to(path)
    record.moved(home, project)


@ANY
@example(data=b"x = " + DEEP)
@example(data=b"x = 1" + b"0" * 5000)
@example(data=b"\xff")
@given(data=BYTES)
def test_toml_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    with suppress(EnvmgrError):
        config.read(tmp_path / "config.toml")


KEYS = st.sampled_from(["dependencies", "requires-python", "optional-dependencies", "classifiers", "name"])
TEST_KEYS = st.sampled_from(["pythons", "commands", "groups", "package", "extras", "set-env", "pass-env", "jobs"])


@ANY
@example(project={"requires-python": 3}, groups={}, tests={})
@example(project={"dependencies": ["-e ."]}, groups={"test": [{"include-group": "test"}]}, tests={})
@given(
    project=st.dictionaries(KEYS, VALUES, max_size=3) | VALUES,
    groups=st.dictionaries(st.just("test") | TEXTS, VALUES, max_size=2) | VALUES,
    tests=st.dictionaries(TEST_KEYS, VALUES, max_size=4) | VALUES,
)
def test_pyproject_tables(tmp_path: Path, project: object, groups: object, tests: object) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(
        f"project = {toml(project)}\ndependency-groups = {toml(groups)}\ntool = {{envmgr = {{test = {toml(tests)}}}}}"
    )
    for read in (
        lambda: requires.from_pyproject(tmp_path),
        lambda: requirements.read_requirements(tmp_path),
        lambda: requirements.read_requirements(tmp_path, groups=["test"], extras=["test"]),
        lambda: _cells(file),
    ):
        with suppress(EnvmgrError):
            read()


def _cells(file: Path) -> None:
    if found := table.read(file):
        matrix.cells(found, ["3.12"])


def test_an_endless_record_is_ignored(tmp_path: Path) -> None:
    home = Home(tmp_path / "store")
    file = record.record_file(home, tmp_path, "3.12")
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    assert record.lookup(home, tmp_path, "3.12") is None
    file.unlink()
    file.symlink_to("/dev/zero")
    assert record.lookup(home, tmp_path, "3.12") is None


@pytest.mark.parametrize("name", [pins.FILE_NAME, "pyproject.toml"])
def test_endless_files_are_not_read(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with suppress(EnvmgrError):
        active_python(Home(tmp_path / "store"), tmp_path, {})
    with suppress(EnvmgrError):
        requirements.read_requirements(tmp_path)
