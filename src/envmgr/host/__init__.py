"""Interfaces to the operating system: files, platform, configuration, processes, network, archives, locks.

This is the lowest layer. It must not depend on Pythons, projects or shells.
"""

from __future__ import annotations
