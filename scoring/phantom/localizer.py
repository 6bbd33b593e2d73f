"""The localizer: the projection used to plan a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from scoring.phantom.phantom import HIGHEST_HU, LOWEST_HU, Phantom
from scoring.phantom.series import common_attributes, number_text, uid, with_pixels

_HU_OF_CM: Final = 45.0
"""Pixel value added per centimetre of water."""


def write_localizer(phantom: Phantom, folder: Path) -> list[Path]:
    """Write dicom/0001.dcm, the frontal projection of a phantom as a scanner with a stationary tube sees it; no truth.

    Returns its path. Raises OSError if the folder cannot be written.
    """
    water = np.clip(phantom.hu.mean(1, dtype=np.float64) + 1000, 0, None) / 1000
    thick_cm = water * phantom.hu.shape[1] * phantom.spacing_mm[1] / 10
    image = np.clip(np.rint(thick_cm[::-1] * _HU_OF_CM - 1000), LOWEST_HU, HIGHEST_HU).astype(np.int16)
    dz, _, dx = phantom.spacing_mm
    ds = common_attributes(phantom)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.SeriesInstanceUID = uid("localizer", phantom.spec.identity)
    ds.SeriesNumber = 1
    ds.SeriesDescription = "Topogram"
    ds.Rows, ds.Columns = image.shape
    ds.PixelSpacing = [number_text(dz), number_text(dx)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    x, y, z = phantom.origin_mm
    place = (x, y + phantom.hu.shape[1] * phantom.spacing_mm[1] / 2, z + (len(phantom.hu) - 1) * dz)
    ds.ImagePositionPatient = [number_text(v) for v in place]
    ds = with_pixels(ds, image, 1)
    path = folder / "dicom" / "0001.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return [path]
