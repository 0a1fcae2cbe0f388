"""Interpreters: the index of what can be had, the store of what is installed, and the one rule that picks.

Must not know of projects or environments.
"""

from __future__ import annotations
