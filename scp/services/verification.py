"""Verification service (PS3.4 annex A): C-ECHO, both ways."""

from __future__ import annotations

from pynetdicom import evt

from dicom import status


def on_echo(event: evt.Event) -> int:
    """Answer a C-ECHO with success: the node lives and knows the caller."""
    del event
    return status.SUCCESS
