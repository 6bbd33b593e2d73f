"""Files on disk, grouped into series by what their headers say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scoring import elements

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
    FileNotFoundError when a path does not exist.
    """
    members: dict[tuple[str, str], list[Path]] = {}
    facts: dict[tuple[str, str], tuple[str, str, int | None]] = {}
    with elements.tolerance():
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
            # the least of what the files say: the same for every order and naming of the files
            facts[key] = min(facts.get(key, fact), fact, key=lambda item: (item[0], item[1], str(item[2])))
    found = []
    for (study, series), paths_found in members.items():
        modality, description, number = facts[study, series]
        found.append(SeriesFiles(study, series, modality, description, number, tuple(paths_found)))
    return sorted(
        found,
        key=lambda item: (
            item.study_instance_uid,
            item.number if item.number is not None else 2**31,
            item.series_instance_uid,
        ),
    )
