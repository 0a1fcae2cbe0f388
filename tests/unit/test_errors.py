from __future__ import annotations

import inspect
import re

import pytest

from envmgr import errors

CLASSES = [
    member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, errors.EnvmgrError)
]
DRAWN = dict(re.findall(r"(\w+Error) +(\d+)", errors.__doc__ or ""))


def test_the_docstring_draws_every_class_with_its_exit_code() -> None:
    assert {member.__name__: str(member.exit_code) for member in CLASSES} == DRAWN


@pytest.mark.parametrize("member", CLASSES, ids=lambda member: member.__name__)
def test_every_class_says_what_it_means(member: type[errors.EnvmgrError]) -> None:
    assert member.__doc__


def test_an_error_carries_its_message_and_hint() -> None:
    error = errors.UsageError("what", hint="next")
    assert (str(error), error.message, error.hint) == ("what", "what", "next")
