"""One module per foreign power: directories, platform, configuration, processes, network, archives, locks.

Knows nothing of Pythons, projects or shells.
"""

from __future__ import annotations
