"""The installer with faulty mirrors, with concurrent processes, and killed at any step."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mirror_server as server
import pytest
from mirror_server import Mirror
from python_archives import NEWER_TAG, TAG

from envmgr.errors import BrokenInterpreterError, ChecksumError, DownloadError, EnvmgrError
from envmgr.host import archive, download, process
from envmgr.host.network import Network
from envmgr.host.paths import Home
from envmgr.pythons import attestation, index, installer
from envmgr.pythons.candidate import Candidate, from_file_name
from envmgr.pythons.installer import InstallOptions
from envmgr.pythons.store import Store

Choose = Callable[..., Candidate]


@pytest.fixture
def candidate(archives: Path) -> Choose:
    """Return the archive of a version, and tag."""
    found = list(index.sums((archives / "SHA256SUMS").read_text()))

    def choose(version: str, tag: str = TAG) -> Candidate:
        return next(one for one in found if one.build.patch_alias == version and one.build.tag == tag)

    return choose


@pytest.fixture
def network(environ: dict[str, str], mirror: Mirror) -> Network:
    return Network(environ | {"ENVMGR_PYTHON_MIRROR": mirror.url, "ENVMGR_HTTP_TIMEOUT": "2"})


@pytest.fixture
def cache(environ: dict[str, str]) -> Path:
    return Path(environ["ENVMGR_CACHE_DIR"])


def left(folder: Path) -> list[str]:
    """Return the names in a directory, without lock files."""
    return sorted(path.name for path in folder.glob("*") if not path.name.endswith(".lock"))


def assert_nothing_left(home: Home, cache: Path) -> None:
    assert left(home.versions) == left(home.tmp) == left(home.aliases) == left(cache / "downloads") == []


@pytest.mark.parametrize(
    ("fault", "message", "error"),
    [
        (server.status(200, b"something else"), "the sha256 is", ChecksumError),
        (server.status(200, b"<!DOCTYPE html><p>Please log in"), "a web page", ChecksumError),
        (server.status(404), "answered 404", DownloadError),
        (server.status(403), "answered 403", DownloadError),
        (server.redirect("/again.tar.gz"), "too many redirects", DownloadError),
    ],
    ids=["other bytes", "web page", "missing", "forbidden", "redirect loop"],
)
def test_a_bad_mirror_leaves_nothing_behind(
    fault: server.Answer,
    message: str,
    error: type[EnvmgrError],
    home: Home,
    candidate: Choose,
    network: Network,
    cache: Path,
    mirror: Mirror,
) -> None:
    mirror.faults[".tar.gz"] = fault
    with pytest.raises(error, match=message):
        installer.install(home, candidate("3.12.1"), network, cache)
    assert_nothing_left(home, cache)


def test_a_cut_off_download_goes_on(
    home: Home, candidate: Choose, network: Network, cache: Path, mirror: Mirror
) -> None:
    mirror.faults[".tar.gz"] = server.cut(1_000_000)
    assert installer.install(home, candidate("3.13.0"), network, cache)
    assert int(mirror.asked(".tar.gz")[1]["range"][6:-1]) > 0
    assert left(home.tmp) == []


def test_an_archive_without_a_python_is_refused(
    home: Home, environ: dict[str, str], cache: Path, tmp_path: Path
) -> None:
    name = f"20240101/cpython-3.12.9+20240101-{os.uname().machine}-unknown-linux-gnu-install_only_stripped.tar.gz"
    (tmp_path / "python/bin").mkdir(parents=True)
    (tmp_path / "python/bin/readme").write_text("nothing")
    (tmp_path / "mirror/20240101").mkdir(parents=True)
    archive.write(tmp_path / "python", tmp_path / "mirror" / name, level=1)
    network = Network(environ | {"ENVMGR_PYTHON_MIRROR": (tmp_path / "mirror").as_uri()})
    chosen = from_file_name(name, download.digest(tmp_path / "mirror" / name))
    assert chosen
    with pytest.raises(DownloadError, match="contains no Python"):
        installer.install(home, chosen, network, cache)
    assert left(home.versions) == left(home.tmp) == []


@pytest.mark.parametrize(
    ("program", "message", "hint"),
    [
        ("#!/lib/ld-of-another-libc.so\n", "does not start", "another C library"),
        ("#!/bin/sh\necho \"/lib/libc.so.6: version 'GLIBC_2.99' not found\" >&2; exit 1\n", "GLIBC_2.99", "older"),
        ("#!/bin/sh\necho 'libx.so.1: cannot open shared object file' >&2; exit 1\n", "libx.so.1", "package"),
        ("#!/bin/sh\nkill -ILL $$\n", "does not start", "newer processor"),
        ('#!/bin/sh\nexec python3 "$@"\n', "not what it should be", ""),
        ("#!/bin/sh\necho 'envmgr-probe [1]'\n", "not a Python that envmgr knows", ""),
    ],
    ids=["loader", "glibc", "library", "processor", "version", "answer"],
)
def test_a_build_that_cannot_run_here_is_refused_with_the_reason(
    program: str, message: str, hint: str, tmp_path: Path, candidate: Choose
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(program)
    (tmp_path / "bin/python").chmod(0o755)
    with pytest.raises(BrokenInterpreterError, match=message) as caught:
        installer.check(tmp_path, candidate("3.12.1").build, {"PATH": "/usr/bin:/bin"})
    assert hint in (caught.value.hint or "")


def test_unwritable_home_is_reported(candidate: Choose, network: Network, cache: Path) -> None:
    with pytest.raises(EnvmgrError, match="/proc/envmgr"):
        installer.install(Home(Path("/proc/envmgr")), candidate("3.12.1"), network, cache)


def test_offline_the_cache_is_enough(
    home: Home, candidate: Choose, network: Network, cache: Path, mirror: Mirror
) -> None:
    installer.install(home, candidate("3.12.1"), network, cache)
    installer.remove(home, candidate("3.12.1").build)
    asked = len(mirror.requests)
    offline = Network(network.environ, offline=True)
    assert installer.install(home, candidate("3.12.1"), offline, cache)
    with pytest.raises(DownloadError, match="offline"):
        installer.install(home, candidate("3.13.0"), offline, cache)
    assert len(mirror.requests) == asked


GH = """#!/bin/sh
printf '%s\\n' "$@" >"$HOME/asked"
echo 'no attestations found' >&2
exit "${GH_CODE:-0}"
"""


def test_an_attestation_is_asked_of_gh_and_never_assumed(
    home: Home, candidate: Choose, network: Network, cache: Path, tmp_path: Path
) -> None:
    """The `gh` of this test only records its arguments: GitHub tests the real one."""
    chosen, options = candidate("3.13.0"), InstallOptions(attested=True)
    bare = Network({**network.environ, "PATH": str(tmp_path)})
    with pytest.raises(DownloadError, match="no `gh` on PATH"):
        installer.install(home, chosen, bare, cache, options=options)
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{network.environ['PATH']}"
    with pytest.raises(DownloadError, match="cannot be verified: no attestations found"):
        installer.install(
            home, chosen, Network({**network.environ, "PATH": path, "GH_CODE": "1"}), cache, options=options
        )
    assert left(home.versions) == []
    assert installer.install(home, chosen, Network({**network.environ, "PATH": path}), cache, options=options)
    *verb, file, _, repository = (Path(network.environ["HOME"]) / "asked").read_text().split()
    assert (verb, repository) == (["attestation", "verify"], attestation.REPOSITORY)
    assert download.digest(Path(file)) == chosen.sha256


def test_byte_code_is_compiled_on_request(home: Home, candidate: Choose, network: Network, cache: Path) -> None:
    chosen = candidate("3.13.0")
    installer.install(home, chosen, network, cache)
    count = len(list(home.versions.rglob("*.pyc")))
    installer.install(home, chosen, network, cache, options=InstallOptions(compiled=True))
    assert len(list(home.versions.rglob("*.pyc"))) > count + 100


def test_twenty_at_once_end_right(home: Home, environ: dict[str, str], mirror: Mirror) -> None:
    environ = environ | {"ENVMGR_PYTHON_MIRROR": mirror.url}
    words = ["3.10", "3.11", "3.12", "3.13"] * 5
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "envmgr", "install", word], env=environ, stderr=subprocess.PIPE, text=True
        )
        for word in words
    ]
    for child in children:
        _, said = child.communicate(timeout=120)
        assert child.returncode == 0, said
    assert len(list(Store(home).builds())) == 4
    assert left(home.tmp) == []
    assert len(mirror.asked(".tar.gz")) == 4  # each was downloaded once
    for word in ("3.10", "3.11", "3.12", "3.13"):
        outcome = process.run([home.shims / f"python{word}", "-I", "-c", "print('fine')"], environ=environ)
        assert outcome.text == "fine\n"


KILLED = """
import os, signal, sys
from pathlib import Path
from envmgr.host.network import Network
from envmgr.host.paths import Home
from envmgr.pythons import index, installer
from envmgr.versions.version import Build

root, cache, sums, verb, build, left = sys.argv[1:]
left, home = int(left), Home(Path(root))
candidate = next(one for one in index.sums(Path(sums).read_text()) if str(one.build) == build)
touching = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "subprocess.Popen"}

def die(event, _args):
    global left
    if event in touching:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
if verb == "install":
    installer.install(home, candidate, Network(os.environ), Path(cache))
else:
    installer.remove(home, candidate.build)
print(-left)
"""


def test_killed_at_any_step_the_store_is_old_or_new(
    home: Home, candidate: Choose, network: Network, cache: Path, archives: Path
) -> None:
    """Send SIGKILL at 40 file system operations of the installation and removal of a rebuild."""
    old, new = candidate("3.12.1"), candidate("3.12.1", NEWER_TAG)
    installer.install(home, old, network, cache)
    with installer.fetched_archive(new, network, cache):
        pass

    def killed(verb: str, after: int) -> str:
        argv = [str(home.root), str(cache), str(archives / "SHA256SUMS"), verb, str(new.build), str(after)]
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *argv], env=network.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, -9), done.stderr
        return done.stdout

    def check() -> bool:
        """Return whether the new build is installed; fail for a partial installation."""
        alias = (home.aliases / "3.12").resolve(strict=True).name  # environments run through it, at every moment
        assert alias in (str(old.build), str(new.build))
        installer.clean_up(home)
        builds = set(Store(home).builds())
        assert builds in ({old.build}, {old.build, new.build})
        assert left(home.tmp) == []
        for build in builds:
            assert Store(home).alias(build.build_alias) == build
            assert sorted(names(home.versions / str(build))) == whole
        assert Store(home).alias("3.12") == max(builds)
        return new.build in builds

    def names(prefix: Path) -> set[str]:
        return {str(path.relative_to(prefix)) for path in prefix.rglob("*") if "__pycache__" not in path.parts}

    whole = sorted(names(home.versions / str(old.build)))
    steps = int(killed("install", 0))
    assert check()
    for after in [*range(1, steps, steps // 24), *range(steps - 16, steps)]:
        installer.remove(home, new.build)
        killed("install", after)
        check()
    installer.install(home, new, network, cache)
    for after in range(1, 30, 3):
        killed("remove", after)
        if not check():
            installer.install(home, new, network, cache)
