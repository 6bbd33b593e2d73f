"""Messages from fragments (PS3.7 6.3.1, PS3.8 E.2): the complete command set, then the data set as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from scp.network import command, pdu
from scp.network.command import Command
from scp.network.errors import INVALID_PARAMETER, UNEXPECTED_PARAMETER, Violation
from scp.network.pdu import Piece, Release
from scp.network.reader import Reader
from scp.network.states import Machine

LONGEST_COMMAND: Final = 16 * 1024
"""Bytes; the longest command sets of the Standard have a few hundred."""


@dataclass(frozen=True, slots=True)
class Message:
    """The command set of a message and its presentation context; the data set has yet to be read."""

    context_id: int
    command: Command


class Released(Exception):
    """The peer requested release before a message was complete."""


class Messages:
    """The messages of one association, in order. `is_open` tells whether a context was accepted."""

    def __init__(self, reader: Reader, longest_pdu: int, machine: Machine, is_open: Callable[[int], bool]) -> None:
        self._reader = reader
        self._pieces = pdu.read_pieces(reader, longest_pdu, machine)
        self._is_open = is_open
        self._data_left: Message | None = None

    def next(self) -> Message | None:
        """Wait for the next message, dropping the rest of the previous data set; None is a request for release.

        Raises AssociationEnded; Released within a message.
        """
        self.drop()
        self._reader.end()
        gathered = bytearray()
        context_id = None
        while True:
            piece = next(self._pieces)
            if isinstance(piece, Release):
                if context_id is None:
                    return None
                raise Released
            self._check(piece, context_id, is_command=True)
            context_id = piece.context_id
            gathered += piece.data
            if len(gathered) > LONGEST_COMMAND:
                raise Violation(INVALID_PARAMETER, f"a command set of more than {LONGEST_COMMAND} bytes")
            if piece.ends:
                break
        message = Message(context_id, command.decode(gathered))
        self._data_left = message if message.command.has_data_set else None
        return message

    def data(self) -> Iterator[memoryview]:
        """Yield the last message's data set in pieces, each valid until the next. Raises as `next` does."""
        while self._data_left is not None:
            piece = next(self._pieces)
            if isinstance(piece, Release):
                raise Released
            self._check(piece, self._data_left.context_id, is_command=False)
            if piece.ends:
                self._data_left = None
            yield piece.data

    def drop(self) -> None:
        """Read and drop the rest of the last message's data set. Raises as `next` does."""
        for _ in self.data():
            pass

    def waiting(self) -> bool:
        """Return whether data from the peer is waiting to be read, without blocking."""
        return self._reader.pending()

    def _check(self, piece: Piece, context_id: int | None, *, is_command: bool) -> None:
        if not self._is_open(piece.context_id):
            raise Violation(INVALID_PARAMETER, f"presentation context {piece.context_id} was not accepted")
        if piece.is_command is not is_command:
            expected = "command" if is_command else "data set"
            raise Violation(UNEXPECTED_PARAMETER, f"expected a fragment of a {expected}, received another")
        if context_id is not None and piece.context_id != context_id:
            raise Violation(UNEXPECTED_PARAMETER, "fragments of two presentation contexts in one message")
