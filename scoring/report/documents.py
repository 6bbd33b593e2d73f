"""Every document of a result that a site wants, from the score and the files of its series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from config.errors import Permanent
from config.results import DocumentKind, SrTemplate
from dicom import elements
from dicom.process import configure_process
from scoring.images import slices
from scoring.images.decoding import pixels
from scoring.images.slices import Slice
from scoring.images.volume import StoredOrder
from scoring.report.common.document_file import DocumentFile
from scoring.report.common.header_flags import add_header_flags
from scoring.report.common.request import ReportRequest
from scoring.report.sr import structured_report
from scoring.result import ImageRef, Score

ORDER: Final[tuple[DocumentKind, ...]] = ("sr", "overlay", "seg", "pdf", "letter")


def make(
    score: Score,
    files: Sequence[Path],
    kinds: Sequence[DocumentKind],
    request: ReportRequest,
    *,
    templates: Sequence[SrTemplate] = ("tid1500",),
) -> list[DocumentFile]:
    """The documents of `kinds`, the report first, in each form of `templates`; the same bytes for the same arguments.

    `files` are those of the series. A score of 0 has no segmentation; a series without a score has the report alone,
    which says why. Raises Permanent when the files are gone, ValueError when a document cannot be made of them.
    """
    source = _Source(score, files)
    # a stored result may be older than these flags
    score = add_header_flags(score, source.headers[0])
    documents: list[DocumentFile] = []
    if "sr" in kinds:
        for template in dict.fromkeys(templates):
            report = structured_report.build(score, source.headers, request=request, template=template)
            documents.append(_encode("sr", report, template))
    if score.status == "scored":
        for kind in (kind for kind in ORDER if kind in kinds and kind != "sr"):
            documents += [_encode(kind, dataset) for dataset in _build_others(kind, score, source, request)]
    return documents


def pictures(score: Score, files: Sequence[Path], request: ReportRequest) -> list[Image.Image]:
    """The overlay's pages as RGB pictures; arguments and errors are those of `make`."""
    from scoring.report.pictures import overlay  # noqa: PLC0415  # as below

    source = _Source(score, files)
    score = add_header_flags(score, source.headers[0])
    return list(overlay.pages(score, source.headers, request, source.pixels))


def _build_others(kind: DocumentKind, score: Score, source: _Source, request: ReportRequest) -> Iterator[Dataset]:
    """Data sets of one kind besides the report; each kind's libraries are loaded when it is asked for."""
    if kind == "overlay":
        from scoring.report.pictures import overlay  # noqa: PLC0415

        yield from overlay.build(score, source.headers, request, source.pixels)
    elif kind == "seg":
        from scoring.report import seg  # noqa: PLC0415

        segmentation = seg.build(score, source.headers, request)
        if segmentation is not None:
            yield segmentation
    elif kind in {"pdf", "letter"}:
        from scoring.report.printed import letter, pdf  # noqa: PLC0415

        if kind == "pdf":
            content = pdf.report_pdf(score, request, headers=source.headers, pixels=source.pixels)
        else:
            content = letter.letter_pdf(score, request, headers=source.headers)
        yield pdf.encapsulate(content, score, source.headers, request, kind=kind)


class _Source:
    """The images of the series that documents cite or show: those with lesions, or one of them."""

    def __init__(self, score: Score, files: Sequence[Path]) -> None:
        configure_process()
        cited = {image.sop_instance_uid for lesion in score.lesions for image in lesion.images}
        known: dict[str, list[Slice]] = {}
        for path in elements.find(files):
            for item in slices.read(path):
                if item.series_instance_uid in {"", score.series.series_instance_uid}:
                    known.setdefault(item.sop_instance_uid, []).append(item)
        lost = cited - known.keys()
        if lost or not known:
            raise Permanent(f"{len(lost) or 'all'} images of series {score.series.series_instance_uid} are gone")
        self._slices = known
        shown = sorted(cited) or [min(known)]
        opened = [elements.opened(known[uid][0].path) for uid in shown]
        self.headers: list[Dataset] = [dataset for dataset in opened if dataset is not None]
        if not self.headers:
            raise Permanent(f"the images of series {score.series.series_instance_uid} can no longer be read")

    def pixels(self, image: ImageRef) -> NDArray[np.int16]:
        """HU (rows, columns) of one image as stored."""
        item = next(item for item in self._slices[image.sop_instance_uid] if item.frame == image.frame)
        hu = np.empty((1, item.plane.rows, item.plane.columns), dtype=np.int16)
        pixels.read([item], StoredOrder(item.plane.rows, item.plane.columns), hu)
        plane: NDArray[np.int16] = hu[0]
        return plane


def _encode(kind: DocumentKind, dataset: Dataset, template: SrTemplate | None = None) -> DocumentFile:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return DocumentFile(
        kind,
        str(dataset.SOPClassUID),
        str(dataset.SOPInstanceUID),
        str(dataset.SeriesInstanceUID),
        str(dataset.file_meta.TransferSyntaxUID),
        buffer.getvalue(),
        template,
    )
