"""envmgr: standalone Pythons, one environment per project and pin, active on `cd`.

The layers, top to bottom; each imports only those below it:
cli, testing, packages, shell, environments, pythons, versions, host, errors.
"""

from __future__ import annotations

__version__ = "0.1.0"
