"""What a project declares, and the engine (uv or pip) that puts it into an environment."""

from __future__ import annotations
