"""What people write about versions: requests, exact versions, builds, and the version files that hold requests.

Pure data: reads version files, never the store, never the network.
"""

from __future__ import annotations
