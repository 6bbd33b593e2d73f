"""The score in a structured report, ours or another manufacturer's.

The Agatston score of all coronary arteries is found by its code: in TID 1500 a measurement of the coronary artery, in
TID 3900 one of TID 3905 (PS3.16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements
from dicom.coding import Code
from dicom.dates import parse_date
from scoring.candidates.conventions import volume_definition
from scoring.report.common.identifiers import SR_SOP_CLASSES
from scoring.report.sr import codes, reports_of_0_1
from scoring.report.sr.technique import Technique, read_technique
from scoring.report.sr.tree import Item, read_code, read_number, read_sequence, read_texts, walk
from scoring.result import Earlier

REPORT_CLASSES: Final = tuple(SR_SOP_CLASSES.values())
"""SOP classes that are read."""

_WHOLE_TREE: Final = (codes.CORONARY_ARTERY, Code("80891009", "SCT", "Heart"))
_RETIRED_SCORE: Final = Code("112058", "DCM", "Calcium score")
_ALGORITHM_NAME: Final = Code("111001", "DCM", "Algorithm Name")
_ALGORITHM_VERSION: Final = Code("111003", "DCM", "Algorithm Version")
_CUBIC_MILLIMETRES: Final = {"mm3": 1.0, "cm3": 1000.0, "ml": 1000.0, "mL": 1000.0}
_MILLIGRAMS: Final = {"mg": 1.0, "g": 1000.0}


def read(dataset: Dataset, origin: str) -> Earlier | None:
    """The earlier score that a report of one study holds; None when it names no date or no clear total.

    `origin` is kept with it. An invalid report raises nothing: what cannot be read counts as absent.
    """
    scanned = parse_date(elements.text(dataset, "StudyDate"))
    items = list(walk(dataset))
    agatston = _total([(item, value) for item in items if (value := _agatston(item)) is not None])
    if scanned is None or agatston is None:
        return None
    technique = read_technique(items) or reports_of_0_1.read_technique(items) or Technique()
    convention = _convention(items) or reports_of_0_1.read_convention(items)
    return Earlier(
        date=scanned.isoformat(),
        agatston=agatston,
        volume_mm3=_quantity(items, codes.VOLUME, _CUBIC_MILLIMETRES),
        mass_mg=_quantity(items, codes.MASS, _MILLIGRAMS),
        origin=origin,
        study_instance_uid=elements.text(dataset, "StudyInstanceUID"),
        sop_instance_uid=elements.text(dataset, "SOPInstanceUID"),
        slice_thickness_mm=technique.slice_thickness_mm,
        spacing_mm=technique.spacing_mm,
        kvp=technique.kvp,
        kernel=technique.kernel,
        scanner=technique.scanner,
        software=_software(dataset, items),
        convention=convention,
        gated=technique.gated,
        volume_definition=None if convention is None else volume_definition(convention),
    )


def replaced(dataset: Dataset) -> frozenset[str]:
    """SOP Instance UIDs of the documents that a report names as its predecessors (PS3.3 C.17.2)."""
    uids = {
        elements.text(instance, "ReferencedSOPInstanceUID")
        for study in read_sequence(dataset, "PredecessorDocumentsSequence")
        for series in read_sequence(study, "ReferencedSeriesSequence")
        for instance in read_sequence(series, "ReferencedSOPSequence")
    }
    return frozenset(uids - {""})


def _agatston(item: Item) -> float | None:
    """The item's value if it is an Agatston score: by its name, or by the method where the name is the retired one."""
    methods = item.coded(codes.MEASUREMENT_METHOD)
    by_method = bool(methods) and all(method == codes.AGATSTON_METHOD for method in methods)
    if (item.name == codes.AGATSTON and (by_method or not methods)) or (item.name == _RETIRED_SCORE and by_method):
        return read_number(item.dataset)[0]
    return None


def _quantity(items: Sequence[Item], name: Code, units: dict[str, float]) -> float | None:
    """A total in the unit that has the factor 1; values in unlisted units are left out."""
    measured = [(item, *read_number(item.dataset)) for item in items if item.name == name]
    return _total(
        [(item, value * units[unit]) for item, value, unit in measured if value is not None and unit in units]
    )


def _total(measured: Sequence[tuple[Item, float]]) -> float | None:
    """The one value of the whole tree: one that is called a total, else the only one of no single artery."""
    whole = [(item, value) for item, value in measured if all(site in _WHOLE_TREE for site in item.sites)]
    called = [value for item, value in whole if codes.TOTAL in item.coded(codes.DERIVATION)]
    values = set(called or [value for _, value in whole])
    return values.pop() if len(values) == 1 else None


def _software(dataset: Dataset, items: Sequence[Item]) -> str | None:
    """Name and version of the algorithm, else of the device that made the report."""
    for parts in (
        [*read_texts(items, _ALGORITHM_NAME)[:1], *read_texts(items, _ALGORITHM_VERSION)[:1]],
        [elements.text(dataset, name) for name in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")],
    ):
        words = " ".join(part for part in parts if part)
        if words:
            return words
    return None


def _convention(items: Sequence[Item]) -> str | None:
    stated = (read_code(item.dataset, "ConceptCodeSequence") for item in items if item.name == codes.CONVENTION_NAME)
    return next((code.value for code in stated if code is not None), None)
