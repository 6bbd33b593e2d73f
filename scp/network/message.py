"""Messages from fragments (PS3.7 6.3.1, PS3.8 E.2): the complete command set, then the data set as it arrives.

A peer may send further requests, cancel one of them or ask for release while a request is being answered. What has come
meanwhile is read ahead without waiting, kept in order and answered in turn; beyond a limit it stays in the connection.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from scp.network import command, pdu
from scp.network.command import Command
from scp.network.errors import INVALID_PARAMETER, UNEXPECTED_PARAMETER, UNEXPECTED_PDU, Closed, Violation
from scp.network.pdu import Piece, Release
from scp.network.reader import Reader
from scp.network.states import Machine

LONGEST_COMMAND: Final = 16 * 1024
"""Bytes; the longest command sets of the Standard have a few hundred."""
MOST_AHEAD: Final = 64
"""Messages read ahead."""
MOST_BYTES_AHEAD: Final = 1024 * 1024
"""Bytes of their data sets; a piece of one buffer may exceed it."""
_GLANCE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Message:
    """The command set of a message and its presentation context; the data set has yet to be read."""

    context_id: int
    command: Command


@dataclass(slots=True)
class _Arrival:
    """A message, the part of its data set that was read ahead, and whether all of it has been read."""

    message: Message
    is_complete: bool
    data: bytearray = field(default_factory=bytearray)


class Released(Exception):
    """The peer requested release before a message was complete."""


class Messages:
    """The messages of one association, in order. `is_open` tells whether a context was accepted."""

    def __init__(self, reader: Reader, longest_pdu: int, machine: Machine, is_open: Callable[[int], bool]) -> None:
        self._reader = reader
        self._pieces = pdu.read_pieces(reader, longest_pdu, machine)
        self._is_open = is_open
        self._current: _Arrival | None = None
        self._ahead: deque[_Arrival] = deque()
        self._bytes_ahead = 0
        self._command = bytearray()
        self._context_id: int | None = None
        self._is_released = False
        self._cancelled: set[int] = set()

    def next(self) -> Message | None:
        """Wait for the next message, dropping the rest of the previous data set; None is a request for release.

        Raises AssociationEnded; Released within a message.
        """
        self.drop()
        if self._current is not None:
            self._cancelled.discard(self._current.message.command.message_id)
            self._current = None
        self._reader.end()
        while not self._ahead:
            piece = self._read_piece()
            if piece is None:
                if self._context_id is None:
                    return None
                raise Released
            self._take_command(piece)
        self._current = self._ahead.popleft()
        return self._current.message

    def data(self) -> Iterator[memoryview]:
        """Yield the last message's data set in pieces, each valid until the next. Raises as `next` does."""
        current = self._current
        if current is None:
            return
        if current.data:
            held, current.data = current.data, bytearray()
            self._bytes_ahead -= len(held)
            yield memoryview(held)
        while not current.is_complete:
            piece = self._read_piece()
            if piece is None:
                raise Released
            self._check(piece, current.message.context_id, is_command=False)
            current.is_complete = piece.ends
            yield piece.data

    def gather(self, most_bytes: int) -> bytes | None:
        """Read the last message's data set to its end; None when it is longer than `most_bytes`. Raises as `next`."""
        gathered = bytearray()
        is_longer = False
        for piece in self.data():
            is_longer = is_longer or len(gathered) + len(piece) > most_bytes
            if not is_longer:
                gathered += piece
        return None if is_longer else bytes(gathered)

    def drop(self) -> None:
        """Read and drop the rest of the last message's data set. Raises as `next` does."""
        for _ in self.data():
            pass

    def is_cancelled(self, message: Message) -> bool:
        """Read ahead, and return whether the peer has cancelled this request, whose data set is read (PS3.7 9.3.2.3).

        Raises AssociationEnded.
        """
        self._read_ahead()
        return message.command.message_id in self._cancelled

    def has_come(self, seconds: float) -> bool:
        """Wait up to `seconds` for the peer's next word: a message, a request for release, the end of the connection.

        The data set of the last message must have been read.
        """
        self.drop()
        self._reader.end()
        deadline = time.monotonic() + seconds
        try:
            while not (self._ahead or self._is_released or self._reader.pending()):
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_GLANCE_SECONDS)
        except Closed:
            pass  # whoever reads next is told
        return True

    def wait_for_response(self, message_id: int) -> tuple[Command, bytes]:
        """Wait for the response to a request of ours, and return it with its data set.

        Requests that come meanwhile are kept in order, and cancellations obeyed. The data set of the last message must
        have been read. Raises AssociationEnded, Released, and Violation when more comes than may be read ahead.
        """
        self.drop()
        self._reader.end()
        while (arrival := self._find_response(message_id)) is None:
            if self._is_full():
                raise Violation(UNEXPECTED_PDU, "too many requests came before a response")
            piece = self._read_piece()
            if piece is None:
                raise Released
            self._take_ahead(piece)
        self._reader.end()
        self._ahead.remove(arrival)
        self._bytes_ahead -= len(arrival.data)
        return arrival.message.command, bytes(arrival.data)

    def _find_response(self, message_id: int) -> _Arrival | None:
        for arrival in self._ahead:
            told = arrival.message.command
            if told.is_response and told.responded == message_id and arrival.is_complete:
                return arrival
        return None

    def _read_ahead(self) -> None:
        """Take in what has arrived, without waiting for more than the rest of a piece that has begun."""
        if self._current is not None and not self._current.is_complete:
            return
        while self._may_read_ahead():
            piece = self._read_piece()
            if piece is None:
                break
            self._take_ahead(piece)
        self._reader.end()  # the pace is the peer's only while we wait for it

    def _take_ahead(self, piece: Piece) -> None:
        """Add a piece to the messages that are kept until their turn."""
        last = self._ahead[-1] if self._ahead else None
        if last is None or last.is_complete:
            self._take_command(piece)
            self._take_cancellation()
            return
        self._check(piece, last.message.context_id, is_command=False)
        last.is_complete = piece.ends
        last.data += piece.data
        self._bytes_ahead += len(piece.data)

    def _is_full(self) -> bool:
        return len(self._ahead) >= MOST_AHEAD or self._bytes_ahead >= MOST_BYTES_AHEAD

    def _may_read_ahead(self) -> bool:
        if self._is_released or self._is_full():
            return False
        try:
            return self._reader.pending()
        except Closed:  # a peer that sends no more may still read its answers
            return False

    def _read_piece(self) -> Piece | None:
        """Read the next piece; None from the request for release on."""
        if self._is_released:
            return None
        piece = next(self._pieces)
        if isinstance(piece, Release):
            self._is_released = True
            return None
        return piece

    def _take_command(self, piece: Piece) -> None:
        """Add a piece to the command set that is being gathered; the complete one is a message."""
        self._check(piece, self._context_id, is_command=True)
        self._context_id = piece.context_id
        self._command += piece.data
        if len(self._command) > LONGEST_COMMAND:
            raise Violation(INVALID_PARAMETER, f"a command set of more than {LONGEST_COMMAND} bytes")
        if piece.ends:
            message = Message(piece.context_id, command.decode(self._command))
            self._ahead.append(_Arrival(message, is_complete=not message.command.has_data_set))
            self._command, self._context_id = bytearray(), None

    def _take_cancellation(self) -> None:
        """Take a C-CANCEL-RQ that has just arrived out of the queue; one for no request here is dropped."""
        if not self._ahead or self._ahead[-1].message.command.field != command.C_CANCEL_RQ:
            return
        if not self._ahead[-1].is_complete:
            return
        cancelled = self._ahead.pop().message.command.responded
        requests = [self._current, *self._ahead] if self._current is not None else [*self._ahead]
        if any(request.message.command.message_id == cancelled for request in requests):
            self._cancelled.add(cancelled)

    def _check(self, piece: Piece, context_id: int | None, *, is_command: bool) -> None:
        if not self._is_open(piece.context_id):
            raise Violation(INVALID_PARAMETER, f"presentation context {piece.context_id} was not accepted")
        if piece.is_command is not is_command:
            expected = "command" if is_command else "data set"
            raise Violation(UNEXPECTED_PARAMETER, f"expected a fragment of a {expected}, received another")
        if context_id is not None and piece.context_id != context_id:
            raise Violation(UNEXPECTED_PARAMETER, "fragments of two presentation contexts in one message")
