"""Packages: the requirements of a project, and the engine (uv or pip) that installs them into an environment."""

from __future__ import annotations
