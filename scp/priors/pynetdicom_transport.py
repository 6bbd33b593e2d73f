"""A mend for pynetdicom's transport: the socket of a refused connection is closed at once.

pynetdicom 3.0.4 closes a socket only after shutting it down, which fails where nothing was connected, and so
leaves it to the garbage collector; a node that knocks at a closed PACS for a night would collect descriptors.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from pynetdicom.transport import AssociationSocket


def _shutdown_socket(self: AssociationSocket) -> None:
    if self.socket is None:
        return
    with suppress(OSError):
        self.socket.shutdown(socket.SHUT_RDWR)
    self.socket.close()


def mend() -> None:
    """Put the mended function in place; calling it twice is harmless."""
    AssociationSocket._shutdown_socket = _shutdown_socket  # type: ignore[method-assign]  # noqa: SLF001
