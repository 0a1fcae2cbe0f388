from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import BrokenInterpreterError, NoSuchVersionError, UsageError
from envmgr.host import platforms
from envmgr.host.platforms import Platform
from envmgr.pythons import selection
from envmgr.pythons.candidate import Candidate
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

HERE = Platform("linux", "x86_64", "gnu")
BUILDS = [
    "cpython-3.15.0a1+20261110",
    "cpython-3.14.2t+20261110",
    "cpython-3.14.2+20261110",
    "cpython-3.13.1+20241219",
    "cpython-3.13.1+20241206",
    "cpython-3.12.7+20241016",
    "cpython-3.9.20+20241016",
    "pypy-3.10.14+7.3.17",
]


def candidate(text: str) -> Candidate:
    build = Build.parse(f"{text}-{HERE}")
    return Candidate(build, f"{build.tag}/{build}.tar.gz", "a" * 64)


CANDIDATES = [candidate(text) for text in BUILDS]


@pytest.mark.parametrize(
    ("request_text", "build"),
    [
        ("3.13", "cpython-3.13.1+20241219"),
        ("3.13.1+20241206", "cpython-3.13.1+20241206"),
        ("latest", "cpython-3.14.2+20261110"),
        ("3.15", "cpython-3.15.0a1+20261110"),
        ("3.14t", "cpython-3.14.2t+20261110"),
        ("<3.13", "cpython-3.12.7+20241016"),
        ("pypy", "pypy-3.10.14+7.3.17"),
    ],
)
def test_the_newest_that_fits_is_chosen(request_text: str, build: str) -> None:
    assert selection.select(VersionRequest.parse(request_text), CANDIDATES, "here") == candidate(build)


@pytest.mark.parametrize(
    ("request_text", "near"),
    [
        ("3.14.9", "3.14.2, 3.13.1, 3.15.0a1, 3.12.7, 3.9.20"),
        ("3.11", "3.12, 3.13, 3.9, 3.14, 3.15.0a1"),
        ("2.7", "3.9, 3.12, 3.13, 3.14, 3.15.0a1"),
        ("3.13t", "3.14t"),
        ("3.13.1+20250101", "3.13.1+20241219, 3.13.1+20241206, 3.14.2+20261110, 3.12.7+20241016, 3.15.0a1+20261110"),
        ("pypy3.11", "pypy3.10"),
        ("graalpy3.11", "3.12, pypy3.10, 3.13, 3.9, 3.14"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(request_text: str, near: str) -> None:
    with pytest.raises(NoSuchVersionError, match=r"in the mirror$") as raised:
        selection.select(VersionRequest.parse(request_text), CANDIDATES, "the mirror")
    assert raised.value.hint == f"the nearest are {near}"


def test_a_name_is_not_for_the_index() -> None:
    with pytest.raises(NoSuchVersionError, match="no Python is called pyhton") as raised:
        selection.select(VersionRequest.parse("pyhton"), CANDIDATES, "the mirror")
    assert "envmgr link" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("name", "near"), [("py312", "3.12, 3.13, 3.14"), ("pyhton3.13", "3.13, 3.14, 3.12"), ("x", "3.14, 3.13")]
)
def test_hint_uses_the_numbers_in_a_name(name: str, near: str) -> None:
    with pytest.raises(NoSuchVersionError, match=f"no Python is called {name}") as raised:
        selection.select(VersionRequest.parse(name), CANDIDATES, "the mirror")
    assert str(raised.value.hint).startswith(f"the nearest versions are {near}")


def test_a_name_where_nothing_is_known_has_no_near_ones() -> None:
    with pytest.raises(NoSuchVersionError) as raised:
        selection.select(VersionRequest.parse("work"), [], "the mirror")
    assert str(raised.value.hint).startswith("`envmgr list`")


def test_system_cannot_be_installed() -> None:
    with pytest.raises(UsageError, match="the Python on PATH"):
        selection.select(VersionRequest.parse("system"), CANDIDATES, "the mirror")


def test_hint_for_a_platform_without_builds() -> None:
    with pytest.raises(NoSuchVersionError) as raised:
        selection.select(VersionRequest.parse("3"), [], "the mirror")
    assert raised.value.hint == "the mirror has no Python for this platform"
    with pytest.raises(NoSuchVersionError) as raised:
        selection.select(VersionRequest.parse("3.12-aarch64-musl"), [], "the mirror")
    assert raised.value.hint == "the mirror has no Python for aarch64-musl"


@pytest.mark.parametrize(
    ("request_text", "platform"),
    [
        ("3.12", "linux-x86_64-gnu"),
        ("cpython-3.12-linux", "linux-x86_64-gnu"),
        ("cpython-3.12-any-any-musl", "linux-x86_64-musl"),
        ("cpython-3.12-linux-aarch64-gnu", "linux-aarch64-gnu"),
    ],
)
def test_what_a_request_leaves_out_is_as_this_machine(request_text: str, platform: str) -> None:
    assert str(selection.target_platform(VersionRequest.parse(request_text), HERE)) == platform


def test_another_operating_system_is_refused() -> None:
    with pytest.raises(BrokenInterpreterError, match="is for windows; this machine is linux-x86_64-gnu"):
        selection.target_platform(VersionRequest.parse("cpython-3.12-windows-x86_64-none"), HERE)


def test_the_cache_adds_to_what_the_package_knows(tmp_path: Path) -> None:
    bundled = selection.known_candidates(tmp_path, HERE)
    file = selection.cache_file(tmp_path, HERE)
    file.parent.mkdir()
    newer = f"cpython-3.99.0+20991231-{HERE} {'a' * 64} 20991231/cpython-3.99.0.tar.gz\n"
    file.write_text(newer)
    assert [found.build.version.minor for found in selection.known_candidates(tmp_path, HERE)][:1] == [99]
    assert selection.known_candidates(tmp_path, HERE)[1:] == bundled


@pytest.mark.parametrize("damage", ["half a li", "\xff", "a b c\n"])
def test_a_damaged_cache_is_no_cache(tmp_path: Path, damage: str) -> None:
    file = selection.cache_file(tmp_path, HERE)
    file.parent.mkdir()
    file.write_text(damage, encoding="latin-1")
    assert selection.known_candidates(tmp_path, HERE) == selection.known_candidates(tmp_path / "none", HERE)


def test_an_index_of_its_own_replaces_the_bundled_one(tmp_path: Path) -> None:
    source = "https://intranet/index"
    assert selection.known_candidates(tmp_path, HERE, source) == []
    file = selection.cache_file(tmp_path, HERE, source)
    assert file.parent == tmp_path / "index"
    assert file.name.endswith(f"-{HERE}.txt")
    assert len({selection.cache_file(tmp_path, HERE, each) for each in (None, source, f"{source}2")}) == 3
    assert len(file.name.partition("-")[0]) == 12
    assert selection.cache_file(tmp_path, HERE).name == f"{HERE}.txt"
    file.parent.mkdir()
    file.write_text(f"cpython-3.99.0+20991231-{HERE} {'a' * 64} 20991231/cpython-3.99.0.tar.gz\n")
    assert [str(found.build.version) for found in selection.known_candidates(tmp_path, HERE, source)] == ["3.99.0"]


def test_a_missing_cache_is_none(tmp_path: Path) -> None:
    assert selection.cached_candidates(tmp_path / "missing") is None


def test_a_processor_level_is_taken_where_this_machine_has_it() -> None:
    request = VersionRequest.parse("cpython-3.12-linux-x86_64_v4-gnu")
    if lacks := platforms.missing_features("x86_64_v4"):
        with pytest.raises(BrokenInterpreterError, match=", ".join(lacks)):
            selection.target_platform(request, HERE)
    else:
        assert selection.target_platform(request, HERE) == Platform("linux", "x86_64_v4", "gnu")


def test_of_each_minor_version_the_first_stable_one_is_listed() -> None:
    names = [
        "cpython-3.15.0a2+20261110",
        "cpython-3.15.0a1+20261110",
        "cpython-3.14.2d+20261110",
        "cpython-3.14.2t+20261110",
        "cpython-3.14.3rc1+20261110",
        "cpython-3.14.2+20261110",
        "cpython-3.14.1+20261110",
        "cpython-3.13.1+20241219",
        "cpython-3.13.0rc1+20241219",
    ]
    assert [found.build for found in selection.newest_per_minor(map(candidate, names))] == [
        candidate(names[number]).build for number in (0, 3, 5, 7)
    ]


def test_no_version_of_another_variant_is_offered_where_one_is_near() -> None:
    builds = [candidate(text).build for text in ("cpython-3.13.1+20241219", "cpython-3.14.2t+20261110")]
    assert selection.nearest_versions(VersionRequest.parse("3.15"), builds) == ["3.13"]
    assert selection.nearest_versions(VersionRequest.parse("3.13t"), builds) == ["3.14t"]
    assert selection.nearest_versions(VersionRequest.parse("3.15"), builds[1:]) == ["3.14t"]
    assert selection.nearest_versions(VersionRequest.parse("3.15"), []) == []
