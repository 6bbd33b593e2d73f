"""Verification service (PS3.4 annex A): C-ECHO, open to every peer."""

from __future__ import annotations

from typing import Final

from dicom import status
from dicom.sop_classes import UNCOMPRESSED, VERIFICATION
from scp.network import command
from scp.network.conversation import Conversation
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.reception.provided import ProvidedService

CONTEXTS: Final = (PresentationContext(VERIFICATION, UNCOMPRESSED),)


def provide() -> ProvidedService:
    """Return the service for the node's peers."""
    return ProvidedService(None, CONTEXTS, {command.C_ECHO_RQ: echo})


def echo(association: Conversation, message: Message) -> None:
    """Answer a C-ECHO-RQ: the node runs and knows the caller. Raises AssociationEnded."""
    association.messages.drop()
    association.respond(message, status.SUCCESS)
