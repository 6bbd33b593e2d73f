"""The content tree of a report as it is stored (PS3.3 C.17.3), read without assuming that it is valid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements
from dicom.coding import Code
from scoring.report.sr import codes

_DEEPEST: Final = 24
_MOST_ITEMS: Final = 20_000
_HIGHEST: Final = 1e6
# codes of SNOMED RT (scheme SRT), retired but in use, and their successors in SNOMED CT (PS3.16 8.1.1)
_SNOMED_RT: Final = {
    "T-32000": "80891009",
    "T-43000": "41801008",
    "T-43107": "3227004",
    "T-43110": "59438005",
    "T-43120": "57396003",
    "T-43200": "13647002",
    "G-C0E3": "363698007",
    "G-C036": "370129005",
    "R-40507": "255619001",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A content item with its name, and the finding sites of it or of the nearest container that has any."""

    name: Code
    dataset: Dataset
    sites: tuple[Code, ...]
    children: tuple[tuple[Code, Dataset], ...]

    def coded(self, name: Code) -> list[Code]:
        """Values of its children of type CODE with that name."""
        return _coded(self.children, name)

    def child(self, name: Code) -> Dataset | None:
        """The first child with that name."""
        return next((child for child_name, child in self.children if child_name == name), None)


def walk(root: Dataset) -> Iterator[Item]:
    """Every content item, in the order of the document, as far as its size is sane."""
    waiting: list[tuple[Dataset, tuple[Code, ...], int]] = [(root, (), 0)]
    for _ in range(_MOST_ITEMS):
        if not waiting:
            return
        dataset, inherited, depth = waiting.pop()
        children = tuple(
            (name, child)
            for child in read_sequence(dataset, "ContentSequence")
            if (name := read_code(child, "ConceptNameCodeSequence")) is not None or "ContentSequence" in child
        )
        named = [(name, child) for name, child in children if name is not None]
        sites = tuple(_coded(named, codes.FINDING_SITE)) or inherited
        name = read_code(dataset, "ConceptNameCodeSequence")
        if name is not None:
            yield Item(name, dataset, sites, tuple(named))
        if depth < _DEEPEST:
            waiting += [(child, sites, depth + 1) for _, child in reversed(children)]


def read_sequence(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Items of a sequence; none where there is no sequence."""
    value = elements.value(dataset, keyword)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    return [item for item in value if isinstance(item, Dataset)]


def read_code(dataset: Dataset, keyword: str) -> Code | None:
    """The first code of a code sequence (PS3.3 8.8), one of SNOMED RT as that of SNOMED CT; None without a code."""
    item = next(iter(read_sequence(dataset, keyword)), None)
    if item is None:
        return None
    value = elements.text(item, "CodeValue") or elements.text(item, "LongCodeValue")
    scheme = elements.text(item, "CodingSchemeDesignator")
    if scheme == "SRT" and value in _SNOMED_RT:
        value, scheme = _SNOMED_RT[value], "SCT"
    return Code(value, scheme, elements.text(item, "CodeMeaning")) if value and scheme else None


def read_number(dataset: Dataset) -> tuple[float | None, str]:
    """Value and unit (UCUM) of a NUM; None for one that neither a calcium score nor a scan can have."""
    measured = next(iter(read_sequence(dataset, "MeasuredValueSequence")), None)
    if measured is None:
        return None, ""
    exact = elements.number(measured, "FloatingPointValue")
    value = elements.number(measured, "NumericValue") if exact is None else exact
    unit = read_code(measured, "MeasurementUnitsCodeSequence")
    sane = value is not None and 0 <= value <= _HIGHEST
    return value if sane else None, "" if unit is None else unit.value


def read_texts(items: Sequence[Item], name: Code) -> list[str]:
    """Values of every TEXT with that name."""
    return [elements.text(item.dataset, "TextValue") for item in items if item.name == name]


def _coded(children: Sequence[tuple[Code, Dataset]], name: Code) -> list[Code]:
    values = (read_code(child, "ConceptCodeSequence") for child_name, child in children if child_name == name)
    return [value for value in values if value is not None]
