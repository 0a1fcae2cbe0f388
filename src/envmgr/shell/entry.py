"""What shims and hooks call when builtins do not suffice: `_shim` (resolve, remember, run), `_enter` (on a change)."""

from __future__ import annotations

from envmgr.errors import UsageError
from envmgr.host.paths import Environ


def run(argv: list[str], environ: Environ) -> int:
    """Run one of the two calls; returns the exit code, raises EnvmgrError."""
    raise UsageError(f"not a call of a shim or hook: {argv[0]} ({len(environ)} variables)")
