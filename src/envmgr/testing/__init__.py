"""Test runs over many Pythons: the matrix, the runner, the report."""

from __future__ import annotations
