"""External environments, made by uv, Poetry, venv or virtualenv: the version of their Python, from `pyvenv.cfg`.

Must not start any program of them.
"""

from __future__ import annotations

import re
from dataclasses import replace

from envmgr.environments.record import Environment
from envmgr.host.platforms import Platform
from envmgr.versions.pins import Pin
from envmgr.versions.version import Build, Version

CONFIG = "pyvenv.cfg"
_LIMIT = 64 * 1024  # bytes; the rest of a longer pyvenv.cfg is ignored
_LINE = re.compile(r"(version|version_info|implementation)[ \t]*=[ \t]*(\S+)", re.ASCII)
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}(?:(?:a|b|rc)\d{1,4})?", re.ASCII)
_ANYWHERE = Platform("linux", "x86_64", "gnu")


def python_build(environment: Environment) -> Build | None:
    """Return implementation and version of the environment's Python from `pyvenv.cfg`; None where it has no version.

    venv writes the key `version`, virtualenv and uv write `version_info`. Platform, variant and build tag of the
    result are placeholders.
    """
    try:
        with (environment.path / CONFIG).open("rb") as file:
            text = file.read(_LIMIT).decode(errors="replace")
    except OSError:
        return None
    values = {found[1]: found[2] for found in map(_LINE.match, text.splitlines()) if found}
    version = _VERSION.match(values.get("version_info") or values.get("version", ""))
    if version is None:
        return None
    return Build(values.get("implementation", "cpython").lower(), Version.parse(version[0]), "", "", _ANYWHERE)


def matches(environment: Environment, pin: Pin) -> bool:
    """Return whether the environment's Python matches the first request of `pin`, by implementation and version.

    Names of linked interpreters, platforms, variants and build tags are not in `pyvenv.cfg` and are not compared. An
    unknown version matches every request.
    """
    found, request = python_build(environment), pin.requests[0]
    if found is None or request.system or request.name is not None:
        return True
    return replace(request, variant=None, tag=None, platform=(None, None, None)).matches(found)
