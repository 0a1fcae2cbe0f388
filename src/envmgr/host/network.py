"""The network: one way to read a URL. The one home of httpx.

`https`, `http` and `file` URLs. Proxies (`HTTPS_PROXY`, `NO_PROXY`, ...), `SSL_CERT_FILE`, `SSL_CERT_DIR` and `NETRC`
are listened to as everywhere. `ENVMGR_OFFLINE=1` forbids all but files; `ENVMGR_HTTP_TIMEOUT` is in seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from envmgr import __version__
from envmgr.errors import AbsentError, ChecksumError, DownloadError, UsageError
from envmgr.host.paths import Environ

_MOST_REDIRECTS = 20
_LONGEST_WAIT = 60.0  # seconds that a Retry-After may ask for
_SLOWEST = 1024  # bytes a second; less, for as long as the time-out, is a stalled connection
_OFF = {"", "0", "false", "no", "off"}
_UNREACHED = "is this machine online? ENVMGR_PYTHON_MIRROR names a mirror; `envmgr link` uses the Pythons that are here"
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # worth another try


class PassingError(DownloadError):
    """A problem that may be gone at the next try, `wait` seconds from now if the server said so."""

    wait: float | None = None


@dataclass(frozen=True)
class Reply:
    """An answer whose body is still to be read: `headers` have names in lower case."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    def lines(self) -> Iterator[str]:
        """Yield the body's lines as they arrive, so that a long list can be left early."""
        rest = b""
        for chunk in self.chunks:
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")


@dataclass(frozen=True, eq=False)
class Network:
    """How a command reaches the world, as `environ` says; `--offline` is `offline`. Each is its own, and hashable."""

    environ: Environ
    offline: bool = False

    @property
    def patience(self) -> float:
        """Seconds to wait for a byte; raises UsageError for a bad ENVMGR_HTTP_TIMEOUT."""
        text = self.environ.get("ENVMGR_HTTP_TIMEOUT", "30")
        try:
            if (seconds := float(text)) > 0:
                return seconds
        except ValueError:
            pass
        raise UsageError(f"ENVMGR_HTTP_TIMEOUT is no number of seconds: {text!a}")

    @property
    def forbidden(self) -> bool:
        """Whether only files may be read."""
        return self.offline or self.environ.get("ENVMGR_OFFLINE", "").lower() not in _OFF

    @cached_property
    def _secure(self) -> Any:  # noqa: ANN401 - an httpx.Client, which is imported late
        return self._client(verify=True)

    @cached_property
    def _plain(self) -> Any:  # noqa: ANN401
        """For http alone: it trusts no certificate, because reading those of the authorities takes 30 ms."""
        import ssl

        return self._client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _client(self, **verify: Any) -> Any:  # noqa: ANN401
        httpx = _httpx()
        try:
            auth = httpx.NetRCAuth(self.environ.get("NETRC") or str(Path.home() / ".netrc"))
        except (OSError, ValueError, SyntaxError):
            auth = None
        return httpx.Client(
            auth=auth,
            limits=httpx.Limits(max_keepalive_connections=0),  # so that there is nothing to close
            timeout=httpx.Timeout(self.patience, connect=min(10.0, self.patience)),
            headers={"User-Agent": f"envmgr/{__version__}", "Accept-Encoding": "identity"},
            **verify,
        )

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Reply]:
        """GET `url`; the answer is 200, or what `headers` ask for: 206 for a Range, 304 for an ETag that still holds.

        Raises DownloadError for everything else, also while the body is read.
        """
        scheme = urlsplit(url).scheme
        if scheme == "file":
            with _open_file(url) as reply:
                yield reply
            return
        if scheme not in ("http", "https"):
            raise DownloadError(f"not a URL that can be read: {shown(url)!a}", hint="use https, http or file")
        if self.forbidden:
            raise DownloadError(f"offline, so {shown(url)} is not read", hint="drop --offline or unset ENVMGR_OFFLINE")
        with _translated(shown(url), self.patience), closing(self._follow(url, headers)) as response:
            _check(shown(url), response.status_code, response.headers)
            steady = _steady(response.iter_raw(), self.patience, shown(url))
            yield Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, steady)

    def _follow(self, url: str, headers: Mapping[str, str] | None) -> Any:  # noqa: ANN401 - an httpx.Response
        """Return the answer to which redirects lead; never from https to http."""
        secure = urlsplit(url).scheme == "https"
        request = (self._secure if secure else self._plain).build_request("GET", url, headers=headers)
        for _ in range(_MOST_REDIRECTS):
            response = (self._secure if secure else self._plain).send(request, stream=True)
            if not response.next_request:
                return response
            response.close()
            request = response.next_request
            if secure and request.url.scheme != "https":
                raise DownloadError(f"{shown(url)} redirects to the insecure {shown(str(request.url))}")
            secure = request.url.scheme == "https"
        raise DownloadError(f"{shown(url)}: redirects without end")


def _httpx() -> Any:  # noqa: ANN401 - a module
    """Import httpx without its command line, which would load all of click and rich."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None makes its import fail, which httpx expects
    import httpx

    return httpx


@contextmanager
def _open_file(url: str) -> Iterator[Reply]:
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost"):
        raise DownloadError(f"{url}: a file URL names no host", hint=f"write file://{parts.path}")
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AbsentError(f"{path}: {error.strerror}") from error
    except OSError as error:
        raise DownloadError(f"{path}: {error.strerror}") from error
    with file:
        length = str(path.stat().st_size)
        yield Reply(200, {"content-length": length}, iter(lambda: file.read(1 << 20), b""))


@contextmanager
def _translated(url: str, patience: float) -> Iterator[None]:
    """Raise what httpx raises as DownloadError."""
    httpx = _httpx()
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise DownloadError(f"{url}: not a URL that can be read: {error}") from error
    except httpx.TimeoutException as error:
        raise PassingError(
            f"{url}: no answer within {patience:g} s", hint="ENVMGR_HTTP_TIMEOUT sets the seconds"
        ) from error
    except httpx.ProxyError as error:
        raise DownloadError(f"{url}: the proxy refuses: {error}", hint="look at HTTPS_PROXY and NO_PROXY") from error
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "SSL_CERT_FILE names the file with your organisation's certificates"
            raise DownloadError(f"{url}: the server's certificate is not trusted: {error}", hint=hint) from error
        raise PassingError(f"{url}: cannot connect: {error}", hint=_UNREACHED) from error
    except httpx.HTTPError as error:
        raise PassingError(f"{url}: the connection broke: {error}") from error


def _check(url: str, status: int, headers: Mapping[str, str]) -> None:
    if status in (200, 206, 304):
        return
    if status in _PASSING:
        problem = PassingError(f"{url}: the server answered {status}", hint="try again later")
        problem.wait = _wait(headers.get("retry-after", ""))
        raise problem
    if status == 416:  # noqa: PLR2004 - what we hold is longer than what there is
        raise ChecksumError(f"{url}: not the file whose beginning is here")
    if status in (404, 410):
        raise AbsentError(f"{url}: the server answered {status}", hint="it is not there")
    hints = {401: "credentials go into ~/.netrc", 403: "credentials go into ~/.netrc"}
    raise DownloadError(f"{url}: the server answered {status}", hint=hints.get(status))


def _wait(text: str) -> float | None:
    """Read a Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    if text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    from email.utils import parsedate_to_datetime

    with suppress(ValueError):
        return max(0.0, min(parsedate_to_datetime(text).timestamp() - time.time(), _LONGEST_WAIT))
    return None


def _steady(chunks: Iterator[bytes], patience: float, url: str) -> Iterator[bytes]:
    """Yield `chunks`, and give up on a server that only drips."""
    since, got = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        got += len(chunk)
        if (now := time.monotonic()) - since > patience:
            if got < _SLOWEST * (now - since):
                raise PassingError(f"{url}: stalled at {got / (now - since):.0f} bytes a second")
            since, got = now, 0


def shown(url: str) -> str:
    """Return `url` without a name and password, for messages and receipts."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
