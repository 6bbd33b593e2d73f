"""What is negotiated: the contexts that the services accept, and those that the node proposes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from config.settings import Service
from dicom.sop_classes import UNCOMPRESSED
from scoring.report.common.identifiers import SR_SOP_CLASSES
from scoring.report.sr.reading import REPORT_CLASSES
from scp.conformance.table import code, format_table, yes
from scp.fetching.receiver import RECEIVED
from scp.network.negotiation import PresentationContext
from scp.scu import query as scu_query
from scp.scu import retrieve as scu_retrieve
from scp.services import commitment, mpps, query, storage_contexts, verification
from scp.services.retrieve import contexts as retrieval

SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "uncompressed": UNCOMPRESSED,
    "image": storage_contexts.IMAGE_TRANSFER_SYNTAXES,
    "companion": storage_contexts.COMPANION_TRANSFER_SYNTAXES,
}
"""Sets of transfer syntaxes by the names that the statement gives them."""

ACCEPTED: Final[tuple[tuple[Service | None, tuple[PresentationContext, ...]], ...]] = (
    (None, verification.CONTEXTS),
    ("store", storage_contexts.CONTEXTS),
    ("query", query.CONTEXTS),
    ("retrieve", retrieval.CONTEXTS),
    ("commit", commitment.CONTEXTS),
    ("mpps", mpps.CONTEXTS),
)
"""The contexts of each service, those that a service finds by rule excepted."""


@dataclass(frozen=True, slots=True)
class Written:
    """A SOP class of which the node writes objects, and what they are."""

    sop_class_uid: str
    what: str


WRITTEN: Final = (
    *(Written(str(uid), f"the report, {code(template)}") for template, uid in SR_SOP_CLASSES.items()),
    Written(SecondaryCaptureImageStorage, "the pictures, one object a page"),
    Written(MultiFrameTrueColorSecondaryCaptureImageStorage, "the pictures as one object"),
    Written(SegmentationStorage, "the counted lesions"),
    Written(EncapsulatedPDFStorage, "report and letter as PDF"),
)

EARLIER_REPORTS: Final = (
    scu_query.QUERY,
    scu_retrieve.GET,
    *(context for uid in REPORT_CLASSES for context in scu_retrieve.receiving(uid, UNCOMPRESSED)),
)
"""Proposed to `priors.peer`."""

FETCHED: Final = (scu_query.QUERY, scu_retrieve.GET, scu_retrieve.MOVE, *RECEIVED)
"""Proposed to a peer that studies are fetched from."""


def format_accepted() -> str:
    """Format the SOP classes of the services, with the roles that the requestor may take."""
    rows = [
        (*_name(context.abstract_syntax), _name_service(service), name_roles(context), _name_set(context))
        for service, contexts in ACCEPTED
        for context in contexts
    ]
    return format_table(("SOP class", "UID", "Service", "Role of the peer", "Transfer syntaxes"), rows)


def format_transfer_syntaxes() -> str:
    """Format the transfer syntaxes in order of preference, with the sets that hold them."""
    every = dict.fromkeys(uid for syntaxes in SETS.values() for uid in syntaxes)
    sets = {uid: ", ".join(name for name, syntaxes in SETS.items() if uid in syntaxes) for uid in every}
    return format_table(("Transfer syntax", "UID", "Set"), [(*_name(uid), sets[uid]) for uid in every])


def format_proposed(contexts: Sequence[PresentationContext]) -> str:
    """Format the SOP classes of contexts that the node proposes, with its own role."""
    rows = dict.fromkeys(
        (*_name(context.abstract_syntax), "SCP, by role selection" if context.as_scp else "SCU") for context in contexts
    )
    return format_table(("SOP class", "UID", "Role of the node"), rows)


def format_written() -> str:
    """Format the SOP classes of the documents."""
    syntaxes = ", ".join(UID(uid).name for uid in UNCOMPRESSED)
    rows = [(*_name(item.sop_class_uid), item.what, syntaxes) for item in WRITTEN]
    return format_table(("SOP class", "UID", "What", "Transfer syntax"), rows)


def format_services() -> str:
    """Format the services but storage: which side the node takes (PS3.2 table N.1-2)."""
    storage_classes = {context.abstract_syntax for context in storage_contexts.CONTEXTS}
    provided = {context.abstract_syntax for _, contexts in ACCEPTED for context in contexts} - storage_classes
    proposed = (*verification.CONTEXTS, *EARLIER_REPORTS, *FETCHED, *commitment.CONTEXTS)
    used = {context.abstract_syntax for context in proposed if context.as_scu}
    rows = [(*_name(uid), yes(uid in used), yes(uid in provided)) for uid in sorted(provided | used, key=UID)]
    return format_table(("SOP class", "UID", "SCU", "SCP"), rows)


def format_content() -> str:
    """Format the objects by what the node does with them (PS3.2 table N.1-1)."""
    written = {item.sop_class_uid for item in WRITTEN}
    read = {context.abstract_syntax for context in storage_contexts.CONTEXTS}
    rows = [
        (*_name(uid), yes(uid in written), yes(uid in read), "Y", "Y", "Y") for uid in sorted(written | read, key=UID)
    ]
    rows.append(("every other, as a [companion](#companions-of-a-ct-study)", "", "N", "N", "Y", "Y", "Y"))
    heads = ("SOP class", "UID", "Created", "Read", "Stored", "Storage SCU", "Storage SCP")
    return format_table(heads, rows)


def name_roles(context: PresentationContext) -> str:
    """Name the roles that the requestor may take."""
    return ", ".join(name for name, may in (("SCU", context.as_scu), ("SCP", context.as_scp)) if may)


def _name(uid: str) -> tuple[str, str]:
    return UID(uid).name, code(uid)


def _name_service(service: Service | None) -> str:
    return "always" if service is None else code(service)


def _name_set(context: PresentationContext) -> str:
    return _find_only(name for name, syntaxes in SETS.items() if context.transfer_syntaxes == syntaxes)


def _find_only(names: Iterable[str]) -> str:
    (name,) = names
    return name
