"""Switches of libraries that would otherwise call home: no packet leaves that the site has not asked for."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import Final

SWITCHES: Final = MappingProxyType(
    {
        # ONNX Runtime's events and the device id that it keeps under ~/.cache; read once, when the library is loaded
        "ORT_DISABLE_TELEMETRY": "1",
        # DBOS Transact connects to its maker's service where this is "true"
        "DBOS__CLOUD": "false",
    }
)
"""Environment variables and the value that turns each off, whatever the environment says."""


def isolate_process() -> None:
    """Set the switches for this process and those that it starts; call it before the libraries are imported."""
    os.environ.update(SWITCHES)
