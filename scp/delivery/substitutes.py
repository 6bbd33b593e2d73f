"""What goes to a destination that takes no presentation context for the report: another form of it, or the pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage, SecondaryCaptureImageStorage

from config.settings import PeerSettings, ResultsSettings, SrTemplate
from scoring.report.common.identifiers import SR_SOP_CLASSES
from scp.delivery.store_scu import Sending
from scp.work.documents import label, template_of

PREFERENCE: Final[dict[SrTemplate, tuple[SrTemplate, ...]]] = {
    "tid1500": ("tid1500", "tid3900", "tid1500-3d"),
    "tid1500-3d": ("tid1500-3d", "tid1500", "tid3900"),
    "tid3900": ("tid3900", "tid1500", "tid1500-3d"),
}
"""For each configured form, what is tried one after the other; a substitute is never replaced by one before it."""


def of(found: str, sending: Sending, peer: PeerSettings, results: ResultsSettings) -> dict[str, Sending]:
    """Substitutes of a document by their label in the outbox, the best first; what is sent in their name is a proposal.

    Only reports have any.
    """
    template = template_of(found)
    if template is None:
        return {}
    order = PREFERENCE[peer.sr]
    classes = {label("sr", form): SR_SOP_CLASSES[form] for form in order[order.index(template) + 1 :]}
    multiframe = results.overlay == "multiframe"
    pictures = MultiFrameTrueColorSecondaryCaptureImageStorage if multiframe else SecondaryCaptureImageStorage
    classes[label("overlay")] = pictures
    return {name: replace(sending, sop_class_uid=str(sop_class)) for name, sop_class in classes.items()}


def first_accepted(sending: Sending, others: Mapping[str, Sending], accepted: Collection[str]) -> str | None:
    """The best substitute when the peer accepts its SOP class and not that of the document, else None."""
    if sending.sop_class_uid in accepted:
        return None
    return next((name for name, other in others.items() if other.sop_class_uid in accepted), None)
