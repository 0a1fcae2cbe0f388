"""Python interpreters: the index of candidates, the store of installed builds, and the resolution rule.

Modules here must not import anything about projects or environments.
"""

from __future__ import annotations
