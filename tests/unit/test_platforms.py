from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host.platforms import Platform, ensure_supported, missing_features, this_platform, triple


def test_a_platform_is_parsed_and_formatted() -> None:
    assert Platform.parse("linux-x86_64_v3-gnu") == Platform("linux", "x86_64_v3", "gnu")
    assert str(Platform("macos", "aarch64", "none")) == "macos-aarch64-none"


@pytest.mark.parametrize("text", ["", "linux", "linux-x86_64", "linux--gnu", "a-b-c-d"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a platform"):
        Platform.parse(text)


def test_windows_is_unsupported() -> None:
    ensure_supported("posix")
    with pytest.raises(UsageError, match="supports Linux and macOS") as caught:
        ensure_supported("nt")
    assert "WSL" in str(caught.value.hint)


def test_this_machine_has_a_platform() -> None:
    assert this_platform().os in {"linux", "macos"}


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux-x86_64_v3-musl", "x86_64_v3-unknown-linux-musl"),
        ("macos-aarch64-none", "aarch64-apple-darwin"),
        ("windows-i686-none", "i686-pc-windows-msvc"),
    ],
)
def test_a_platform_has_a_triple(platform: str, name: str) -> None:
    assert triple(Platform.parse(platform)) == name


V2 = "cx16 lahf_lm pni popcnt sse4_1 sse4_2 ssse3"
V3 = f"{V2} abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"


def test_the_level_of_a_processor_is_read_from_the_kernel(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: fpu {V3}\n\nprocessor\t: 1\nflags\t\t: {V3} avx512f\n")
    assert missing_features("x86_64_v2", cpuinfo) == []
    assert missing_features("x86_64_v3", cpuinfo) == []
    assert missing_features("x86_64_v4", cpuinfo) == ["avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"]


def test_all_processors_must_have_a_feature(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"flags\t: {V3}\nflags\t: {V2}\n")
    assert missing_features("x86_64_v2", cpuinfo) == []
    assert "avx2" in missing_features("x86_64_v3", cpuinfo)


def test_an_unknown_processor_has_the_lowest_level(tmp_path: Path) -> None:
    assert missing_features("x86_64_v2", tmp_path / "none") == sorted(V2.split())
    assert missing_features("x86_64", tmp_path / "none") == []
    assert missing_features("aarch64", tmp_path / "none") == []
