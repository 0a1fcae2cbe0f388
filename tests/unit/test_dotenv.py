from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmgr.errors import UsageError
from envmgr.shell import dotenv

SOURCE = Path("/p/.env")


def test_the_forms_of_a_value() -> None:
    text = """\ufeff# comment
PLAIN=1
export EXPORTED = two words # note
SINGLE='as $it \\n is
over lines'
DOUBLE="esc\\n\\"\\$\\\\ `x` $(y)"   # note
EMPTY=
HASH=a#b
JSON={"a": "b"}\r
  INDENTED=x
LAST=first
LAST=second"""
    assert dotenv.parse(text, SOURCE) == {
        "PLAIN": "1",
        "EXPORTED": "two words",
        "SINGLE": "as $it \\n is\nover lines",
        "DOUBLE": 'esc\n"$\\ `x` $(y)',
        "EMPTY": "",
        "HASH": "a#b",
        "JSON": '{"a": "b"}',
        "INDENTED": "x",
        "LAST": "second",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nB", 2), ("1=2", 1), ("\n\nA='x", 3), ('A="x" y', 1), ("=x", 1), ("A-B=1", 1), ("A=\0", 1), ("PÄTH=x", 1)],
)
def test_an_invalid_line_is_named_by_number(text: str, line: int) -> None:
    with pytest.raises(UsageError) as caught:
        dotenv.parse(text, SOURCE)
    assert caught.value.message.startswith(f"/p/.env:{line}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A B=1", "not NAME=value"),
        ("'A'=1", "not NAME=value"),
        ("A='x' y", "unexpected text after the value"),
        ("A='x'y", "unexpected text after the value"),
        ("A=x\0", "a NUL in the value"),
        ("A='x\0'", "a NUL in the value"),
        ("A='x", "the quote is never closed"),
        ('A="x\\"', "the quote is never closed"),
    ],
)
def test_why_it_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        dotenv.parse(text, SOURCE)
    assert caught.value.message == f"/p/.env:1: {message}"
    assert "NAME=value" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b c \t", "b c"),
        ("A=b\tc # d", "b\tc"),
        ("A=#b", "#b"),
        ("A= # b", ""),
        ("A=b#c # d", "b#c"),
        ("A='x'\t# y", "x"),
        ("\texport\tA\t=\tb", "b"),
        ("export=b", None),
        ('A="\\x\\n"', "\\x\n"),
        ('A="a\r\nb"', "a\nb"),
        ('A="\\t\\r"', "\t\r"),
        ("A=it's", "it's"),
        ("A=a\\nb", "a\\nb"),
    ],
)
def test_one_value(text: str, value: str | None) -> None:
    assert dotenv.parse(text, SOURCE) == ({"export": "b"} if value is None else {"A": value})


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = dotenv.parse(text, SOURCE)
    except UsageError:
        return
    assert all(dotenv.NAME.fullmatch(name) and "\0" not in value for name, value in found.items())


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_quoted_value_comes_back_as_it_was(value: str) -> None:
    value = value.replace("\r\n", "\n")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    assert dotenv.parse(f'A="{escaped}"', SOURCE) == {"A": value}
