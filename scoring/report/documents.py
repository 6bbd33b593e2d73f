"""Every document of a result that a site wants, from the score and the files of its series."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from config.errors import Permanent
from config.settings import Document as Kind
from scoring import elements, pixels, slices
from scoring.report import overlay, sr
from scoring.report.made import Made
from scoring.report.request import ReportRequest
from scoring.result import ImageRef, Score
from scoring.slices import Slice
from scoring.volume import StoredOrder


def make(score: Score, files: Sequence[Path], kinds: Sequence[Kind], request: ReportRequest) -> list[Made]:
    """The documents of `kinds`, the report first, the same bytes for the same arguments.

    `files` are those of the scored series. Raises ValueError when the series was not scored, Permanent when its
    files are gone.
    """
    source = _Source(score, files)
    made: list[Made] = []
    if "sr" in kinds:
        made.append(_made("sr", sr.build(score, source.headers, request=request)))
    if "overlay" in kinds:
        made += [_made("overlay", page) for page in overlay.build(score, source.headers, request, source.pixels)]
    return made


def pictures(score: Score, files: Sequence[Path], request: ReportRequest) -> list[Image.Image]:
    """The overlay's pages as RGB pictures; arguments and errors are those of `make`."""
    source = _Source(score, files)
    return overlay.pages(score, source.headers, request, source.pixels)


class _Source:
    """The images of the series that documents cite or show: those with lesions, or one of them."""

    def __init__(self, score: Score, files: Sequence[Path]) -> None:
        cited = {image.sop_instance_uid for lesion in score.lesions for image in lesion.images}
        found: dict[str, list[Slice]] = {}
        for path in elements.find(files):
            for item in slices.read(path):
                if item.series_instance_uid in {"", score.series.series_instance_uid}:
                    found.setdefault(item.sop_instance_uid, []).append(item)
        lost = cited - found.keys()
        if lost or not found:
            raise Permanent(f"{len(lost) or 'all'} images of series {score.series.series_instance_uid} are gone")
        self._slices = found
        shown = sorted(cited) or [min(found)]
        opened = [elements.opened(found[uid][0].path) for uid in shown]
        self.headers: list[Dataset] = [dataset for dataset in opened if dataset is not None]

    def pixels(self, image: ImageRef) -> NDArray[np.int16]:
        """HU (rows, columns) of one image as stored."""
        item = next(item for item in self._slices[image.sop_instance_uid] if item.frame == image.frame)
        hu = np.empty((1, item.plane.rows, item.plane.columns), dtype=np.int16)
        pixels.read([item], StoredOrder(item.plane.rows, item.plane.columns), hu)
        plane: NDArray[np.int16] = hu[0]
        return plane


def _made(kind: Kind, dataset: Dataset) -> Made:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return Made(
        kind,
        str(dataset.SOPClassUID),
        str(dataset.SOPInstanceUID),
        str(dataset.SeriesInstanceUID),
        str(dataset.file_meta.TransferSyntaxUID),
        buffer.getvalue(),
    )
