"""The keys of a query, from the tables of the index."""

from __future__ import annotations

from typing import Final

from pydicom.datadict import tag_for_keyword

from scp.conformance.table import code, format_table
from storage.objects.attributes import ATTRIBUTES, LEVELS
from storage.query.computed import COMPUTED_LEVELS

UNIQUE: Final = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
"""The unique keys of the levels (PS3.4 C.6.1.1, C.6.2.1)."""

_MATCHED: Final = frozenset({"ModalitiesInStudy", "SOPClassesInStudy"})
_REMARKS: Final = {
    "RetrieveAETitle": "the node's AE title; in every response, asked for or not",
    "InstanceAvailability": "`ONLINE`, or `OFFLINE` while the folder of objects is not there; in every response",
}


def format_keys() -> str:
    """Format every key that is supported, by level, with what is particular about it."""
    levels = {attribute.keyword: attribute.level for attribute in ATTRIBUTES.values()} | COMPUTED_LEVELS
    order = sorted(levels, key=lambda keyword: LEVELS.index(levels[keyword]))
    rows = [(levels[keyword], code(keyword), _format_tag(keyword), _remark(keyword)) for keyword in order]
    return format_table(("Level", "Key", "Tag", "Remark"), rows)


def _format_tag(keyword: str) -> str:
    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _remark(keyword: str) -> str:
    if keyword in UNIQUE:
        return "unique key"
    if keyword in _MATCHED:
        return "matched and answered"
    return _REMARKS.get(keyword, "answered, not matched" if keyword in COMPUTED_LEVELS else "")
