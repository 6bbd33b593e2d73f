"""The score that a structured report holds, ours or another maker's.

What is looked for is the Agatston score of all coronary arteries by its code: in TID 1500 a measurement of the coronary
artery, in TID 3900 one of TID 3905 (PS3.16). How the scan was made is told by our own reports alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements
from dicom.coding import Code
from dicom.dates import parse_date
from scoring.report.common.identifiers import SR_SOP_CLASSES
from scoring.report.sr import codes
from scoring.risk.change import Earlier

REPORT_CLASSES: Final = tuple(SR_SOP_CLASSES.values())
"""SOP classes that are read."""

_DEEPEST: Final = 24
_MOST_ITEMS: Final = 20_000
_HIGHEST: Final = 1e6
_WHOLE_TREE: Final = (codes.CORONARY_ARTERY, Code("80891009", "SCT", "Heart"))
# codes of SNOMED RT (scheme SRT), retired but in use, and what became of them (PS3.16 8.1.1)
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
_RETIRED_SCORE: Final = Code("112058", "DCM", "Calcium score")
_ALGORITHM_NAME: Final = Code("111001", "DCM", "Algorithm Name")
_ALGORITHM_VERSION: Final = Code("111003", "DCM", "Algorithm Version")
_ALGORITHM_PARAMETERS: Final = Code("111002", "DCM", "Algorithm Parameters")
_CUBIC_MILLIMETRES: Final = {"mm3": 1.0, "cm3": 1000.0, "ml": 1000.0, "mL": 1000.0}
_MILLIGRAMS: Final = {"mg": 1.0, "g": 1000.0}
_NOT_GATED: Final = "[gating_unknown]"
# a line of our own making, see text.technique
_KVP: Final = re.compile(r"(?:^|, )([\d.]+) kVp(?:,|$)")
_KERNEL: Final = re.compile(r"(?:^|, )kernel (.+?), \d+ slices")
_THICKNESS: Final = re.compile(r", thickness ([\d.]+) mm")
_SPACING: Final = re.compile(r", spacing ([\d.]+) mm")
_SCANNER: Final = re.compile(
    r"^(?!(?:[\d.]+ (?:kVp|mAs)|\d+ slices)(?:,|$)|kernel )(.+?), (?:[\d.]+ (?:kVp|mAs)|kernel |\d+ slices)"
)


@dataclass(frozen=True, slots=True)
class _Item:
    """A content item with its name, and the finding sites of it or of the nearest container that has any."""

    name: Code
    dataset: Dataset
    sites: tuple[Code, ...]
    children: tuple[tuple[Code, Dataset], ...]

    def coded(self, name: Code) -> list[Code]:
        """Values of its children of type CODE with that name."""
        return _coded(self.children, name)


def read(dataset: Dataset, origin: str) -> Earlier | None:
    """The earlier score that a report of one study holds; None when it names no date or no clear total.

    `origin` is kept with it. Nothing is raised for a report that breaks the rules: what cannot be read is not there.
    """
    scanned = parse_date(elements.text(dataset, "StudyDate"))
    items = list(_items(dataset))
    agatston = _total([(item, value) for item in items if (value := _agatston(item)) is not None])
    if scanned is None or agatston is None:
        return None
    lines = _texts(items, codes.TECHNIQUE_NAME)
    technique = lines[0] if lines else ""
    return Earlier(
        date=scanned.isoformat(),
        agatston=agatston,
        volume_mm3=_quantity(items, codes.VOLUME, _CUBIC_MILLIMETRES),
        mass_mg=_quantity(items, codes.MASS, _MILLIGRAMS),
        origin=origin,
        study_instance_uid=elements.text(dataset, "StudyInstanceUID"),
        sop_instance_uid=elements.text(dataset, "SOPInstanceUID"),
        slice_thickness_mm=_number(_THICKNESS, technique),
        spacing_mm=_number(_SPACING, technique),
        kvp=_number(_KVP, technique),
        kernel=_word(_KERNEL, technique),
        scanner=_word(_SCANNER, technique),
        software=_software(dataset, items),
        convention=_convention(items),
        gated=_gated(items) if technique else None,
    )


def replaced(dataset: Dataset) -> frozenset[str]:
    """SOP Instance UIDs of the documents that a report names as its predecessors (PS3.3 C.17.2)."""
    found: set[str] = set()
    for study in _sequence(dataset, "PredecessorDocumentsSequence"):
        for series in _sequence(study, "ReferencedSeriesSequence"):
            for instance in _sequence(series, "ReferencedSOPSequence"):
                found.add(elements.text(instance, "ReferencedSOPInstanceUID"))
    return frozenset(found - {""})


def _items(root: Dataset) -> Iterator[_Item]:
    """Every content item, in the order of the document, as far as its size is sane."""
    waiting: list[tuple[Dataset, tuple[Code, ...], int]] = [(root, (), 0)]
    for _ in range(_MOST_ITEMS):
        if not waiting:
            return
        dataset, inherited, depth = waiting.pop()
        children = tuple(
            (name, child)
            for child in _sequence(dataset, "ContentSequence")
            if (name := _code(child, "ConceptNameCodeSequence")) is not None or "ContentSequence" in child
        )
        named = [(name, child) for name, child in children if name is not None]
        sites = tuple(_coded(named, codes.FINDING_SITE)) or inherited
        name = _code(dataset, "ConceptNameCodeSequence")
        if name is not None:
            yield _Item(name, dataset, sites, tuple(named))
        if depth < _DEEPEST:
            waiting += [(child, sites, depth + 1) for _, child in reversed(children)]


def _sequence(dataset: Dataset, keyword: str) -> list[Dataset]:
    found = elements.value(dataset, keyword)
    if not isinstance(found, Sequence) or isinstance(found, str | bytes):
        return []
    return [item for item in found if isinstance(item, Dataset)]


def _code(dataset: Dataset, keyword: str) -> Code | None:
    item = next(iter(_sequence(dataset, keyword)), None)
    if item is None:
        return None
    value = elements.text(item, "CodeValue") or elements.text(item, "LongCodeValue")
    scheme = elements.text(item, "CodingSchemeDesignator")
    if scheme == "SRT" and value in _SNOMED_RT:
        value, scheme = _SNOMED_RT[value], "SCT"
    return Code(value, scheme, elements.text(item, "CodeMeaning")) if value and scheme else None


def _coded(children: Sequence[tuple[Code, Dataset]], name: Code) -> list[Code]:
    values = (_code(child, "ConceptCodeSequence") for found, child in children if found == name)
    return [value for value in values if value is not None]


def _agatston(item: _Item) -> float | None:
    """The item's value if it is an Agatston score: by its name, or by the method where the name is the retired one."""
    methods = item.coded(codes.MEASUREMENT_METHOD)
    by_method = bool(methods) and all(method == codes.AGATSTON_METHOD for method in methods)
    if (item.name == codes.AGATSTON and (by_method or not methods)) or (item.name == _RETIRED_SCORE and by_method):
        return _measured(item)[0]
    return None


def _quantity(items: Sequence[_Item], name: Code, units: dict[str, float]) -> float | None:
    """A total in the unit that has the factor 1; what has another unit than those is left out."""
    found = []
    for item in items:
        value, unit = _measured(item) if item.name == name else (None, "")
        if value is not None and unit in units:
            found.append((item, value * units[unit]))
    return _total(found)


def _total(found: Sequence[tuple[_Item, float]]) -> float | None:
    """The one value of the whole tree: one that is called a total, else the only one of no single artery."""
    whole = [(item, value) for item, value in found if all(site in _WHOLE_TREE for site in item.sites)]
    called = [value for item, value in whole if codes.TOTAL in item.coded(codes.DERIVATION)]
    values = set(called or [value for _, value in whole])
    return values.pop() if len(values) == 1 else None


def _measured(item: _Item) -> tuple[float | None, str]:
    """Value and unit of a number, None where it is none that a calcium score can be."""
    measured = next(iter(_sequence(item.dataset, "MeasuredValueSequence")), None)
    if measured is None:
        return None, ""
    exact = elements.number(measured, "FloatingPointValue")
    value = elements.number(measured, "NumericValue") if exact is None else exact
    unit = _code(measured, "MeasurementUnitsCodeSequence")
    sane = value is not None and 0 <= value <= _HIGHEST
    return value if sane else None, "" if unit is None else unit.value


def _texts(items: Sequence[_Item], name: Code) -> list[str]:
    return [elements.text(item.dataset, "TextValue") for item in items if item.name == name]


def _software(dataset: Dataset, items: Sequence[_Item]) -> str | None:
    """Name and version of the algorithm, else of the device that made the report."""
    for parts in (
        [*_texts(items, _ALGORITHM_NAME)[:1], *_texts(items, _ALGORITHM_VERSION)[:1]],
        [elements.text(dataset, name) for name in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")],
    ):
        words = " ".join(part for part in parts if part)
        if words:
            return words
    return None


def _convention(items: Sequence[_Item]) -> str | None:
    named = (line.removeprefix("Convention: ") for line in _texts(items, _ALGORITHM_PARAMETERS) if "Conv" in line)
    return next(named, None)


def _gated(items: Sequence[_Item]) -> bool:
    return not any(_NOT_GATED in line for line in _texts(items, codes.FLAG_NAME))


def _word(pattern: re.Pattern[str], line: str) -> str | None:
    found = pattern.search(line)
    return None if found is None else found[1]


def _number(pattern: re.Pattern[str], line: str) -> float | None:
    found = pattern.search(line)
    try:
        return None if found is None else float(found[1])
    except ValueError:
        return None
