"""Relocate an unpacked Python: builds have the prefix `/install` and name the compilers of the build machine.

Relocating twice gives the same result. Sources: the "quirks" page of python-build-standalone's documentation; PEP 668
for EXTERNALLY-MANAGED.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from envmgr.host import shebang

# The characters before `/install` are checked last: a pattern that begins with literal text is ten times as fast.
_BUILT_FOR = re.compile(r"""/install(?=[/\s'",:;)]|$)(?:(?<![^\s'"=,:;!]/install)|(?<=-[ILR]/install))""")
_COMPILER_KEYS = {"CC", "CXX", "LDSHARED", "LDCXXSHARED", "LINKCC", "BLDSHARED", "AR"}
_COMPILERS = (  # compiler of the build machine -> command that exists on every machine
    (re.compile(r"(?<!\S)(?:/\S*/)?(?:[\w.-]+-)?(?:clang\+\+|g\+\+)(?:-\d+)?(?!\S)"), "c++"),
    (re.compile(r"(?<!\S)(?:/\S*/)?(?:[\w.-]+-)?(?:clang|gcc)(?:-\d+)?(?!\S)"), "cc"),
    (re.compile(r"(?<!\S)(?:/\S*/)?(?:[\w.-]+-)?ar(?!\S)"), "ar"),
    (re.compile(r"(?<!\s)\s*-isysroot\s+\S+"), ""),  # without the lookbehind, the time is quadratic in blanks
)
_LARGEST = 1 << 20  # bytes of a text file to rewrite; the largest in a build, a Makefile, has 120,000
_MANAGED = """[externally-managed]
Error=This Python is shared by all projects of this machine, so nothing is installed into it.

 In the directory of a project, `envmgr use {version}` makes an environment
 with this Python; there, `pip install` does what you expect.
 For a command-line tool, use an environment of its own.
"""


def relocate(root: Path, prefix: Path) -> None:
    """Rewrite the files of the Python in `root` for `prefix`, its later directory, and add EXTERNALLY-MANAGED.

    Raises OSError.
    """
    _add_short_names(root / "bin")
    for stdlib in [*root.glob("lib/python3*"), *root.glob("lib/pypy3*")]:
        managed = _MANAGED.format(version=stdlib.name.removeprefix("python"))
        (stdlib / "EXTERNALLY-MANAGED").write_text(managed, encoding="utf-8")
        for data in stdlib.glob("_sysconfigdata_*.py"):
            _rewrite_sysconfig(data, str(prefix))
    for file in [*root.glob("lib/python3*/config-*/Makefile"), *root.glob("lib/pkgconfig/*.pc"), *_scripts(root)]:
        _rewrite(file, prefix)


def _add_short_names(programs: Path) -> None:
    """Add the links `python3` and `python` if a build has only the long name."""
    names = sorted(path.name for path in programs.glob("p*") if re.fullmatch(r"(python|pypy)3(\.\d+)?t?", path.name))
    for name in ("python3", "python"):
        if names and not (programs / name).exists():
            (programs / name).symlink_to(names[-1])


def _scripts(root: Path) -> Iterator[Path]:
    """Yield the files in `bin` that start with a shebang."""
    for path in root.glob("bin/*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(2) == b"#!":
                    yield path


def _rewrite(file: Path, prefix: Path) -> None:
    """Replace `/install` by `prefix`; a shebang that is too long for the kernel becomes a relative one."""
    if file.stat().st_size > _LARGEST:
        return
    old = file.read_text(encoding="utf-8", errors="surrogateescape")
    first, newline, rest = old.partition("\n")
    program = Path(first.split()[0]).name if first.startswith("#!/install/") else ""
    if program and not shebang.fits(prefix / "bin" / program):
        first, newline = shebang.relative(program).decode(), ""
    new = _with_prefix(first + newline + rest, str(prefix))
    if new != old:
        file.write_text(new, encoding="utf-8", errors="surrogateescape")


def _with_prefix(text: str, prefix: str) -> str:
    """Return `text` with `prefix` instead of `/install`, where that is a path and not a part of another one."""
    return _BUILT_FOR.sub(lambda _: prefix, text)


def _rewrite_sysconfig(file: Path, prefix: str) -> None:
    """Rewrite the dictionary that `sysconfig` reads. Never execute the file: parse a literal, skip anything else."""
    if file.stat().st_size > _LARGEST:
        return
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        old = next((ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)), None)
        if not isinstance(old, dict):
            return
        new = {key: _portable(key, value, prefix) for key, value in old.items()} | {"PYTHON_BUILD_STANDALONE": 1}
        lines = "".join(f"    {key!r}: {value!r},\n" for key, value in new.items())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):  # `ast` documents all of them
        return
    text = f"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {{\n{lines}}}\n"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")


def _portable(key: object, value: object, prefix: str) -> object:
    """Return a value of sysconfig with `prefix` and with compilers that exist on every machine."""
    if not isinstance(value, str):
        return value
    if key in _COMPILER_KEYS:
        for pattern, compiler in _COMPILERS:
            value = pattern.sub(compiler, value)
    return _with_prefix(value, prefix)
