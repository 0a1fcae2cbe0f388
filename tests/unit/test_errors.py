from __future__ import annotations

import inspect
import re

import pytest

from envmgr import errors

CLASSES = [
    member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, errors.EnvmgrError)
]
DOCUMENTED = dict(re.findall(r"(\w+Error) +(\d+)", errors.__doc__ or ""))


def test_the_module_docstring_lists_every_class_with_its_exit_code() -> None:
    assert {member.__name__: str(member.exit_code) for member in CLASSES} == DOCUMENTED


@pytest.mark.parametrize("member", CLASSES, ids=lambda member: member.__name__)
def test_every_class_has_a_docstring(member: type[errors.EnvmgrError]) -> None:
    assert member.__doc__


def test_an_error_has_a_message_and_a_hint() -> None:
    error = errors.UsageError("message", hint="hint")
    assert (str(error), error.message, error.hint) == ("message", "message", "hint")
