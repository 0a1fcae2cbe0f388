"""Virtual environments: the record of which environment belongs to which project and pin, and how they are made.

Must not install packages into them, and must not know about shells.
"""

from __future__ import annotations
