from __future__ import annotations

from itertools import combinations

import pytest

from envmgr.errors import UsageError
from envmgr.versions.version import Build, Version


@pytest.mark.parametrize("text", ["3.12.7", "3.13.0rc1", "2.7.18", "3.14.0a12", "3.14.0b4"])
def test_a_version_is_parsed_and_formatted(text: str) -> None:
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize("text", ["", "3", "3.12", "3.12.7.1", "3.12.7-1", "3.12.7c1", " 3.12.7", "3.12.7\n", "٣.1.2"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a Python version"):
        Version.parse(text)


def test_versions_are_ordered_as_they_were_released() -> None:
    texts = ["2.7.18", "3.9.20", "3.13.0a1", "3.13.0a10", "3.13.0b1", "3.13.0rc1", "3.13.0", "3.13.1", "3.100.0"]
    versions = [Version.parse(text) for text in texts]
    assert all(older < newer and not newer < older for older, newer in combinations(versions, 2))


NAMES = [
    "cpython-3.12.7+20241016-linux-x86_64-gnu",
    "cpython-3.13.0rc1t+20241016-linux-x86_64_v3-musl",
    "cpython-3.13.1td+20241219-macos-aarch64-none",
    "cpython-3.12.1+my-own.1-linux-x86_64-gnu",
    "pypy-3.10.14+7.3.17-linux-aarch64-gnu",
]


@pytest.mark.parametrize("text", NAMES)
def test_the_name_of_a_build_is_parsed_and_formatted(text: str) -> None:
    assert str(Build.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "cpython-3.12.7", "cpython-3.12.7+1-linux-x86_64", "../cpython-3.12.7+1-linux-x86_64-gnu", ".staged"]
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Build.parse(text)


def test_a_build_has_three_aliases() -> None:
    found = [(build.minor_alias, build.patch_alias, build.build_alias) for build in map(Build.parse, NAMES)]
    assert found == [
        ("3.12", "3.12.7", "3.12.7+20241016"),
        ("3.13t", "3.13.0rc1t", "3.13.0rc1t+20241016"),
        ("3.13td", "3.13.1td", "3.13.1td+20241219"),
        ("3.12", "3.12.1", "3.12.1+my-own.1"),
        ("pypy3.10", "pypy3.10.14", "pypy3.10.14+7.3.17"),
    ]


def test_builds_are_ordered_by_version_then_tag_with_linked_ones_first() -> None:
    names = ["3.12.6+20250101", "3.12.7+mine", "3.12.7+pyenv", "3.12.7+20241002", "3.12.7+20241016", "3.13.0+pyenv"]
    builds = [Build.parse(f"cpython-{name}-linux-x86_64-gnu") for name in names]
    assert all(older < newer and not newer < older for older, newer in combinations(builds, 2))
    tags = [Build.parse(f"pypy-3.10.14+{tag}-linux-x86_64-gnu") for tag in ("7.3.9", "7.3.17", "8.0.0")]
    assert all(older < newer and not newer < older for older, newer in combinations(tags, 2))


def test_the_order_is_strict() -> None:
    version, build = Version.parse("3.12.7"), Build.parse(NAMES[0])
    assert not version < Version.parse("3.12.7")
    assert not build < Build.parse(NAMES[0])


def test_an_installed_build_ranks_above_a_linked_one_of_its_minor_version() -> None:
    for names in (
        ["pypy-3.9.1+7.3.17", "pypy-3.10.14+pyenv", "pypy-3.10.13+7.3.9", "pypy-3.10.13+7.3.17", "pypy-3.11.1+mine"],
        ["cpython-3.11.9+1", "cpython-3.12.9+mine", "cpython-3.12.7+20241002", "cpython-3.12.7+20241016"],
    ):
        ranks = [Build.parse(f"{name}-linux-x86_64-gnu").rank for name in names]
        assert ranks == sorted(ranks)


def test_a_tag_may_have_repeated_dots() -> None:
    odd, newer = (Build.parse(f"pypy-3.10.14+{tag}-linux-x86_64-gnu") for tag in ("7..3.", "7.4"))
    assert odd < newer


def test_cpython_ranks_above_other_implementations() -> None:
    cpython, pypy = (Build.parse(f"{name}+1-linux-x86_64-gnu") for name in ("cpython-3.9.1", "pypy-3.10.14"))
    assert pypy < cpython
    assert pypy.rank < cpython.rank


def test_builds_of_two_platforms_differ() -> None:
    plain, third = (Build.parse(f"cpython-3.12.7+1-linux-{arch}-gnu") for arch in ("x86_64", "x86_64_v3"))
    assert plain < third
    assert not third < plain
    assert len({plain, third}) == 2
