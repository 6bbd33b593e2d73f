"""What PDUs and messages are read from: a connection, or bytes that are all there."""

from __future__ import annotations

from typing import Protocol


class Reader(Protocol):
    """A source of bytes in order; the views that it gives are valid until the next call."""

    def read(self, count: int) -> memoryview:
        """Exactly the next `count` bytes. Raises Closed at the end of the bytes, and Expired."""
        ...

    def read_some(self, count: int) -> memoryview:
        """Between one and `count` of the next bytes. Raises Closed at the end of the bytes, and Expired."""
        ...

    def begin(self) -> None:
        """A message begins: from now on the peer must keep its pace."""
        ...

    def end(self) -> None:
        """A message has ended: the peer may be idle."""
        ...

    def pending(self) -> bool:
        """Whether bytes are there without waiting. Raises Closed when none will come."""
        ...
