"""The content trees of the structured reports, read from a report of a result that holds everything."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from config.results import SrTemplate
from scp.conformance.sample import build_sample
from scp.conformance.table import format_table

_Place = tuple[str, ...]


def format_content(template: SrTemplate) -> str:
    """Format a tree: what repeats (a group for each artery, each lesion) stands once, with all of its values."""
    items: dict[_Place, tuple[Dataset, int, dict[str, None]]] = {}
    for place, item, depth in _walk(build_sample(template), (), 0):
        _, _, values = items.setdefault(place, (item, depth, {}))
        values.update(dict.fromkeys(_tell_values(item)))
    rows = [
        (
            ">" * depth + _name(item),
            str(item.get("RelationshipType", "")),
            str(item.ValueType),
            ", ".join(values),
        )
        for item, depth, values in items.values()
    ]
    return format_table(("Concept name", "Relationship", "Value type", "Unit or codes"), rows)


def _walk(item: Dataset, above: _Place, depth: int) -> Iterator[tuple[_Place, Dataset, int]]:
    place = (*above, f"{item.get('RelationshipType', '')} {item.ValueType} {_name(item)}")
    yield place, item, depth
    for child in item.get("ContentSequence", ()):
        yield from _walk(child, place, depth + 1)


def _name(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return _format_code(names[0]) if names else "(no name)"


def _tell_values(item: Dataset) -> Iterator[str]:
    """Tell the unit of a number and the code of a code; of anything else the value differs from report to report."""
    if item.ValueType == "NUM":
        yield str(item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue)
    elif item.ValueType == "CODE":
        yield _format_code(item.ConceptCodeSequence[0])


def _format_code(item: Dataset) -> str:
    value = item.get("CodeValue") or item.get("LongCodeValue")
    return f"{item.CodeMeaning} ({value}, {item.CodingSchemeDesignator})"
