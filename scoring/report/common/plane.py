"""Position of an image in the patient, from which the labels of a picture's edges and its scale follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from dicom.elements import numbers, text
from scoring.result import ImageRef


@dataclass(frozen=True, slots=True)
class Plane:
    """Pixel spacing (row step, column step) in mm, direction cosines, position (x, y, z) in mm, each if known."""

    spacing_mm: tuple[float, float] | None
    orientation: tuple[float, ...] | None
    position_mm: tuple[float, ...] | None
    instance_number: str

    def edges(self) -> tuple[str, str, str, str]:
        """Letters at left, right, top and bottom of the stored image (PS3.3 C.7.6.1.1.1); empty when unknown."""
        if self.orientation is None:
            return "", "", "", ""
        row, column = self.orientation[:3], self.orientation[3:]
        return _letter(row, -1), _letter(row, 1), _letter(column, -1), _letter(column, 1)


def read_plane(sources: Sequence[Dataset], image: ImageRef) -> Plane:
    """Geometry of one image from its own header, else spacing and orientation from the first one of the series."""
    own = next((one for one in sources if text(one, "SOPInstanceUID") == image.sop_instance_uid), None)
    header = sources[0] if own is None else own
    groups = [header]
    for keyword, index in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", image.frame)):
        items = header.get(keyword) or []
        number = 0 if index == 0 else (image.frame or 0) - 1
        if 0 <= number < len(items):
            groups.append(items[number])
    orientation = _read_numbers(groups, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = _read_numbers(groups, "PixelMeasuresSequence", "PixelSpacing", 2)
    position = _read_numbers(groups, "PlanePositionSequence", "ImagePositionPatient", 3)
    return Plane(
        spacing_mm=(spacing[0], spacing[1]) if spacing is not None and min(spacing) > 0 else None,
        orientation=orientation,
        position_mm=None if own is None else position,
        instance_number="" if own is None else text(own, "InstanceNumber"),
    )


def _read_numbers(groups: Sequence[Dataset], macro: str, keyword: str, count: int) -> tuple[float, ...] | None:
    for group in groups:
        for item in (group, *(group.get(macro) or [])):
            values = numbers(item, keyword, count)
            if values is not None:
                return values
    return None


def _letter(direction: Sequence[float], sign: int) -> str:
    axis = max(range(3), key=lambda one: abs(direction[one]))
    positive = direction[axis] * sign > 0
    return ("RL", "AP", "FH")[axis][positive]
