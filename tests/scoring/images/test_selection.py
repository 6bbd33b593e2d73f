"""From the files given to the slices of one series: what is refused, what is left out, what stays."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from pydicom import dcmread

from config.errors import NotScorable
from scoring.images import slices
from scoring.images.selection import select_images


def noise(number: int = 30) -> np.ndarray:
    return np.random.default_rng(3).integers(-100, 900, (number, 8, 10)).astype(np.int16)


def selected(paths):
    return select_images([item for path in paths for item in slices.read(path)])


def verdict(paths) -> NotScorable:
    with pytest.raises(NotScorable) as raised:
        selected(paths)
    return raised.value


@pytest.mark.parametrize(
    ("attributes", "code", "values"),
    [
        (
            {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "MIP"]},
            "projection",
            {"variant": "header", "kind": "maximum_projection", "words": "Image Type: MIP"},
        ),
        (
            {"SeriesDescription": "VNC 3.0"},
            "not_hu",
            {"kind": "virtual_non_contrast", "words": "Series Description: VNC"},
        ),
        ({"RescaleType": "EDW"}, "not_hu", {"kind": "unit", "words": "Rescale Type: EDW"}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer", {}),
        ({"SOPInstanceUID": "1.2.3"}, "repeated_uid", {"count": 30, "uid": "1.2.3"}),
    ],
)
def test_series_that_hold_no_slice(series, attributes, code, values) -> None:
    found = verdict(series(noise(), **attributes))
    assert (found.code, found.values) == (code, values)


def test_images_of_two_patients_are_no_series(series) -> None:
    paths = series(noise(), PatientID="A1")
    image = dcmread(paths[4])
    image.PatientID = ""
    image.save_as(paths[4])
    assert len(selected(paths).slices) == len(paths)
    image.PatientID = "B2"
    image.save_as(paths[4])
    found = verdict(paths)
    assert (found.code, found.values) == ("mixed_series", {"variant": "patients", "count": 2})


def test_images_without_a_uid_are_refused_by_the_name_of_the_file(series) -> None:
    paths = series(noise())
    for path in paths[4:6]:
        image = dcmread(path)
        del image.SOPInstanceUID
        image.save_as(path)
    found = verdict(paths)
    assert (found.code, found.values) == ("no_uid", {"count": 2, "file": "0004.dcm"})


def test_a_few_projections_among_slices_are_left_out_and_listed(series) -> None:
    paths = series(noise())
    mips = series(noise(5), folder="mip", ImageType=["DERIVED", "SECONDARY", "AXIAL", "MIP"])
    found = selected(paths + mips)
    assert {item.path for item in found.slices} == set(paths)
    uids = {slices.read(path)[0].sop_instance_uid for path in mips}
    assert {item.sop_instance_uid for item in found.left_out} == uids
    assert {item.why for item in found.left_out} == {"maximum_projection"}


def test_a_few_slices_among_projections_are_no_series(series) -> None:
    mips = series(noise(), folder="mip", ImageType=["DERIVED", "SECONDARY", "AXIAL", "MIP"])
    assert verdict(series(noise(4)) + mips).code == "projection"


def test_any_number_of_screen_captures_is_left_out(series) -> None:
    captures = series(noise(40), folder="save", ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])
    found = selected(series(noise(10)) + captures)
    assert (len(found.slices), len(found.left_out)) == (10, 40)


def test_a_slice_of_another_kind_within_the_series_leaves_its_place_empty(series) -> None:
    paths = series(noise(), positions=[3.0 * index for index in range(31) if index != 15])
    odd = series(noise(1), start=45.0, folder="odd", ConvolutionKernel="B70f")
    assert len(selected(paths + odd).slices) == 30


def test_the_same_file_twice_does_no_harm(series, tmp_path) -> None:
    paths = series(noise())
    again = shutil.copy(paths[4], tmp_path / "again.dcm")
    assert len(selected([*paths, again]).slices) == 31


def test_two_images_under_one_uid_are_refused(ct, series, tmp_path) -> None:
    paths = series(noise())
    first = slices.read(paths[3])[0]
    here = {"SOPInstanceUID": first.sop_instance_uid, "ImagePositionPatient": list(first.plane.position)}
    other = ct.write(ct.image(noise(2)[1], **here), tmp_path / "other.dcm")
    found = verdict([*paths, other])
    assert (found.code, found.values) == ("repeated_uid", {"uid": first.sop_instance_uid, "count": 2})
    moved = here | {"ImagePositionPatient": [12.5, -30.25, 90.0]}
    other = ct.write(ct.image(noise()[3], **moved), tmp_path / "other.dcm")
    assert verdict([*paths, other]).code == "repeated_uid"
