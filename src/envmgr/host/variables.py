"""Names of the environment variables of envmgr (docs/reference/environment-variables.md)."""

from __future__ import annotations

CACHE_DIR = "ENVMGR_CACHE_DIR"
CEILING_DIRS = "ENVMGR_CEILING_DIRS"
CONFIG_DIR = "ENVMGR_CONFIG_DIR"
HOME = "ENVMGR_HOME"
HOOK = "ENVMGR_HOOK"
HTTP_TIMEOUT = "ENVMGR_HTTP_TIMEOUT"
INDEX_URL = "ENVMGR_INDEX_URL"
OFFLINE = "ENVMGR_OFFLINE"
PYTHON_MIRROR = "ENVMGR_PYTHON_MIRROR"
TEST_CELL = "ENVMGR_TEST_CELL"
VERSION = "ENVMGR_VERSION"

# internal: set by envmgr for its own child processes
SHELL = "_ENVMGR_SHELL"
SHIM = "_ENVMGR_SHIM"
TEST_CELL_ID = "_ENVMGR_TEST_CELL"
