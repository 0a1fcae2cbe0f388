from __future__ import annotations

import pytest

from envmgr.pythons.candidate import HOSTS, Candidate, from_file_name, select_per_build

SHA = "0" * 64
LINUX = "x86_64-unknown-linux-gnu"


def candidate(name: str) -> Candidate:
    found = from_file_name(name, SHA)
    assert found is not None, name
    return found


@pytest.mark.parametrize(
    ("name", "build", "flavor"),
    [
        (
            "20241016/cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz",
            "cpython-3.12.7+20241016-linux-x86_64-gnu",
            "install_only_stripped",
        ),
        (
            "20261110/cpython-3.16.0a2%2B20261110-aarch64-apple-darwin-freethreaded-install_only_stripped.tar.gz",
            "cpython-3.16.0a2t+20261110-macos-aarch64-none",
            "install_only_stripped",
        ),
        (
            "20241016/cpython-3.13.0rc3+20241016-x86_64_v3-unknown-linux-musl-freethreaded+pgo+lto-full.tar.zst",
            "cpython-3.13.0rc3t+20241016-linux-x86_64_v3-musl",
            "full",
        ),
        (
            "20260101/cpython-3.13.1+20260101-armv7-unknown-linux-gnueabihf-freethreaded+debug-full.tar.zst",
            "cpython-3.13.1td+20260101-linux-armv7-gnueabihf",
            "full",
        ),
        (
            "20241016/cpython-3.10.15+20241016-x86_64-unknown-linux-musl-lto+static-full.tar.zst",
            "cpython-3.10.15+20241016-linux-x86_64-musl",
            "full",
        ),
        (
            "20250101/cpython-3.11.11+20250101-i686-pc-windows-msvc-shared-install_only.tar.gz",
            "cpython-3.11.11+20250101-windows-i686-none",
            "install_only",
        ),
        (
            "20211017/cpython-3.10.0-x86_64-unknown-linux-gnu-install_only-20211017T1616.tar.gz",
            "cpython-3.10.0+20211017-linux-x86_64-gnu",
            "install_only",
        ),
        (
            "https://host.invalid/releases/download/20200823/cpython-3.7.9-x86_64-unknown-linux-gnu-pgo-20200823T0036.tar.zst",
            "cpython-3.7.9+20200823-linux-x86_64-gnu",
            "full",
        ),
        ("cpython-3.7.3-linux64-20190427T2308.tar.zst", "cpython-3.7.3+20190427-linux-x86_64-gnu", "full"),
        ("cpython-3.7.3-windows-x86-20190427T2308.tar.zst", "cpython-3.7.3+20190427-windows-i686-none", "full"),
        ("cpython-3.7.3-windows-amd64-20190427T2308.tar.zst", "cpython-3.7.3+20190427-windows-x86_64-none", "full"),
        ("cpython-3.7.3-macos-20190427T2308.tar.zst", "cpython-3.7.3+20190427-macos-x86_64-none", "full"),
        ("cpython-3.7.3-linux64-musl-20190427T2308.tar.zst", "cpython-3.7.3+20190427-linux-x86_64-musl", "full"),
        (
            "20990101/cpython-3.12.7%2b20241016-x86_64-unknown-linux-gnu-lto-full.tar.zst",
            "cpython-3.12.7+20241016-linux-x86_64-gnu",
            "full",
        ),
    ],
)
def test_file_name_is_parsed(name: str, build: str, flavor: str) -> None:
    found = candidate(name)
    assert (str(found.build), found.flavor) == (build, flavor)


@pytest.mark.parametrize(
    "name",
    [
        "SHA256SUMS",
        "20241016/cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz.sha256",
        "20241016/cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-surprising-full.tar.zst",
        "20241016/cpython-3.12+20241016-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.12.7-x86_64-unknown-linux-gnu-install_only.tar.gz",  # no tag anywhere
        "pypy3.10-v7.3.17-linux64.tar.bz2",
        "../20241016/x\n.tar.gz",
    ],
)
def test_other_names_are_no_candidates(name: str) -> None:
    assert from_file_name(name, SHA) is None


def test_nothing_is_a_candidate_without_a_sha256() -> None:
    with pytest.raises(ValueError, match="not a sha256"):
        from_file_name(f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz", "")


def test_both_hosts_are_tried_with_the_plus_quoted() -> None:
    found = candidate(f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz")
    quoted = f"20241016/cpython-3.12.7%2B20241016-{LINUX}-install_only.tar.gz"
    assert found.urls() == tuple(f"{host}/{quoted}" for host in HOSTS)
    literal = quoted.replace("%2B", "%252B")
    assert found.urls("file:///mirror/") == (f"file:///mirror/{quoted}", f"file:///mirror/{literal}")


@pytest.mark.parametrize("host", [*HOSTS, "https://github.com/indygreg/python-build-standalone/releases/download"])
def test_every_address_of_upstream_is_one(host: str) -> None:
    path = f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz"
    assert candidate(f"{host}/{path.replace('+', '%2B')}").path == path


def test_url_of_another_host_is_kept() -> None:
    url = f"http://intranet/20241016/cpython-3.12.7%2B20241016-{LINUX}-install_only.tar.gz"
    found = candidate(url)
    assert found.urls() == (url,)
    assert found.file_name == f"cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz"


def test_what_is_released_elsewhere_keeps_its_url_and_has_its_place_in_a_mirror() -> None:
    build = candidate(f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz").build
    found = Candidate(build, "https://example.invalid/pypy/pypy3.12.tar.gz", SHA, "install_only")
    assert found.urls() == ("https://example.invalid/pypy/pypy3.12.tar.gz",)
    assert found.urls("http://mirror") == ("http://mirror/20241016/pypy3.12.tar.gz",)


def test_of_one_build_the_smallest_and_fastest_is_preferred() -> None:
    start = f"20241016/cpython-3.12.7+20241016-{LINUX}"
    names = [
        f"{start}-{rest}"
        for rest in (
            "noopt-full.tar.zst",
            "pgo-full.tar.zst",
            "pgo+lto-full.tar.zst",
            "install_only.tar.gz",
            "install_only_stripped.tar.gz",
        )
    ]
    for best in range(1, len(names) + 1):
        assert [found.path for found in select_per_build(map(candidate, names[:best]))] == [names[best - 1]]


def test_candidates_are_listed_newest_first() -> None:
    names = [
        f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz",
        f"20241101/cpython-3.12.7+20241101-{LINUX}-install_only.tar.gz",
        f"20241016/cpython-3.13.0+20241016-{LINUX}-install_only.tar.gz",
        f"20241016/cpython-3.14.0a1+20241016-{LINUX}-install_only.tar.gz",
    ]
    assert [c.path for c in select_per_build(map(candidate, names))] == [names[3], names[2], names[1], names[0]]


@pytest.mark.parametrize(
    "path", ["http://host/a b/x.tar.gz", "http://host/a\nb/x.tar.gz", "http://host/\u00e9/x.tar.gz"]
)
def test_a_place_is_a_word(path: str) -> None:
    build = candidate(f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz").build
    with pytest.raises(ValueError, match="not the name of an archive"):
        Candidate(build, path, SHA)


def test_of_full_archives_link_time_optimization_beats_none_and_shared_beats_static() -> None:
    start = f"20241016/cpython-3.12.7+20241016-{LINUX}"
    names = [f"{start}-{rest}-full.tar.zst" for rest in ("noopt+static", "noopt", "lto+static", "lto")]
    for count in range(1, len(names) + 1):
        for order in (names[:count], names[count - 1 :: -1]):
            assert [found.path for found in select_per_build(map(candidate, order))] == [names[count - 1]]


def test_of_two_equal_archives_the_first_is_kept() -> None:
    start = f"cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz"
    names = [f"20241016/{start}", f"20250101/{start}"]
    assert [found.path for found in select_per_build(map(candidate, names))] == names[:1]


def test_an_archive_is_stripped_by_default_and_has_a_known_flavor() -> None:
    build = candidate(f"20241016/cpython-3.12.7+20241016-{LINUX}-install_only.tar.gz").build
    assert Candidate(build, "20241016/x.tar.gz", SHA).flavor == "install_only_stripped"
    with pytest.raises(ValueError, match="flavor"):
        Candidate(build, "20241016/x.tar.gz", SHA, "surprising")
