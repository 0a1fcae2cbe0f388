from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmgr.errors import UsageError
from envmgr.versions import pins


def words(text: str) -> list[str]:
    pin = pins.parse(text)
    return [str(request) for request in pin.requests] if pin else []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3.12\n", ["3.12"]),
        ("3.12", ["3.12"]),
        ("3.12\r\n", ["3.12"]),
        ("\ufeff3.12\n", ["3.12"]),
        ("  3.12\t \n", ["3.12"]),
        ("# why\n\n3.12 # because\n", ["3.12"]),
        ("3.12#because\n", ["3.12"]),
        ("3.12 3.11\n3.10\n", ["3.12", "3.11", "3.10"]),
        ("python-3.12\n", ["python-3.12"]),
        ("cpython-3.12.3-linux-x86_64-gnu\n", ["cpython-3.12.3-linux-x86_64-gnu"]),
        ("pypy3.10-7.3.17\n3.12-dev\n", ["pypy3.10-7.3.17", "3.12-dev"]),
        ("system\n", ["system"]),
        ("myenv\n", ["myenv"]),
        (">=3.11,<3.13\n", [">=3.11,<3.13"]),
        (">=3.11, <3.13\n3.10\n", [">=3.11,<3.13", "3.10"]),
        ("", []),
        ("\n \t\r\n# nothing\n", []),
    ],
)
def test_files_of_pyenv_and_uv_are_read(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_a_pin_knows_its_words_and_lines(tmp_path: Path) -> None:
    file = tmp_path / pins.FILE_NAME
    file.write_text("# two\n3.12,\t<4\n\n3.11 # old\n".replace("3.12,", ">=3.12,"))
    pin = pins.read(file)
    assert pin is not None
    assert (pin.words, pin.lines) == (">=3.12, <4 3.11", (2, 4))
    assert (pin.location, pin.project) == (f"{file}:2", tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        *("/usr/bin/python", "../3.12", "..", ".", "$(touch x)", "`x`", "3.12;rm", "-h", "path:3", "3.12\x00"),
        *("\x1b]0;x\x07", "3.12\u00a0", "\ufeff3", "3,12", ">=3.11,", "3.12.7.1", "\u202e3.12", "x" * 101),
    ],
)
def test_an_error_names_the_line(line: str, tmp_path: Path) -> None:
    file = tmp_path / pins.FILE_NAME
    file.write_text(f"3.12\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        pins.read(file)
    assert raised.value.message.startswith(f"{file}:2: ")
    assert raised.value.message.isprintable()


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / pins.FILE_NAME
    file.write_bytes(b"3.12 \xff\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        pins.read(file)
    file.write_bytes(b"3" * (1 << 20))
    with pytest.raises(UsageError, match="larger than"):
        pins.read(file)
    file.write_text("\n".join(f"3.{minor}" for minor in range(60)))
    with pytest.raises(UsageError, match="too many versions"):
        pins.read(file)


def test_the_limits_are_exact(tmp_path: Path) -> None:
    file = tmp_path / pins.FILE_NAME
    for size in (8192, 8193):
        file.write_bytes(b"3.12\n#".ljust(size, b"x"))
        if size == 8192:
            assert (pin := pins.read(file)) is not None
            assert pin.words == "3.12"
        else:
            with pytest.raises(UsageError, match="larger than a version file can be"):
                pins.read(file)
    assert len(" ".join(["3.12"] * 39) + " 3.12.7") == 201
    with pytest.raises(UsageError, match="too many versions"):
        pins.parse(" ".join(["3.12"] * 39) + " 3.12.7")
    longest = pins.parse(" ".join(["3.12"] * 38) + " 3.12.7 3.1")
    assert longest is not None
    assert len(longest.words) == 200


def test_a_pin_is_hashable() -> None:
    assert isinstance(hash(pins.parse("3.12 3.11")), int)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Root can read every file but some of the kernel's."""
    file = tmp_path / pins.FILE_NAME
    if os.geteuid():
        file.touch(0o000)
    else:
        file.symlink_to("/proc/sys/vm/compact_memory")
    with pytest.raises(UsageError, match=r"\.python-version: cannot be read: Permission denied"):
        pins.read(file)


def test_the_search_ends_at_a_ceiling(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / pins.FILE_NAME).write_text("3.11\n")
    (tmp_path / "a" / pins.FILE_NAME).write_text("3.12\n")
    for ceilings, found in (([], "3.12"), ([tmp_path], "3.12"), ([tmp_path / "a"], None), ([inner], None)):
        pin = pins.nearest_pin(inner, ceilings)
        assert (pin.words if pin else None) == found
        assert pins.nearest_project(inner, ceilings) == (tmp_path / "a" if found else None)


def test_an_invalid_version_file_makes_a_project(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert pins.nearest_project(inner, [tmp_path]) is None
    (tmp_path / pins.FILE_NAME).write_text("3.11\n")
    (inner / pins.FILE_NAME).write_text("# nothing\n")
    assert pins.nearest_project(inner) == tmp_path
    (inner.parent / pins.FILE_NAME).write_text("a/b\n")
    assert pins.nearest_project(inner) == inner.parent


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    for name in ("fifo", "folder", "dangling", "loop", "device", "socket", "none", "none/deeper"):
        assert pins.read(tmp_path / name) is None, name


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("3.12\n")
    (tmp_path / pins.FILE_NAME).symlink_to("real")
    pin = pins.read(tmp_path / pins.FILE_NAME)
    assert pin is not None
    assert pin.words == "3.12"


def test_the_nearest_file_with_a_version_is_used(tmp_path: Path) -> None:
    inner = tmp_path / "a/b/c"
    inner.mkdir(parents=True)
    (tmp_path / pins.FILE_NAME).write_text("3.11\n")
    (tmp_path / "a" / pins.FILE_NAME).write_text("3.12\n")
    (inner.parent / pins.FILE_NAME).write_text("# nothing\n")
    pin = pins.nearest_pin(inner)
    assert pin is not None
    assert (pin.words, pin.project) == ("3.12", tmp_path / "a")
    (inner / pins.FILE_NAME).write_text("3..12\n")
    with pytest.raises(UsageError, match=r"c/\.python-version:1"):
        pins.nearest_pin(inner)


def test_a_variable_is_parsed_like_a_file_and_makes_no_project() -> None:
    pin = pins.parse("3.12 3.11")
    assert pin is not None
    assert (pin.words, pin.source, pin.project, pin.location) == ("3.12 3.11", None, None, "ENVMGR_VERSION")
    assert pins.parse(" ") is None
    with pytest.raises(UsageError, match=r"^ENVMGR_VERSION: "):
        pins.parse("../3.12")


@given(st.text() | st.text(alphabet="3.12 \t\r\n#x>=<,-+/\x00\ufeff"))
def test_any_text_is_a_pin_or_none_or_a_usage_error(text: str) -> None:
    source = Path("/p/.python-version")
    try:
        pin = pins.parse(text, source=source)
    except UsageError:
        return
    assert pin is None or (len(pin.requests) == len(pin.lines) > 0 and "/" not in pin.words)
    assert pin is None or words(pin.words) == [str(request) for request in pin.requests]
