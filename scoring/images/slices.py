"""Each slice as its header describes it: its position, and the conversion of its pixels to Hounsfield units.

A slice is a CT Image (PS3.3 A.3) or one frame of an Enhanced CT (A.38) or Legacy Converted Enhanced CT
(A.70) image, whose attributes are in the shared or the per-frame functional groups (C.7.6.16). What is wrong with
its own header is kept with it: it matters only if the slice is among those to be scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from config.errors import NotScorable
from dicom import elements
from scoring.images.header import frames, meaning, rescale
from scoring.images.header.meaning import Meaning
from scoring.images.header.rescale import Rescale

_CT = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)

_TAGS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "PatientID",
    "AcquisitionNumber",
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
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    *meaning.TAGS,
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

    `conversion` is that of its stored values to HU, or the reason why there is none.
    `meaning` is what the header says about its pixels.
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
    conversion: Rescale | NotScorable
    thickness_mm: float | None
    kvp: float | None
    kernel: str
    acquisition_number: int | None
    meaning: Meaning
    patient_id: str = ""

    @property
    def rescale(self) -> Rescale:
        """From stored values to HU.

        Raises NotScorable (`no_hounsfield_units`, `frames_disagree`) when that is not known.
        """
        if isinstance(self.conversion, NotScorable):
            raise self.conversion
        return self.conversion

    @property
    def is_ct_image(self) -> bool:
        """True if the object has one of the three CT image SOP classes, or at least claims to be CT."""
        return self.sop_class_uid in _CT or (not self.sop_class_uid and self.modality == "CT")


def read(path: Path) -> list[Slice]:
    """Read the slices of one file; none when it is not a DICOM file or holds no image."""
    dataset = elements.opened(path, tags=_TAGS)
    if dataset is None or "Rows" not in dataset or "Columns" not in dataset:
        return []
    groups = elements.value(dataset, "PerFrameFunctionalGroupsSequence") or ()
    contradiction = frames.find_contradiction(path, dataset, len(groups))
    if not groups:
        return [_read_slice(path, dataset, (), None, contradiction)]
    shared = elements.inner(dataset, "SharedFunctionalGroupsSequence") or Dataset()
    return [
        _read_slice(path, dataset, (group, shared), index, contradiction) for index, group in enumerate(groups, start=1)
    ]


def check_frames(slices: Sequence[Slice]) -> None:
    """Refuse (`frames_disagree`) multi-frame images of which nobody knows what each frame shows."""
    for item in slices:
        if isinstance(item.conversion, NotScorable) and item.conversion.code == "frames_disagree":
            raise item.conversion


def check_conversion(slices: Sequence[Slice]) -> None:
    """Refuse (`no_hounsfield_units`) slices whose stored values cannot be converted to HU; the first is named."""
    for item in slices:
        _ = item.rescale


def _read_slice(
    path: Path, dataset: Dataset, groups: tuple[Dataset, ...], frame: int | None, contradiction: NotScorable | None
) -> Slice:
    def within(*macros: str) -> Dataset:
        # a single-frame header is its own and only functional group
        if frame is None:
            return dataset
        macro_items = (elements.inner(group, *macros) for group in groups)
        return next((item for item in macro_items if item is not None), Dataset())

    measures = within("PixelMeasuresSequence")
    kind = elements.texts(within("CTImageFrameTypeSequence"), "ImageType" if frame is None else "FrameType")
    image_type = kind or elements.texts(dataset, "ImageType")
    acquisition_number = elements.number(dataset, "AcquisitionNumber")
    thickness_mm = elements.number(measures, "SliceThickness")
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
        modality=elements.text(dataset, "Modality").upper(),
        image_type=image_type,
        plane=plane,
        conversion=contradiction or _read_conversion(path, dataset, groups, frame),
        # seen in the field: 0, and a minus sign
        thickness_mm=thickness_mm if thickness_mm and thickness_mm > 0 else None,
        kvp=elements.number(within("CTXRayDetailsSequence"), "KVP"),
        kernel="\\".join(elements.texts(within("CTReconstructionSequence"), "ConvolutionKernel")),
        acquisition_number=None if acquisition_number is None else int(acquisition_number),
        meaning=meaning.read_meaning(dataset, image_type, within),
        patient_id=elements.text(dataset, "PatientID"),
    )


def _read_conversion(
    path: Path, dataset: Dataset, groups: tuple[Dataset, ...], frame: int | None
) -> Rescale | NotScorable:
    name = elements.text(dataset, "SOPInstanceUID") or path.name
    try:
        return rescale.read_rescale(dataset, groups, name if frame is None else f"{name}, frame {frame}")
    except NotScorable as verdict:
        return verdict
