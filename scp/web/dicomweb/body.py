"""The body of a request as it arrives, for a thread that reads it: bounded in time, never kept whole."""

from __future__ import annotations

import time
from collections.abc import Iterator

import anyio
from anyio import from_thread
from fastapi import HTTPException, Request


class DisconnectedError(Exception):
    """The client is gone; nobody is left to answer."""


class Body:
    """Reads the body of one request.

    A client that sends nothing for `idle_seconds`, or that takes longer than that and is slower than
    `bytes_per_second`, is told so (408).
    """

    def __init__(self, request: Request, *, idle_seconds: float, bytes_per_second: int) -> None:
        self._request = request
        self._idle_seconds = idle_seconds
        self._bytes_per_second = bytes_per_second
        self._began = time.monotonic()
        self._size = 0
        self._is_complete = False

    def read(self) -> Iterator[bytes]:
        """Yield the body in pieces, in a worker thread. Raises HTTPException (408) and DisconnectedError."""
        while not self._is_complete:
            piece = from_thread.run(self._receive)
            if piece:
                yield piece

    async def _receive(self) -> bytes:
        try:
            with anyio.fail_after(self._idle_seconds):
                message = await self._request.receive()
        except TimeoutError as error:
            raise HTTPException(408, f"nothing came for {self._idle_seconds:g} s (node.dimse_timeout)") from error
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        piece: bytes = message.get("body", b"")
        self._is_complete = not message.get("more_body", False)
        self._size += len(piece)
        took = time.monotonic() - self._began
        if took > self._idle_seconds and self._size < self._bytes_per_second * took:
            raise HTTPException(408, "the body comes too slowly (node.slowest_bytes_per_second)")
        return piece
