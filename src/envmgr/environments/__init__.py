"""Environments: which one belongs to which project and pin (record), and how they are made (template, builder).

Must not know what is installed into them, nor about shells.
"""

from __future__ import annotations
