"""What a verb needs: interpreters and the environment that it works in. What is missing is installed or made now."""

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
    """Return the environment that is active `here`, made now where the project has none; tells what it made.

    A missing interpreter is installed first, unless `install` is False. None where there can be none: outside of
    projects, and for the system's Python or one that is too old. Raises
    UsageError, BrokenInterpreterError, EnvironmentFailedError, StoreBusyError, and what `ensure_installed` raises.
    """
    project = here.resolved.project
    if here.environment and not (project and not here.external and _unlinked(project)):
        return here.environment
    here.check_pin()
    if project:
        ensure_installed(context, here.resolved, install=install)
    interpreter = here.interpreter(context.home)
    if project is None or interpreter is None or not base_interpreter.is_supported(interpreter.build.version.release):
        return None
    provided = project_environment.ensure_environment(context.home, here.resolved, context.environ)
    if provided is None:
        return None
    for note in provided.notes:
        console.say(f"note: {note}")
    if provided.made:
        console.say(f"Made an environment for Python {interpreter.build.version} in {provided.environment.path}")
    return provided.environment


def _unlinked(project: Path) -> bool:
    """Whether `.venv` is missing that could be there: it was removed, or the project is a new one at its path."""
    return not os.path.lexists(project / record.VENV_LINK) and os.access(project, os.W_OK)


def ensure_installed(context: Context, resolved: ResolvedPin, *, install: bool = True) -> list[Interpreter]:
    """Return an interpreter for each request of `resolved` but `system`, in order; install the missing ones.

    With `install` False nothing is installed. Raises NotInstalledError then, else NoSuchVersionError, DownloadError and
    the other errors of `install_all`.
    """
    requests = [request for request in resolved.requests if not request.system]
    missing = [request for request in requests if not _installed(context, resolved, request, required=not install)]
    if missing:
        from envmgr.cli.install import install_requests  # late, with the network: mostly nothing is missing

        install_requests(context, missing)
        refresh(context.home)  # now: `run` becomes another program
    return [resolve.installed_interpreter(Store(context.home), resolved, request) for request in requests]


def _installed(context: Context, resolved: ResolvedPin, request: VersionRequest, *, required: bool) -> bool:
    try:
        resolve.installed_interpreter(Store(context.home), resolved, request)
    except NotInstalledError:
        if required:
            raise
        return False
    return True
