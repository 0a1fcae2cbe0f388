"""Proxy variables: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case."""

from __future__ import annotations

from urllib.parse import urlsplit

from envmgr.host.paths import Environ

_SCHEMES = {"http", "https", "socks5", "socks5h"}  # supported by httpx


def proxy_for(url: str, environ: Environ) -> str | None:
    """Return the URL of the proxy for `url`, an http or https URL; None for a direct connection.

    As in curl and requests, a lower-case variable takes precedence over an upper-case one, the variable of the scheme
    over ALL_PROXY, and NO_PROXY lists hosts, domains or `*`. On macOS without such variables, the system's settings
    apply. Raises ValueError naming the variable, without its password, for a proxy that httpx does not support.
    """
    import urllib.request  # slow to import

    scheme = urlsplit(url).scheme
    variables = [name for kind in (scheme, "all") for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY")]
    variable = next((name for name in variables if environ.get(name)), None)
    if variable is None:
        system: dict[str, str] = getattr(urllib.request, "getproxies_macosx_sysconf", dict)()
        return None if not system or urllib.request.proxy_bypass(_host(url)) else system.get(scheme)
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    # an old function that typeshed does not list
    if urllib.request.proxy_bypass_environment(_host(url), {"no": no_proxy}):  # type: ignore[attr-defined]
        return None
    text = environ[variable]
    text = text if "://" in text else f"http://{text}"
    if text.partition("://")[0].lower() not in _SCHEMES:
        raise ValueError(f"{variable} names an unsupported kind of proxy: {text.partition('://')[0]!a}")
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    if not host:
        raise ValueError(f"{variable} is not the URL of a proxy")
    return text


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
