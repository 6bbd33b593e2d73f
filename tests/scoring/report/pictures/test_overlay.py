from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage, SecondaryCaptureImageStorage

from scoring.report.common.colours import ARTERY_COLOUR
from scoring.report.common.plane import read_plane
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import load
from scoring.report.pictures import magnified, overlay
from scoring.report.pictures.cover import cover
from scoring.report.pictures.drawing import HEIGHT, WIDTH, Drawing
from scoring.report.pictures.lettering import Lettering
from scoring.report.pictures.slice_page import HEADER, SIDE
from scoring.report.slices.field import common_field
from scoring.report.typeset.faces import faces
from scoring.report.typeset.site import load_site
from scoring.result import ImageRef, Lesion, Score

Pixels = Callable[[ImageRef], NDArray[np.int16]]
HeaderOf = Callable[..., Dataset]
Written = Callable[[Dataset], bytes]
ReadBack = Callable[[Dataset], Dataset]

ENGLISH = load("en")
NAMES = ["0", "3", "250", "1800"]


def picture(page: object) -> NDArray[np.uint8]:
    return np.asarray(page, dtype=np.uint8)


def slice_of(page: object) -> NDArray[np.uint8]:
    return picture(page)[HEADER : HEADER + SIDE]


def has_colour(page: object, colour: tuple[int, int, int]) -> int:
    return int((slice_of(page) == colour).all(axis=2).sum())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All words that are set from now on."""
    kept: list[str] = []
    plain = Drawing.words

    def recorded(self: Drawing, place: Any, words: str, size: int, **how: Any) -> None:
        kept.append(words)
        plain(self, place, words, size, **how)

    monkeypatch.setattr(Drawing, "words", recorded)
    return kept


@pytest.mark.parametrize("name", NAMES)
def test_one_page_for_the_result_and_one_for_each_slice(
    name: str, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    score = scores[name]
    asked: list[ImageRef] = []

    def counted(image: ImageRef) -> NDArray[np.int16]:
        asked.append(image)
        return pixels(image)

    pages = list(overlay.pages(score, sources, first, counted))
    slices = {index for lesion in score.lesions for index in lesion.slices}
    assert len(pages) == 1 + len(slices)
    assert {page.size for page in pages} == {(WIDTH, HEIGHT)}
    assert [image.slice for image in asked] == sorted(slices)


def test_lesions_stand_in_the_colour_of_their_artery(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    score = scores["250"]
    pages = list(overlay.pages(score, sources, first, pixels))[1:]
    for index, page in enumerate(pages):
        on_slice = {lesion.artery for lesion in score.lesions if index in lesion.slices}
        for artery, colour in ARTERY_COLOUR.items():
            assert (has_colour(page, colour) > 40) == (artery in on_slice), (index, artery)


def test_counted_pixels_keep_their_grey(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    score = scores["1800"]
    field = common_field(score.lesions, 96, 96, (1.5, 1.5), SIDE)
    for index, page in enumerate(list(overlay.pages(score, sources, first, pixels))[1:]):
        shown = slice_of(page)
        for lesion in score.lesions:
            for run_slice, row, column, length in lesion.runs:
                if run_slice == index:
                    top, left, bottom, right = field.edges(row, column, length)
                    inside = shown[top:bottom, left:right]
                    assert (inside == inside[..., :1]).all()


def test_each_lesion_is_magnified_and_measured_on_its_slice(
    scores: dict[str, Score], sources: list[Dataset], pixels: Pixels
) -> None:
    (lesion,) = scores["3"].lesions
    image = lesion.images[0]
    plane = read_plane(sources, image)
    assert magnified.format_measurements(lesion, pixels(image), image.slice, plane, ENGLISH) == "13.5 mm², 500 HU"
    assert (
        magnified.format_measurements(lesion, pixels(image), 0, replace(plane, spacing_mm=None), ENGLISH)
        == "6 pixels, 500 HU"
    )
    drawing = Drawing(Lettering(faces()))
    magnified.draw(drawing, 800, pixels(image), 0, lesions=[lesion], plane=plane, texts=ENGLISH)
    below = (picture(drawing.image)[800:] == ARTERY_COLOUR["RCA"]).all(axis=2)
    assert below.sum() > 300


def test_the_smallest_of_many_lesions_of_a_slice_are_only_outlined(
    scores: dict[str, Score], sources: list[Dataset], pixels: Pixels, said: list[str]
) -> None:
    (lesion,) = scores["3"].lesions
    many = [replace(lesion, id=number, agatston=float(number)) for number in range(1, 9)]
    plane = read_plane(sources, lesion.images[0])
    drawing = Drawing(Lettering(faces()))
    magnified.draw(drawing, 800, pixels(lesion.images[0]), 0, lesions=many, plane=plane, texts=ENGLISH)
    assert [words for words in said if words.startswith("RCA")] == [f"RCA {number}.0" for number in range(8, 3, -1)]
    assert "below: the 5 largest of 8" in said


def spread(lesion: Lesion, slices: range) -> tuple[Lesion, ...]:
    return tuple(
        replace(
            lesion,
            id=index + 1,
            images=(ImageRef(index, f"1.2.840.99999.1.3.{index + 1}"),),
            runs=((index, 30, 40, 1 + index % 7),),
            slices=(index,),
        )
        for index in slices
    )


def test_pages_are_bounded_to_the_slices_with_the_most_calcium(
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    pixels: Pixels,
) -> None:
    score = replace(scores["3"], lesions=spread(scores["3"].lesions[0], range(60)))
    asked: list[int] = []

    def counted(image: ImageRef) -> NDArray[np.int16]:
        asked.append(image.slice)
        return pixels(image)

    result, *slices = overlay.pages(score, sources, first, counted)
    assert len(slices) == overlay.MOST_SLICES == 40
    told = cover(score, load_site(first), version=1, slices=40, left_out=20)
    assert np.array_equal(picture(result), picture(told[0]))
    assert asked == sorted(asked)
    assert {index for index in range(60) if index % 7 >= 3} <= set(asked)


def test_pages_are_made_one_at_a_time(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    asked: list[int] = []

    def counted(image: ImageRef) -> NDArray[np.int16]:
        asked.append(image.slice)
        return pixels(image)

    made = overlay.pages(scores["250"], sources, first, counted)
    next(made)
    assert asked == []
    next(made)
    assert asked == [0]


def test_the_field_holds_every_lesion(scores: dict[str, Score]) -> None:
    runs = [run for lesion in scores["1800"].lesions for run in lesion.runs]
    for rows, columns, spacing in ((512, 512, 0.4), (512, 400, 0.7), (96, 96, 1.5)):
        field = common_field(scores["1800"].lesions, rows, columns, (spacing, spacing), SIDE)
        assert field.row <= min(run[1] for run in runs)
        assert field.column <= min(run[2] for run in runs)
        assert field.row + field.height >= max(run[1] for run in runs) + 1
        assert field.column + field.width >= max(run[2] + run[3] for run in runs)


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
    assert read_plane([source], ImageRef(0, "1.2.840.99999.1.3.1")).edges() == edges


def test_an_image_without_own_header_has_no_position(header_of: HeaderOf) -> None:
    plane = read_plane([header_of(0)], ImageRef(3, "1.2.840.99999.1.3.4"))
    assert plane.position_mm is None
    assert plane.instance_number == ""
    assert plane.spacing_mm == (1.5, 1.5)
    assert read_plane([header_of(0)], ImageRef(0, "1.2.840.99999.1.3.1")).position_mm == (-72.0, -70.0, -30.0)


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
    plane = read_plane([source], ImageRef(1, "1.2.840.99999.1.3.1", 2))
    assert plane.position_mm == (0, 0, 13)
    assert plane.spacing_mm == (0.5, 0.5)
    assert plane.edges() == ("R", "L", "A", "P")


def test_without_spacing_the_whole_image_is_shown(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest, pixels: Pixels
) -> None:
    source = header_of(0, PixelSpacing=None, ImageOrientationPatient=None)
    assert sum(1 for _ in overlay.pages(scores["3"], [source], first, pixels)) == 3
    field = common_field(scores["3"].lesions, 96, 80, None, SIDE)
    assert (field.row, field.column, field.height, field.width) == (0, -8, 96, 96)


def test_pixels_that_are_not_square_are_shown_in_proportion(scores: dict[str, Score]) -> None:
    field = common_field(scores["3"].lesions, 512, 512, (0.5, 0.25), SIDE)
    assert field.height * 0.5 == field.width * 0.25 == 150


def test_instances_hold_the_pages(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels, read_back: ReadBack
) -> None:
    pages = list(overlay.pages(scores["250"], sources, first, pixels))
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
    once, again = (list(overlay.build(scores["3"], sources, first, pixels)) for _ in range(2))
    assert [written(one) for one in once] == [written(one) for one in again]
    later = list(overlay.build(scores["3"], sources, replace(first, version=2), pixels))
    assert {one.SOPInstanceUID for one in once}.isdisjoint(one.SOPInstanceUID for one in later)
    assert once[0].SeriesInstanceUID != later[0].SeriesInstanceUID


def test_slices_speak_the_language_of_the_site(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels, said: list[str]
) -> None:
    for _ in overlay.pages(scores["250"], sources, replace(first, language="de"), pixels):
        pass
    assert {"Bild 6, Schicht 1 von 6, z -30,0 mm", "Agatston 250, Kategorie 101-400", "LM 20,3"} <= set(said)
    assert "NUR FÜR DIE FORSCHUNG: kein Medizinprodukt" in said
    assert "Score der ganzen Läsion, gestrichelt: unsicher; C 90 W 750" in said
    assert "13,5 mm², 500 HU" in said
    assert not any(word in words for words in said for word in ("slice", "Image", "category", "score of"))


def test_one_object_holds_the_same_pages_as_frames(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels, read_back: ReadBack
) -> None:
    pages = list(overlay.pages(scores["250"], sources, first, pixels))
    request = replace(first, overlay="multiframe")
    (instance,) = (read_back(one) for one in overlay.build(scores["250"], sources, request, pixels))
    assert instance.SOPClassUID == MultiFrameTrueColorSecondaryCaptureImageStorage
    assert instance.NumberOfFrames == len(pages)
    assert np.array_equal(instance.pixel_array, np.stack([picture(page) for page in pages]))
    assert instance.FrameIncrementPointer == instance["PageNumberVector"].tag
    assert list(instance.PageNumberVector) == list(range(1, len(pages) + 1))
    cited = [item.ReferencedSOPInstanceUID for item in instance.SourceImageSequence]
    assert cited == [source.SOPInstanceUID for source in sources[:5]]
    singles = {one.SOPInstanceUID for one in overlay.build(scores["250"], sources, first, pixels)}
    assert instance.SOPInstanceUID not in singles


def test_one_frame_needs_no_pointer(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    (instance,) = overlay.build(scores["0"], sources, replace(first, overlay="multiframe"), pixels)
    assert instance.NumberOfFrames == 1
    assert "FrameIncrementPointer" not in instance


def test_pictures_say_that_no_patient_is_burnt_in(
    full: Score,
    sources: list[Dataset],
    first: ReportRequest,
    pixels: Pixels,
    said: list[str],
) -> None:
    instances = list(overlay.build(full, sources, first, pixels))
    assert {instance.BurnedInAnnotation for instance in instances} == {"NO"}
    for forbidden in ("Grün", "Zoë", "0042", "A-4711", "2025", "2026", "1960"):
        assert not any(forbidden in words for words in said)


def test_no_pictures_without_a_score(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, pixels: Pixels
) -> None:
    refused = replace(scores["3"], status="not_scorable", reason="no heart", agatston=None)
    with pytest.raises(ValueError, match="no heart"):
        overlay.pages(refused, sources, first, pixels)
    with pytest.raises(ValueError, match="at least one image"):
        overlay.build(scores["3"], [], first, pixels)


@pytest.mark.peer
@pytest.mark.parametrize("form", ["single", "multiframe"])
@pytest.mark.parametrize("name", ["0", "3", "250"])
def test_dciodvfy_finds_no_error_in_a_picture(
    form: str,
    name: str,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    pixels: Pixels,
    written: Written,
    dciodvfy: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    request = replace(first, overlay=form)
    for number, instance in enumerate(list(overlay.build(scores[name], sources, request, pixels))[:2]):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(written(instance))
        assert ("SCImage" if form == "single" else "MultiframeTrueColorSCImage") in dciodvfy(path)
