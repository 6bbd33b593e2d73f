"""Processes that the node starts for its own work."""

from __future__ import annotations

from multiprocessing.process import BaseProcess
from typing import Final

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds before an ended process is started again: the first time, and at most, each pause twice the one before."""


def await_end(process: BaseProcess, seconds: float) -> None:
    """Wait until a process that was told to end has done so, kill it after `seconds`, and release it."""
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
