"""Proxies: which one a URL is reached through. `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case."""

from __future__ import annotations

from urllib.parse import urlsplit

from envmgr.host.paths import Environ

_SCHEMES = {"http", "https", "socks5", "socks5h"}  # what httpx can use


def proxy(url: str, environ: Environ) -> str | None:
    """Return the URL of the proxy for `url`, an http or https URL; None where it is reached directly.

    As curl and requests do: a variable in small letters goes before the one in capitals, one for the scheme before
    ALL_PROXY, and NO_PROXY names hosts, domains or `*`. On a Mac without such variables, the system's settings hold.
    Raises ValueError naming the variable, never its password, for a proxy that httpx cannot use.
    """
    import urllib.request  # late: it brings half of the standard library

    scheme = urlsplit(url).scheme
    variables = [name for kind in (scheme, "all") for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY")]
    variable = next((name for name in variables if environ.get(name)), None)
    if variable is None:
        system: dict[str, str] = getattr(urllib.request, "getproxies_macosx_sysconf", dict)()
        return None if not system or urllib.request.proxy_bypass(_host(url)) else system.get(scheme)
    without = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    # older than Python 3, and missing in typeshed
    if urllib.request.proxy_bypass_environment(_host(url), {"no": without}):  # type: ignore[attr-defined]
        return None
    text = environ[variable]
    text = text if "://" in text else f"http://{text}"
    if text.partition("://")[0].lower() not in _SCHEMES:
        raise ValueError(f"{variable} names a proxy of a kind that envmgr cannot use: {text.partition('://')[0]!a}")
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    if not host:
        raise ValueError(f"{variable} is not the URL of a proxy")
    return text


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
