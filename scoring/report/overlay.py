"""The result as pictures: pages for people, and the same pages as Secondary Capture images (PS3.3 A.8.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from scoring.report.cover import cover
from scoring.report.document import Origin, origin_of, reference, start
from scoring.report.identifiers import overlay_instance_uid, overlay_series_uid
from scoring.report.plane import plane_of
from scoring.report.request import ReportRequest
from scoring.report.slice_page import Captions, common_field, slice_page
from scoring.report.source import text
from scoring.report.text import headline
from scoring.result import ImageRef, Score

Pixels = Callable[[ImageRef], NDArray[np.generic]]

_SERIES_OFFSET: Final = 1


def pages(score: Score, sources: Sequence[Dataset], request: ReportRequest, pixels: Pixels) -> list[Image.Image]:
    """One page with the result, then one for each slice with lesions, from foot to head; RGB, all of one size.

    `pixels` gives the HU (rows, columns) of one image as stored and is asked for slices with lesions only.
    `sources` are headers of the series, at least one; those of the slices shown add number and position.
    Raises ValueError when the series was not scored or no source is given.
    """
    if score.status != "scored" or score.agatston is None:
        raise ValueError(f"a series that was not scored has no pictures: {score.reason}")
    if not sources:
        raise ValueError("pictures need the header of at least one image of their series")
    captions = Captions(
        result=f"Agatston {headline(score.agatston.total)}   category {score.category}",
        warning=request.warning_text,
        slices=score.series.slices,
    )
    made = [cover(score, request)]
    for image in _shown(score):
        hu = pixels(image)
        plane = plane_of(sources, image)
        spacing = plane.spacing_mm[1] if plane.spacing_mm is not None else 0.0
        field = common_field(score.lesions, hu.shape[0], hu.shape[1], spacing)
        lesions = [lesion for lesion in score.lesions if any(run[0] == image.slice for run in lesion.runs)]
        made.append(slice_page(hu, image, lesions=lesions, plane=plane, field=field, captions=captions))
    return made


def build(score: Score, sources: Sequence[Dataset], request: ReportRequest, pixels: Pixels) -> list[Dataset]:
    """The pages as Secondary Capture images in a series of their own, ready for dcmwrite or C-STORE.

    Arguments and errors are those of `pages`. The series number is one above that of the report.
    """
    made = pages(score, sources, request, pixels)
    origin = origin_of(score, sources[0])
    shown: list[ImageRef | None] = [None, *_shown(score)]
    return [
        _instance(score, sources[0], origin, request, number=number, page=page, image=image)
        for number, (page, image) in enumerate(zip(made, shown, strict=True), start=1)
    ]


def _shown(score: Score) -> list[ImageRef]:
    images = {image.slice: image for lesion in score.lesions for image in lesion.images}
    return [images[index] for index in sorted(images)]


def _instance(
    score: Score,
    source: Dataset,
    origin: Origin,
    request: ReportRequest,
    *,
    number: int,
    page: Image.Image,
    image: ImageRef | None,
) -> Dataset:
    document = start(
        sop_class_uid=SecondaryCaptureImageStorage,
        sop_instance_uid=overlay_instance_uid(origin.series_uid, request.version, number),
        source=source,
        origin=origin,
        request=request,
        made_by=score.provenance,
    )
    document.Modality = "OT"
    document.BodyPartExamined = "HEART"
    document.ConversionType = "WSD"
    document.SeriesInstanceUID = overlay_series_uid(origin.series_uid, request.version)
    document.SeriesNumber = request.series_number + _SERIES_OFFSET
    document.InstanceNumber = number
    document.ImageType = ["DERIVED", "SECONDARY"]
    document.PatientOrientation = ""
    document.BurnedInAnnotation = "NO"
    document.DerivationDescription = request.warning_text
    if text(source, "LossyImageCompression") == "01":
        document.LossyImageCompression = "01"
    if image is not None:
        document.SourceImageSequence = [_source_image(image, origin)]
    _put_pixels(document, page)
    return document


def _source_image(image: ImageRef, origin: Origin) -> Dataset:
    item = reference(origin.sop_class_uid, image.sop_instance_uid)
    if image.frame is not None:
        item.ReferencedFrameNumber = image.frame
    return item


def _put_pixels(document: Dataset, page: Image.Image) -> None:
    document.SamplesPerPixel = 3
    document.PhotometricInterpretation = "RGB"
    document.PlanarConfiguration = 0
    document.Columns, document.Rows = page.size
    document.BitsAllocated = 8
    document.BitsStored = 8
    document.HighBit = 7
    document.PixelRepresentation = 0
    document.add_new("PixelData", "OB", page.tobytes())
