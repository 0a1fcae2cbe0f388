"""Write, check again and revoke grants. `trust.py` reads them and describes their files."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from envmgr.environments import binding
from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import files
from envmgr.host.paths import Environ, Home
from envmgr.shell import offer, trust, variables
from envmgr.shell.offer import Offer
from envmgr.shell.trust import (
    ALLOWED,
    ANSWERS,
    CHECKED,
    COPIES,
    ENVIRONMENT,
    IDENTITY,
    OURS,
    PATHS,
    PROBLEMS,
    VARIABLES,
    Result,
)

_TIME_RESOLUTION = 1_000_000_000  # nanoseconds; some shells compare times by the whole second
_ATTEMPTS = 3


def allow(home: Home, offered: Offer, *, unsafe: bool = False) -> None:
    """Write a grant for `offered`, which replaces an earlier one.

    Raises UsageError for variables that steer programs unless `unsafe`, and for a path with a line break; EnvmgrError
    where the grant cannot be written.
    """
    if (steering := variables.steering(offered.variables)) and not unsafe:
        raise UsageError(
            f"{offered.folder}: {', '.join(steering)}: these variables steer the shell, or programs that it starts",
            hint="remove them, or allow them with --unsafe",
        )
    environment = offered.environment
    lines = [str(environment.path), str(environment.python)] if environment else ["", ""]
    if any("\n" in str(text) for text in (*lines, *offered.times)):
        raise UsageError(f"{str(offered.folder)!a}: a path with a line break cannot be allowed")
    folder = trust.grant_folder(home, offered.folder)
    copies = {**offered.sources, offer.CONFIG: environment.config} if environment else offered.sources
    result = Result(environment is not None, bool(offered.variables))
    try:
        _clear(folder)
        binding.link_real_path(home, offered.folder)
        _write(folder / COPIES, copies)
        _write(folder / VARIABLES, offered.variables)
        if environment:
            files.write_atomically(folder / IDENTITY, environment.identity)
        _write_result(folder, offered.times, result)
        files.write_atomically(folder / ALLOWED, "".join(f"{line}\n" for line in (*lines, *offered.variables)))
    except OSError as error:
        raise EnvmgrError(f"{folder}: {error.strerror}", hint="nothing was allowed") from error


def _write(folder: Path, content: Mapping[str, str]) -> None:
    """Write a file in `folder` for each name and text."""
    if content:
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / name).write_bytes(text.encode())


def deny(home: Home, project: Path) -> bool:
    """Revoke the grant of `project`; return whether there was one."""
    granted = trust.is_granted(home, project)
    _clear(trust.grant_folder(home, project))
    return granted


def _clear(folder: Path) -> None:
    """Remove a grant, also an incomplete one of a killed `allow`; first `.allowed`, without which nothing counts."""
    import shutil  # late: shims import this module, too

    for name in (ALLOWED, ANSWERS, IDENTITY):
        (folder / name).unlink(missing_ok=True)
    for name in (CHECKED, COPIES, VARIABLES):
        shutil.rmtree(folder / name, ignore_errors=True)


def recheck(home: Home, directory: Path, environ: Environ) -> tuple[str, ...]:
    """Check the grant of `directory` again, if a path that it depends on has changed, and write the result.

    Returns the problems if they are new; nothing where the grant holds or was not checked. Raises OSError where the
    result cannot be written.
    """
    folder = trust.grant_folder(home, directory)
    if not trust.is_granted(home, directory) or trust.last_result(folder):
        return ()
    times = offer.modified(trust.dependencies(folder, trust.real_path(directory)))
    try:
        result = trust.examine(home, directory, environ)
    except ValueError:
        return ()
    before = trust.last_problems(folder)
    _write_result(folder, times, result)
    return () if result.problems == before else result.problems


def _write_result(folder: Path, times: Mapping[Path, int | None], result: Result) -> None:
    """Write `.checked`: the paths, a stamp with the time of each, and which parts of the grant hold.

    A path that changed within the last second gets no stamp, so that it is checked again: its next change may have the
    same time. Two processes may write at the same time; one of the two results is published, complete.
    """
    staged = folder / f"{CHECKED}.{os.getpid()}"
    _remove(staged)
    staged.mkdir(parents=True)
    lines = []
    for number, (path, modified) in enumerate(times.items()):
        lines.append(f"{OURS if _is_ours(path) else '='}{path}\n")
        if modified is not None and abs(time.time_ns() - modified) >= _TIME_RESOLUTION:
            stamp = staged / str(number)
            stamp.touch()
            os.utime(stamp, ns=(modified, modified))
    if result.problems:
        files.write_atomically(staged / PROBLEMS, "\n".join(result.problems))
    (staged / PATHS).write_bytes(os.fsencode("".join(lines)))
    (staged / trust.WRITTEN).write_text(f"{time.time_ns()}\n")
    for name, holds in ((ENVIRONMENT, result.environment), (trust.OF_VARIABLES, result.variables)):
        if holds:
            (staged / name).touch()
    _publish(staged, folder / CHECKED)


def _publish(staged: Path, directory: Path) -> None:
    """Replace `directory` by `staged`; between the two renames it is missing, and readers check the grant."""
    for attempt in range(_ATTEMPTS):
        _remove(directory)
        try:
            staged.replace(directory)
        except OSError:  # another process published between the two renames
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _remove(folder: Path) -> None:
    """Remove a directory, by a rename first; one that does not exist is no error."""
    import shutil

    renamed = folder.with_name(f"{folder.name}-{os.getpid()}")
    try:
        folder.rename(renamed)
    except FileNotFoundError:
        return
    shutil.rmtree(renamed, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    """Return whether the user owns `path`."""
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False
