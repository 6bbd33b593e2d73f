"""The start of this machine's kernel: what is measured from it, or numbered since, means nothing after another one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def identify_boot() -> str:
    """Return the ID of the kernel's start (random(4)); "" where it cannot be told."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""
