"""The environment that a verb works in: the active one, else one that is made now, as `envmgr use` makes it."""

from __future__ import annotations

from envmgr.cli import Context, console
from envmgr.environments import base, provision
from envmgr.environments.record import Environment
from envmgr.shell.active import Active


def ensure_environment(context: Context, here: Active) -> Environment | None:
    """Return the environment that is active `here`, made now where the project has none; tells what it made.

    None where there can be none: outside of projects, and for the system's Python or one that is too old. Raises
    UsageError, NotInstalledError, BrokenInterpreterError, EnvironmentFailedError, StoreBusyError.
    """
    if here.environment:
        return here.environment
    interpreter = here.interpreter(context.home)
    if here.ruling.project is None or interpreter is None or not base.possible(interpreter.build.version.release):
        return None
    provided = provision.provide(context.home, here.ruling, context.environ)
    if provided is None:
        return None
    for note in provided.notes:
        console.say(f"note: {note}")
    console.say(f"Made an environment for Python {interpreter.build.version} in {provided.environment.path}")
    return provided.environment
