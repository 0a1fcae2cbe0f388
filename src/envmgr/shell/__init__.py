"""Shells: the published shims and hooks, the active Python and environment, grants, and the user's rc files.

Must not install or build anything.
"""

from __future__ import annotations
