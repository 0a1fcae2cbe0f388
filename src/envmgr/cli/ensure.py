"""The environment that a verb works in: the active one, else one that is made now, as `envmgr use` makes it."""

from __future__ import annotations

import os
from pathlib import Path

from envmgr.cli import Context, console
from envmgr.environments import base, provision, record
from envmgr.environments.record import Environment
from envmgr.shell.active import Active


def ensure_environment(context: Context, here: Active) -> Environment | None:
    """Return the environment that is active `here`, made now where the project has none; tells what it made.

    None where there can be none: outside of projects, and for the system's Python or one that is too old. Raises
    UsageError, NotInstalledError, BrokenInterpreterError, EnvironmentFailedError, StoreBusyError.
    """
    project = here.ruling.project
    if here.environment and not (project and not here.external and _unlinked(project)):
        return here.environment
    interpreter = here.interpreter(context.home)
    if project is None or interpreter is None or not base.possible(interpreter.build.version.release):
        return None
    provided = provision.provide(context.home, here.ruling, context.environ)
    if provided is None:
        return None
    for note in provided.notes:
        console.say(f"note: {note}")
    if provided.made:
        console.say(f"Made an environment for Python {interpreter.build.version} in {provided.environment.path}")
    return provided.environment


def _unlinked(project: Path) -> bool:
    """Whether `.venv` is missing that could be there: it was removed, or the project is a new one at its path."""
    return not os.path.lexists(project / record.LINK) and os.access(project, os.W_OK)
