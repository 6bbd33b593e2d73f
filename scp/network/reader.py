"""The source that PDUs and messages are read from: a connection, or bytes in memory."""

from __future__ import annotations

from typing import Protocol


class Reader(Protocol):
    """A sequential source of bytes; the views that it returns are valid until the next call."""

    def read(self, count: int) -> memoryview:
        """Read exactly `count` bytes. Raises Closed at the end of the bytes, and Expired."""
        ...

    def read_some(self, count: int) -> memoryview:
        """Read between one and `count` bytes. Raises Closed at the end of the bytes, and Expired."""
        ...

    def begin(self) -> None:
        """Begin a message: the peer must now keep up the pace."""
        ...

    def end(self) -> None:
        """End a message: the peer may now be idle."""
        ...

    def pending(self) -> bool:
        """Return whether bytes are available without waiting. Raises Closed when there will be none."""
        ...
