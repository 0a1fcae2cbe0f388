"""The answer to a request: its body as bytes, or as text of bounded size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envmgr.errors import DownloadError

LARGEST_TEXT = 32 << 20  # bytes of an index; upstream's list of all releases has 12 million


class TransientError(DownloadError):
    """A problem that may be gone at the next try, `wait` seconds from now if the server said so."""

    wait: float | None = None


@dataclass(frozen=True)
class Reply:
    """An answer whose body is still to be read: `headers` have names in lower case, `chunks` are the body as sent."""

    url: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    def lines(self) -> Iterator[str]:
        """Yield the lines of a text as they arrive, so that a long list can be left early; raises as `text` does."""
        begun: list[bytes] = []
        for piece in self._decoded():
            *whole, rest = piece.split(b"\n")
            if whole:
                yield (b"".join(begun) + whole[0]).decode(errors="replace")
                yield from (line.decode(errors="replace") for line in whole[1:])
                begun = []
            begun.append(rest)
        if last := b"".join(begun):
            yield last.decode(errors="replace")

    def text(self) -> str:
        """Return the whole body; raises DownloadError for more than LARGEST_TEXT bytes, and for a damaged one."""
        return b"".join(self._decoded()).decode(errors="replace")

    def _decoded(self) -> Iterator[bytes]:
        """Yield the body without the gzip that some servers add, asked or not (RFC 9110, 8.4.1.3)."""
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise DownloadError(f"{self.url}: encoded as {coding!a}, which was not asked for")
        pieces, total = _unzipped(self.chunks) if "gzip" in coding else self.chunks, 0
        try:
            for piece in pieces:
                total += len(piece)
                if total > LARGEST_TEXT:
                    raise DownloadError(f"{self.url}: larger than {LARGEST_TEXT >> 20} MB, which no index is")
                yield piece
        except (zlib.error, EOFError) as error:
            raise TransientError(f"{self.url}: not the gzip that it should be: {error}") from error


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what a gzip holds, in pieces of bounded size; raises zlib.error, EOFError."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for chunk in chunks:
        while chunk and not inflater.eof:
            yield inflater.decompress(chunk, 1 << 16)
            chunk = inflater.unconsumed_tail  # noqa: PLW2901 - what is left of it
    if not inflater.eof:
        raise EOFError("it ends too early")
