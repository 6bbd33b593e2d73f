"""Presentation contexts of retrieval: those that a peer may open, and those that a move proposes to its destination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from dicom.sop_classes import (
    PATIENT_ROOT_GET,
    PATIENT_ROOT_MOVE,
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    UNCOMPRESSED,
    is_storage,
)
from scp.network.extended import Options
from scp.network.negotiation import MOST_CONTEXTS, AcceptedContext, PresentationContext
from scp.services import storage_contexts
from storage.query.retrieval import Kind, StoredObject

MOVE_MODELS: Final[tuple[str, ...]] = (STUDY_ROOT_MOVE, PATIENT_ROOT_MOVE)
GET_MODELS: Final[tuple[str, ...]] = (STUDY_ROOT_GET, PATIENT_ROOT_GET)
OPTIONS: Final = Options(bytes([1, 0]))
"""Relational retrieval; not enhanced multi-frame image conversion (PS3.4 table C.5-4)."""
CONTEXTS: Final = tuple(PresentationContext(uid, UNCOMPRESSED, extended=OPTIONS) for uid in (*MOVE_MODELS, *GET_MODELS))

_SYNTAXES: Final = {context.abstract_syntax: context.transfer_syntaxes for context in storage_contexts.CONTEXTS}


def find_context(sop_class_uid: str) -> PresentationContext | None:
    """Return the context in which a peer takes objects of a class by C-GET, as SCP; None for what is not stored."""
    if not is_storage(sop_class_uid):
        return None
    syntaxes = _SYNTAXES.get(sop_class_uid, storage_contexts.COMPANION_TRANSFER_SYNTAXES)
    return PresentationContext(sop_class_uid, syntaxes, as_scu=False, as_scp=True)


def plan_associations(kinds: Iterable[Kind]) -> Iterator[tuple[frozenset[str], list[PresentationContext]]]:
    """Yield the SOP classes and the proposals of each association that a move needs, of at most 128 contexts.

    A class is proposed once in each syntax that its objects are stored in, so that the destination can take all of them
    as they are, and once in the uncompressed ones that are left.
    """
    classes: set[str] = set()
    proposals: list[PresentationContext] = []
    for sop_class_uid, of_class in groupby(sorted(kinds), key=lambda kind: kind[0]):
        stored = [syntax for _, syntax in of_class]
        others = tuple(syntax for syntax in UNCOMPRESSED if syntax not in stored)
        offered = [*((syntax,) for syntax in stored), *([others] if others else [])]
        if len(proposals) + len(offered) > MOST_CONTEXTS:
            yield frozenset(classes), proposals
            classes, proposals = set(), []
        classes.add(sop_class_uid)
        proposals += [PresentationContext(sop_class_uid, syntaxes) for syntaxes in offered]
    if proposals:
        yield frozenset(classes), proposals


class Routes:
    """The accepted contexts by SOP class and transfer syntax."""

    def __init__(self, contexts: Iterable[AcceptedContext]) -> None:
        self._by_kind: Mapping[Kind, AcceptedContext] = {
            (context.abstract_syntax, context.transfer_syntax): context for context in reversed([*contexts])
        }

    def choose(self, item: StoredObject) -> AcceptedContext | None:
        """Choose the context for an object: in the syntax that it is stored in, else uncompressed; None without one."""
        for syntax in (item.transfer_syntax_uid, *UNCOMPRESSED):
            context = self._by_kind.get((item.sop_class_uid, syntax))
            if context is not None:
                return context
        return None
