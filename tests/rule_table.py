"""The resolution rule of docs/reference/state-on-disk.md as one table, for all its implementations.

Prepared: Pythons 3.11.9 (without `black`) and 3.12.7 are installed; the system has `python` and `tool`; project `shop`
has an environment with `pytest`, `gone` one whose Python was removed, `forged` a record that leads out of the store;
the files of `over`, `over-wide` and `over-edge` are larger than those of `full`, `full-wide` and `edge`;
`own` and `owned` have a .venv of their own that was allowed; in `changed`, `appended` (a NUL, and more, in pyvenv.cfg),
`copied` (another program as its Python) and `turned` (a link to another directory) it is not what it was then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """In the prepared directory `cwd`, `command` runs `program`: `3.12`, `shop`, `system`, or an exit code.

    `active` is the environment that a hook has active there. `variable` is ENVMGR_VERSION, `default` the global pin,
    `ceiling` the directory that the walk stops at.
    """

    cwd: str
    program: str | int
    command: str = "python"
    active: str | None = None
    variable: str | None = None
    default: str | None = None
    ceiling: str | None = None

    def __str__(self) -> str:
        given = {"v": self.variable, "d": self.default, "c": self.ceiling}
        more = [f"{name}={value}" for name, value in given.items() if value is not None]
        return " ".join([ascii(self.cwd).strip("'"), self.command, *more])


@dataclass(frozen=True)
class Layout:
    """Version files: directory -> bytes; links: path -> target; directories without any."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


HOSTILE = (
    "a b", "a\tb", "a\nb", "-n", "$(touch pwned)", "`touch pwned`", "quote'\"", "back\\slash", "[x]*?", "semi;colon",
    "%F{red}", "\\w", "\x1b]0;x\x07", "é", "e\u0301", "\udcff", "~", "a:b", "#x", "!1", "a..b",
)  # fmt: skip

_FILES: dict[str, bytes] = {
    "exact": b"3.12.7\n",
    "prefix": b"3.12\n",
    "name": b"cpython-3.12.7-linux-x86_64-gnu\n",
    "comments": b"# ours\n\n  3.11 # not 3.12\n",
    "crlf": b"3.11\r\n",
    "bom": b"\xef\xbb\xbf3.11\r\n",
    "bom-comment": b"\xef\xbb\xbf# ours\n3.11\n",
    "bare": b"3.11",
    "tabs": b"\t3.11\t\n",
    "same-line": b"3.11 3.12\n",
    "lines": b"3.11\n3.12\n",
    "range": b">=3.11\n",
    "spaced-range": b">=3.11, <3.12\n",
    "wide": b"3\n",
    "missing": b"3.99\n",
    "missing-later": b"3.12 3.99\n",
    "missing-first": b"3.99 3.12\n",
    "nobody": b"nobody\n",
    "bad": b"../../bin\n",
    "bad-later": b"3.12 ba=d\n",
    "bad-dots": b"3.12 a..b\n",
    "bad-semicolon": b"3.12; touch pwned\n",
    "bad-dollar": b"$(touch pwned)\n",
    "bad-option": b"-h\n",
    "bad-escape": b"3.12\x1b]0;x\x07\n",
    "bad-utf8": b"3.12 \xff\n",
    "bad-hash": b"3.12#x\n/etc\n",
    "too-many": b"3.12 " * 60,
    "long-line": b"3" * 8000 + b"\n",
    "huge": b"# " + b"x" * 100_000 + b"\n3.12\n",
    "system": b"system\n",
    "system-first": b"system 3.12\n",
    "outer": b"3.11\n",
    "outer/inner": b"3.12\n",
    "outer/empty": b"",
    "outer/blank": b"\n# nothing yet\n \t\r\n",
    "shop": b"3.12\n",
    "shop/lib": b"3.11\n",
    "shop/inner": b"3.11\n",
    "gone": b"3.12\n",
    "torn": b"../../bin\n",
    "forged": b"3.12\n",
    "owned": b"3.11\n",
    "owned/pinned": b"3.12\n",
    "changed": b"3.11\n",
    "appended": b"3.11\n",
    "copied": b"3.11\n",
    "turned": b"3.11\n",
    "spelled": b"# why\n\t3.12  3.11 # both\n",
    # the edges: 8,192 bytes of a version file, also where characters are fewer, and 200 characters of words
    "full": b"3.12\n#".ljust(8191, b"x") + b"\n",
    "over": b"3.12\n#".ljust(8192, b"x") + b"\n",
    "full-wide": b"3.12\n#" + b"\xc3\xa9" * 4092 + b"\n\n",
    "over-wide": b"3.12\n#" + b"\xc3\xa9" * 4093 + b"\n",
    "over-blank": b"\n" * 8193,
    "edge": b"3.12 " * 36 + b"3.12.7 " * 3,
    "over-edge": b"3.12 " * 39 + b"3.12.7",
    # reached by a link that led to `shop` before, or was a directory of its own; a directory that was such a link
    "release": b"3.12\n",
    "replaced": b"3.12\n",
    **{f"hostile/{name}": b"3.12\n" for name in HOSTILE},
}

LAYOUT = Layout(
    files=_FILES,
    links={
        "linked": "shop",
        "linked-own": "own",
        "linked-up/shop": "../shop/src",
        "relinked": "release",
        "became-link": "release",
        "outer/dangling/.python-version": "nowhere",
        "outer/looping/.python-version": ".python-version",
        "outer/followed/.python-version": "../../prefix/.python-version",
        "outer/device/.python-version": "/dev/zero",
    },
    folders=(
        "none",
        "shop/src/deep",
        "outer/inner/deep",
        "outer/deep",
        "outer/folder/.python-version",
        "outer/fifo",
        "own/src",
    ),
)

CASES = (
    Case("none", "system"),
    Case("none", "system", "tool"),
    Case("none", 127, "pip9"),
    Case("none", "3.11", default="3.11\n"),
    Case("none", "3.12", default="# all\n3\n"),
    Case("none", "3.11", variable="3.11", default="3.12\n"),
    Case("none", 4, default="3.99\n"),
    Case("none", 2, default="/bin\n"),
    Case("exact", "3.12.7"),
    Case("prefix", "3.12"),
    Case("prefix", "system", "tool"),
    Case("prefix", 127, "pytest"),
    Case("name", "3.12.7"),
    Case("comments", "3.11"),
    Case("crlf", "3.11"),
    Case("bom", "3.11"),
    Case("bom-comment", "3.11"),
    Case("bare", "3.11"),
    Case("tabs", "3.11"),
    Case("same-line", "3.11"),
    Case("same-line", "3.12", "black"),
    Case("lines", "3.12", "black"),
    Case("outer", 127, "black"),
    Case("range", "3.12"),
    Case("spaced-range", "3.11"),
    Case("wide", "3.12"),
    Case("missing", 4),
    Case("missing-later", "3.12"),
    Case("missing-later", 4, "pip9"),
    Case("missing-first", 4),
    Case("nobody", 3),
    Case("bad", 2),
    Case("bad-later", 2),
    Case("bad-dots", 2),
    Case("bad-semicolon", 2),
    Case("bad-dollar", 2),
    Case("bad-option", 2),
    Case("bad-escape", 2),
    Case("bad-utf8", 2),
    Case("bad-hash", 2),
    Case("too-many", 2),
    Case("long-line", 2),
    Case("bad", "3.11", variable="3.11"),
    Case("prefix", 2, variable="3.11;x"),
    Case("prefix", 4, variable="3.99"),
    Case("prefix", "3.12", variable=" \t"),
    Case("prefix", "3.11", variable="  3.11 "),
    Case("system", "system"),
    Case("system-first", "system"),
    Case("system-first", "3.12", "black"),
    Case("outer", "3.11"),
    Case("outer/inner/deep", "3.12"),
    Case("outer/empty", "3.11"),
    Case("outer/blank", "3.11"),
    Case("outer/dangling", "3.11"),
    Case("outer/looping", "3.11"),
    Case("outer/device", "3.11"),
    Case("outer/folder", "3.11"),
    Case("outer/fifo", "3.11"),
    Case("outer/followed", "3.12"),
    Case("shop", "shop", active="shop"),
    Case("shop/src/deep", "shop", active="shop"),
    Case("shop", "shop", "pytest", active="shop"),
    Case("shop", "3.12", "black", active="shop"),
    Case("shop", "system", "tool", active="shop"),
    Case("shop", 127, "pip9", active="shop"),
    Case("shop", "shop", variable="3.12", active="shop"),
    Case("shop", "other", variable="3.11", active="other"),
    Case("shop", "3.12.7", variable="3.12.7"),
    Case("shop/lib", "3.11"),
    Case("shop/inner", "inner", active="inner"),
    Case("linked", "shop", active="shop"),
    Case("linked-up/shop", "system"),
    Case("gone", "3.12"),
    Case("torn", 2),
    Case("torn", "torn", variable="3.12", active="torn"),
    Case("forged", "3.12"),
    Case("shop/src/deep", "system", ceiling="shop"),
    Case("shop", "system", ceiling="shop"),
    Case("shop/src/deep", "shop", active="shop", ceiling=""),
    Case("outer/inner/deep", "3.12", ceiling="outer"),
    Case("own/src", "system", ceiling="own"),
    Case("own", "own", active="own"),
    Case("own/src", "own", "pytest", active="own"),
    Case("own", "system", "tool", active="own"),
    Case("own", 127, "pip9", active="own"),
    Case("own", "own", variable="3.11", active="own"),
    Case("linked-own", "own", active="own"),
    Case("owned", "owned", active="owned"),
    Case("owned", 127, "black", active="owned"),
    Case("owned/pinned", "3.12"),
    Case("changed", "3.11"),
    Case("appended", "3.11"),
    Case("copied", "3.11"),
    Case("turned", "3.11"),
    Case("spelled", "spelled", active="spelled"),
    Case("full", "full", active="full"),
    Case("full-wide", "full-wide", active="full-wide"),
    Case("over", 2),
    Case("over-wide", 2),
    Case("over-blank", 2),
    Case("edge", "edge", active="edge"),
    Case("over-edge", 2),
    *(Case(f"hostile/{name}", "hostile", active="hostile") for name in HOSTILE),
)

# What was entered before, when its path meant another project. A hook may have to ask first.
STALE = (
    Case("relinked", "release", active="release"),
    Case("became-link", "release", active="release"),
    Case("replaced", "3.12"),
)
