"""The Pythons of other tools, as those tools lay them out: installed by the tools themselves, from a local mirror.

uv, PDM, hatch and, where npm has brought it, mise are here. What no package registry has (asdf, rye, conda, Homebrew)
is a tree made after its documentation, in tests/unit/test_discovery.py.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mirror_server import Handler, Mirror
from python_archives import pythons
from sandbox import Sandbox

from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import index
from envmgr.pythons.candidate import Candidate

Make = Callable[["Owner", str], None]
DOWNLOADS = "/python-build-standalone/releases/download"  # hatch knows by this what an archive is
UNPACK = (
    "import sys; from pbs_installer import install_file; install_file(*sys.argv[1:])"  # what `pdm python install` calls
)


class Owner:
    """A user of another tool: their home, and the tool's program, configured to download from the mirror."""

    def __init__(self, tools: Path, mirror: Mirror, environ: dict[str, str]) -> None:
        self.home = Path(environ["HOME"])
        self.tools, self.mirror, self.environ = tools, mirror, environ

    def run(self, program: str, *words: str | Path, **variables: str) -> None:
        environ = {
            **process.without_python_variables(self.environ),
            "NO_PROXY": "*",
            "PDM_CHECK_UPDATE": "0",
            **variables,
        }
        outcome = process.run([self.tools / program, *words], environ=environ, cwd=self.home, timeout=60)
        assert outcome.code == 0, outcome.text

    def candidate(self, version: str) -> Candidate:
        """Return the newest archive of `version`, a patch."""
        every = index.sums((self.mirror.folder / "SHA256SUMS").read_text())
        return max((one for one in every if str(one.build.version) == version), key=lambda one: one.build)

    def tree(self) -> str:
        """Return a text that changes with any file in the user's home."""
        digest = hashlib.sha256()
        for path in sorted(self.home.rglob("*")):
            status = path.lstat()
            digest.update(repr((path, os.readlink(path) if path.is_symlink() else status.st_size)).encode())  # noqa: PTH115
            digest.update(b"" if path.is_dir() else str(status.st_mtime_ns).encode())
        return digest.hexdigest()


def uv(owner: Owner, version: str) -> None:
    found = owner.candidate(version)
    build = found.build
    entry = {
        "name": "cpython",
        "arch": {"family": build.platform.arch, "variant": None},
        "os": build.platform.os,
        "libc": build.platform.libc,
        **dict(zip(("major", "minor", "patch"), build.version.release, strict=True)),
        "prerelease": "",
        "url": found.urls(owner.mirror.url)[0],
        "sha256": found.sha256,
        "variant": None,
        "build": build.tag,
    }
    table = owner.home.parent / "uv.json"
    table.write_text(json.dumps({f"cpython-{version}-{this_platform()}": entry}))
    owner.run("uv", "python", "install", version, "--no-bin", UV_PYTHON_DOWNLOADS_JSON_URL=table.as_uri())


def hatch(owner: Owner, version: str) -> None:
    """Install into `3.12`, where hatch keeps whatever its newest 3.12 is; another one replaces it."""

    def release(handler: Handler) -> bool:
        handler.file(owner.mirror.folder / handler.clean_path.partition(f"{DOWNLOADS}/")[2])
        return True

    owner.mirror.faults[DOWNLOADS] = release
    url = owner.candidate(version).urls(f"{owner.mirror.url}{DOWNLOADS}")[0]
    if (owner.home / ".local/share" / PLACES["hatch"]).exists():
        owner.run("hatch", "python", "remove", "3.12")
    owner.run("hatch", "python", "install", "3.12", "--private", HATCH_PYTHON_CUSTOM_SOURCE_3_12=url)


def pdm(owner: Owner, version: str) -> None:
    """Unpack as PDM does; its table of archives cannot be pointed elsewhere. Beside that, link one with PDM."""
    found = owner.candidate(version)
    archive = owner.mirror.folder / found.build.tag / found.file_name
    place = owner.home / f".local/share/pdm/python/cpython@{version}"
    place.mkdir(parents=True)
    owner.run("../pdm/bin/python", "-c", UNPACK, archive, place, found.file_name)
    if not place.with_name("cpython@3.13").exists():
        owner.run("pdm", "python", "link", pythons() / "3.13.0/bin/python3")


def mise(owner: Owner, version: str) -> None:
    """Let mise download what it calls precompiled; it asks a list of names first."""

    def names(handler: Handler) -> bool:
        every = [line.split("/")[1] for line in (owner.mirror.folder / "SHA256SUMS").read_text().splitlines()]
        handler.answer(200, gzip.compress("\n".join(every).encode()))
        return True

    def release(handler: Handler) -> bool:
        handler.file(owner.mirror.folder / handler.clean_path.partition(f"{DOWNLOADS}/")[2])
        return True

    owner.mirror.faults |= {"python-precompiled": names, DOWNLOADS: release}
    owner.run(
        "mise",
        *("install", f"python@{version}"),
        MISE_URL_REPLACEMENTS=json.dumps({"regex:^https://[^/]*/": f"{owner.mirror.url}/"}),
        MISE_PYTHON_COMPILE="0",
        MISE_PYTHON_GITHUB_ATTESTATIONS="false",
    )


MAKERS: dict[str, Make] = {"uv": uv, "hatch": hatch, "pdm": pdm}
PLACES = {
    "uv": f"uv/python/cpython-3.12.1-{this_platform()}/bin/python3.12",
    "hatch": "hatch/pythons/3.12/python/bin/python3.12",
    "pdm": "pdm/python/cpython@3.12.1/bin/python3.12",
    "mise": "mise/installs/python/3.12.1/bin/python3.12",
}
REMOVE = {
    "uv": ("python", "uninstall", "3.12.1"),
    "hatch": ("python", "remove", "3.12"),
    "pdm": ("python", "remove", "3.12.1"),
    "mise": ("uninstall", "python@3.12.1"),
}
if "ENVMGR_TEST_MISE" in os.environ:
    MAKERS["mise"] = mise


@pytest.fixture
def owner(tools: Path, mirror: Mirror, environ: dict[str, str]) -> Owner:
    return Owner(tools, mirror, environ)


@pytest.fixture
def sandbox(home: Home, environ: dict[str, str], tmp_path: Path) -> Sandbox:
    """The same user with envmgr; what their tools call shims is on PATH."""
    project = tmp_path / "shop"
    project.mkdir()
    shims = f"{environ['HOME']}/.local/share/mise/shims"
    return Sandbox(home, project, environ | {"PATH": f"{shims}:{environ['PATH']}"})


def started(sandbox: Sandbox, *words: str) -> set[str]:
    """Run `envmgr` and return the programs that were started, by their real paths."""
    log = sandbox.project.parent / "strace"
    argv: list[str | Path] = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=execve",
        "-o",
        log,
        sys.executable,
        "-m",
        "envmgr",
        *words,
    ]
    outcome = process.run(argv, environ=sandbox.environ)
    assert outcome.code == 0, outcome.text
    return {os.path.realpath(line.split('"')[1]) for line in log.read_text().splitlines() if line.endswith("= 0")}


def listed(sandbox: Sandbox) -> dict[str, dict[str, object]]:
    return {row["version"]: row for row in json.loads(sandbox.run("list", "--json"))}


@pytest.mark.parametrize("tool", MAKERS)
def test_what_a_tool_has_installed_is_linked_and_left_as_it_is(tool: str, owner: Owner, sandbox: Sandbox) -> None:
    MAKERS[tool](owner, "3.12.1")
    before = owner.tree()
    python = owner.home / ".local/share" / PLACES[tool]
    theirs = {os.path.realpath(python), os.path.realpath(pythons() / "3.13.0/bin/python3")}
    assert started(sandbox, "link", "--from", tool) <= {os.path.realpath(sys.executable), *theirs}
    row = listed(sandbox)["3.12.1"]
    assert (row["origin"], row["path"], row["works"], row["changed"]) == (tool, str(python), True, False)
    sandbox.run("use", "3.12")
    sandbox.run("doctor", code=1)  # this shell has no hook; every Python is started
    assert "3.12.1" in sandbox.run("run", "python", "-B", "-c", "import ssl, sqlite3, sys; print(sys.version)")
    sandbox.run("link", "--from", tool)
    assert owner.tree() == before


@pytest.mark.parametrize("tool", MAKERS)
def test_removed_python_is_reported_and_can_be_unlinked(tool: str, owner: Owner, sandbox: Sandbox) -> None:
    MAKERS[tool](owner, "3.12.1")
    sandbox.run("link", "--from", tool)
    owner.run(tool, *REMOVE[tool])
    assert listed(sandbox)["3.12.1"]["works"] is False
    again = sandbox.run("link", "--from", tool, code=0 if tool == "pdm" else 3)  # of PDM's, one is left
    assert tool == "pdm" or f"`envmgr uninstall 3.12.1+{tool}`" in again
    sandbox.run("uninstall", f"3.12.1+{tool}")
    assert "3.12.1" not in listed(sandbox)


def test_every_command_names_the_next_step_for_a_removed_python(owner: Owner, sandbox: Sandbox) -> None:
    uv(owner, "3.12.1")
    sandbox.run("link", "--from", "uv")
    sandbox.run("use", "3.12")
    owner.run("uv", *REMOVE["uv"])
    step = "`envmgr uninstall 3.12.1+uv`"
    shim = [sandbox.home.shims / "python", "-V"]
    ours = [
        [sys.executable, "-m", "envmgr", *words]
        for words in (("find",), ("run", "python"), ("use",), ("doctor",), ("status",))
    ]
    for argv, code in zip([shim, *ours], (127, 7, 7, 8, 1, 7), strict=True):
        outcome = process.run(argv, environ=sandbox.environ, cwd=sandbox.project)
        assert (outcome.code, step in outcome.text) == (code, True), outcome.text
    sandbox.run("uninstall", "3.12.1+uv")  # its environment had lost it before


def test_what_the_tool_has_updated_in_place_leaves_no_stale_entry(owner: Owner, sandbox: Sandbox) -> None:
    hatch(owner, "3.12.1")
    sandbox.run("link", "--from", "hatch")
    python = str(owner.home / ".local/share" / PLACES["hatch"])
    sandbox.run("link", python, "mine")
    hatch(owner, "3.13.0")  # so that its `3.12` is another version now
    assert listed(sandbox)["3.12.1"]["works"] is False, "python3.12 is python3.13 now"
    assert "3.12.1+hatch: not linked any more" in sandbox.messages("link", "--from", "hatch")
    assert set(listed(sandbox)) == {"3.13.0"}
    for name in ("3.13", "mine"):
        assert "/cpython-3.13.0+" in sandbox.run("find", name)
    assert not (sandbox.home.aliases / "3.12").is_symlink()
