"""`envmgr install`: download, verify and install Pythons."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import click

from envmgr.cli import Context, console, progress
from envmgr.cli.commands import ChangingCommand
from envmgr.errors import EnvmgrError, UsageError
from envmgr.host.download import ProgressCallback
from envmgr.host.network import Network
from envmgr.pythons import installer, refresh, resolve
from envmgr.pythons.candidate import Candidate
from envmgr.pythons.installer import DEFAULT_OPTIONS, InstallOptions
from envmgr.versions import requires
from envmgr.versions.request import VersionRequest

JOBS = 4  # simultaneous downloads; more are not faster on one connection


@click.command(cls=ChangingCommand)
@click.argument("requests", nargs=-1)
@click.option("-j", "--jobs", type=click.IntRange(1), default=JOBS, show_default=True, help="How many at once.")
@click.option("--offline", is_flag=True, help="Use only the cache and file:// mirrors.")
@click.option("--verify-attestation", is_flag=True, help="Check with `gh` that upstream's workflow built it.")
@click.option("--compile-bytecode", is_flag=True, help="Compile the standard library now.")
@click.pass_obj
def install_command(
    context: Context,
    requests: tuple[str, ...],
    *,
    jobs: int,
    offline: bool,
    verify_attestation: bool,
    compile_bytecode: bool,
) -> None:
    """Install the newest Python that matches each of REQUESTS, such as 3.12, 3.13t or >=3.11.

    Without REQUESTS: the pin of this directory, or the requires-python of pyproject.toml.
    """
    network = Network(context.environ, offline)
    options = InstallOptions(attested=verify_attestation, compiled=compile_bytecode)
    wanted = [VersionRequest.parse(word) for word in requests] or wanted_here(context)
    chosen = [refresh.select(request, network, context.cache) for request in wanted]
    install_all(context, chosen, network, options=options, jobs=jobs)


def wanted_here(context: Context) -> list[VersionRequest]:
    """Return the requests of the variable, the version file, requires-python or the default, the first that is there.

    Raises UsageError where none is.
    """
    pin = resolve.resolve_pin(context.home, context.cwd, context.environ).pin
    if pin is None or pin.source == context.home.default:
        required = requires.from_pyproject(context.cwd)
        if required:
            return [required]
    if pin is None:
        raise UsageError("which Python?", hint="for example: envmgr install 3.12")
    return [request for request in pin.requests if not (request.system or request.name)]


def install_requests(context: Context, requests: list[VersionRequest]) -> None:
    """Install the newest Python that matches each of `requests`; raises EnvmgrError."""
    network = Network(context.environ)
    install_all(context, [refresh.select(request, network, context.cache) for request in requests], network)


def install_all(
    context: Context,
    chosen: list[Candidate],
    network: Network,
    *,
    options: InstallOptions = DEFAULT_OPTIONS,
    jobs: int = JOBS,
) -> None:
    """Install candidates, `jobs` at a time, and print each result; where one fails, the others are still installed.

    Raises the first error, with the messages of all.
    """
    stopped = threading.Event()
    errors: list[EnvmgrError] = []
    with progress.downloads(context.environ) as watching, ThreadPoolExecutor(jobs) as pool:

        def work(candidate: Candidate) -> bool:
            watch = _stoppable(stopped, watching(candidate.build.patch_alias))
            return installer.install(context.home, candidate, network, context.cache, options=options, watch=watch)

        running = {candidate: pool.submit(work, candidate) for candidate in dict.fromkeys(chosen)}
        try:
            for candidate, future in running.items():
                if problem := future.exception():
                    errors.append(_expected(problem))
                else:
                    _report(context, candidate, new=future.result())
        except BaseException:  # Ctrl-C: the other downloads stop at their next chunk
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if errors:
        first = errors[0]
        first.message = "\n".join(dict.fromkeys(error.message for error in errors))
        raise first


def _stoppable(stopped: threading.Event, watch: ProgressCallback) -> ProgressCallback:
    """Return a callback that calls `watch`, and raises EnvmgrError once `stopped` is set."""

    def watching(done: int, total: int | None) -> None:
        if stopped.is_set():
            raise EnvmgrError("stopped")
        watch(done, total)

    return watching


def _expected(problem: BaseException) -> EnvmgrError:
    """Return an EnvmgrError, raise any other exception."""
    if isinstance(problem, EnvmgrError):
        return problem
    raise problem


def _report(context: Context, candidate: Candidate, *, new: bool) -> None:
    """Print that a candidate is installed."""
    directory = context.home.versions / str(candidate.build)
    verb = "Installed" if new else "Already installed:"
    console.say(f"{verb} Python {candidate.build.version} ({candidate.build.tag}) in {directory}")
