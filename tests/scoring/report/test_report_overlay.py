from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from scoring.report import overlay, style
from scoring.report.plane import plane_of
from scoring.report.request import ReportRequest
from scoring.report.slice_page import common_field
from scoring.result import Flag, ImageRef, Score

Pixels = Callable[[ImageRef], NDArray[np.int16]]
HeaderOf = Callable[..., Dataset]
Written = Callable[[Dataset], bytes]
ReadBack = Callable[[Dataset], Dataset]

NAMES = ["0", "3", "250", "1800"]


def picture(page: object) -> NDArray[np.uint8]:
    return np.asarray(page, dtype=np.uint8)


def has_colour(page: object, colour: tuple[int, int, int]) -> int:
    return int((picture(page)[style.HEADER :] == colour).all(axis=2).sum())


@pytest.mark.parametrize("name", NAMES)
def test_one_page_for_the_result_and_one_for_each_slice(
    name: str, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    score = scores[name]
    asked: list[ImageRef] = []

    def counted(image: ImageRef) -> NDArray[np.int16]:
        asked.append(image)
        return pixels(image)

    pages = overlay.pages(score, sources, first, counted)
    slices = {index for lesion in score.lesions for index in lesion.slices}
    assert len(pages) == 1 + len(slices)
    assert {page.size for page in pages} == {(style.WIDTH, style.HEIGHT)}
    assert [image.slice for image in asked] == sorted(slices)


def test_lesions_stand_in_the_colour_of_their_artery(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    score = scores["250"]
    pages = overlay.pages(score, sources, first, pixels)[1:]
    for index, page in enumerate(pages):
        on_slice = {lesion.artery for lesion in score.lesions if index in lesion.slices}
        for artery, colour in style.ARTERY_COLOUR.items():
            assert (has_colour(page, colour) > 40) == (artery in on_slice), (index, artery)


def test_the_outline_surrounds_what_was_counted(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    score = scores["3"]
    (lesion,) = score.lesions
    page = picture(overlay.pages(score, sources, first, pixels)[1])[style.HEADER :]
    field = common_field(score.lesions, 96, 96, 1.5)
    middle_row = int((31.0 - field.row) * field.scale)
    middle_column = int((41.5 - field.column) * field.scale)
    colour = style.ARTERY_COLOUR["RCA"]
    across = np.flatnonzero((page[middle_row] == colour).all(axis=1))
    down = np.flatnonzero((page[:, middle_column] == colour).all(axis=1))
    assert lesion.runs[0][1:] == (30, 40, 3)
    for edges, low, high in (
        (across, (40 - field.column) * field.scale, (43 - field.column) * field.scale),
        (down, (30 - field.row) * field.scale, (32 - field.row) * field.scale),
    ):
        assert edges.min() == pytest.approx(low - 3, abs=1.5)
        assert np.abs(edges - (high + 1)).min() <= 2
        assert not ((edges > low) & (edges < high - 1)).any()


def test_the_field_holds_every_lesion(scores: dict[str, Score]) -> None:
    runs = [run for lesion in scores["1800"].lesions for run in lesion.runs]
    for rows, columns, spacing in ((512, 512, 0.4), (512, 400, 0.7), (96, 96, 1.5)):
        field = common_field(scores["1800"].lesions, rows, columns, spacing)
        assert field.row <= min(run[1] for run in runs)
        assert field.column <= min(run[2] for run in runs)
        assert field.row + field.side >= max(run[1] for run in runs) + 1
        assert field.column + field.side >= max(run[2] + run[3] for run in runs)


@pytest.mark.parametrize(
    ("orientation", "edges"),
    [
        ([1, 0, 0, 0, 1, 0], ("R", "L", "A", "P")),
        ([-1, 0, 0, 0, -1, 0], ("L", "R", "P", "A")),
        ([1, 0, 0, 0, 0, -1], ("R", "L", "H", "F")),
        (None, ("", "", "", "")),
    ],
)
def test_edges_are_named(orientation: list[int] | None, edges: tuple[str, ...], header_of: HeaderOf) -> None:
    source = header_of(0, ImageOrientationPatient=orientation)
    assert plane_of([source], ImageRef(0, "1.2.840.99999.1.3.1")).edges() == edges


def test_an_image_without_own_header_has_no_position(header_of: HeaderOf) -> None:
    plane = plane_of([header_of(0)], ImageRef(3, "1.2.840.99999.1.3.4"))
    assert plane.position_mm is None
    assert plane.instance_number == ""
    assert plane.spacing_mm == (1.5, 1.5)
    assert plane_of([header_of(0)], ImageRef(0, "1.2.840.99999.1.3.1")).position_mm == (-72.0, -70.0, -30.0)


def test_geometry_of_a_frame(header_of: HeaderOf) -> None:
    def item(macro: str, **values: object) -> Dataset:
        inner, outer = Dataset(), Dataset()
        for keyword, value in values.items():
            setattr(inner, keyword, value)
        setattr(outer, macro, [inner])
        return outer

    shared = item("PixelMeasuresSequence", PixelSpacing=[0.5, 0.5])
    shared.PlaneOrientationSequence = item(
        "PlaneOrientationSequence", ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
    ).PlaneOrientationSequence
    frames = [item("PlanePositionSequence", ImagePositionPatient=[0, 0, z]) for z in (10, 13)]
    source = header_of(
        0,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        ImagePositionPatient=None,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )
    plane = plane_of([source], ImageRef(1, "1.2.840.99999.1.3.1", 2))
    assert plane.position_mm == (0, 0, 13)
    assert plane.spacing_mm == (0.5, 0.5)
    assert plane.edges() == ("R", "L", "A", "P")


def test_many_flags_and_long_words_stay_on_the_page(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    flags = tuple(Flag(f"f{n}", "warning", f"Flag {n} " + "w" * 120) for n in range(30))
    pages = overlay.pages(replace(scores["0"], flags=flags), sources, first, pixels)
    assert (picture(pages[0])[:, -20:] == style.BACKGROUND).all(axis=2)[40:].all()


def test_without_spacing_the_whole_image_is_shown(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest, pixels: Pixels
) -> None:
    source = header_of(0, PixelSpacing=None, ImageOrientationPatient=None)
    assert len(overlay.pages(scores["3"], [source], first, pixels)) == 3
    assert common_field(scores["3"].lesions, 96, 96, 0.0).side == 96


def test_instances_hold_the_pages(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels, read_back: ReadBack
) -> None:
    pages = overlay.pages(scores["250"], sources, first, pixels)
    instances = [read_back(one) for one in overlay.build(scores["250"], sources, first, pixels)]
    assert len(instances) == len(pages)
    for number, (page, instance) in enumerate(zip(pages, instances, strict=True), start=1):
        assert np.array_equal(instance.pixel_array, picture(page))
        assert instance.InstanceNumber == number
        assert instance.SOPClassUID == SecondaryCaptureImageStorage
        assert instance.StudyInstanceUID == sources[0].StudyInstanceUID
        assert str(instance.PatientName) == "Grün^Zoë"
    assert len({instance.SeriesInstanceUID for instance in instances}) == 1
    assert len({instance.SOPInstanceUID for instance in instances}) == len(instances)
    assert instances[2].SourceImageSequence[0].ReferencedSOPInstanceUID == sources[1].SOPInstanceUID


def test_a_repeated_build_is_the_same_and_a_new_version_is_not(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels, written: Written
) -> None:
    once, again = (overlay.build(scores["3"], sources, first, pixels) for _ in range(2))
    assert [written(one) for one in once] == [written(one) for one in again]
    later = overlay.build(scores["3"], sources, replace(first, version=2), pixels)
    assert {one.SOPInstanceUID for one in once}.isdisjoint(one.SOPInstanceUID for one in later)
    assert once[0].SeriesInstanceUID != later[0].SeriesInstanceUID


def test_no_pictures_without_a_score(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    refused = replace(scores["3"], status="not_scorable", reason="no heart", agatston=None)
    with pytest.raises(ValueError, match="no heart"):
        overlay.pages(refused, sources, first, pixels)
    with pytest.raises(ValueError, match="at least one image"):
        overlay.build(scores["3"], [], first, pixels)


@pytest.mark.peer
def test_dciodvfy_finds_no_error_in_a_picture(
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    pixels: Pixels,
    written: Written,
    peer_program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    for number, instance in enumerate(overlay.build(scores["250"], sources, first, pixels)[:2]):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(written(instance))
        run = subprocess.run([peer_program("dciodvfy"), path], capture_output=True, text=True, check=False)
        assert [line for line in run.stderr.splitlines() if line.startswith("Error")] == []
        assert "SCImage" in run.stderr
