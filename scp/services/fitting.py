"""Refusing a request on a presentation context of another service; the association continues (PS3.7 annex C.5.6)."""

from __future__ import annotations

from collections.abc import Callable

from dicom import status
from scp.network.conversation import Conversation
from scp.network.message import Message


def refuse_misplaced(association: Conversation, message: Message, fits: Callable[[str], bool]) -> bool:
    """Refuse a request unless the abstract syntax of its context, or the class that stands for it, `fits`.

    Returns whether it was refused. A peer that may be only SCP of the class (PS3.7 D.3.3.4) is refused, too. Raises
    AssociationEnded.
    """
    context = association.context(message)
    if context.as_scu and fits(context.general or context.abstract_syntax):
        return False
    association.messages.drop()
    association.respond(message, status.SOP_CLASS_NOT_SUPPORTED)
    return True
