"""The gate on real scans beside the checkout: none falls to it as it is, all do with one slice broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from config.errors import NotScorable
from dicom import elements
from scoring.engine import score
from scoring.images import geometry, slices
from scoring.images.gate import fitness
from scoring.images.selection import select_images

DATA = Path(__file__).parents[5] / "shared" / "data"
SCANS = [
    *(f"coca/{name}" for name in ("gated-0", "gated-1", "gated-3", "gated-5", "nongated-1", "nongated-2")),
    *(f"others/{name}" for name in ("ge-140kvp", "ge-clips", "ge-contrast", "philips-chest", "philips-gated")),
    *(f"others/{name}" for name in ("scope-annulus", "scope-zero", "siemens-gated", "toshiba-chest")),
    "qrm/dicom",
]

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize("scan", SCANS)
def test_no_real_scan_falls_to_the_gate(scan) -> None:
    images = [item for path in elements.find([DATA / scan]) for item in slices.read(path)]
    stack = geometry.stack_slices(select_images(images).slices)
    slices.check_conversion(stack.slices)
    fitness.check_pixels(geometry.decode(stack))


def lose_intercept(image) -> None:
    del image.RescaleIntercept


def assume_no_intercept(image) -> None:
    image.RescaleIntercept = 0


def fill(image) -> None:
    image.PixelData = bytes(len(image.PixelData))


def swap(image) -> None:
    image.PixelData = np.frombuffer(image.PixelData, "<u2").byteswap().tobytes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lose_intercept, "no_hounsfield_units"),
        (assume_no_intercept, "broken_image"),
        (fill, "broken_image"),
        (swap, "broken_image"),
    ],
)
@pytest.mark.parametrize("scan", ["coca/gated-0", "coca/gated-1"])
def test_one_broken_slice_refuses_the_scan(tmp_path, scan, change, code) -> None:
    folder = tmp_path / "scan"
    shutil.copytree(DATA / scan, folder)
    images = {path: dcmread(path) for path in folder.rglob("*.dcm")}
    heights = sorted(images, key=lambda path: float(images[path].ImagePositionPatient[2]))
    path = heights[len(heights) // 2]
    image = images[path]
    if image.file_meta.TransferSyntaxUID.is_compressed:
        image.decompress(generate_instance_uid=False)
    change(image)
    image.save_as(path)
    made = score([folder])
    assert (made.status, made.reason_code) == ("not_scorable", code)
    assert image.SOPInstanceUID in (made.reason or "")


def test_nothing_but_a_broken_slice_is_named() -> None:
    images = [item for path in elements.find([DATA / "coca/gated-1"]) for item in slices.read(path)]
    volume = geometry.decode(geometry.stack_slices(select_images(images).slices))
    volume.hu[20] += 176
    with pytest.raises(NotScorable) as raised:
        fitness.check_pixels(volume)
    assert raised.value.values["slices"] == (21,)
    assert raised.value.values["off_hu"] == pytest.approx(176, abs=5)
