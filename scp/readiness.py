"""What a service manager is told of the node's start and stop (sd_notify of systemd)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final, Literal

_VARIABLE: Final = "NOTIFY_SOCKET"


def tell_manager(state: Literal["READY", "STOPPING"]) -> None:
    """Tell the service manager that the node serves, or stops; nothing where there is none, or it does not listen."""
    address = os.environ.get(_VARIABLE, "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.connect(address)
        manager.send(f"{state}=1".encode())
