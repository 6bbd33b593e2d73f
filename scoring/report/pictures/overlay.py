"""The result as pictures: pages for people, and the same pages as Secondary Capture (PS3.3 A.8.1 and A.8.5).

Neither the patient nor a date stands in a picture, so that Burned In Annotation (0028,0301) is NO: viewers show both
from the header. Pixels are not compressed, because every storage provider takes that form and not every one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage, SecondaryCaptureImageStorage

from dicom.elements import text
from scoring.report.common.document import Origin, find_origin, reference, start
from scoring.report.common.identifiers import overlay_instance_uid, overlay_series_uid
from scoring.report.common.plane import read_plane
from scoring.report.common.request import ReportRequest
from scoring.report.pictures.cover import cover
from scoring.report.pictures.lettering import Lettering
from scoring.report.pictures.slice_page import SIDE, Captions, slice_page
from scoring.report.slices.field import common_field
from scoring.report.slices.shown import choose_images
from scoring.report.typeset.headline import figure
from scoring.report.typeset.site import Site, load_site
from scoring.result import ImageRef, Score

Pixels = Callable[[ImageRef], NDArray[np.generic]]

MOST_SLICES: Final = 40
"""Pages with slices: with the first one 85 MB at most."""

_SERIES_OFFSET: Final = 1


@dataclass(frozen=True, slots=True)
class Page:
    """A picture, and the slice that it shows, None for those with the result."""

    picture: Image.Image
    image: ImageRef | None


def pages(score: Score, sources: Sequence[Dataset], request: ReportRequest, pixels: Pixels) -> Iterator[Image.Image]:
    """The result, as a rule on one page, then a page for each slice with lesions, from foot to head; RGB, of one size.

    Made one at a time. `pixels` gives the HU (rows, columns) of one image as stored and is asked for the slices shown
    alone: at most `MOST_SLICES`, those with the most calcium. `sources` are headers of the series, at least one; those
    of the slices shown add number and position. Raises ValueError when the series was not scored or no source is given.
    """
    return (page.picture for page in _pages(score, sources, request, pixels))


def build(score: Score, sources: Sequence[Dataset], request: ReportRequest, pixels: Pixels) -> Iterator[Dataset]:
    """The pages as Secondary Capture in a series of their own, ready for dcmwrite or C-STORE.

    An image a page, or one object with a frame a page, as `request.overlay` says. Arguments and errors are those of
    `pages`. The series number is one above that of the report.
    """
    drawn = _pages(score, sources, request, pixels)
    origin = find_origin(score, sources[0])
    if request.overlay == "multiframe":
        return iter([_build_multiframe(score, sources[0], origin, request, drawn)])
    return (
        _build_single(score, sources[0], origin, request, number=number, page=page)
        for number, page in enumerate(drawn, start=1)
    )


def _pages(score: Score, sources: Sequence[Dataset], request: ReportRequest, pixels: Pixels) -> Iterator[Page]:
    if score.status != "scored" or score.agatston is None:
        raise ValueError(f"a series that was not scored has no pictures: {score.reason}")
    if not sources:
        raise ValueError("pictures need the header of at least one image of their series")
    site = load_site(request)
    total = figure(site.texts, score.agatston.total)
    result = site.texts("pictures.result", score=total, category=score.category)
    captions = Captions(result, site.warning, score.series.slices, site.texts, Lettering(site.faces))
    return _draw(score, sources, request, site, pixels, captions)


def _draw(
    score: Score, sources: Sequence[Dataset], request: ReportRequest, site: Site, pixels: Pixels, captions: Captions
) -> Iterator[Page]:
    shown, left_out = _choose_slices(score)
    first = cover(
        score,
        site,
        version=request.version,
        series_number=text(sources[0], "SeriesNumber"),
        slices=len(shown),
        left_out=left_out,
    )
    for picture in first:
        yield Page(picture, None)
    for image in shown:
        hu = pixels(image)
        plane = read_plane(sources, image)
        field = common_field(score.lesions, hu.shape[0], hu.shape[1], plane.spacing_mm, SIDE)
        lesions = [lesion for lesion in score.lesions if any(run[0] == image.slice for run in lesion.runs)]
        picture = slice_page(hu, image, lesions=lesions, plane=plane, field=field, captions=captions)
        yield Page(picture, image)


def _choose_slices(score: Score) -> tuple[list[ImageRef], int]:
    """Slices that get a page, from foot to head, and how many more have lesions; a slab has one page."""
    images = choose_images(score)
    counted = dict.fromkeys(images, 0)
    for lesion in score.lesions:
        for index, _, _, length in lesion.runs:
            if index in counted:
                counted[index] += length
    most = sorted(images, key=lambda index: (-counted[index], index))[:MOST_SLICES]
    return [images[index] for index in sorted(most)], len(images) - len(most)


def _build_single(
    score: Score, source: Dataset, origin: Origin, request: ReportRequest, *, number: int, page: Page
) -> Dataset:
    uid = overlay_instance_uid(origin.series_instance_uid, request.version, number)
    document = _start_object(score, source, origin, request, SecondaryCaptureImageStorage, uid)
    document.InstanceNumber = number
    if page.image is not None:
        document.SourceImageSequence = [_source_image(page.image, origin)]
    document.Columns, document.Rows = page.picture.size
    document.add_new("PixelData", "OB", page.picture.tobytes())
    return document


def _build_multiframe(
    score: Score, source: Dataset, origin: Origin, request: ReportRequest, drawn: Iterator[Page]
) -> Dataset:
    """One object with a frame a page; Page Number Vector (PS3.3 C.8.6.4) numbers them."""
    uid = overlay_instance_uid(origin.series_instance_uid, request.version, 0)
    document = _start_object(score, source, origin, request, MultiFrameTrueColorSecondaryCaptureImageStorage, uid)
    frames = BytesIO()
    images: list[ImageRef] = []
    count = 0
    for page in drawn:
        frames.write(page.picture.tobytes())
        document.Columns, document.Rows = page.picture.size
        images += [] if page.image is None else [page.image]
        count += 1
    document.InstanceNumber = 1
    document.NumberOfFrames = count
    if count > 1:
        document.FrameIncrementPointer = Tag("PageNumberVector")
        document.PageNumberVector = list(range(1, count + 1))
    if images:
        document.SourceImageSequence = [_source_image(image, origin) for image in images]
    frames.seek(0)
    # as a file, which is written without being copied
    document.add_new("PixelData", "OB", frames)
    return document


def _start_object(
    score: Score, source: Dataset, origin: Origin, request: ReportRequest, sop_class_uid: str, uid: str
) -> Dataset:
    """The object without its pages."""
    document = start(
        sop_class_uid=sop_class_uid,
        sop_instance_uid=uid,
        source=source,
        origin=origin,
        request=request,
        made_by=score.provenance,
    )
    document.Modality = "OT"
    document.BodyPartExamined = "HEART"
    document.ConversionType = "WSD"
    document.SeriesInstanceUID = overlay_series_uid(origin.series_instance_uid, request.version)
    document.SeriesNumber = request.series_number + _SERIES_OFFSET
    document.ImageType = ["DERIVED", "SECONDARY"]
    document.PatientOrientation = ""
    document.BurnedInAnnotation = "NO"
    document.DerivationDescription = request.warning_text
    if text(source, "LossyImageCompression") == "01":
        document.LossyImageCompression = "01"
    document.SamplesPerPixel = 3
    document.PhotometricInterpretation = "RGB"
    document.PlanarConfiguration = 0
    document.BitsAllocated = 8
    document.BitsStored = 8
    document.HighBit = 7
    document.PixelRepresentation = 0
    return document


def _source_image(image: ImageRef, origin: Origin) -> Dataset:
    item = reference(origin.sop_class_uid, image.sop_instance_uid)
    if image.frame is not None:
        item.ReferencedFrameNumber = image.frame
    return item
