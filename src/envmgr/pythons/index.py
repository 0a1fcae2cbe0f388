"""The index: bytes in the formats that exist in the world -> candidates."""

from __future__ import annotations

from collections.abc import Iterator

from envmgr.errors import DownloadError
from envmgr.pythons.candidate import Candidate, named


def sums(text: str, *, tag: str = "") -> Iterator[Candidate]:
    """Yield the candidates of a SHA256SUMS: lines `<sha256>  [<tag>/]<file>`; `tag` is that of the whole file.

    Files that are no CPython archives are passed over; raises DownloadError for a line that is none of a SHA256SUMS.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        digest, _, path = line.partition(" ")
        path = path.lstrip(" *").removeprefix("./")
        try:
            candidate = named(path if "/" in path or not tag else f"{tag}/{path}", digest)
        except DownloadError as error:
            raise DownloadError(f"SHA256SUMS:{number}: {error.message}") from error
        if candidate:
            yield candidate
