"""Waiting for conditions, and free ports."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import closing


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float, pause: float = 0.01) -> None:
    """Wait until the condition is true, looking again after each `pause` seconds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(pause)


def free_port() -> int:
    """Return a port on which nobody is listening."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether somebody listens on a port of this machine."""
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
