"""Allow what a project offers, look again at what was allowed, and revoke it. `trust.py` reads what is written here."""

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

_TICK = 1_000_000_000  # nanoseconds; some shells compare times by the whole second
_ATTEMPTS = 3


def allow(home: Home, offered: Offer, *, unsafe: bool = False) -> None:
    """Grant what `offered` holds; raises UsageError for variables that steer programs unless `unsafe`, EnvmgrError."""
    if (steering := variables.steering(offered.variables)) and not unsafe:
        raise UsageError(
            f"{offered.folder}: {', '.join(steering)}: such variables steer the shell, or programs that it starts",
            hint="remove them, or allow them with --unsafe",
        )
    environment = offered.environment
    lines = [str(environment.path), str(environment.python)] if environment else ["", ""]
    if any("\n" in str(text) for text in (*lines, *offered.times)):
        raise UsageError(f"{str(offered.folder)!a}: a path with a line break cannot be allowed")
    folder = trust.records(home, offered.folder)
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
    if content:
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / name).write_bytes(text.encode())


def deny(home: Home, project: Path) -> bool:
    """Revoke all that was allowed in `project`; returns whether there was anything."""
    there = trust.is_granted(home, project)
    _clear(trust.records(home, project))
    return there


def _clear(folder: Path) -> None:
    """Remove a grant, or what a killed `allow` left of one; first the file that makes it count."""
    import shutil  # late: shims look at grants, too

    for name in (ALLOWED, ANSWERS, IDENTITY):
        (folder / name).unlink(missing_ok=True)
    for name in (CHECKED, COPIES, VARIABLES):
        shutil.rmtree(folder / name, ignore_errors=True)


def recheck(home: Home, place: Path, environ: Environ) -> tuple[str, ...]:
    """Look at what was allowed in `place` where something that it rests on has changed; write down the result.

    Returns what does not hold, where that is new; nothing where all holds or nothing was looked at. Raises OSError
    where the result cannot be written.
    """
    folder = trust.records(home, place)
    if not trust.is_granted(home, place) or trust.last_result(folder):
        return ()
    times = offer.modified(trust.dependencies(folder, trust.physical(place)))
    try:
        result = trust.examine(home, place, environ)
    except ValueError:
        return ()
    before = trust.last_problems(folder)
    _write_result(folder, times, result)
    return () if result.problems == before else result.problems


def _write_result(folder: Path, times: Mapping[Path, int | None], result: Result) -> None:
    """Write `.checked`: the paths, a stamp with the time of each, and which parts of the grant hold.

    A path that changed within the last second gets no stamp, so that it is looked at again: its next change may leave
    the time as it is. Two processes may write at once; the result of either is whole.
    """
    staged = folder / f"{CHECKED}.{os.getpid()}"
    _remove(staged)
    staged.mkdir(parents=True)
    lines = []
    for number, (path, modified) in enumerate(times.items()):
        lines.append(f"{OURS if _is_ours(path) else '='}{path}\n")
        if modified is not None and abs(time.time_ns() - modified) >= _TICK:
            stamp = staged / str(number)
            stamp.touch()
            os.utime(stamp, ns=(modified, modified))
    if result.problems:
        files.write_atomically(staged / PROBLEMS, "\n".join(result.problems))
    (staged / PATHS).write_bytes(os.fsencode("".join(lines)))
    for name, holds in ((ENVIRONMENT, result.environment), (trust.OF_VARIABLES, result.variables)):
        if holds:
            (staged / name).touch()
    _publish(staged, folder / CHECKED)


def _publish(staged: Path, place: Path) -> None:
    """Put a directory in the place of another; between the two renames there is none, and all is looked at again."""
    for attempt in range(_ATTEMPTS):
        _remove(place)
        try:
            staged.replace(place)
        except OSError:  # another process was faster
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _remove(folder: Path) -> None:
    import shutil

    away = folder.with_name(f"{folder.name}-{os.getpid()}")
    try:
        folder.rename(away)
    except FileNotFoundError:
        return
    shutil.rmtree(away, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False
