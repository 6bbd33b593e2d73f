"""Command sets in what a program sent to a peer."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_P_DATA, _IS_COMMAND = 4, 1


def read_commands(data: bytes) -> Iterator[dict[int, bytes]]:
    """Yield the command sets (elements of group 0000 by their number) in whole PDUs (PS3.8 9.3.5, PS3.7 6.3.1)."""
    for kind, pdu in _split(data, ">BxI"):
        values = pdu if kind == _P_DATA else b""
        while len(values) > 6:  # noqa: PLR2004  # the head of a presentation data value
            length, control = struct.unpack_from(">IxB", values)
            if control & _IS_COMMAND:
                yield dict(_list_elements(values[6 : 4 + length]))
            values = values[4 + length :]


def _split(data: bytes, head: str) -> Iterator[tuple[int, bytes]]:
    start = struct.calcsize(head)
    while len(data) >= start:
        kind, length = struct.unpack_from(head, data)
        yield kind, data[start : start + length]
        data = data[start + length :]


def _list_elements(command_set: bytes) -> Iterator[tuple[int, bytes]]:
    while len(command_set) >= 8:  # noqa: PLR2004  # tag and length
        element, length = struct.unpack_from("<xxHI", command_set)
        yield element, command_set[8 : 8 + length]
        command_set = command_set[8 + length :]
