from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmgr.host.paths import Home
from envmgr.pythons import aliases
from envmgr.pythons.store import Store
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

LINUX = "linux-x86_64-gnu"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "it's a $HOME")


def put(home: Home, *names: str) -> None:
    """Make empty installations of `names` (without platform) in the store, and update the aliases."""
    for name in names:
        (home.versions / f"{name}-{LINUX}" / "bin").mkdir(parents=True)
    aliases.update_aliases(home)


def links(folder: Path) -> dict[str, str]:
    return {entry.name: str(entry.readlink()) for entry in folder.iterdir() if entry.is_symlink()}


def test_an_empty_store_has_nothing(home: Home) -> None:
    assert list(Store(home).builds()) == []
    assert Store(home).find(VersionRequest.parse("3.12")) is None


def test_what_is_no_build_is_passed_over(home: Home) -> None:
    put(home, "cpython-3.12.7+20241016")
    (home.versions / "README").touch()
    (home.versions / ".staged").mkdir()
    assert [str(build) for build in Store(home).builds()] == [f"cpython-3.12.7+20241016-{LINUX}"]


@pytest.mark.parametrize(
    ("text", "tag", "alias"),
    [
        ("3.12", "20241016", "3.12"),
        ("3.12.7", "20241016", "3.12.7"),
        ("3.12.7+20241002", "20241002", "3.12.7+20241002"),
        ("3.12.6", "20240909", "3.12.6"),
        (">=3.11,<3.13", "20241016", "3.12"),
        ("3.13t", "20241016", "3.13t"),
        ("3.13-dev", "20241002", "3.13"),
        ("mine", "mine", "3.11.9+mine"),
    ],
)
def test_an_interpreter_is_run_through_the_widest_alias_its_request_allows(
    home: Home, text: str, tag: str, alias: str
) -> None:
    put(
        home,
        "cpython-3.12.6+20240909",
        "cpython-3.12.7+20241002",
        "cpython-3.12.7+20241016",
        "cpython-3.13.0t+20241016",
        "cpython-3.13.0rc1+20241002",
        "cpython-3.11.9+mine",
    )
    found = Store(home).find(VersionRequest.parse(text))
    assert found is not None
    assert (found.build.tag, found.alias) == (tag, alias)


def test_aliases_prefer_releases_and_never_leave_their_minor_version(home: Home) -> None:
    put(home, "cpython-3.12.7+20241016", "cpython-3.13.1rc1+20241016", "cpython-3.13.0+20241016")
    found = links(home.aliases)
    assert found["3.12"] == f"../versions/cpython-3.12.7+20241016-{LINUX}"
    assert found["3.13"] == f"../versions/cpython-3.13.0+20241016-{LINUX}"
    assert found["3.13.1rc1"] == f"../versions/cpython-3.13.1rc1+20241016-{LINUX}"
    assert "3" not in found


def test_a_release_beats_a_linked_interpreter_of_the_same_version(home: Home) -> None:
    put(home, "cpython-3.12.7+pyenv", "cpython-3.12.7+20241016")
    assert links(home.aliases)["3.12.7"].endswith(f"+20241016-{LINUX}")


def test_repointing_follows_removal_and_leaves_the_shims_alone(home: Home) -> None:
    put(home, "cpython-3.12.6+20240909", "cpython-3.12.7+20241016", "cpython-3.11.9+1", "pypy-3.10.14+7.3.17")
    for name in ("pip", "python"):
        (home.shims / name).symlink_to("../shell/shim.sh")
    assert links(home.shims)["python3.12"] == "../aliases/3.12/bin/python3.12"
    assert links(home.aliases)["pypy3.10"] == f"../versions/pypy-3.10.14+7.3.17-{LINUX}"
    for gone in ("cpython-3.12.7+20241016", "cpython-3.11.9+1"):
        (home.versions / f"{gone}-{LINUX}").rename(home.root / gone)
    aliases.update_aliases(home)
    assert links(home.aliases)["3.12"] == f"../versions/cpython-3.12.6+20240909-{LINUX}"
    assert not {"3.11", "3.12.7"} & set(links(home.aliases))
    assert set(links(home.shims)) == {"pip", "python", "python3.12"}


def test_free_threaded_and_debug_builds_get_links_of_their_own_name(home: Home) -> None:
    put(home, "cpython-3.13.0t+20241016", "cpython-3.13.0d+20241016")
    assert links(home.shims) == {
        "python3.13t": "../aliases/3.13t/bin/python3.13t",
        "python3.13d": "../aliases/3.13d/bin/python3.13",
    }


def test_remembered_requests_are_forgotten_when_the_store_changes(home: Home) -> None:
    put(home, "cpython-3.12.7+20241016")
    request = VersionRequest.parse(">=3.11,<3.13")
    found = Store(home).find(request)
    assert found is not None
    aliases.write_request(home, request, found)
    assert (home.requests / ">=3.11,<3.13").read_text() == "3.12\n"
    put(home, "cpython-3.12.8+20241206")
    assert list(home.requests.iterdir()) == []


def test_an_unchanged_link_is_not_written_again(home: Home) -> None:
    put(home, "cpython-3.12.7+20241016")
    before = (home.aliases / "3.12").lstat().st_ino
    aliases.update_aliases(home)
    assert (home.aliases / "3.12").lstat().st_ino == before


def test_a_damaged_receipt_is_no_obstacle(home: Home) -> None:
    put(home, "cpython-3.12.7+20241016")
    found = Store(home).interpreter(Build.parse(f"cpython-3.12.7+20241016-{LINUX}"))
    assert found.receipt() == {}
    (found.prefix / "receipt.json").write_text("{")
    assert found.receipt() == {}
    (found.prefix / "receipt.json").write_text('{"url": "x"}')
    assert found.receipt() == {"url": "x"}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["build", "path", "library", "stamp"]), inner),
)


@settings(deadline=None)  # the time depends on the load of the machine
@given(st.binary() | JSON.map(lambda data: json.dumps(data).encode()) | st.just(b"[" * 200_000))
def test_any_receipt_is_read_or_passed_over(receipt: bytes) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(Path(scratch))
        put(home, "cpython-3.12.7+20241016")
        build = Build.parse(f"cpython-3.12.7+20241016-{LINUX}")
        program = home.versions / str(build) / "bin/python"
        program.symlink_to("/bin/true")  # as a linked interpreter has it
        (home.versions / str(build) / "receipt.json").write_bytes(receipt)
        interpreter = Store(home).interpreter(build)
        assert isinstance(interpreter.receipt_value("path"), str)
        assert {interpreter.works, interpreter.replaced} <= {True, False}
        assert interpreter.missing_error().message


@pytest.mark.parametrize("tag", ["7..3", "7.", "7.3.", "1.-"])
def test_a_directory_with_an_odd_tag_is_no_obstacle(tag: str, home: Home) -> None:
    put(home, "cpython-3.12.7+20241016", f"cpython-3.12.6+{tag}")
    found = Store(home).find(VersionRequest.parse("3.12"))
    assert found is not None
    assert found.build.tag == "20241016"
