"""Implementation Class UID and Implementation Version Name of this software (PS3.7 D.3.3.2)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from dicom.uids import derived_uid

VERSION: Final = version("coronode")

IMPLEMENTATION_CLASS_UID: Final = derived_uid("implementation")
"""Identifies the software in negotiation and in stored files; the same for every installation."""


def implementation_version_name(software_version: str) -> str:
    """Return the Implementation Version Name of a version: an SH of at most 16 characters, in capitals."""
    return f"CORONODE_{software_version}"[:16].upper()


IMPLEMENTATION_VERSION_NAME: Final = implementation_version_name(VERSION)
