from __future__ import annotations

import pytest

from envmgr.errors import DownloadError
from envmgr.pythons import index

NAME = "cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"


def test_the_sums_of_a_mirror_are_its_index() -> None:
    text = f"{'a' * 64}  20241016/{NAME}\n{'B' * 64} *./20241016/{NAME.replace('+', '%2B')}\r\n\n# talk\n"
    first, second = index.sums(text)
    assert (first.path, first.sha256) == (f"20241016/{NAME}", "a" * 64)
    assert (second.path, second.sha256) == (f"20241016/{NAME}", "b" * 64)


def test_the_sums_of_a_release_need_its_tag() -> None:
    legacy = "cpython-3.10.0-x86_64-unknown-linux-gnu-install_only-20211017T1616.tar.gz"
    (found,) = index.sums(f"{'a' * 64}  {legacy}\n", tag="20211018")
    assert (found.path, found.build.tag) == (f"20211018/{legacy}", "20211018")


def test_other_files_of_a_release_are_passed_over() -> None:
    assert list(index.sums(f"{'a' * 64}  20241016/SHA256SUMS\n")) == []


def test_html_in_the_place_of_sums_is_an_error() -> None:
    with pytest.raises(DownloadError, match="SHA256SUMS:1"):
        list(index.sums("<!DOCTYPE html>\n"))
