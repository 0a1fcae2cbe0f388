"""The network: one way to read a URL. The one home of httpx.

`https`, `http` and `file` URLs. Proxies (`HTTPS_PROXY`, `NO_PROXY`, ...), `SSL_CERT_FILE`, `SSL_CERT_DIR` and `NETRC`
are listened to as everywhere. `ENVMGR_OFFLINE=1` forbids all but files; `ENVMGR_HTTP_TIMEOUT` is in seconds.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from envmgr import __version__
from envmgr.errors import ChecksumError, DownloadError, FileNotOnServerError, UsageError
from envmgr.host import variables
from envmgr.host.deadline import Deadline
from envmgr.host.paths import Environ
from envmgr.host.proxies import proxy
from envmgr.host.reply import Reply, TransientError

_MOST_REDIRECTS = 20
_LONGEST_WAIT = 60.0  # seconds that a Retry-After may ask for
_LONGEST_PATIENCE = 86400.0  # seconds that ENVMGR_HTTP_TIMEOUT may say
_SLOWEST = 1024  # bytes a second; less, for as long as the time-out, is a stalled connection
_OFF = {"", "0", "false", "no", "off"}
_UNREACHED = "is this machine online? ENVMGR_PYTHON_MIRROR names a mirror; `envmgr link` uses the Pythons that are here"
_HEADERS = {"User-Agent": f"envmgr/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # worth another try
_ASKED_FOR = {206: "range", 304: "if-none-match"}  # the answers that only a request with this header may get


@dataclass(frozen=True, eq=False)
class Network:
    """How a command reaches the world, as `environ` says; `--offline` is `offline`. Each is its own, and hashable."""

    environ: Environ
    offline: bool = False

    @property
    def timeout(self) -> float:
        """Seconds to wait for a byte; raises UsageError for a bad ENVMGR_HTTP_TIMEOUT."""
        text = self.environ.get(variables.HTTP_TIMEOUT, "30")
        with suppress(ValueError):
            if 0 < (seconds := float(text)) <= _LONGEST_PATIENCE:
                return seconds
        raise UsageError(f"ENVMGR_HTTP_TIMEOUT is no number of seconds: {text!a}", hint="at most a day, 86400")

    @property
    def is_offline(self) -> bool:
        """Whether only files may be read."""
        return self.offline or self.environ.get(variables.OFFLINE, "").lower() not in _OFF

    @cached_property
    def _trusted(self) -> Any:  # noqa: ANN401 - an ssl.SSLContext
        """Certificates to trust: reading them takes 30 ms. Raises DownloadError where they cannot be read."""
        try:
            return _httpx().create_ssl_context()
        except (OSError, ValueError) as error:
            named = (f"{name}={os.environ[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name))
            place = next(named, "the trusted certificates")
            raise DownloadError(f"{place}: cannot be read: {error}") from error

    @cached_property
    def _untrusting(self) -> Any:  # noqa: ANN401
        """For http alone: it trusts no certificate."""
        import ssl

        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    @cached_property
    def _netrc(self) -> Any:  # noqa: ANN401 - an httpx.NetRCAuth, or None
        import netrc

        try:
            return _httpx().NetRCAuth(self.environ.get("NETRC") or os.path.expanduser("~/.netrc"))  # noqa: PTH111 - never raises
        except (OSError, ValueError, SyntaxError, netrc.NetrcParseError):
            return None

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Reply]:
        """GET `url`; the answer is 200, or what `headers` ask for: 206 for a Range, 304 for an ETag that still holds.

        Everything is bounded in time but a body that keeps coming. Raises DownloadError, also while the body is read.
        """
        scheme = split(url).scheme
        if scheme == "file":
            with _open_file(url) as reply:
                yield reply
            return
        if scheme not in ("http", "https"):
            raise DownloadError(
                f"not a URL that can be read: {without_credentials(url)!a}", hint="use https, http or file"
            )
        if self.is_offline:
            raise DownloadError(
                f"offline, so {without_credentials(url)} is not read", hint="drop --offline or unset ENVMGR_OFFLINE"
            )
        deadline, patience = Deadline(), self.timeout
        with ExitStack() as stack:
            stack.callback(deadline.close)
            with _translate_errors(without_credentials(url), patience, deadline):
                response = self._follow(url, headers, deadline, stack)
            _check(without_credentials(url), response.status_code, response.headers, headers or {})
            names = {name.lower(): value for name, value in response.headers.items()}
            yield Reply(
                without_credentials(url),
                response.status_code,
                names,
                _body(response, patience, deadline, without_credentials(url)),
            )

    def _follow(self, url: str, headers: Mapping[str, str] | None, deadline: Deadline, stack: ExitStack) -> Any:  # noqa: ANN401 - an httpx.Response
        """Return the answer to which redirects lead; never from https to http. What it holds open, `stack` closes."""
        httpx = _httpx()
        request = httpx.Request(
            "GET", url, headers={**_HEADERS, **(headers or {})}, extensions={"trace": deadline.trace}
        )
        for _ in range(_MOST_REDIRECTS):
            secure = request.url.scheme == "https"
            deadline.extend(2 * self.timeout)
            with ExitStack() as hop:
                response = self._send(request, hop)
                if not response.next_request:
                    stack.push(hop.pop_all())
                    return response
            request = response.next_request
            if secure and request.url.scheme != "https":
                raise DownloadError(
                    f"{without_credentials(url)} redirects to the insecure {without_credentials(str(request.url))}"
                )
        raise DownloadError(f"{without_credentials(url)}: too many redirects")

    def _send(self, request: Any, stack: ExitStack) -> Any:  # noqa: ANN401 - an httpx.Request, an httpx.Response
        """Send one request, by its proxy; a name and password in its URL go before those of netrc."""
        httpx, url = _httpx(), str(request.url)
        try:
            through = proxy(url, self.environ)
        except ValueError as error:
            hint = "http, https, socks5 and socks5h proxies can be used; NO_PROXY names hosts that need none"
            raise DownloadError(f"{without_credentials(url)}: {error}", hint=hint) from error
        client = httpx.Client(
            auth=None if request.url.userinfo or "authorization" in request.headers else self._netrc,
            limits=httpx.Limits(max_keepalive_connections=0),
            proxy=through,
            timeout=httpx.Timeout(self.timeout, connect=min(10.0, self.timeout)),
            trust_env=False,
            verify=self._trusted if request.url.scheme == "https" else self._untrusting,
        )
        response = stack.enter_context(client).send(request, stream=True)
        stack.callback(response.close)
        return response


def split(url: str) -> SplitResult:
    """Return the parts of a URL; raises DownloadError for what is none (RFC 3986)."""
    try:
        parts = urlsplit(url)
        url.encode()  # bytes of a variable that are no UTF-8 are no URL
    except ValueError as error:
        raise DownloadError(
            f"not a URL that can be read: {without_credentials(url)}", hint="use https, http or file"
        ) from error
    return parts


def without_credentials(url: str) -> str:
    """Return `url` without a name and password, for messages and receipts; also for what is no URL."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    plain = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if mark else url
    return plain if plain.isprintable() else ascii(plain)


def _httpx() -> Any:  # noqa: ANN401 - a module
    """Import httpx without its command line, which would load all of click and rich."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None makes its import fail, which httpx expects
    import httpx

    return httpx


@contextmanager
def _open_file(url: str) -> Iterator[Reply]:
    parts = split(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost"):
        raise DownloadError(f"{without_credentials(url)}: a file URL names no host", hint=f"write file://{parts.path}")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotOnServerError(f"{path}: {error.strerror}") from error
    except (OSError, ValueError) as error:
        raise DownloadError(f"{without_credentials(url)}: {getattr(error, 'strerror', error)}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):  # a device or FIFO may have no end
            raise DownloadError(f"{path}: not a regular file")
        chunks = iter(lambda: os.read(descriptor, 1 << 20), b"")
        yield Reply(without_credentials(url), 200, {"content-length": str(status.st_size)}, chunks)
    finally:
        os.close(descriptor)


@contextmanager
def _translate_errors(url: str, patience: float, deadline: Deadline) -> Iterator[None]:
    """Raise what httpx raises as DownloadError."""
    httpx = _httpx()
    late = f"{url}: no answer within {patience:g} s"
    try:
        yield
    except httpx.TimeoutException as error:
        raise TransientError(late, hint="ENVMGR_HTTP_TIMEOUT sets the seconds") from error
    except httpx.ProxyError as error:
        raise DownloadError(f"{url}: the proxy refuses: {error}", hint="look at HTTPS_PROXY and NO_PROXY") from error
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "SSL_CERT_FILE names the file with your organisation's certificates"
            raise DownloadError(f"{url}: the server's certificate is not trusted: {error}", hint=hint) from error
        raise TransientError(f"{url}: cannot connect: {error}", hint=_UNREACHED) from error
    except httpx.UnsupportedProtocol as error:
        raise DownloadError(f"{url}: redirects to what is no http: {error}") from error
    except httpx.HTTPError as error:
        if deadline.passed:
            raise TransientError(f"{late}: it only dripped", hint="ENVMGR_HTTP_TIMEOUT sets the seconds") from error
        raise TransientError(f"{url}: the connection broke: {error}") from error
    except (
        httpx.InvalidURL,
        ValueError,
        OverflowError,
        TypeError,
    ) as error:  # a port of 99999, a name that IDNA refuses
        raise DownloadError(f"{url}: not a URL that can be read: {error}") from error
    except OSError as error:
        raise TransientError(f"{url}: {error.strerror}") from error


def _check(url: str, status: int, headers: Mapping[str, str], asked: Mapping[str, str]) -> None:
    """Raise DownloadError for an answer that is not the one that `asked`, the headers of the request, ask for."""
    names = {name.lower() for name in asked}
    if status == 200 or _ASKED_FOR.get(status) in names:  # noqa: PLR2004 - OK
        return
    if status in _PASSING:
        problem = TransientError(f"{url}: the server answered {status}", hint="try again later")
        problem.wait = _wait(headers.get("retry-after", ""))
        raise problem
    if status == 416 and "range" in names:  # noqa: PLR2004 - what we hold is longer than what there is
        raise ChecksumError(f"{url}: not the file whose beginning is here")
    if status in (404, 410):
        raise FileNotOnServerError(f"{url}: the server answered {status}", hint="it is not there")
    if status in _ASKED_FOR:
        raise DownloadError(f"{url}: the server answered {status}, which was not asked for")
    hints = {401: "credentials go into ~/.netrc", 403: "credentials go into ~/.netrc"}
    raise DownloadError(f"{url}: the server answered {status}", hint=hints.get(status))


def _wait(text: str) -> float | None:
    """Read a Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, TypeError, IndexError, OverflowError):  # what email raises depends on what is wrong
        return max(0.0, min(parsedate_to_datetime(text).timestamp() - time.time(), _LONGEST_WAIT))
    return None


def _body(response: Any, patience: float, deadline: Deadline, url: str) -> Iterator[bytes]:  # noqa: ANN401 - an httpx.Response
    """Yield the body, and give up on a server that only drips."""
    since, got = time.monotonic(), 0
    deadline.extend(3 * patience)  # for what is no body yet: chunk headers, trailers
    with _translate_errors(url, patience, deadline):
        for chunk in response.iter_raw():
            yield chunk
            got += len(chunk)
            if (now := time.monotonic()) - since > patience:
                if got < _SLOWEST * (now - since):
                    raise TransientError(f"{url}: stalled at {got / (now - since):.0f} bytes a second")
                since, got = now, 0
                deadline.extend(3 * patience)
