"""Shells: the shims and hooks on disk, what entering a project changes, and the user's rc files.

Must not install or build anything.
"""

from __future__ import annotations
