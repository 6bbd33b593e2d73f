"""Files on disk, grouped into series by their headers, and the description of a series in its result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dicom import elements
from scoring.images.acquisition import Acquisition
from scoring.images.geometry import Stack
from scoring.images.slices import Slice
from scoring.result import SeriesInfo

UNKNOWN: Final = SeriesInfo("", "", slices=0, rows=0, columns=0, spacing_mm=None)
"""A series about which nothing is known."""

_TAGS = (
    "SOPClassUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "SeriesDescription",
    "SeriesNumber",
    "Rows",
)


@dataclass(frozen=True, slots=True)
class SeriesFiles:
    """The image files of one series, sorted by path."""

    study_instance_uid: str
    series_instance_uid: str
    modality: str
    description: str
    number: int | None
    paths: tuple[Path, ...]


def group(paths: Iterable[Path]) -> list[SeriesFiles]:
    """The image series in files and folders, ordered by study, series number and Series Instance UID.

    Files that are not DICOM, and DICOM objects without an image (DICOMDIR, reports), are left out. Raises
    OSError when a path does not exist or a file cannot be read.
    """
    members: dict[tuple[str, str], list[Path]] = {}
    facts: dict[tuple[str, str], tuple[str, str, int | None]] = {}
    for path in elements.find(paths):
        dataset = elements.opened(path, tags=_TAGS)
        if dataset is None or "Rows" not in dataset:
            continue
        key = (elements.text(dataset, "StudyInstanceUID"), elements.text(dataset, "SeriesInstanceUID"))
        members.setdefault(key, []).append(path)
        stated = elements.number(dataset, "SeriesNumber")
        fact = (
            elements.text(dataset, "Modality"),
            elements.text(dataset, "SeriesDescription"),
            None if stated is None else int(stated),
        )
        # the smallest of the values in the files: independent of their order and names
        facts[key] = min(facts.get(key, fact), fact, key=lambda item: (item[0], item[1], str(item[2])))
    grouped = []
    for (study, series), paths_found in members.items():
        modality, description, number = facts[study, series]
        grouped.append(SeriesFiles(study, series, modality, description, number, tuple(paths_found)))
    return sorted(
        grouped,
        key=lambda item: (
            item.study_instance_uid,
            item.number if item.number is not None else 2**31,
            item.series_instance_uid,
        ),
    )


def describe(slices: Sequence[Slice], stack: Stack | None = None, facts: Acquisition | None = None) -> SeriesInfo:
    """Describe a series for its result, as far as it is known: from the slices alone, or with its stack and header."""
    first = min(slices, key=lambda item: (item.sop_instance_uid, item.frame or 0))
    spacing = None if stack is None else stack.spacing_mm
    frames = {item.plane.frame_of_reference_uid for item in slices}
    thickness = max((item.thickness_mm for item in slices if item.thickness_mm), default=None)
    return SeriesInfo(
        study_instance_uid=first.study_instance_uid,
        series_instance_uid=first.series_instance_uid,
        slices=len(slices),
        rows=first.plane.rows,
        columns=first.plane.columns,
        spacing_mm=spacing,
        slice_thickness_mm=thickness,
        kvp=first.kvp if facts is None else facts.kvp,
        exposure_mas=None if facts is None else facts.exposure_mas,
        kernel=(first.kernel or None) if facts is None else (facts.kernel or None),
        manufacturer=None if facts is None else (facts.manufacturer or None),
        model=None if facts is None else (facts.model or None),
        frame_of_reference_uid=(frames.pop() or None) if len(frames) == 1 else None,
        date=None if facts is None else facts.date,
        gated=facts is not None and facts.gated,
        field_of_view_mm=None if facts is None else facts.field_of_view_mm,
    )
