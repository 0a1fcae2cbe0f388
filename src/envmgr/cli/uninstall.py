"""`envmgr uninstall`: remove Pythons that nothing needs."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.environments.dependents import dependent_environments
from envmgr.errors import EnvironmentFailedError
from envmgr.pythons import installer, resolve
from envmgr.pythons.store import Store
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


@click.command(cls=ChangingCommand)
@click.argument("requests", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Uninstall even if environments depend on them.")
@click.pass_obj
def uninstall_command(context: Context, requests: tuple[str, ...], *, force: bool) -> None:
    """Remove every installed Python that matches one of REQUESTS.

    Of a linked Python only the link is removed. Environments of a removed patch continue with another patch of the same
    minor version; where there is none, nothing is removed, unless that Python is broken.
    """
    store = Store(context.home)
    selected = _matching(store, [VersionRequest.parse(word) for word in requests])
    dependents = dependent_environments(context.home, selected)
    if not force and dependent_environments(
        context.home, [build for build in selected if store.interpreter(build).works]
    ):
        raise EnvironmentFailedError(
            "environments depend on it:\n" + "\n".join(f"{env.path} ({env.project})" for env in dependents),
            hint="remove them with `envmgr env remove`, or add --force",
        )
    for build in sorted(selected):
        installer.remove(context.home, build)
        console.say(f"Removed {build}")
    for env in dependents:
        console.say(f"note: the Python of {env.path} was removed; `envmgr use` in {env.project} makes it anew")


def _matching(store: Store, requests: list[VersionRequest]) -> set[Build]:
    """Return the installed builds that match; raises NotInstalledError or NoSuchVersionError where none does."""
    installed = list(store.builds())
    found: set[Build] = set()
    for request in requests:
        matching = request.select_all(installed)
        if not matching:
            raise resolve.missing_error(store, request)
        found.update(matching)
    return found
