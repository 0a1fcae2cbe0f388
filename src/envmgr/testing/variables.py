"""The variables of a cell's commands: a default list and `pass-env` from the caller, the environment's own, `env`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from envmgr.environments import activation
from envmgr.environments.record import Environment
from envmgr.host.paths import Environ, Home
from envmgr.host.variables import TEST_CELL, VERSION
from envmgr.testing.cell import Cell

# as tox's, and those of CI systems; none that makes a Python import from elsewhere, or a tool use another environment
PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "COLORTERM", "TMPDIR"),
    *("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "CLICOLOR*", "XDG_*", "DISPLAY", "WAYLAND_DISPLAY"),
    *("*_PROXY", "*_proxy", "SSL_CERT_*", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC", "SSH_AUTH_SOCK"),
    *("CC", "CXX", "CPP", "LD", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "LD_LIBRARY_PATH", "LIBRARY_PATH"),
    *("CPATH", "C_INCLUDE_PATH", "PKG_CONFIG", "PKG_CONFIG_*", "MACOSX_DEPLOYMENT_TARGET", "ARCHFLAGS", "SDKROOT"),
    *("NIX_*", "MAKEFLAGS", "SOURCE_DATE_EPOCH", "SETUPTOOLS_*", "CMAKE_*", "CARGO_*", "RUST*"),
    *("PIP_*", "UV_*", "ENVMGR_*", "PYTEST_ADDOPTS", "HYPOTHESIS_*"),
    *("CI", "GITHUB_*", "RUNNER_*", "GITLAB_*", "CI_*", "BUILD_*", "SYSTEM_*", "TF_BUILD", "AGENT_*", "CIRCLE*"),
)
_NEVER = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "UV_PROJECT*", "UV_PYTHON*", "UV_NO_SYNC")
# differ from terminal to terminal, and do not change what a build or a test does
_VOLATILE = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "TMPDIR", "COLUMNS", "LINES", "CI*")
_VOLATILE_TOO = (
    "FORCE_COLOR",
    "NO_COLOR",
    "CLICOLOR*",
    "XDG_*",
    "*DISPLAY",
    "SSH_AUTH_SOCK",
    "ENVMGR_*",
    "LC_*",
    "LANG*",
)
_RUNNERS = ("LANG*", "GITHUB_*", "RUNNER_*", "GITLAB_*", "BUILD_*", "SYSTEM_*", "AGENT_*", "MAKEFLAGS")


def passed(environ: Environ, patterns: Sequence[str]) -> dict[str, str]:
    """Return the variables of `environ` on the default list, or matching one of `patterns`."""
    return {
        name: value
        for name, value in environ.items()
        if (_any(name, PASSED) and not _any(name, _NEVER)) or _any(name, patterns)
    }


def steering(variables: Environ) -> dict[str, str]:
    """Return those of a cell's variables that may change what a build or a test does, for fingerprints."""
    volatile = (*_VOLATILE, *_VOLATILE_TOO, *_RUNNERS)
    return {name: value for name, value in sorted(variables.items()) if not _any(name, volatile)}


def of_cell(home: Home, environment: Environment, cell: Cell, environ: Environ, *, coverage: Path) -> dict[str, str]:
    """Return the variables of a cell's commands but those of `env`, from `environ`, which has been filtered.

    uv, hatch and PDM are pointed to the cell's environment: started in a cell, they would take the project's. Each cell
    has a coverage file of its own, for `coverage combine` to find.
    """
    python = str(environment.bin / "python")
    return {
        "COVERAGE_FILE": str(coverage),
        **activation.environment_variables(home, environment, environ),
        VERSION: cell.python,
        TEST_CELL: cell.name,
        # https://docs.astral.sh/uv/reference/environment/
        "UV_PROJECT_ENVIRONMENT": str(environment.path),
        "UV_PYTHON": python,
        "UV_NO_SYNC": "1",
        # https://hatch.pypa.io/latest/plugins/environment/virtual/
        "HATCH_ENV_TYPE_VIRTUAL_PATH": str(environment.path),
        "PDM_IGNORE_SAVED_PYTHON": "1",
        "PIPENV_IGNORE_VIRTUALENVS": "0",
    }


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
