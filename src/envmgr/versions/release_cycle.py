"""The release cycle of CPython: when each minor version was first released and when its support ends (PEP 602).

The table ships in the package as `release_cycle.txt`, a line `<minor> <first release> <end of life>` for each version,
with the dates of https://peps.python.org/api/release-cycle.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

TABLE = Path(__file__).with_name("release_cycle.txt")


@dataclass(frozen=True)
class Cycle:
    """One minor version: `minor` is `3.12`; it is supported from `released` up to `end`, both dates included."""

    minor: str
    released: date
    end: date

    def supported(self, today: date) -> bool:
        """Return whether it is released and not past its end of life on the day `today`."""
        return self.released <= today <= self.end


def cycles(text: str | None = None) -> Iterator[Cycle]:
    """Yield the versions of the packaged table, or of `text`, oldest first; raises ValueError for a malformed line."""
    for line in (TABLE.read_text(encoding="ascii") if text is None else text).splitlines():
        if line and not line.startswith("#"):
            minor, released, end = line.split()
            yield Cycle(minor, date.fromisoformat(released), date.fromisoformat(end))


def supported(today: date) -> list[str]:
    """Return the minor versions that are supported on the day `today`, oldest first."""
    return [cycle.minor for cycle in cycles() if cycle.supported(today)]
