"""Substitutes for a report that a destination does not accept: another form of it, or the pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage, SecondaryCaptureImageStorage

from config.results import ResultsSettings, SrTemplate
from config.settings import PeerSettings
from scoring.report.common.identifiers import SR_SOP_CLASSES
from scp.scu.storage import Sending
from scp.work.documents import label_document, parse_template

PREFERENCE: Final[dict[SrTemplate, tuple[SrTemplate, ...]]] = {
    "tid1500": ("tid1500", "tid3900", "tid1500-3d"),
    "tid1500-3d": ("tid1500-3d", "tid1500", "tid3900"),
    "tid3900": ("tid3900", "tid1500", "tid1500-3d"),
}
"""For each configured form, the forms that are tried, in order; none is replaced by an earlier one."""


def find_substitutes(label: str, sending: Sending, peer: PeerSettings, results: ResultsSettings) -> dict[str, Sending]:
    """Find the substitutes of a document by their label in the outbox, best first; only reports have any.

    Each is a proposal: the document as `sending`, under the SOP class of the substitute.
    """
    template = parse_template(label)
    if template is None:
        return {}
    order = PREFERENCE[peer.sr]
    classes = {label_document("sr", form): SR_SOP_CLASSES[form] for form in order[order.index(template) + 1 :]}
    multiframe = results.overlay == "multiframe"
    pictures = MultiFrameTrueColorSecondaryCaptureImageStorage if multiframe else SecondaryCaptureImageStorage
    classes[label_document("overlay")] = pictures
    return {name: replace(sending, sop_class_uid=str(sop_class)) for name, sop_class in classes.items()}


def choose_accepted(sending: Sending, others: Mapping[str, Sending], accepted: Collection[str]) -> str | None:
    """Choose the best substitute that the peer accepts; None when it accepts the document itself, or nothing."""
    if sending.sop_class_uid in accepted:
        return None
    return next((name for name, other in others.items() if other.sop_class_uid in accepted), None)
