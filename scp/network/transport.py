"""How the bytes of a connection travel: as they are, or inside of TLS (`scp.network.tls`)."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final, Protocol

# buffers per system call (POSIX guarantees 16, Linux 1,024)
_MOST_BUFFERS: Final = 512


class Transport(Protocol):
    """Moves bytes over one connected socket, whose timeouts are the caller's.

    Where nothing has moved within the socket's timeout, `BlockingIOError` tells so, and the call may be repeated.
    Other errors of the connection are `OSError`.
    """

    @property
    def is_secure(self) -> bool:
        """Whether nobody on the way can read or change the bytes."""
        ...

    @property
    def certificate(self) -> bytes | None:
        """The certificate that the peer has shown and proved to be its own, DER; None without one."""
        ...

    def advance(self) -> bool:
        """Go on with the handshake as far as one packet allows, and return whether it is complete.

        Raises Unsecured when there can be no secure connection.
        """
        ...

    def receive(self, view: memoryview, flags: int) -> int:
        """Read into `view`, at least one byte, and return how many; 0 at the end.

        `flags` are MSG_DONTWAIT, MSG_WAITALL or 0, as for recv(2).
        """
        ...

    def send(self, buffers: Sequence[memoryview]) -> int:
        """Send the beginning of `buffers` and return how many of their bytes have gone."""
        ...

    def finish(self) -> None:
        """Tell the peer that nothing more is sent, as far as that is possible without waiting; never raises."""
        ...


class Plain:
    """Bytes as they are."""

    is_secure = False
    certificate = None

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def advance(self) -> bool:
        """Return True: there is no handshake."""
        return True

    def receive(self, view: memoryview, flags: int) -> int:
        """Read into `view`, as recv(2) does."""
        return self._socket.recv_into(view, 0, flags)

    def send(self, buffers: Sequence[memoryview]) -> int:
        """Send the beginning of `buffers`, as sendmsg(2) does."""
        return self._socket.sendmsg(buffers[:_MOST_BUFFERS])

    def finish(self) -> None:
        """Do nothing: the end of the connection says it."""
