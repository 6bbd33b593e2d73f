"""Each slice as its header describes it: its position, and the conversion of its pixels to Hounsfield units.

A slice is a CT Image (PS3.3 A.3) or one frame of an Enhanced CT (A.38) or Legacy Converted Enhanced CT
(A.70) image, whose attributes are in the shared or the per-frame functional groups (C.7.6.16).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from dicom import elements

_CT = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)

_TAGS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "ImageType",
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "KVP",
    "ConvolutionKernel",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


@dataclass(frozen=True, slots=True)
class Plane:
    """An image plane in patient coordinates (PS3.3 C.7.6.2).

    `position` (x, y, z) in mm and `orientation` (direction along a row, then along a column) are None where the
    header has none; `pixel_spacing` is (between rows, between columns) in mm.
    """

    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    rows: int
    columns: int
    frame_of_reference_uid: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One image or one frame. `frame` counts from 1 and is None for a single-frame image.

    HU = stored value x `slope` + `intercept` (PS3.3 C.8.2.1.1.5; in functional groups C.7.6.16.2.9).
    """

    path: Path
    frame: int | None
    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    modality: str
    image_type: tuple[str, ...]
    plane: Plane
    slope: float
    intercept: float
    thickness_mm: float | None
    kvp: float | None
    kernel: str

    @property
    def is_ct_image(self) -> bool:
        """True if the object has one of the three CT image SOP classes, or at least claims to be CT."""
        return self.sop_class_uid in _CT or (not self.sop_class_uid and self.modality == "CT")

    @property
    def is_localizer(self) -> bool:
        """Image Type value 3 (PS3.3 C.8.2.1.1.1, C.8.15.3.1.1)."""
        return "LOCALIZER" in self.image_type[2:]


def read(path: Path) -> list[Slice]:
    """Read the slices of one file; none when it is not a DICOM file or holds no image."""
    dataset = elements.opened(path, tags=_TAGS)
    if dataset is None or "Rows" not in dataset or "Columns" not in dataset:
        return []
    frames = elements.value(dataset, "PerFrameFunctionalGroupsSequence")
    if not frames:
        return [_read_slice(path, dataset, (dataset,), None)]
    shared = elements.inner(dataset, "SharedFunctionalGroupsSequence") or Dataset()
    return [_read_slice(path, dataset, (group, shared), index) for index, group in enumerate(frames, start=1)]


def _read_slice(path: Path, dataset: Dataset, groups: tuple[Dataset, ...], frame: int | None) -> Slice:
    def within(*macros: str) -> Dataset:
        # a single-frame header is its own and only functional group
        if frame is None:
            return dataset
        macro_items = (elements.inner(group, *macros) for group in groups)
        return next((item for item in macro_items if item is not None), Dataset())

    measures = within("PixelMeasuresSequence")
    transformation = within("PixelValueTransformationSequence")
    slope = elements.number(transformation, "RescaleSlope")
    intercept = elements.number(transformation, "RescaleIntercept")
    kind = elements.texts(within("CTImageFrameTypeSequence"), "ImageType" if frame is None else "FrameType")
    plane = Plane(
        position=elements.numbers(within("PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=elements.numbers(within("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        pixel_spacing=elements.numbers(measures, "PixelSpacing", 2),
        rows=int(elements.number(dataset, "Rows") or 0),
        columns=int(elements.number(dataset, "Columns") or 0),
        frame_of_reference_uid=elements.text(dataset, "FrameOfReferenceUID"),
    )
    return Slice(
        path=path,
        frame=frame,
        sop_instance_uid=elements.text(dataset, "SOPInstanceUID"),
        sop_class_uid=elements.text(dataset, "SOPClassUID"),
        study_instance_uid=elements.text(dataset, "StudyInstanceUID"),
        series_instance_uid=elements.text(dataset, "SeriesInstanceUID"),
        modality=elements.text(dataset, "Modality"),
        image_type=kind or elements.texts(dataset, "ImageType"),
        plane=plane,
        # PS3.3 C.8.2.1: both are type 1 in CT; without them the stored values are taken as HU
        slope=slope or 1.0,
        intercept=intercept or 0.0,
        thickness_mm=elements.number(measures, "SliceThickness"),
        kvp=elements.number(within("CTXRayDetailsSequence"), "KVP"),
        kernel="\\".join(elements.texts(within("CTReconstructionSequence"), "ConvolutionKernel")),
    )
