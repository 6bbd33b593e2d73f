"""Who speaks: Implementation Class UID and Version Name (PS3.7 D.3.3.2)."""

from __future__ import annotations

import uuid
from importlib.metadata import version
from typing import Final

VERSION: Final = version("coronode")

IMPLEMENTATION_CLASS_UID: Final = f"2.25.{uuid.uuid5(uuid.NAMESPACE_DNS, 'coronode').int}"
"""The same for every installation of the software; a UUID-derived UID needs no registered root (PS3.5 B.2)."""

IMPLEMENTATION_VERSION_NAME: Final = f"CORONODE_{VERSION}"[:16]
