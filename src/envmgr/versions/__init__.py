"""Versions: requests, exact versions, builds, and version files.

This layer reads and writes version files. It must not read the store or use the network.
"""

from __future__ import annotations
