"""Retrieval as SCU (PS3.4 annex C): C-GET and C-MOVE in the Study Root model.

By C-GET the objects come on the same association, so that the peer needs to know nothing of this node but its AE title.
By C-MOVE the peer calls the AE title that it is told, which must be one that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from dicom import status
from dicom.sop_classes import STUDY_ROOT_GET, STUDY_ROOT_MOVE, UNCOMPRESSED
from scp.network import retrieval
from scp.network.command import Command
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.network.requestor import Requestor
from scp.scu.association import find_context
from scp.scu.identifier import encode, make_identifier
from scp.scu.query import expect_answer, judge_failure, require_context, require_status

GET: Final = PresentationContext(STUDY_ROOT_GET, UNCOMPRESSED)
MOVE: Final = PresentationContext(STUDY_ROOT_MOVE, UNCOMPRESSED)

MOST_UIDS: Final = 50
"""UIDs in one identifier: 50 make at most 3,250 bytes, which every peer should take."""

Receive = Callable[[Requestor, Message], int]
"""Takes an object that came by C-STORE: reads its data set from the association, and returns the status to answer."""
Tell = Callable[[Command], object]
"""Is told each response, the pending ones with the numbers of sub-operations; what it raises ends the retrieval."""


def receiving(sop_class_uid: str, transfer_syntaxes: Iterable[str]) -> list[PresentationContext]:
    """Make the contexts on which the peer may send objects of a class to us by C-GET (PS3.7 D.3.3.4, role SCP).

    The uncompressed syntaxes share one; each other one has its own, so that the peer need not choose one for all.
    """
    given = list(transfer_syntaxes)
    plain = tuple(syntax for syntax in given if syntax in UNCOMPRESSED)
    groups = [plain, *((syntax,) for syntax in given if syntax not in UNCOMPRESSED)]
    return [PresentationContext(sop_class_uid, group, as_scu=False, as_scp=True) for group in groups if group]


def can_get(association: Requestor) -> bool:
    """Return whether the peer takes C-GET on this association and may send objects on it."""
    return find_context(association, STUDY_ROOT_GET) is not None and can_receive(association)


def can_receive(association: Requestor) -> bool:
    """Return whether role selection allows the peer to send any object on this association."""
    return any(context.as_scp for context in association.accepted_contexts)


def can_move(association: Requestor) -> bool:
    """Return whether the peer takes C-MOVE on this association."""
    return find_context(association, STUDY_ROOT_MOVE) is not None


def get(
    association: Requestor,
    level: str,
    keys: Mapping[str, str],
    receive: Receive,
    *,
    subject: str,
    tell: Tell | None = None,
) -> Command:
    """Fetch by C-GET (PS3.4 C.4.3) and return the final response; `receive` takes each object.

    Raises Permanent when the peer does not accept C-GET, Transient when the association ends, and what `receive` and
    `tell` raise. The final response may report a failure: see `require_success`.
    """
    context = require_context(association, STUDY_ROOT_GET, "C-GET", subject)
    identifier = encode(make_identifier(level, dict(keys)), context)
    with expect_answer(association, "C-GET", subject):
        answers = retrieval.get(association, context, identifier, lambda message: receive(association, message))
        return _take_last(answers, "C-GET", subject, tell)


def move(
    association: Requestor,
    level: str,
    keys: Mapping[str, str],
    destination: str,
    *,
    subject: str,
    tell: Tell | None = None,
) -> Command:
    """Have objects sent to the AE title `destination` (C-MOVE, PS3.4 C.4.2) and return the final response.

    Raises as `get` does.
    """
    context = require_context(association, STUDY_ROOT_MOVE, "C-MOVE", subject)
    identifier = encode(make_identifier(level, dict(keys)), context)
    with expect_answer(association, "C-MOVE", subject):
        return _take_last(retrieval.move(association, context, identifier, destination), "C-MOVE", subject, tell)


def require_success(answer: Command, request: str, subject: str) -> None:
    """Raise Permanent or Transient unless a final response says that all or some sub-operations succeeded."""
    if answer.status not in {status.SUCCESS, status.WARNING}:
        raise judge_failure(answer, request, subject)


def _take_last(answers: Iterable[Command], request: str, subject: str, tell: Tell | None) -> Command:
    last = None
    for answer in answers:
        require_status(answer, request, subject)
        if tell is not None:
            tell(answer)
        last = answer
    if last is None:
        raise AssertionError("a retrieval yields its final response or raises")
    return last
