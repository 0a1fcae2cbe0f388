"""Updates of the index, with a server on the loopback interface in the place of upstream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirror_server import Mirror, serving, status

from envmgr.errors import DownloadError, NoSuchVersionError
from envmgr.host import platforms
from envmgr.host.network import Network
from envmgr.pythons import index, refresh, selection
from envmgr.pythons.candidate import HOSTS, Candidate
from envmgr.pythons.index_sources import Upstream
from envmgr.versions.request import VersionRequest

HERE = platforms.this_platform()
BUNDLED = index.snapshot_candidates(HERE)
RECORDS, LATEST = "versions.ndjson", "latest-release.json"
DAY = 86400
NEWEST = ["3.98.0+20990102", "3.97.1+20990102", "3.97.0+20990101"]  # as upstream lists them
OLD = next(f"{found.build.version}+{found.build.tag}" for found in BUNDLED if found.build.implementation == "cpython")


def file_name(name: str, platform: platforms.Platform = HERE) -> str:
    return f"cpython-{name}-{platforms.triple(platform)}-install_only_stripped.tar.gz"


def record(name: str) -> dict[str, object]:
    """Return upstream's record of a version and build, for this platform and another."""
    tag = name.partition("+")[2]
    windows = platforms.Platform("windows", "x86_64", "none")
    artifacts = [
        {"url": f"{HOSTS[1]}/{tag}/{file_name(name, each).replace('+', '%2B')}", "sha256": "a" * 64}
        for each in (HERE, windows)
    ]
    return {"version": name, "date": "2099-01-01T00:00:00Z", "artifacts": artifacts}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mirror]:
    """Serve an index whose first records are new, and whose last record must not be read."""
    folder = tmp_path / "served"
    folder.mkdir()
    lines = [json.dumps(record(name)) for name in [*NEWEST, OLD]]
    (folder / RECORDS).write_text("\n".join([*lines, "this line is never read"]) + "\n")
    (folder / LATEST).write_text(json.dumps({"version": 1, "tag": "20990102"}))
    (folder / "20990102").mkdir()
    sums = "".join(f"{'b' * 64}  {file_name(name)}\n" for name in NEWEST[:2])
    (folder / "20990102/SHA256SUMS").write_text(sums)
    with serving(folder) as served:
        yield served


@pytest.fixture
def upstream(server: Mirror) -> Upstream:
    one, other = f"{server.url}/{RECORDS}", f"{server.url}/again/{RECORDS}"
    return Upstream((one, other), f"{server.url}/{LATEST}", (f"{server.url}/gone", server.url))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


ONLINE = Network({})


def names(candidates: list[Candidate]) -> list[str]:
    return [f"{found.build.version}+{found.build.tag}" for found in candidates if found not in BUNDLED]


def aged(cache: Path, seconds: float) -> Path:
    """Set the mtime of the cached index into the past."""
    file = selection.cache_file(cache, HERE)
    then = time.time() - seconds
    os.utime(file, (then, then))
    return file


def test_only_what_is_new_is_read_and_kept(upstream: Upstream, cache: Path) -> None:
    found = refresh.update_index(HERE, ONLINE, cache, upstream)
    assert names(found) == NEWEST
    assert selection.known_candidates(cache, HERE) == found
    assert len(found) == len(BUNDLED) + len(NEWEST)
    assert {each.build.platform for each in found} == {HERE}


def test_what_has_not_changed_is_not_sent_again(upstream: Upstream, server: Mirror, cache: Path) -> None:
    first = refresh.update_index(HERE, ONLINE, cache, upstream)
    old = aged(cache, 2 * DAY).stat().st_mtime
    assert refresh.update_index(HERE, ONLINE, cache, upstream) == first
    assert "if-none-match" in server.asked(RECORDS)[1]
    assert selection.cache_file(cache, HERE).stat().st_mtime > old


def test_later_only_what_is_new_since_then_is_read(upstream: Upstream, server: Mirror, cache: Path) -> None:
    refresh.update_index(HERE, ONLINE, cache, upstream)
    first = json.dumps(record("3.98.1+20990201"))
    held = json.dumps({"version": NEWEST[0], "artifacts": "not looked at"})
    (server.folder / RECORDS).write_text(f"{first}\n{held}\n")
    assert names(refresh.update_index(HERE, ONLINE, cache, upstream)) == ["3.98.1+20990201", *NEWEST]


@pytest.mark.parametrize("answer", [status(503), status(404), status(200, b"<html>log in</html>"), status(200, b"{")])
def test_one_host_after_the_other_is_asked(upstream: Upstream, server: Mirror, cache: Path, answer: object) -> None:
    again = server.folder / "again"
    again.mkdir()
    (again / RECORDS).write_text(json.dumps(record("3.99.0+20990301")) + "\n")
    server.faults[f"/{RECORDS}"] = lambda handler: not handler.path.startswith("/again") and answer(handler)  # type: ignore[operator]
    assert names(refresh.update_index(HERE, ONLINE, cache, upstream)) == ["3.99.0+20990301"]


def test_where_no_list_is_the_sums_of_the_latest_release_are(upstream: Upstream, server: Mirror, cache: Path) -> None:
    server.faults[RECORDS] = status(500)
    assert names(refresh.update_index(HERE, ONLINE, cache, upstream)) == NEWEST[:2]
    refresh.update_index(HERE, ONLINE, cache, upstream)
    assert len(server.asked("SHA256SUMS")) == 2, "one at each host; known after that"


def test_what_the_latest_release_leaves_out_is_read_later(upstream: Upstream, server: Mirror, cache: Path) -> None:
    server.faults[RECORDS] = status(500)
    assert names(refresh.update_index(HERE, ONLINE, cache, upstream)) == NEWEST[:2]
    del server.faults[RECORDS]
    assert names(refresh.update_index(HERE, ONLINE, cache, upstream)) == NEWEST


def test_a_damaged_cache_does_not_vouch_for_anything(upstream: Upstream, cache: Path) -> None:
    refresh.update_index(HERE, ONLINE, cache, upstream)
    file = selection.cache_file(cache, HERE)
    file.write_text(file.read_text() + "half a li")
    assert selection.known_candidates(cache, HERE) == BUNDLED
    assert names(refresh.update_index(HERE, ONLINE, cache, upstream)) == NEWEST


def test_error_names_every_source_if_none_responds(upstream: Upstream, server: Mirror, cache: Path) -> None:
    server.faults[""] = status(500)
    with pytest.raises(DownloadError) as raised:
        refresh.update_index(HERE, ONLINE, cache, upstream)
    for place in (RECORDS, f"again/{RECORDS}", LATEST):
        assert f"{server.url}/{place}: the server answered 500" in raised.value.message
    assert not cache.exists()


def test_a_day_old_cache_is_refreshed_and_a_younger_one_is_not(upstream: Upstream, server: Mirror, cache: Path) -> None:
    assert names(refresh.available_candidates(HERE, ONLINE, cache, upstream)) == NEWEST
    aged(cache, DAY - 60)
    refresh.available_candidates(HERE, ONLINE, cache, upstream)
    assert len(server.requests) == 1
    aged(cache, DAY + 60)
    refresh.available_candidates(HERE, ONLINE, cache, upstream)
    assert len(server.requests) == 2


def test_a_network_that_is_not_there_is_not_waited_for_again(upstream: Upstream, server: Mirror, cache: Path) -> None:
    server.faults[""] = status(500)
    assert refresh.available_candidates(HERE, ONLINE, cache, upstream) == BUNDLED
    before = len(server.requests)
    assert refresh.available_candidates(HERE, ONLINE, cache, upstream) == BUNDLED
    assert len(server.requests) == before


@pytest.mark.parametrize("network", [Network({"ENVMGR_OFFLINE": "1"}), Network({}, offline=True)])
def test_offline_it_is_quietly_the_snapshot(network: Network, upstream: Upstream, server: Mirror, cache: Path) -> None:
    assert refresh.available_candidates(HERE, network, cache, upstream) == BUNDLED
    with pytest.raises(NoSuchVersionError):
        refresh.select(VersionRequest.parse("3.98"), network, cache, upstream)
    assert server.requests == []
    assert not cache.exists()


def test_a_version_that_is_not_known_is_asked_for(upstream: Upstream, server: Mirror, cache: Path) -> None:
    file = selection.cache_file(cache, HERE)
    file.parent.mkdir(parents=True)
    file.touch()
    aged(cache, 3600)
    assert refresh.select(VersionRequest.parse("3"), ONLINE, cache, upstream) in BUNDLED
    assert server.requests == []
    assert refresh.select(VersionRequest.parse("3.98"), ONLINE, cache, upstream).build.version.minor == 98
    with pytest.raises(NoSuchVersionError, match=r"3\.99 in the index$") as raised:
        refresh.select(VersionRequest.parse("3.99"), ONLINE, cache, upstream)
    assert str(raised.value.hint).startswith("the nearest are 3.98, 3.97")
    assert len(server.requests) == 1, "it was asked only just now"


def test_failed_update_is_reported_with_an_unknown_version(upstream: Upstream, server: Mirror, cache: Path) -> None:
    server.faults[""] = status(500)
    with pytest.raises(NoSuchVersionError, match=r"(?s)3\.98 in the index;\nthe index could not be refreshed:.*500"):
        refresh.select(VersionRequest.parse("3.98"), ONLINE, cache, upstream)
    assert len(server.requests) == 3, "every place once"


FORMATS = {
    "list.ndjson": "\n".join(json.dumps(record(name)) for name in NEWEST),
    "SHA256SUMS": "".join(f"{'a' * 64}  {name.partition('+')[2]}/{file_name(name)}\n" for name in NEWEST),
    "ours.txt": "".join(
        f"cpython-{name}-{HERE} {'a' * 64} {name.partition('+')[2]}/{file_name(name)}\n" for name in NEWEST
    ),
    "uv.json": json.dumps(
        {
            name: {"name": "cpython", "sha256": "a" * 64, "url": record(name)["artifacts"][0]["url"]}  # type: ignore[index]
            for name in NEWEST
        }
    ),
}


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("name", [*(f"/{name}" for name in FORMATS), "/", ""])
def test_an_index_of_one_s_own_replaces_the_others(scheme: str, name: str, server: Mirror, cache: Path) -> None:
    for each, text in FORMATS.items():
        (server.folder / each).write_text(text)
    url = f"{server.folder.as_uri() if scheme == 'file' else server.url}{name}"
    network = Network({"ENVMGR_INDEX_URL": url, "ENVMGR_PYTHON_MIRROR": "http://127.0.0.1:1/not/asked"})
    nobody = Upstream((), "", ())
    found = refresh.available_candidates(HERE, network, cache, nobody)
    assert names(found) == NEWEST
    assert len(found) == len(NEWEST)
    assert selection.known_candidates(cache, HERE, url) == found
    assert selection.known_candidates(cache, HERE) == BUNDLED


def test_a_list_of_one_s_own_is_read_to_its_end(server: Mirror, cache: Path) -> None:
    network = Network({"ENVMGR_INDEX_URL": f"{server.url}/list"})
    (server.folder / "list").write_text(json.dumps(record(NEWEST[2])))
    assert names(refresh.update_index(HERE, network, cache)) == NEWEST[2:]
    (server.folder / "list").write_text(FORMATS["list.ndjson"])
    assert names(refresh.update_index(HERE, network, cache)) == NEWEST
    assert names(refresh.update_index(HERE, network, cache)) == NEWEST
    assert len(server.requests) == 3


def test_missing_user_index_is_read_from_the_cache_or_an_error(server: Mirror, cache: Path) -> None:
    (server.folder / "list").write_text(FORMATS["ours.txt"])
    network = Network({"ENVMGR_INDEX_URL": f"{server.url}/list"})
    found = refresh.available_candidates(HERE, network, cache)
    server.faults[""] = status(500)
    assert refresh.available_candidates(HERE, network, cache) == found
    with pytest.raises(DownloadError, match="list: the server answered 500"):
        refresh.available_candidates(HERE, network, cache / "other")


@pytest.mark.parametrize("text", ["<html>", '{"a": 1}', "x y z", '{"artifacts": 1}'])
def test_nonsense_is_an_error_that_names_its_place(text: str, server: Mirror, cache: Path) -> None:
    (server.folder / "list").write_text(text)
    with pytest.raises(DownloadError, match=r"/list: not an index of Pythons"):
        refresh.available_candidates(HERE, Network({"ENVMGR_INDEX_URL": f"{server.url}/list"}), cache)


def test_a_mirror_is_asked_once_by_each_command(server: Mirror, cache: Path) -> None:
    (server.folder / "SHA256SUMS").write_text(FORMATS["SHA256SUMS"])
    for _ in range(2):
        network = Network({"ENVMGR_PYTHON_MIRROR": f"{server.url}/"})
        for _ in range(2):
            assert names(refresh.available_candidates(HERE, network, cache)) == NEWEST
    assert len(server.requests) == 2
    with pytest.raises(NoSuchVersionError, match="in http://127"):
        refresh.select(VersionRequest.parse("3.12"), network, cache)


def test_a_mirror_may_hold_pypy(server: Mirror, cache: Path) -> None:
    pypy = next(found for found in BUNDLED if found.build.implementation == "pypy")
    line = f"{pypy.sha256}  {pypy.build.tag}/{pypy.file_name}\n"
    (server.folder / "SHA256SUMS").write_text(FORMATS["SHA256SUMS"] + line)
    network = Network({"ENVMGR_PYTHON_MIRROR": server.url})
    assert refresh.available_candidates(HERE, network, cache)[-1] == pypy
    assert pypy.urls(server.url) == (f"{server.url}/{pypy.build.tag}/{pypy.file_name}",)


def test_a_mirror_may_be_a_folder(tmp_path: Path, cache: Path) -> None:
    mirror = tmp_path / "a mirror"
    mirror.mkdir()
    network = Network({"ENVMGR_PYTHON_MIRROR": mirror.as_uri()}, offline=True)
    assert refresh.available_candidates(HERE, network, cache) == BUNDLED, "it does not say what it holds"
    (mirror / "SHA256SUMS").write_text(FORMATS["SHA256SUMS"])
    network = Network(network.environ, offline=True)
    assert refresh.select(VersionRequest.parse("3.97.0"), network, cache).path == f"20990101/{file_name(NEWEST[2])}"


def test_refresh_command_prints_new_versions(server: Mirror, environ: dict[str, str]) -> None:
    (server.folder / "list").write_text(FORMATS["ours.txt"])
    environ = environ | {"ENVMGR_INDEX_URL": f"{server.url}/list"}
    argv = [sys.executable, "-m", "envmgr", "refresh"]
    first, again = (subprocess.run(argv, env=environ, capture_output=True, text=True, check=True) for _ in range(2))
    assert first.stdout.split() == NEWEST
    assert "3 builds" in first.stderr
    assert again.stdout == ""
    refused = subprocess.run([*argv, "--offline"], env=environ, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (5, "")
