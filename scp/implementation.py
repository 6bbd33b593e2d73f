"""Who speaks: Implementation Class UID and Version Name (PS3.7 D.3.3.2)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from scoring.report.identifiers import IMPLEMENTATION_CLASS_UID

VERSION: Final = version("coronode")

IMPLEMENTATION_VERSION_NAME: Final = f"CORONODE_{VERSION}"[:16]

__all__ = ["IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME", "VERSION"]
