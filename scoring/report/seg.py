"""The counted lesions as a Segmentation: one binary segment an artery (PS3.3 A.51, C.8.20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import SegmentationStorage

from dicom.coding import code_item
from dicom.elements import text
from dicom.uids import derived_uid
from scoring.report.common.colours import artery_colour
from scoring.report.common.document import Origin, find_origin, put_uid, reference, start
from scoring.report.common.identifiers import DEVICE_UID, seg_instance_uid, seg_series_uid
from scoring.report.common.plane import Plane, read_plane
from scoring.report.common.request import ReportRequest
from scoring.report.common.signature import person_name
from scoring.report.common.source import copy_elements
from scoring.report.common.words import ARTERY_NAMES, NO_ARTERY
from scoring.report.sr import codes
from scoring.result import ARTERIES, Artery, ImageRef, Lesion, Provenance, Score

SERIES_OFFSET: Final = 2
"""Above the number of the report's series."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment with the lesions that it holds."""

    artery: Artery | None
    lesions: tuple[Lesion, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """One plane of one segment (both from 0) and its pixels, packed."""

    segment: int
    plane: int
    pixels: NDArray[np.uint8]


def build(score: Score, sources: Sequence[Dataset], request: ReportRequest) -> Dataset | None:
    """Segmentation of the counted pixels, in the grid of the source as it is stored; None when nothing counted.

    `sources` are headers of the images with lesions. Frames stand for planes with voxels of their segment alone and
    are made from the runs of the lesions, one at a time.

    Raises ValueError when no source is given, or when one does not say where it lies in the patient.
    """
    segments = _segments(score)
    if not segments:
        return None
    if not sources:
        raise ValueError("a segmentation needs the headers of the images with lesions")
    images = {image.slice: image for lesion in score.lesions for image in lesion.images}
    shown = [images[index] for index in sorted(images)]
    planes = [_locate(read_plane(sources, image), image) for image in shown]
    frames = _frames(score, segments, [image.slice for image in shown])
    origin = find_origin(score, sources[0])
    document = _start(score, sources[0], origin, request)
    document.DimensionOrganizationSequence, document.DimensionIndexSequence = _dimensions(origin)
    document.SegmentSequence = [_segment(number, segment, score, origin) for number, segment in enumerate(segments, 1)]
    document.SharedFunctionalGroupsSequence = [_shared(planes[0], score)]
    document.PerFrameFunctionalGroupsSequence = [
        _frame(frame, shown[frame.plane], planes[frame.plane], origin) for frame in frames
    ]
    document.ReferencedSeriesSequence = [_referenced(shown, origin)]
    document.NumberOfFrames = len(frames)
    bits = np.packbits(np.concatenate([frame.pixels for frame in frames]), bitorder="little").tobytes()
    document.add_new(Tag("PixelData"), "OB", bits + b"\0" * (len(bits) % 2))
    return document


def _segments(score: Score) -> list[_Segment]:
    named: tuple[Artery | None, ...] = (*ARTERIES, None)
    segments = [
        _Segment(artery, tuple(lesion for lesion in score.lesions if lesion.artery == artery and lesion.runs))
        for artery in named
    ]
    return [segment for segment in segments if segment.lesions]


def _frames(score: Score, segments: Sequence[_Segment], slices: Sequence[int]) -> list[_Frame]:
    frames = []
    for number, segment in enumerate(segments):
        runs = [run for lesion in segment.lesions for run in lesion.runs]
        for place, index in enumerate(slices):
            here = [run[1:] for run in runs if run[0] == index]
            if here:
                pixels = np.zeros((score.series.rows, score.series.columns), dtype=np.uint8)
                for row, column, length in here:
                    pixels[row, column : column + length] = 1
                frames.append(_Frame(number, place, pixels.ravel()))
    return frames


def _locate(plane: Plane, image: ImageRef) -> Plane:
    if plane.spacing_mm is None or plane.orientation is None or plane.position_mm is None:
        raise ValueError(f"image {image.slice + 1} does not say where it lies in the patient: no segmentation")
    return plane


def _start(score: Score, source: Dataset, origin: Origin, request: ReportRequest) -> Dataset:
    document = start(
        sop_class_uid=SegmentationStorage,
        sop_instance_uid=seg_instance_uid(origin.series_instance_uid, request.version),
        source=source,
        origin=origin,
        request=request,
        made_by=score.provenance,
    )
    document.Modality = "SEG"
    document.SeriesInstanceUID = seg_series_uid(origin.series_instance_uid, request.version)
    document.SeriesNumber = request.series_number + SERIES_OFFSET
    document.BodyPartExamined = "HEART"
    document.InstanceNumber = 1
    document.DeviceSerialNumber = request.device_uid or DEVICE_UID
    frame = text(source, "FrameOfReferenceUID") or score.series.frame_of_reference_uid
    put_uid(document, "FrameOfReferenceUID", frame or derived_uid(origin.series_instance_uid, "frame of reference"))
    document.PositionReferenceIndicator = ""
    document.ImageType = ["DERIVED", "PRIMARY"]
    document.ContentLabel = "CALCIUM"
    document.ContentDescription = "Coronary calcium that was counted"
    document.ContentCreatorName = "" if score.review is None else person_name(score.review)
    document.SegmentationType = "BINARY"
    document.SegmentsOverlap = "UNDEFINED" if _is_by_mask(score) else "NO"
    document.LossyImageCompression = "01" if text(source, "LossyImageCompression") == "01" else "00"
    if document.LossyImageCompression == "01":
        document.update(copy_elements(source, ("LossyImageCompressionRatio", "LossyImageCompressionMethod")))
    document.Rows, document.Columns = score.series.rows, score.series.columns
    document.SamplesPerPixel = 1
    document.PhotometricInterpretation = "MONOCHROME2"
    document.BitsAllocated = document.BitsStored = 1
    document.HighBit = document.PixelRepresentation = 0
    return document


def _segment(number: int, segment: _Segment, score: Score, origin: Origin) -> Dataset:
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = segment.artery or NO_ARTERY
    name = NO_ARTERY if segment.artery is None else ARTERY_NAMES[segment.artery]
    item.SegmentDescription = f"Calcium, {name}: lesions {', '.join(str(lesion.id) for lesion in segment.lesions)}"[:64]
    by_person = score.review is not None or _is_by_mask(score)
    item.SegmentAlgorithmType = "SEMIAUTOMATIC" if by_person else "AUTOMATIC"
    item.SegmentAlgorithmName = _name_algorithm(score.provenance)
    item.SegmentationAlgorithmIdentificationSequence = [_algorithm(score.provenance)]
    item.SegmentedPropertyCategoryCodeSequence = [code_item(codes.ABNORMAL_STRUCTURE)]
    item.SegmentedPropertyTypeCodeSequence = [code_item(codes.CALCIFICATION)]
    site = codes.CORONARY_ARTERY if segment.artery is None else codes.ARTERY[segment.artery]
    item.AnatomicRegionSequence = [code_item(site)]
    item.TrackingID = f"Calcium, {segment.artery or NO_ARTERY}"
    item.TrackingUID = derived_uid(origin.series_instance_uid, "segment", segment.artery or "")
    item.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*artery_colour(segment.artery)).value)
    return item


def _is_by_mask(score: Score) -> bool:
    """True if a hand-drawn mask decided what counted; masks of two arteries may overlap."""
    return score.provenance.engine == "mask"


def _name_algorithm(made_by: Provenance) -> str:
    return f"{made_by.software} {made_by.engine}"[:64]


def _algorithm(made_by: Provenance) -> Dataset:
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = [code_item(codes.ALGORITHM_FAMILY)]
    item.AlgorithmName = _name_algorithm(made_by)
    item.AlgorithmVersion = made_by.version[:64]
    return item


def _dimensions(origin: Origin) -> tuple[list[Dataset], list[Dataset]]:
    """Frames are ordered by segment, then by place."""
    organization = Dataset()
    organization.DimensionOrganizationUID = derived_uid(origin.series_instance_uid, "seg", "dimensions")
    indices = []
    for pointer, group in (
        ("ReferencedSegmentNumber", "SegmentIdentificationSequence"),
        ("ImagePositionPatient", "PlanePositionSequence"),
    ):
        index = Dataset()
        index.DimensionOrganizationUID = organization.DimensionOrganizationUID
        index.DimensionIndexPointer = Tag(pointer)
        index.FunctionalGroupPointer = Tag(group)
        index.DimensionDescriptionLabel = pointer
        indices.append(index)
    return [organization], indices


def _shared(plane: Plane, score: Score) -> Dataset:
    measures = Dataset()
    measures.PixelSpacing = list(plane.spacing_mm or ())
    step = score.series.spacing_mm[0] if score.series.spacing_mm is not None else score.series.slice_thickness_mm
    if step:
        measures.SliceThickness = measures.SpacingBetweenSlices = round(step, 6)
    orientation = Dataset()
    orientation.ImageOrientationPatient = list(plane.orientation or ())
    item = Dataset()
    item.PixelMeasuresSequence = [measures]
    item.PlaneOrientationSequence = [orientation]
    return item


def _frame(frame: _Frame, image: ImageRef, plane: Plane, origin: Origin) -> Dataset:
    place, content, segment = Dataset(), Dataset(), Dataset()
    place.ImagePositionPatient = list(plane.position_mm or ())
    content.DimensionIndexValues = [frame.segment + 1, frame.plane + 1]
    segment.ReferencedSegmentNumber = frame.segment + 1
    source = _source(image, origin)
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = [code_item(codes.SOURCE_FOR_PROCESSING)]
    derivation = Dataset()
    derivation.SourceImageSequence = [source]
    derivation.DerivationCodeSequence = [code_item(codes.SEGMENTATION)]
    item = Dataset()
    item.PlanePositionSequence = [place]
    item.FrameContentSequence = [content]
    item.SegmentIdentificationSequence = [segment]
    item.DerivationImageSequence = [derivation]
    return item


def _source(image: ImageRef, origin: Origin) -> Dataset:
    item = reference(origin.sop_class_uid, image.sop_instance_uid)
    if image.frame is not None:
        item.ReferencedFrameNumber = image.frame
    return item


def _referenced(shown: Sequence[ImageRef], origin: Origin) -> Dataset:
    """Common Instance Reference (PS3.3 C.12.2): every image with a frame, once."""
    item = Dataset()
    put_uid(item, "SeriesInstanceUID", origin.series_instance_uid)
    instances = dict.fromkeys(image.sop_instance_uid for image in shown)
    item.ReferencedInstanceSequence = [reference(origin.sop_class_uid, instance) for instance in instances]
    return item
