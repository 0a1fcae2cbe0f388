from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmgr.errors import DownloadError
from envmgr.host.platforms import Platform
from envmgr.pythons import index
from envmgr.pythons.candidate import HOSTS, from_file_name, select_per_build

NAME = "cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"


def test_the_sums_of_a_mirror_are_its_index() -> None:
    text = f"{'a' * 64}  20241016/{NAME}\n{'B' * 64} *./20241016/{NAME.replace('+', '%2B')}\r\n\n# talk\n"
    first, second = index.sums(text)
    assert (first.path, first.sha256) == (f"20241016/{NAME}", "a" * 64)
    assert (second.path, second.sha256) == (f"20241016/{NAME}", "b" * 64)


def test_the_sums_of_a_release_need_its_tag() -> None:
    legacy = "cpython-3.10.0-x86_64-unknown-linux-gnu-install_only-20211017T1616.tar.gz"
    (found,) = index.sums(f"{'a' * 64}  {legacy}\n", tag="20211018")
    assert (found.path, found.build.tag) == (f"20211018/{legacy}", "20211018")


def test_other_files_of_a_release_are_passed_over() -> None:
    assert list(index.sums(f"{'a' * 64}  20241016/SHA256SUMS\n")) == []


def test_html_in_the_place_of_sums_is_an_error() -> None:
    with pytest.raises(ValueError, match="SHA256SUMS:1"):
        list(index.sums("<!DOCTYPE html>\n"))


def record(**changes: object) -> str:
    url = f"{HOSTS[1]}/20241016/{NAME.replace('+', '%2B')}"
    artifact = {"platform": "x86_64-unknown-linux-gnu", "variant": "install_only_stripped", "url": url}
    return json.dumps(
        {"version": "3.12.7+20241016", "date": "2024-10-16", "artifacts": [artifact | {"sha256": "a" * 64} | changes]}
    )


def entry(**changes: object) -> dict[str, object]:
    return {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 12,
        "patch": 7,
        "prerelease": "",
        "url": f"{HOSTS[1]}/20241016/{NAME.replace('+', '%2B')}",
        "sha256": "a" * 64,
        "variant": None,
        "build": "20241016",
    } | changes


SAME = f"cpython-3.12.7+20241016-linux-x86_64-gnu {'a' * 64} 20241016/{NAME}\n"


@pytest.mark.parametrize(
    "text",
    [
        SAME,
        f"{'a' * 64}  20241016/{NAME}\n",
        record() + "\n" + record(sha256=None) + "\n",
        json.dumps({"one": entry(), "two": entry(sha256=None), "three": entry(name="graalpy", url="https://x/y")}),
        json.dumps({"one": entry()}, indent=1),
    ],
    ids=["ours", "sums", "ndjson", "uv", "uv indented"],
)
def test_every_format_gives_the_same_candidates(text: str) -> None:
    assert index.dump(index.parse(text, "here")) == SAME


@pytest.mark.parametrize(
    "text", ["<html>\n", "{}x", '{"artifacts": 1}', '{"a": []}', "[1]", "a-b c", "\x00", '{"artifacts": [0]}', "x y z"]
)
def test_anything_else_is_an_error_that_names_its_source(text: str) -> None:
    with pytest.raises(DownloadError, match=r"^here: not an index"):
        index.parse(text, "here")


def test_an_empty_text_is_no_index() -> None:
    for empty in ("", "\n \n"):
        with pytest.raises(DownloadError, match="here: not an index of Pythons: it is empty"):
            index.parse(empty, "here")
    assert index.parse(f"{'a' * 64}  20241016/SHA256SUMS\n", "here") == []


def test_uv_s_table_has_pypys() -> None:
    url = "https://downloads.python.org/pypy/pypy3.10-v7.3.17-aarch64.tar.gz"
    arm = {"family": "aarch64", "variant": None}
    pypy = entry(name="pypy", minor=10, patch=14, build="7.3.17", url=url, os="darwin", libc="none", arch=arm)
    (found,) = index.parse(json.dumps({"one": pypy}), "here")
    assert str(found.build) == "pypy-3.10.14+7.3.17-macos-aarch64-none"
    assert (found.flavor, found.urls()) == ("install_only", (url,))
    assert index.parse(index.dump([found]), "here") == [found]


def test_the_powerpc_architecture_of_uv_has_the_name_of_upstream() -> None:
    power = {"family": "powerpc64le", "variant": None}
    pypy = entry(name="pypy", build="7.3.17", url="https://host.invalid/pypy.tar.gz", arch=power, prerelease=None)
    (found,) = index.parse(json.dumps({"one": pypy}), "here")
    assert str(found.build) == "pypy-3.12.7+7.3.17-linux-ppc64le-gnu"


def test_comments_and_entries_without_a_sha256_are_passed_over() -> None:
    assert index.dump(index.parse(f"# one\n{SAME}# two\n{SAME}", "here")) == SAME * 2
    rest = {"one": entry(sha256=None), "two": entry(name="graalpy", url="https://x/y"), "three": entry()}
    assert index.dump(index.parse(json.dumps(rest), "here")) == SAME
    assert index.dump(index.parse("\n" + record(sha256=None) + "\n \n" + record(), "here")) == SAME


def test_the_tag_of_a_release_is_for_plain_file_names() -> None:
    url = f"https://host.invalid/20250101/{NAME}"
    text = f"\n# comment\n{'a' * 64} *{NAME}\n{'a' * 64}  20250101/{NAME}\n{'a' * 64}  {url}\n"
    paths = [found.path for found in index.sums(text, tag="20241018")]
    assert paths == [f"20241018/{NAME}", f"20250101/{NAME}", url]


def test_a_bad_line_of_sums_is_named_by_its_number() -> None:
    with pytest.raises(ValueError, match=r"SHA256SUMS:3: "):
        list(index.sums(f"\n{'a' * 64}  20241016/{NAME}\nxyz  20241016/{NAME}\n"))


def test_a_platform_without_builds_has_no_slice() -> None:
    assert index.snapshot_candidates(Platform("plan9", "x86_64", "none")) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*entry(), "artifacts", "version"]), inner),
)
words = st.text(alphabet=f'{SAME} ./%{{}}"\x00\n')


@settings(deadline=None)  # the time depends on the load of the machine
@given(st.text() | words | json_values.map(json.dumps) | st.builds("{0}{1}".format, st.just(SAME), words))
def test_any_text_is_an_index_or_an_error(text: str) -> None:
    try:
        found = index.parse(text, "here")
    except DownloadError:
        return
    for candidate in found:
        assert len(candidate.sha256) == 64
        assert "/" not in candidate.file_name
        assert not candidate.file_name.startswith(".")


@pytest.mark.parametrize(
    "path",
    ["x/..", "x/.hidden", "x/", "x/..%2f..%2fetc", "x/a%00b", "x/a b".replace(" ", "%20"), "https://host/..%2Fx"],
)
def test_a_name_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(DownloadError, match="not the name of an archive"):
        index.parse(f"cpython-3.12.7+1-linux-x86_64-gnu {'a' * 64} {path}\n", "here")
    with pytest.raises(DownloadError, match="not the name of a Python build"):
        index.parse(f"cpython-3.12.7+..-linux-x86_64-gnu {'a' * 64} x/y\n", "here")


@pytest.mark.parametrize(
    "field",
    [
        {"build": "../../../versions/cpython-3.13.0+20240107"},
        {"build": "7..3"},
        {"build": "9" * 5000},
        {"build": "pyenv"},
        {"build": "7.3.17-linux-x86_64-gnu"},
        {"os": "../linux"},
        {"os": ""},
        {"libc": None},
        {"libc": "gnu/.."},
        {"arch": {"family": "x86_64/../..", "variant": None}},
        {"arch": {"family": "x" * 300, "variant": None}},
        {"major": "3/../3"},
        {"prerelease": "rc1/../.."},
        {"url": "pypy.tar.bz2"},
        {"url": "../../20241016/pypy.tar.bz2"},
        {"url": "javascript://host/pypy.tar.bz2"},
        {"url": f"https://host/{'x' * 300}"},
        {"sha256": "a" * 63},
        {"sha256": ["a" * 64]},
    ],
    ids=lambda field: next(iter(field)),
)
def test_every_field_of_an_entry_keeps_to_the_grammar(field: dict[str, object]) -> None:
    pypy = entry(name="pypy", build="7.3.17", url="https://host/pypy.tar.bz2")
    assert index.parse(json.dumps({"one": pypy}), "here")
    with pytest.raises(DownloadError, match=r"^here: not an index"):
        index.parse(json.dumps({"one": pypy | field}), "here")


@pytest.mark.parametrize("tag", ["../x", "7..3", "9" * 20, "pyenv", "1-2", ".1", "1.", "x" * 300])
def test_a_tag_of_an_index_is_numbers(tag: str) -> None:
    with pytest.raises(DownloadError, match="not the name of a Python build"):
        index.parse(f"cpython-3.12.7+{tag}-linux-x86_64-gnu {'a' * 64} 20241016/{NAME}\n", "here")


def test_a_tag_that_leads_elsewhere_is_passed_over() -> None:
    legacy = "cpython-3.10.0-x86_64-unknown-linux-gnu-install_only-20211017T1616.tar.gz"
    (found,) = index.sums(f"{'a' * 64}  ../../{legacy}\n")
    assert (found.path, found.build.tag) == (f"20211017/{legacy}", "20211017")


SLICES = sorted(index.SNAPSHOT.glob("*.txt"))


def test_the_package_knows_every_platform() -> None:
    levels = [f"linux-x86_64{level}-{libc}" for level in ("", "_v2", "_v3", "_v4") for libc in ("gnu", "musl")]
    arms = ["linux-aarch64-gnu", "linux-aarch64-musl", "linux-armv7-gnueabi", "linux-armv7-gnueabihf"]
    others = ["linux-ppc64le-gnu", "linux-s390x-gnu", "linux-riscv64-gnu", "linux-i686-gnu"]
    foreign = [f"macos-{arch}-none" for arch in ("aarch64", "x86_64")]
    windows = [f"windows-{arch}-none" for arch in ("aarch64", "i686", "x86_64")]
    assert {path.stem for path in SLICES} == {*levels, *arms, *others, *foreign, *windows}


@pytest.mark.parametrize("path", SLICES, ids=lambda path: path.stem)
def test_a_slice_is_sorted_and_of_its_platform(path: Path) -> None:
    found = index.snapshot_candidates(Platform.parse(path.stem))
    assert {str(candidate.build.platform) for candidate in found} == {path.stem}
    assert found == select_per_build(found)
    for candidate in found:
        assert len(candidate.sha256) == 64
        assert "://" in candidate.path or from_file_name(candidate.path, candidate.sha256) == candidate


def test_the_package_knows_variants_and_pypy() -> None:
    found = index.snapshot_candidates(Platform.parse("linux-x86_64-gnu"))
    assert {candidate.build.variant for candidate in found} == {"", "t", "d", "td"}
    assert {candidate.build.implementation for candidate in found} == {"cpython", "pypy"}
    assert index.snapshot_candidates(Platform.parse("plan9-mips-none")) == []
