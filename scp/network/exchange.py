"""Requests sent on an open association, whoever opened it, and the responses to them (PS3.7 9.1 and 10.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scp.network import pdu
from scp.network.command import Command
from scp.network.negotiation import AcceptedContext
from scp.network.outgoing import FileSender
from scp.network.requests import MakeRequest

Content = bytes | tuple[Path, int]
"""A data set: encoded, or a file and the offset of the data set in it; empty for none."""

_MOST_MESSAGES: Final = 65536


@dataclass(frozen=True, slots=True)
class Reply:
    """A response with its data set, empty without one."""

    command: Command
    data: bytes


class Exchange:
    """Numbers and sends requests; `send` takes the buffers of PDUs, of which each holds `room` bytes of data."""

    def __init__(self, send: Callable[..., None], room: int) -> None:
        self._send = send
        self._room = room
        self._files = FileSender(send, room)
        self.last_message_id = 0

    def send(self, context: AcceptedContext, make: MakeRequest, data: Content = b"") -> int:
        """Send a request and return its Message ID: 1 to 65535, then 1 again.

        Raises AssociationEnded, and OSError when the file of the data set cannot be read: nothing was sent then.
        """
        self.last_message_id = self.last_message_id % (_MOST_MESSAGES - 1) + 1
        self.send_message(context.context_id, make(self.last_message_id), data)
        return self.last_message_id

    def send_message(self, context_id: int, message: bytes, data: Content = b"") -> None:
        """Send an encoded command set with its data set, if any; raises as `send` does."""
        command_set = pdu.encode_fragments(message, context_id, self._room, is_command=True)
        if isinstance(data, tuple):
            path, offset = data
            # opened first: a peer that has the command set waits for the data set
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                self._files.send(context_id, file, command_set)
        elif data:
            self._send(*command_set, *pdu.encode_fragments(data, context_id, self._room, is_command=False))
        else:
            self._send(*command_set)
