"""Sending a data set from a file, several P-DATA-TFs of the peer's length in each system call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from io import FileIO
from typing import Final

from scp.network import pdu
from scp.network.errors import Interrupted
from scp.network.wire import BUFFER_BYTES

_HEADERS: Final = pdu.HEADER_BYTES + pdu.VALUE_HEADER_BYTES
_MOST_PDUS: Final = 64  # in one system call


def send_file(
    send: Callable[..., None], context_id: int, room: int, file: FileIO, before: Sequence[bytes | memoryview]
) -> None:
    """Send the buffers `before`, which hold the command set, and the rest of an open file as one data set.

    `send` takes the buffers of PDUs, of which each holds `room` bytes of data. The command set goes out together with
    the first of the data, because each system call wakes the peer.

    Raises OSError when the file cannot be read or holds nothing, so that nothing was sent, Interrupted when it cannot
    be read to its end, and whatever `send` raises.
    """
    slot = room + _HEADERS
    buffer = memoryview(bytearray(slot * max(1, min(_MOST_PDUS, BUFFER_BYTES // slot))))
    slots = [buffer[start + _HEADERS : start + slot] for start in range(0, len(buffer), slot)]
    left = os.fstat(file.fileno()).st_size - file.tell()
    if left <= 0:
        raise OSError(f"{file.name!r}: holds no data set")
    while left > 0:
        try:
            count = _fill(file.fileno(), slots)
            if count == 0:
                raise OSError(f"{file.name!r}: was truncated while it was being sent")  # noqa: TRY301  # as if not read
        except OSError as error:
            if before:
                raise
            raise Interrupted(f"an object cannot be read to its end: {error.strerror or error}") from error
        left -= count
        end = 0
        for start in range(0, count, room):
            length = min(room, count - start)
            is_last = left <= 0 and start + length == count
            at = start // room * slot
            buffer[at : at + _HEADERS] = pdu.encode_value_header(length, context_id, is_command=False, is_last=is_last)
            end = at + _HEADERS + length
        send(*before, buffer[:end])
        before = ()


def _fill(descriptor: int, slots: Sequence[memoryview]) -> int:
    """Fill the slots one after the other, until all are full or the file ends, and return the number of bytes."""
    size = sum(len(slot) for slot in slots)
    count = os.readv(descriptor, slots)
    while 0 < count < size:
        left, rest = count, list(slots)
        while left >= len(rest[0]):
            left -= len(rest.pop(0))
        rest[0] = rest[0][left:]
        more = os.readv(descriptor, rest)
        if more == 0:
            break
        count += more
    return count
