"""The answers to extended negotiation, from the values that the services answer with."""

from __future__ import annotations

from typing import Final

from scp.conformance.table import format_table
from scp.services import query, storage_contexts
from scp.services.retrieve import contexts as retrieval

_QUERY: Final = (
    "relational queries",
    "combined date-time matching",
    "fuzzy semantic matching of person names",
    "timezone query adjustment",
    "enhanced multi-frame image conversion",
    "empty value matching",
    "multiple value matching",
)
"""PS3.4 table C.5-2."""
_RETRIEVE: Final = ("relational retrieval", "enhanced multi-frame image conversion")
"""PS3.4 tables C.5-3 and C.5-4."""
_STORAGE: Final = (
    "level of support",
    "reserved",
    "level of digital signature support",
    "reserved",
    "element coercion",
    "reserved",
)
"""PS3.4 table B.3-2."""


def format_options() -> str:
    """Format each sub-field of each service with our answer; those that are reserved are left out."""
    answers = (
        ("Query/Retrieve - FIND", _QUERY, query.OPTIONS.supported),
        ("Query/Retrieve - MOVE and GET", _RETRIEVE, retrieval.OPTIONS.supported),
        ("Storage", _STORAGE, storage_contexts.CAPABILITIES.information),
    )
    rows = [
        (classes, f"{number} {name}", str(answer))
        for classes, names, values in answers
        for number, (name, answer) in enumerate(zip(names, values, strict=True), start=1)
        if name != "reserved"
    ]
    return format_table(("SOP classes", "Sub-field", "Answer"), rows)
