"""Requests with several responses, as SCU: C-FIND, C-GET and C-MOVE (PS3.7 9.1.2 to 9.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from dicom import status
from scp.network import command, requests
from scp.network.command import Command
from scp.network.message import Message
from scp.network.negotiation import AcceptedContext
from scp.network.requestor import LONGEST_DATA_SET, Requestor

PENDING: Final = frozenset({status.PENDING, status.PENDING_UNSUPPORTED})

Take = Callable[[Message], int]
"""Takes an object that came by C-STORE, reading its data set from the association, and returns the status to answer."""


def find(association: Requestor, context: AcceptedContext, identifier: bytes) -> Iterator[tuple[Command, bytes]]:
    """Query (C-FIND, PS3.4 C.4.1): each response with its identifier, the final one last.

    Raises AssociationEnded, after which nothing can be sent.
    """
    _ask(association, context, identifier, command.C_FIND_RQ)
    while True:
        answer = association.check_response(association.receive())
        match = association.gather(LONGEST_DATA_SET)
        yield answer, match or b""
        if answer.status not in PENDING:
            return


def get(association: Requestor, context: AcceptedContext, identifier: bytes, take: Take) -> Iterator[Command]:
    """Fetch (C-GET, PS3.4 C.4.3): each response, the final one last; objects arrive by C-STORE meanwhile.

    Raises AssociationEnded, and what `take` raises.
    """
    _ask(association, context, identifier, command.C_GET_RQ)
    while True:
        message = association.receive()
        if message.command.field == command.C_STORE_RQ:
            # only where role selection made the peer SCU (PS3.7 D.3.3.4)
            is_allowed = association.context(message).as_scp
            association.respond(message, take(message) if is_allowed else status.SOP_CLASS_NOT_SUPPORTED)
            continue
        answer = association.check_response(message)
        yield answer
        if answer.status not in PENDING:
            return


def move(association: Requestor, context: AcceptedContext, identifier: bytes, destination: str) -> Iterator[Command]:
    """Have objects sent to the AE title `destination` (C-MOVE, PS3.4 C.4.2): each response, the final one last.

    Raises AssociationEnded.
    """
    _ask(association, context, identifier, command.C_MOVE_RQ, destination)
    while True:
        answer = association.check_response(association.receive())
        yield answer
        if answer.status not in PENDING:
            return


def _ask(
    association: Requestor, context: AcceptedContext, identifier: bytes, field: int, destination: str = ""
) -> None:
    association.begin(
        context,
        lambda number: requests.encode_query(field, number, context.abstract_syntax, destination),
        identifier,
    )
