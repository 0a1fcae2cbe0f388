"""HTTP client for `https`, `http` and `file` URLs. The only module that imports httpx.

It honours the proxy variables (`HTTPS_PROXY`, `NO_PROXY`, ...), `SSL_CERT_FILE`, `SSL_CERT_DIR` and `NETRC`.
`ENVMGR_OFFLINE=1` forbids all but files; `ENVMGR_HTTP_TIMEOUT` is in seconds.
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
from envmgr.host.proxies import proxy_for
from envmgr.host.reply import Reply, TransientError

_MAX_REDIRECTS = 20
_MAX_RETRY_AFTER = 60.0  # seconds
_MAX_TIMEOUT = 86400.0  # seconds
_MIN_RATE = 1024  # bytes a second; a connection that is slower for the length of the time-out has stalled
_OFF = {"", "0", "false", "no", "off"}
_CANNOT_CONNECT = "is this machine online? ENVMGR_PYTHON_MIRROR names a mirror; `envmgr link` uses installed Pythons"
_HEADERS = {"User-Agent": f"envmgr/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}  # the same request may succeed later
_CONDITIONAL = {206: "range", 304: "if-none-match"}  # status codes that are valid only for a request with this header


@dataclass(frozen=True, eq=False)
class Network:
    """The network settings of a command: those in `environ`, and `offline` for `--offline`. Compared by identity."""

    environ: Environ
    offline: bool = False

    @property
    def timeout(self) -> float:
        """Seconds to wait for data; raises UsageError for an invalid ENVMGR_HTTP_TIMEOUT."""
        text = self.environ.get(variables.HTTP_TIMEOUT, "30")
        with suppress(ValueError):
            if 0 < (seconds := float(text)) <= _MAX_TIMEOUT:
                return seconds
        raise UsageError(
            f"ENVMGR_HTTP_TIMEOUT is not a number of seconds: {text!a}", hint="the maximum is 86400, a day"
        )

    @property
    def is_offline(self) -> bool:
        """True where only `file` URLs may be read."""
        return self.offline or self.environ.get(variables.OFFLINE, "").lower() not in _OFF

    @cached_property
    def _ssl_context(self) -> Any:  # noqa: ANN401 - an ssl.SSLContext
        """The SSL context with the trusted certificates, which take 30 ms to read; raises DownloadError."""
        try:
            return _httpx().create_ssl_context()
        except (OSError, ValueError) as error:
            settings = (
                f"{name}={os.environ[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)
            )
            source = next(settings, "the trusted certificates")
            raise DownloadError(f"{source}: cannot be read: {error}") from error

    @cached_property
    def _empty_ssl_context(self) -> Any:  # noqa: ANN401 - an ssl.SSLContext
        """An SSL context for http URLs, which need no certificates; it trusts none."""
        import ssl

        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    @cached_property
    def _netrc(self) -> Any:  # noqa: ANN401 - an httpx.NetRCAuth, or None
        """The credentials of the netrc file, None where there is no valid one."""
        import netrc

        try:
            return _httpx().NetRCAuth(self.environ.get("NETRC") or os.path.expanduser("~/.netrc"))  # noqa: PTH111 - never raises
        except (OSError, ValueError, SyntaxError, netrc.NetrcParseError):
            return None

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Reply]:
        """Yield the response to GET `url`: status 200, or with `headers` 206 for a Range and 304 for a matching ETag.

        The time is limited for everything but a body that keeps arriving. Raises DownloadError, also while the block
        reads the body.
        """
        scheme = split(url).scheme
        if scheme == "file":
            with _open_file(url) as reply:
                yield reply
            return
        if scheme not in ("http", "https"):
            raise DownloadError(f"unsupported URL: {without_credentials(url)!a}", hint="use https, http or file")
        if self.is_offline:
            raise DownloadError(
                f"{without_credentials(url)}: not read, since envmgr is offline",
                hint="drop --offline or unset ENVMGR_OFFLINE",
            )
        deadline, timeout = Deadline(), self.timeout
        with ExitStack() as stack:
            stack.callback(deadline.close)
            with _translate_errors(without_credentials(url), timeout, deadline):
                response = self._follow(url, headers, deadline, stack)
            _check_status(without_credentials(url), response.status_code, response.headers, headers or {})
            names = {name.lower(): value for name, value in response.headers.items()}
            yield Reply(
                without_credentials(url),
                response.status_code,
                names,
                _body(response, timeout, deadline, without_credentials(url)),
            )

    def _follow(self, url: str, headers: Mapping[str, str] | None, deadline: Deadline, stack: ExitStack) -> Any:  # noqa: ANN401 - an httpx.Response
        """Return the response after redirects, never from https to http; `stack` closes it."""
        httpx = _httpx()
        request = httpx.Request(
            "GET", url, headers={**_HEADERS, **(headers or {})}, extensions={"trace": deadline.trace}
        )
        for _ in range(_MAX_REDIRECTS):
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
        """Send one request, through its proxy; credentials in its URL take precedence over those of netrc."""
        httpx, url = _httpx(), str(request.url)
        try:
            proxy = proxy_for(url, self.environ)
        except ValueError as error:
            hint = "use an http, https, socks5 or socks5h proxy, or list the host in NO_PROXY"
            raise DownloadError(f"{without_credentials(url)}: {error}", hint=hint) from error
        client = httpx.Client(
            auth=None if request.url.userinfo or "authorization" in request.headers else self._netrc,
            limits=httpx.Limits(max_keepalive_connections=0),
            proxy=proxy,
            timeout=httpx.Timeout(self.timeout, connect=min(10.0, self.timeout)),
            trust_env=False,
            verify=self._ssl_context if request.url.scheme == "https" else self._empty_ssl_context,
        )
        response = stack.enter_context(client).send(request, stream=True)
        stack.callback(response.close)
        return response


def split(url: str) -> SplitResult:
    """Return the parts of a URL; raises DownloadError for an invalid one (RFC 3986)."""
    try:
        parts = urlsplit(url)
        url.encode()  # raises for a variable that is not UTF-8
    except ValueError as error:
        raise DownloadError(f"invalid URL: {without_credentials(url)}", hint="use https, http or file") from error
    return parts


def without_credentials(url: str) -> str:
    """Return `url` without user name and password, for messages and receipts; accepts an invalid URL too."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    public = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if separator else url
    return public if public.isprintable() else ascii(public)


def _httpx() -> Any:  # noqa: ANN401 - a module
    """Return the module httpx, imported without its command line, which would load click and rich."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None makes the import fail, which httpx handles
    import httpx

    return httpx


@contextmanager
def _open_file(url: str) -> Iterator[Reply]:
    """Yield the content of a `file` URL as a response; raises DownloadError."""
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
        if not stat.S_ISREG(status.st_mode):  # a device or FIFO may be endless
            raise DownloadError(f"{path}: not a regular file")
        chunks = iter(lambda: os.read(descriptor, 1 << 20), b"")
        yield Reply(without_credentials(url), 200, {"content-length": str(status.st_size)}, chunks)
    finally:
        os.close(descriptor)


@contextmanager
def _translate_errors(url: str, timeout: float, deadline: Deadline) -> Iterator[None]:
    """Raise DownloadError for each error of httpx and of its libraries."""
    httpx = _httpx()
    too_late = f"{url}: no answer within {timeout:g} s"
    try:
        yield
    except httpx.TimeoutException as error:
        raise TransientError(too_late, hint="ENVMGR_HTTP_TIMEOUT sets the seconds") from error
    except httpx.ProxyError as error:
        raise DownloadError(f"{url}: the proxy refuses: {error}", hint="check HTTPS_PROXY and NO_PROXY") from error
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "set SSL_CERT_FILE to the file with your organisation's certificates"
            raise DownloadError(f"{url}: the server's certificate is not trusted: {error}", hint=hint) from error
        raise TransientError(f"{url}: cannot connect: {error}", hint=_CANNOT_CONNECT) from error
    except httpx.UnsupportedProtocol as error:
        raise DownloadError(f"{url}: redirects to an unsupported URL: {error}") from error
    except httpx.HTTPError as error:
        if deadline.passed:
            raise TransientError(
                f"{too_late}: the server sends too slowly", hint="ENVMGR_HTTP_TIMEOUT sets the seconds"
            ) from error
        raise TransientError(f"{url}: the connection broke: {error}") from error
    except (
        httpx.InvalidURL,
        ValueError,
        OverflowError,
        TypeError,
    ) as error:  # a port of 99999, a name that IDNA refuses
        raise DownloadError(f"{url}: invalid URL: {error}") from error
    except OSError as error:
        raise TransientError(f"{url}: {error.strerror}") from error


def _check_status(url: str, status: int, headers: Mapping[str, str], requested: Mapping[str, str]) -> None:
    """Raise DownloadError unless `status` is 200 or one that `requested`, the headers of the request, allow."""
    names = {name.lower() for name in requested}
    if status == 200 or _CONDITIONAL.get(status) in names:  # noqa: PLR2004 - OK
        return
    if status in _TRANSIENT:
        problem = TransientError(f"{url}: the server answered {status}", hint="try again later")
        problem.wait = _retry_after(headers.get("retry-after", ""))
        raise problem
    if status == 416 and "range" in names:  # noqa: PLR2004 - our part is longer than the file
        raise ChecksumError(f"{url}: not the file that was partly downloaded")
    if status in (404, 410):
        raise FileNotOnServerError(f"{url}: the server answered {status}", hint="the server has no such file")
    if status in _CONDITIONAL:
        raise DownloadError(f"{url}: the server answered {status}, which was not requested")
    hints = dict.fromkeys((401, 403), "put the credentials into ~/.netrc")
    raise DownloadError(f"{url}: the server answered {status}", hint=hints.get(status))


def _retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After header, which has seconds or a date (RFC 9110, 10.2.3), else None."""
    if text.isascii() and text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER)
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, TypeError, IndexError, OverflowError):  # the errors of email.utils for invalid dates
        return max(0.0, min(parsedate_to_datetime(text).timestamp() - time.time(), _MAX_RETRY_AFTER))
    return None


def _body(response: Any, timeout: float, deadline: Deadline, url: str) -> Iterator[bytes]:  # noqa: ANN401 - an httpx.Response
    """Yield the body; raises TransientError where the server sends too slowly."""
    since, received = time.monotonic(), 0
    deadline.extend(3 * timeout)  # for data that is not part of the body: chunk headers, trailers
    with _translate_errors(url, timeout, deadline):
        for chunk in response.iter_raw():
            yield chunk
            received += len(chunk)
            if (now := time.monotonic()) - since > timeout:
                if received < _MIN_RATE * (now - since):
                    raise TransientError(f"{url}: stalled at {received / (now - since):.0f} bytes a second")
                since, received = now, 0
                deadline.extend(3 * timeout)
