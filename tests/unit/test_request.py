from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmgr.errors import UsageError
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

BUILDS = [
    Build.parse(f"{text}-linux-x86_64-gnu")
    for text in (
        "cpython-2.7.18+pyenv",
        "cpython-3.8.20+20241002",
        "cpython-3.11.10+20241016",
        "cpython-3.12.1+my-own",
        "cpython-3.12.3+20240415",
        "cpython-3.12.7+20241002",
        "cpython-3.12.7+20241016",
        "cpython-3.13.0rc1+20240814",
        "cpython-3.13.0+20241016",
        "cpython-3.13.0t+20241016",
        "cpython-3.13.0d+20241016",
        "cpython-3.13.0td+20241016",
        "cpython-3.14.0a1+20241016",
        "pypy-3.9.19+7.3.16",
        "pypy-3.10.14+7.3.17",
    )
] + [
    Build.parse("cpython-3.12.7+20241016-linux-x86_64-musl"),
    Build.parse("cpython-3.12.7+20241016-macos-aarch64-none"),
]

TABLE = {
    "3": "cpython-3.13.0+20241016",
    "3.x": "cpython-3.13.0+20241016",
    "3.*": "cpython-3.13.0+20241016",
    "latest": "cpython-3.13.0+20241016",
    "default": "cpython-3.13.0+20241016",
    "python": "cpython-3.13.0+20241016",
    "cpython": "cpython-3.13.0+20241016",
    "cpython@latest": "cpython-3.13.0+20241016",
    "2": "cpython-2.7.18+pyenv",
    "27": "cpython-2.7.18+pyenv",
    "3.11": "cpython-3.11.10+20241016",
    "311": "cpython-3.11.10+20241016",
    "cp311": "cpython-3.11.10+20241016",
    "3.11.x": "cpython-3.11.10+20241016",
    "3.11-dev": "cpython-3.11.10+20241016",
    "python3.11": "cpython-3.11.10+20241016",
    "python-3.11": "cpython-3.11.10+20241016",
    "python@3.11": "cpython-3.11.10+20241016",
    "cpython@3.11": "cpython-3.11.10+20241016",
    "cpython3.11": "cpython-3.11.10+20241016",
    "3.12.3": "cpython-3.12.3+20240415",
    "==3.12.3": "cpython-3.12.3+20240415",
    "3.12.7+20241002": "cpython-3.12.7+20241002",
    "3.12.1+my-own": "cpython-3.12.1+my-own",
    "3.12+my-own": "cpython-3.12.1+my-own",
    "my-own": "cpython-3.12.1+my-own",
    "pyenv": "cpython-2.7.18+pyenv",
    "3.13.0rc1": "cpython-3.13.0rc1+20240814",
    "3.13rc1": "cpython-3.13.0rc1+20240814",
    "3.13.0.rc1": "cpython-3.13.0rc1+20240814",
    "3.14": "cpython-3.14.0a1+20241016",
    "3.14-dev": "cpython-3.14.0a1+20241016",
    ">=3.14": "cpython-3.14.0a1+20241016",
    "==3.13.0rc1": "cpython-3.13.0rc1+20240814",
    "<3.13.0rc2,>3.12.7": "cpython-3.13.0rc1+20240814",
    "3.13t": "cpython-3.13.0t+20241016",
    "3.13.0t": "cpython-3.13.0t+20241016",
    "3.13t-dev": "cpython-3.13.0t+20241016",
    "3.13+freethreaded": "cpython-3.13.0t+20241016",
    "cpython-3.13+freethreaded-linux-x86_64-gnu": "cpython-3.13.0t+20241016",
    "3.13t+20241016": "cpython-3.13.0t+20241016",
    "3.13d": "cpython-3.13.0d+20241016",
    "3.13+debug": "cpython-3.13.0d+20241016",
    "3.13+gil+debug": "cpython-3.13.0d+20241016",
    "3.13+gil": "cpython-3.13.0+20241016",
    "3.13td": "cpython-3.13.0td+20241016",
    "3.13+freethreaded+debug": "cpython-3.13.0td+20241016",
    ">=3.8,<3.12": "cpython-3.11.10+20241016",
    "~=3.11": "cpython-3.13.0+20241016",
    "~=3.11.2": "cpython-3.11.10+20241016",
    "==3.11.*": "cpython-3.11.10+20241016",
    "!=3.12.7,>3.11,<3.13,!=3.12.1": "cpython-3.12.3+20240415",
    "cpython>=3.11,<3.12": "cpython-3.11.10+20241016",
    "pypy": "pypy-3.10.14+7.3.17",
    "pypy3": "pypy-3.10.14+7.3.17",
    "pypy3.9": "pypy-3.9.19+7.3.16",
    "pypy39": "pypy-3.9.19+7.3.16",
    "pp39": "pypy-3.9.19+7.3.16",
    "pypy@3.9": "pypy-3.9.19+7.3.16",
    "pypy<3.10": "pypy-3.9.19+7.3.16",
    "pypy3.10-7.3.17": "pypy-3.10.14+7.3.17",
    "pypy3.10-v7.3.17": "pypy-3.10.14+7.3.17",
    "pypy3.10+7.3.17": "pypy-3.10.14+7.3.17",
    "pypy-3.9-7.3.16-linux": "pypy-3.9.19+7.3.16",
    "any": "cpython-3.13.0+20241016",
    "any-3.9": "pypy-3.9.19+7.3.16",
    "cpython-3.12.3-linux-x86_64-gnu": "cpython-3.12.3+20240415",
    "cpython-3.12.3-linux-x86_64": "cpython-3.12.3+20240415",
    "cpython-3.12.3-linux": "cpython-3.12.3+20240415",
    "cpython-3.12.3-any-x86_64-any": "cpython-3.12.3+20240415",
    "3.12.3-amd64": "cpython-3.12.3+20240415",
    "cpython-3.12.1+my-own-linux-x86_64-gnu": "cpython-3.12.1+my-own",
    "cpython-any-linux-x86_64-gnu": "cpython-3.13.0+20241016",
    "cpython-linux-x86_64-gnu": "cpython-3.13.0+20241016",
    "pypy-linux": "pypy-3.10.14+7.3.17",
}


def selected(text: str) -> str | None:
    found = VersionRequest.parse(text).select(BUILDS)
    return str(found) if found else None


@pytest.mark.parametrize("text", TABLE)
def test_a_request_selects_the_newest_that_matches(text: str) -> None:
    assert selected(text) == f"{TABLE[text]}-linux-x86_64-gnu"


def test_within_a_minor_version_installed_builds_are_selected_before_linked_ones() -> None:
    names = ("cpython-3.12.7+20241016", "cpython-3.12.9+pyenv", "cpython-3.13.0+pyenv")
    installed, linked, newer = (Build.parse(f"{name}-linux-x86_64-gnu") for name in names)
    for text, best in (("3.12", installed), (">=3.12", newer), ("3", newer), ("3.12.9", linked), ("<3.13", installed)):
        assert VersionRequest.parse(text).select([linked, installed, newer]) == best
    assert VersionRequest.parse("3.12").select([linked]) == linked


@pytest.mark.parametrize(("text", "count"), [("latest", 1), ("default", 1), ("3.99", 0)])
def test_latest_selects_one_build(text: str, count: int) -> None:
    assert len(VersionRequest.parse(text).select_all(BUILDS)) == count
    assert len(VersionRequest.parse("3").select_all(BUILDS)) > 1


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("3.12-musl", "cpython-3.12.7+20241016-linux-x86_64-musl"),
        ("3.12-any-any-musl", "cpython-3.12.7+20241016-linux-x86_64-musl"),
        ("cpython-3.12-darwin-arm64-none", "cpython-3.12.7+20241016-macos-aarch64-none"),
    ],
)
def test_a_request_may_name_a_platform(text: str, build: str) -> None:
    assert selected(text) == build


@pytest.mark.parametrize("text", [str(build) for build in BUILDS])
def test_the_name_of_a_build_selects_it(text: str) -> None:
    assert selected(text) == text


@pytest.mark.parametrize("build", BUILDS, ids=str)
def test_every_alias_of_a_build_is_a_request_that_it_matches(build: Build) -> None:
    for alias in (build.minor_alias, build.patch_alias, build.build_alias):
        assert VersionRequest.parse(alias).matches(build), alias


# request -> its parsed fields
PARTS = {
    "system": VersionRequest("system", None, system=True),
    "any": VersionRequest("any", None),
    "latest": VersionRequest("latest"),
    "default": VersionRequest("default"),
    "python-any": VersionRequest("python-any"),
    "cpython-x": VersionRequest("cpython-x"),
    "pypy@latest": VersionRequest("pypy@latest", "pypy"),
    "graalpy": VersionRequest("graalpy", "graalpy"),
    "graalpy@24": VersionRequest("graalpy@24", "graalpy", (2, 4)),
    "gp310": VersionRequest("gp310", "graalpy", (3, 10)),
    "any3.12": VersionRequest("any3.12", None, (3, 12)),
    "x": VersionRequest("x", None, name="x"),
    "linux": VersionRequest("linux", None, name="linux"),
    "pythonic": VersionRequest("pythonic", None, name="pythonic"),
    "x" * 100: VersionRequest("x" * 100, None, name="x" * 100),
    "3": VersionRequest("3", release=(3,)),
    "3.12": VersionRequest("3.12", release=(3, 12)),
    "312": VersionRequest("312", release=(3, 12)),
    "3.x": VersionRequest("3.x", release=(3,)),
    "3.12.X": VersionRequest("3.12.X", release=(3, 12)),
    "3.12-dev": VersionRequest("3.12-dev", release=(3, 12), dev=True),
    "3.13b2": VersionRequest("3.13b2", release=(3, 13, 0), pre=("b", 2)),
    "3.13.1rc1": VersionRequest("3.13.1rc1", release=(3, 13, 1), pre=("rc", 1)),
    "3.13t": VersionRequest("3.13t", release=(3, 13), variant="t"),
    "3.13+gil": VersionRequest("3.13+gil", release=(3, 13), variant=""),
    "3.13+freethreaded+debug": VersionRequest("3.13+freethreaded+debug", release=(3, 13), variant="td"),
    "3.13t+debug+1": VersionRequest("3.13t+debug+1", release=(3, 13), variant="td", tag="1"),
    "3.13+1": VersionRequest("3.13+1", release=(3, 13), tag="1"),
    "pypy3.10-v7.3.17": VersionRequest("pypy3.10-v7.3.17", "pypy", (3, 10), tag="7.3.17"),
    "any3.10-7.3": VersionRequest("any3.10-7.3", None, (3, 10), tag="7.3"),
    ">=3.11,<3.13": VersionRequest(">=3.11,<3.13", specifier=">=3.11,<3.13"),
    "pypy~=3.9": VersionRequest("pypy~=3.9", "pypy", specifier="~=3.9"),
    "!=3.12": VersionRequest("!=3.12", specifier="!=3.12"),
    "==3.12.*": VersionRequest("==3.12.*", specifier="==3.12.*"),
    "==3.12": VersionRequest("==3.12", specifier="==3.12"),
    "==3.12.7": VersionRequest("==3.12.7", release=(3, 12, 7)),
    "==3.12.7,>3": VersionRequest("==3.12.7,>3", specifier="==3.12.7,>3"),
    "cpython-linux-any-musl": VersionRequest("cpython-linux-any-musl", platform=("linux", None, "musl")),
}
ARCHITECTURES = (
    "x86_64",
    "x86_64_v2",
    "x86_64_v3",
    "x86_64_v4",
    "aarch64",
    "armv7",
    "i686",
    "ppc64le",
    "s390x",
    "riscv64",
)
WORDS: dict[str, tuple[str | None, str | None, str | None]] = {
    **{word: (None, word, None) for word in ARCHITECTURES},
    **{word: (None, None, word) for word in ("gnu", "musl", "gnueabi", "gnueabihf", "none")},
    **{word: (word, None, None) for word in ("linux", "macos", "windows")},
    "darwin": ("macos", None, None),
    "amd64": (None, "x86_64", None),
    "arm64": (None, "aarch64", None),
    "x86": (None, "i686", None),
    "powerpc64le": (None, "ppc64le", None),
}


@pytest.mark.parametrize("text", PARTS, ids=lambda text: text[:30])
def test_every_part_of_a_request_is_parsed(text: str) -> None:
    assert VersionRequest.parse(text) == PARTS[text]


@pytest.mark.parametrize("word", WORDS)
def test_every_name_of_a_platform_is_parsed(word: str) -> None:
    assert VersionRequest.parse(f"3.12-{word}") == VersionRequest(f"3.12-{word}", release=(3, 12), platform=WORDS[word])


@pytest.mark.parametrize(
    ("text", "stable"), [("3.13", True), (">=3", True), ("3.13rc1", False), ("3.13-dev", False), ("my-own", False)]
)
def test_a_request_may_allow_pre_releases(text: str, *, stable: bool) -> None:
    assert VersionRequest.parse(text).stable_only is stable


def test_a_release_is_not_its_pre_release() -> None:
    candidate = Build.parse("cpython-3.13.0rc1+20240814-linux-x86_64-gnu")
    assert not VersionRequest.parse("3.13.0").matches(candidate)
    assert VersionRequest.parse("3.13").matches(candidate)
    assert not VersionRequest.parse("3.13rc2").matches(candidate)


def test_the_system_is_no_build_and_a_name_stays_with_its_build() -> None:
    linked = Build.parse("cpython-3.12.1+pyenv-linux-x86_64-gnu")
    assert VersionRequest.parse("system").matches(linked) is False
    assert not VersionRequest.parse("pyenv").floats(linked)


def test_every_gives_all_that_match_and_latest_one() -> None:
    linux = [build for build in BUILDS if str(build).startswith("cpython-3.12.7") and build.platform.libc == "gnu"]
    assert VersionRequest.parse("3.12.7-linux-gnu").select_all(BUILDS) == linux
    assert [str(build) for build in VersionRequest.parse("default").select_all(BUILDS)] == [
        f"{TABLE['default']}-linux-x86_64-gnu"
    ]
    assert VersionRequest.parse("latest").select_all([]) == []


@pytest.mark.parametrize("text", ["3.99", "3.13.0rc2", "3.12.7+20200101", "3.12t", "pypy3.8", "system", "work", "<2"])
def test_an_unmatched_request_selects_nothing(text: str) -> None:
    assert selected(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-", "-3", "--help", ".", "..", "/", "3/4", "../3", "3..12", "~/x", "a/b", "path:/x", "3:12"),
        *("$(x)", "`x`", "3;x", "3|x", "3&x", "3\n", "\n", "3\x00", "\x1b]0;x\x07", "3 12", "3\t", "*", "@3", "+3"),
        *("x" * 101, "3." * 50, "\u0663.12", "3.12\u200b", "\u00e9", "%s", "{x}", "'3'", '"3"', "#3", "?", "[3]"),
        *("3.", "3.12.", "3.12.7.1", "3.12.7.x", "3rc1", "3.12c1", "99999", "3.12tt", "3.12dt", "3.12-7.3", "20241016"),
        *(">=", ">=x", ">=3,", ",>=3", ">=3,,<4", "=3", "===3", "~=3", ">=3.11 <3", ">=3;x", ">=*", "==3.*.1", "!3"),
        *("3.12+", "3.12++", "3.12+a+b", "3.12-", "3.12-foo", "3.12-linux-foo", "3.12_1", "3.12+a..b", "a..b"),
    ],
)
def test_other_texts_are_refused_with_a_printable_message(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        VersionRequest.parse(text)
    assert raised.value.message.isprintable()
    assert raised.value.message.isascii()
    assert raised.value.hint


@pytest.mark.parametrize(
    ("text", "floats"),
    [
        *(("3", True), ("3.12", True), (">=3.11", True), ("~=3.12.3", True), ("==3.12.*", True), ("3.12-dev", True)),
        *(("3.12.7", False), ("==3.12.7", False), ("<=3.12.7", False), ("3.12+20241016", False), ("my-own", False)),
    ],
)
def test_a_request_floats_only_if_later_patches_match_it(text: str, *, floats: bool) -> None:
    assert VersionRequest.parse(text).floats(Build.parse("cpython-3.12.7+20241002-linux-x86_64-gnu")) is floats


@given(st.text() | st.text(alphabet="cpythonpypy3.12x*td+-@<>=!~,anydev/rc0 "))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        request = VersionRequest.parse(text)
    except UsageError:
        return
    assert str(request) == text
    assert "/" not in text
    assert ".." not in text
    assert not text.startswith(("-", "."))
    request.select(BUILDS)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "a1", "rc2"]))
def test_an_exact_version_matches_itself_and_never_floats(major: int, minor: int, patch: int, pre: str) -> None:
    text = f"{major}.{minor}.{patch}{pre}"
    build = Build.parse(f"cpython-{text}+20241016-linux-x86_64-gnu")
    request = VersionRequest.parse(text)
    assert request.matches(build)
    assert request.exact
    assert not request.floats(build)
