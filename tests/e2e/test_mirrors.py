"""Mirrors: synchronised, packed, served, and installed from."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mirror_server import Mirror, serving
from python_archives import NEWER_TAG, TAG, pythons
from sandbox import Sandbox

from envmgr.host import process
from envmgr.host.download import digest
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import mirror as mirrors
from envmgr.pythons.index_sources import SUMS


@pytest.fixture
def sandbox(home: Home, environ: dict[str, str], mirror: Mirror, tmp_path: Path) -> Sandbox:
    (tmp_path / "shop").mkdir()
    return Sandbox(home, tmp_path / "shop", environ | {"ENVMGR_PYTHON_MIRROR": mirror.url})


@contextmanager
def served(sandbox: Sandbox, folder: Path) -> Iterator[str]:
    """Run `envmgr mirror serve` and yield the URL that it prints."""
    argv = [sys.executable, "-m", "envmgr", "mirror", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(
        argv, env=sandbox.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout
        try:
            yield child.stdout.readline().strip()
        finally:
            child.send_signal(signal.SIGINT)
            assert child.wait(10) == 130


def test_what_was_collected_is_installed_offline(sandbox: Sandbox, mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert "1 matching archives, 1 of them new" in sandbox.messages("mirror", "sync", str(folder), "3.12")
    (archive,) = folder.glob(f"{NEWER_TAG}/*.tar.gz")
    assert (folder / SUMS).read_text() == f"{digest(archive)}  {NEWER_TAG}/{archive.name}\n"
    sandbox.environ |= {"ENVMGR_PYTHON_MIRROR": folder.as_uri(), "ENVMGR_OFFLINE": "1"}
    asked = len(mirror.requests)
    sandbox.run("install", "3.12")
    assert "3.12" in sandbox.run("install", "3.13", code=3)  # only archives in the mirror can be installed
    assert len(mirror.requests) == asked


def test_syncing_again_fetches_only_what_is_missing_or_wrong(sandbox: Sandbox, mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    sandbox.run("mirror", "sync", str(folder), "3.12", "3.11")
    asked = len(mirror.asked(".tar.gz"))
    assert "0 of them new" in sandbox.messages("mirror", "sync", str(folder), "3.12", "3.11")
    assert len(mirror.asked(".tar.gz")) == asked == 2
    (archive,) = folder.glob("*/cpython-3.11*")
    archive.write_bytes(b"damaged")
    sandbox.run("mirror", "sync", str(folder), "3.11", "3.10")
    assert len((folder / SUMS).read_text().splitlines()) == 3
    assert archive.stat().st_size > 1_000_000
    assert "3.10" in sandbox.run("mirror", "sync", str(folder), "3.9", code=3)


def test_other_platforms_are_collected_too(sandbox: Sandbox, tmp_path: Path) -> None:
    names = [f"cpython-3.12.1+{TAG}-{triple}-install_only_stripped.tar.gz" for triple in TRIPLES.values()]
    (tmp_path / f"source/{TAG}").mkdir(parents=True)
    for name in names:
        path = tmp_path / "source" / TAG / name
        path.write_text(name)
        mirrors.add_to_sums(tmp_path / "source", path, digest(path))
    with serving(tmp_path / "source") as source:
        sandbox.environ["ENVMGR_PYTHON_MIRROR"] = source.url
        wanted = [word for platform in TRIPLES for word in ("--platform", platform)]
        sandbox.run("mirror", "sync", str(tmp_path / "mine"), "3.12", *wanted)
    assert {path.name for path in (tmp_path / "mine" / TAG).glob("*.gz")} == set(names)
    assert "not a platform" in sandbox.run("mirror", "sync", "x", "3.12", "--platform", "amiga", code=2)


def test_pypy_is_collected_too(sandbox: Sandbox, tmp_path: Path) -> None:
    with serving(tmp_path) as elsewhere:
        archive = tmp_path / "pypy3.10-v7.3.17-linux64.tar.gz"
        archive.write_text("a PyPy")
        (tmp_path / "ours").write_text(
            f"pypy-3.10.14+7.3.17-{this_platform()} {digest(archive)} {elsewhere.url}/{archive.name}\n"
        )
        del sandbox.environ["ENVMGR_PYTHON_MIRROR"]
        sandbox.environ["ENVMGR_INDEX_URL"] = f"{elsewhere.url}/ours"
        sandbox.run("mirror", "sync", str(tmp_path / "mine"), "pypy3.10")
    assert (tmp_path / "mine/7.3.17" / archive.name).read_text() == "a PyPy"
    assert (tmp_path / "mine" / SUMS).read_text() == f"{digest(archive)}  7.3.17/{archive.name}\n"


TRIPLES = {"macos-aarch64-none": "aarch64-apple-darwin", "linux-x86_64_v3-musl": "x86_64_v3-unknown-linux-musl"}


def test_a_packed_interpreter_is_installed_from_a_served_mirror(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    said = sandbox.run(
        "mirror",
        "pack",
        str(pythons() / "3.13.0"),
        "--into",
        str(folder),
        "--tag",
        "20260101",
        "--without",
        "idlelib,tkinter",
    )
    assert Path(said.strip()).is_file()
    with served(sandbox, folder) as url:
        sandbox.environ["ENVMGR_PYTHON_MIRROR"] = url
        sandbox.run("install", "3.13")
    outcome = process.run(
        [sandbox.home.shims / "python3.13", "-I", "-c", "import ssl, sqlite3, idlelib"], environ=sandbox.environ
    )
    assert "No module named 'idlelib'" in outcome.text


def test_only_a_mirror_is_served(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "has no SHA256SUMS" in sandbox.run("mirror", "serve", str(tmp_path), code=2)


@pytest.fixture
def ask(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., tuple[int, bytes]]]:
    """Ask a served mirror, which holds `SHA256SUMS` and `t/file`, for a path as it is written."""
    folder = tmp_path / "mine"
    (folder / "t").mkdir(parents=True)
    (folder / SUMS).write_text("")
    (folder / ".lock").write_text("")
    (folder / "t/file").write_bytes(b"0123456789")
    (tmp_path / "secret").write_text("secret")
    (folder / "t/link").symlink_to(tmp_path / "secret")
    with served(sandbox, folder) as url:

        def run(path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
            with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
                connection.request(method, path, headers=headers)
                with connection.getresponse() as answer:
                    return answer.status, answer.read()

        yield run


def test_a_served_mirror_gives_what_is_in_it_and_nothing_else(ask: Callable[..., tuple[int, bytes]]) -> None:
    assert ask("/t/file") == (200, b"0123456789")
    assert ask("//t/file?x=1") == (200, b"0123456789")
    assert ask("/t/file", "HEAD") == (200, b"")
    assert ask("/t/file", Range="bytes=4-") == (206, b"456789")
    for odd in ("bytes=4-6", "bytes=-3", "bytes=99-", "bytes=x-", "lines=1-", f"bytes={'9' * 5000}-"):
        assert ask("/t/file", Range=odd) == (200, b"0123456789")
    for path in (
        "/",
        "/t",
        "/none",
        "/.lock",
        "/t/link",
        "/../secret",
        "/%2e%2e/secret",
        "/t/..%2f..%2fsecret",
        "/%00",
        "x://[bad/t/file",
        "/" + "x" * 5000,
    ):
        assert ask(path) == (404, b"")
