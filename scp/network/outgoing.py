"""Sending a data set from a file, several P-DATA-TFs of the peer's length in each system call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from io import FileIO
from typing import Final

from scp.network import pdu
from scp.network.errors import Interrupted

_HEADERS: Final = pdu.HEADER_BYTES + pdu.VALUE_HEADER_BYTES
_MOST_PDUS: Final = 128  # in one system call
_MOST_BYTES: Final = 1024 * 1024


class FileSender:
    """Sends files to one peer through a buffer that is made once, for the first file.

    `send` takes the buffers of PDUs, of which each holds `room` bytes of data.
    """

    def __init__(self, send: Callable[..., None], room: int) -> None:
        self._send = send
        self._room = room
        self._slot = room + _HEADERS
        self._buffer = memoryview(b"")
        self._slots: list[memoryview] = []

    def send(self, context_id: int, file: FileIO, before: Sequence[bytes | memoryview]) -> None:
        """Send the buffers `before`, which hold the command set, and the rest of an open file as one data set.

        The command set goes out together with the first of the data, because each system call wakes the peer.

        Raises OSError when the file cannot be read or holds nothing, so that nothing was sent, Interrupted when it
        cannot be read to its end, and what the sending raises.
        """
        left = os.fstat(file.fileno()).st_size - file.tell()
        if left <= 0:
            raise OSError(f"{file.name!r}: holds no data set")
        self._make_buffer()
        while left > 0:
            try:
                count = _fill(file.fileno(), self._slots, left)
                if count == 0:
                    raise OSError(f"{file.name!r}: was truncated while it was being sent")  # noqa: TRY301  # as if unread
            except OSError as error:
                if before:
                    raise
                raise Interrupted(f"an object cannot be read to its end: {error.strerror or error}") from error
            left -= count
            self._send(*before, self._frame(context_id, count, is_end=left <= 0))
            before = ()

    def _make_buffer(self) -> None:
        if not self._slots:
            slot = self._slot
            self._buffer = memoryview(bytearray(slot * max(1, min(_MOST_PDUS, _MOST_BYTES // slot))))
            self._slots = [self._buffer[start + _HEADERS : start + slot] for start in range(0, len(self._buffer), slot)]

    def _frame(self, context_id: int, count: int, *, is_end: bool) -> memoryview:
        """Write the headers around `count` bytes in the slots; `is_end` marks those of the end of the data set."""
        end = 0
        for at, start in enumerate(range(0, count, self._room)):
            length = min(self._room, count - start)
            is_last = is_end and start + length == count
            begin = at * self._slot
            header = pdu.encode_value_header(length, context_id, is_command=False, is_last=is_last)
            self._buffer[begin : begin + _HEADERS] = header
            end = begin + _HEADERS + length
        return self._buffer[:end]


def _fill(descriptor: int, slots: Sequence[memoryview], left: int) -> int:
    """Fill the slots one after the other with at most `left` bytes; return their number, fewer where the file ends."""
    wanted = min(sum(len(slot) for slot in slots), left)
    count = os.readv(descriptor, slots)
    while 0 < count < wanted:
        filled, rest = count, list(slots)
        while filled >= len(rest[0]):
            filled -= len(rest.pop(0))
        rest[0] = rest[0][filled:]
        more = os.readv(descriptor, rest)
        if more == 0:
            break
        count += more
    return min(count, left)
