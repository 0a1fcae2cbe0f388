"""The interpreters that a verb needs: installed ones, and what is missing is installed now."""

from __future__ import annotations

from envmgr.cli import Context
from envmgr.errors import NotInstalledError
from envmgr.pythons import resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions.request import VersionRequest


def ensure_installed(context: Context, ruling: Ruling, *, install: bool = True) -> list[Interpreter]:
    """Return an interpreter for each request of `ruling`, in order, without `system`; downloads those that are missing.

    With `install` False nothing is downloaded. Raises NotInstalledError then, else NoSuchVersionError, DownloadError
    and what else installing raises.
    """
    requests = [request for request in ruling.requests if not request.system]
    missing = [request for request in requests if not _installed(context, ruling, request, required=not install)]
    if missing:
        from envmgr.cli.install import install_requests  # late, with the network: mostly nothing is missing

        install_requests(context, missing)
    return [resolve.interpreter(Store(context.home), ruling, request) for request in requests]


def _installed(context: Context, ruling: Ruling, request: VersionRequest, *, required: bool) -> bool:
    try:
        resolve.interpreter(Store(context.home), ruling, request)
    except NotInstalledError:
        if required:
            raise
        return False
    return True
