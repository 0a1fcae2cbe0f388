from __future__ import annotations

import pytest

from envmgr.errors import UsageError
from envmgr.host.platforms import Platform, this_platform


def test_a_platform_is_read_and_written() -> None:
    assert Platform.parse("linux-x86_64_v3-gnu") == Platform("linux", "x86_64_v3", "gnu")
    assert str(Platform("macos", "aarch64", "none")) == "macos-aarch64-none"


@pytest.mark.parametrize("text", ["", "linux", "linux-x86_64", "linux--gnu", "a-b-c-d"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a platform"):
        Platform.parse(text)


def test_this_machine_has_a_platform() -> None:
    assert this_platform().os in {"linux", "macos"}
