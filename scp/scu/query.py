"""Query as SCU (PS3.4 annex C): C-FIND in the Study Root model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pydicom.dataset import Dataset

from config.errors import CoronodeError, Permanent, Transient
from dicom import status
from dicom.sop_classes import STUDY_ROOT_FIND, UNCOMPRESSED
from scp.network import retrieval
from scp.network.command import Command
from scp.network.errors import AssociationEnded
from scp.network.message import Released
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.requestor import Requestor
from scp.scu.association import describe_answer, find_context
from scp.scu.identifier import decode_match, encode, make_identifier

QUERY: Final = PresentationContext(STUDY_ROOT_FIND, UNCOMPRESSED)
"""To propose for `find`."""

_FOR_GOOD: Final = frozenset(
    {
        status.DOES_NOT_MATCH,
        status.SOP_CLASS_NOT_SUPPORTED,
        status.NOT_AUTHORIZED,
        status.MOVE_DESTINATION_UNKNOWN,
        status.UNRECOGNIZED_OPERATION,
    }
)
"""Failures that the same request would meet again; an archive that is busy or broken answers with any other."""


def find(association: Requestor, level: str, keys: Mapping[str, str], *, subject: str) -> Iterator[Dataset]:
    """Query with these keys, and yield the readable matches as they arrive (PS3.4 C.4.1).

    `level` is STUDY, SERIES or IMAGE; `subject` names the peer in messages. Raises Permanent when the peer does not
    answer such queries, Transient when it fails or the association ends.
    """
    context = require_context(association, STUDY_ROOT_FIND, "C-FIND", subject)
    identifier = encode(make_identifier(level, dict(keys)), context)
    with expect_answer(association, "C-FIND", subject):
        for answer, match in retrieval.find(association, context, identifier):
            code = require_status(answer, "C-FIND", subject)
            if code in retrieval.PENDING:
                dataset = decode_match(match, context)
                if dataset is not None:
                    yield dataset
            elif code != status.SUCCESS:
                raise judge_failure(answer, "C-FIND", subject)


def require_context(association: Requestor, model: str, request: str, subject: str) -> AcceptedContext:
    """Return the accepted context of a model. Raises Permanent when the peer accepted none."""
    context = find_context(association, model)
    if context is None:
        raise Permanent(f"{subject} accepts no {request} in the Study Root model")
    return context


def require_status(answer: Command, request: str, subject: str) -> int:
    """Return the status of a response. Raises Transient when there is none."""
    if answer.status is None:
        raise Transient(f"{subject} gave no valid answer to {request} in time")
    return answer.status


def judge_failure(answer: Command, request: str, subject: str) -> CoronodeError:
    """Return the verdict on a final response that reports a failure: Permanent where asking again cannot help."""
    error: type[CoronodeError] = Permanent if answer.status in _FOR_GOOD else Transient
    return error(f"{subject} answered {request} with {describe_answer(answer)}")


@contextmanager
def expect_answer(association: Requestor, request: str, subject: str) -> Iterator[None]:
    """Turn the end of the association into Transient, with the end as its cause."""
    try:
        yield
    except (AssociationEnded, Released) as error:
        association.abort()
        raise Transient(f"{subject} gave no valid answer to {request} in time") from error
