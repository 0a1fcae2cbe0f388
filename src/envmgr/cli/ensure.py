"""Return the interpreters and the environment that a verb needs; install and make the missing ones first."""

from __future__ import annotations

import os
from pathlib import Path

from envmgr.cli import Context, console
from envmgr.cli.commands import refresh
from envmgr.environments import base_interpreter, project_environment, record
from envmgr.environments.record import Environment
from envmgr.errors import NotInstalledError
from envmgr.pythons import resolve
from envmgr.pythons.resolve import ResolvedPin
from envmgr.pythons.store import Interpreter, Store
from envmgr.shell.active import ActivePython
from envmgr.versions.request import VersionRequest


def ensure_environment(context: Context, here: ActivePython, *, install: bool = True) -> Environment | None:
    """Return the active environment `here`; make it where the project has none, and print that.

    A missing interpreter is installed first, unless `install` is False. Returns None where there can be no environment:
    outside of projects, for the system's Python, and for one that is too old. Raises UsageError,
    BrokenInterpreterError, EnvironmentFailedError, StoreBusyError, and the errors of `ensure_installed`.
    """
    project = here.resolved.project
    if here.environment and not (project and not here.external and _lacks_link(project)):
        return here.environment
    here.check_pin()
    if project:
        ensure_installed(context, here.resolved, install=install)
    interpreter = here.interpreter(context.home)
    if project is None or interpreter is None or not base_interpreter.is_supported(interpreter.build.version.release):
        return None
    bound = project_environment.ensure_environment(context.home, here.resolved, context.environ)
    if bound is None:
        return None
    for note in bound.notes:
        console.say(f"note: {note}")
    if bound.made:
        console.say(f"Made an environment for Python {interpreter.build.version} in {bound.environment.path}")
    return bound.environment


def _lacks_link(project: Path) -> bool:
    """Return whether `.venv` is missing and can be made: it was removed, or another project is now at this path."""
    return not os.path.lexists(project / record.VENV_LINK) and os.access(project, os.W_OK)


def ensure_installed(context: Context, resolved: ResolvedPin, *, install: bool = True) -> list[Interpreter]:
    """Return an interpreter for each request of `resolved` but `system`, in order; install the missing ones.

    With `install` False nothing is installed. Raises NotInstalledError then, else NoSuchVersionError, DownloadError and
    the other errors of `install_all`.
    """
    requests = [request for request in resolved.requests if not request.system]
    missing = [request for request in requests if not _is_installed(context, resolved, request, required=not install)]
    if missing:
        from envmgr.cli.install import (
            install_requests,
        )  # late, because of the network modules: mostly nothing is missing

        install_requests(context, missing)
        refresh(context.home)  # now: `run` replaces this process
    return [resolve.installed_interpreter(Store(context.home), resolved, request) for request in requests]


def _is_installed(context: Context, resolved: ResolvedPin, request: VersionRequest, *, required: bool) -> bool:
    """Return whether `request` is installed; where it is not and is `required`, raise NotInstalledError."""
    try:
        resolve.installed_interpreter(Store(context.home), resolved, request)
    except NotInstalledError:
        if required:
            raise
        return False
    return True
