"""Responses: the body as bytes, or as text of limited size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envmgr.errors import DownloadError

MAX_TEXT = 32 << 20  # bytes of an index; the list of all releases of python-build-standalone has 12 million


class TransientError(DownloadError):
    """A failed request that may succeed later; `wait` is the server's Retry-After in seconds, if any."""

    wait: float | None = None


@dataclass(frozen=True)
class Reply:
    """A response with an unread body: the names in `headers` are lower-case, `chunks` yields the body as sent."""

    url: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text as they arrive, so that the caller can stop early; raises what `text` raises."""
        partial: list[bytes] = []
        for piece in self._decoded():
            *whole, rest = piece.split(b"\n")
            if whole:
                yield (b"".join(partial) + whole[0]).decode(errors="replace")
                yield from (line.decode(errors="replace") for line in whole[1:])
                partial = []
            partial.append(rest)
        if last := b"".join(partial):
            yield last.decode(errors="replace")

    def text(self) -> str:
        """Return the whole body; raises DownloadError for more than MAX_TEXT bytes, and for damaged gzip."""
        return b"".join(self._decoded()).decode(errors="replace")

    def _decoded(self) -> Iterator[bytes]:
        """Yield the body without gzip, which some servers add without a request (RFC 9110, 8.4.1.3)."""
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise DownloadError(f"{self.url}: encoded as {coding!a}, which was not requested")
        pieces, total = _gunzip(self.chunks) if "gzip" in coding else self.chunks, 0
        try:
            for piece in pieces:
                total += len(piece)
                if total > MAX_TEXT:
                    raise DownloadError(f"{self.url}: larger than {MAX_TEXT >> 20} MB, the limit for an index")
                yield piece
        except (zlib.error, EOFError) as error:
            raise TransientError(f"{self.url}: invalid gzip: {error}") from error


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the decompressed data of gzip in pieces of limited size; raises zlib.error, EOFError."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for chunk in chunks:
        while chunk and not inflater.eof:
            yield inflater.decompress(chunk, 1 << 16)
            chunk = inflater.unconsumed_tail  # noqa: PLW2901 - the remaining input
    if not inflater.eof:
        raise EOFError("truncated")
