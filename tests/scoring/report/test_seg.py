"""The segmentation holds exactly the voxels that counted, artery by artery, and others read it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from scoring.report import seg
from scoring.report.common.request import ReportRequest
from scoring.result import Artery, Lesion, Score

HeaderOf = Callable[..., Dataset]
Written = Callable[[Dataset], bytes]

NAMES = ["3", "250", "1800"]
SITES = {"LM": "3227004", "LAD": "59438005", "LCX": "57396003", "RCA": "13647002"}


def counted(score: Score, artery: Artery | None) -> dict[int, NDArray[np.bool_]]:
    """Masks of one artery by slice, from the runs of its lesions."""
    planes: dict[int, NDArray[np.bool_]] = {}
    for lesion in score.lesions:
        for index, row, column, length in lesion.runs if lesion.artery == artery else ():
            plane = planes.setdefault(index, np.zeros((score.series.rows, score.series.columns), bool))
            plane[row, column : column + length] = True
    return planes


def built(score: Score, sources: list[Dataset], request: ReportRequest) -> Dataset:
    document = seg.build(score, sources, request)
    assert document is not None
    return document


@pytest.mark.parametrize("name", NAMES)
def test_highdicom_reads_every_voxel(
    name: str, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, written: Written
) -> None:
    score = scores[name]
    read = hd.seg.segread(io.BytesIO(written(built(score, sources, first))))
    named = {read.get_segment_description(number).segment_label: number for number in read.segment_numbers}
    assert set(named) == {lesion.artery for lesion in score.lesions}
    uids = [str(source.SOPInstanceUID) for source in sources]
    pixels = read.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    for artery, number in named.items():
        planes = counted(score, artery)
        for index in range(len(uids)):
            assert np.array_equal(pixels[index, :, :, number - 1] != 0, planes.get(index, np.zeros((96, 96), bool)))
    assert read.number_of_frames == sum(len(counted(score, artery)) for artery in named)


def test_segments_are_coded_and_drawn_in_their_artery_s_colour(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest
) -> None:
    document = built(scores["250"], sources, first)
    assert [item.SegmentLabel for item in document.SegmentSequence] == ["LM", "LAD", "LCX", "RCA"]
    for item in document.SegmentSequence:
        assert item.AnatomicRegionSequence[0].CodeValue == SITES[item.SegmentLabel]
        assert item.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Vascular Calcification"
        assert item.SegmentAlgorithmType == "AUTOMATIC"
    assert len({tuple(item.RecommendedDisplayCIELabValue) for item in document.SegmentSequence}) == 4
    assert len({item.TrackingUID for item in document.SegmentSequence}) == 4


def test_a_lesion_without_artery_has_a_segment(
    score_of: Callable[..., Score], sources: list[Dataset], first: ReportRequest
) -> None:
    document = built(score_of([("LAD", 5.0), (None, 7.0)]), sources, first)
    assert [item.SegmentLabel for item in document.SegmentSequence] == ["LAD", "no artery named"]
    assert document.SegmentSequence[1].AnatomicRegionSequence[0].CodeValue == "41801008"


def test_a_score_of_zero_has_none(scores: dict[str, Score], sources: list[Dataset], first: ReportRequest) -> None:
    assert seg.build(scores["0"], sources, first) is None


def test_a_mask_is_somebody_s_choice(scores: dict[str, Score], sources: list[Dataset], first: ReportRequest) -> None:
    score = replace(scores["3"], provenance=replace(scores["3"].provenance, engine="mask"))
    document = built(score, sources, first)
    assert document.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert document.SegmentsOverlap == "UNDEFINED"


def test_patient_study_and_place_are_those_of_the_source(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: Callable[[Dataset], Dataset]
) -> None:
    document = read_back(built(scores["250"], sources, first))
    for keyword in ("PatientName", "PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyInstanceUID", "StudyID"):
        assert document[keyword].value == sources[0][keyword].value, keyword
    by_uid = {source.SOPInstanceUID: source for source in sources}
    for item in document.PerFrameFunctionalGroupsSequence:
        image = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        position = item.PlanePositionSequence[0].ImagePositionPatient
        assert list(position) == list(by_uid[image].ImagePositionPatient)
    measures = document.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert (list(measures.PixelSpacing), measures.SpacingBetweenSlices) == ([1.5, 1.5], 3)


def test_frames_of_an_enhanced_image_are_found(
    score_of: Callable[..., Score], header_of: HeaderOf, first: ReportRequest, written: Written
) -> None:
    score = score_of([("LAD", 12.0)], frames=True)
    source = header_of(0, SOPClassUID=EnhancedCTImageStorage, ImagePositionPatient=None, NumberOfFrames="6")
    groups = []
    for index in range(6):
        place = Dataset()
        place.ImagePositionPatient = [0, 0, 3.0 * index]
        groups.append(Dataset())
        groups[-1].PlanePositionSequence = Sequence([place])
    source.PerFrameFunctionalGroupsSequence = Sequence(groups)
    read = hd.seg.segread(io.BytesIO(written(built(score, [source], first))))
    frames = [
        item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        for item in read.PerFrameFunctionalGroupsSequence
    ]
    assert frames == [1, 2]
    heights = [item.PlanePositionSequence[0].ImagePositionPatient[2] for item in read.PerFrameFunctionalGroupsSequence]
    assert heights == [0, 3]
    assert len(read.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1


def test_images_without_a_place_give_none(scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest) -> None:
    with pytest.raises(ValueError, match="where it lies"):
        seg.build(scores["3"], [header_of(index, ImagePositionPatient=None) for index in range(6)], first)
    with pytest.raises(ValueError, match="headers"):
        seg.build(scores["3"], [], first)


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    runs=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 39), st.integers(0, 39)), min_size=1, max_size=12),
)
def test_any_size_is_packed_right(
    rows: int,
    columns: int,
    runs: set[tuple[int, int, int]],
    score_of: Callable[..., Score],
    header_of: HeaderOf,
    written: Written,
    first: ReportRequest,
) -> None:
    """Frames follow each other bit by bit (PS3.5 8.1.1): a frame need not begin at a byte."""
    base = score_of([("LAD", 5.0)])
    fitting = tuple(sorted((index, row % rows, column % columns, 1) for index, row, column in runs))
    lesion: Lesion = replace(
        base.lesions[0],
        runs=fitting,
        images=tuple(
            replace(base.lesions[0].images[0], slice=index, sop_instance_uid=f"1.2.840.99999.1.3.{index + 1}")
            for index in sorted({run[0] for run in fitting})
        ),
    )
    score = replace(base, lesions=(lesion,), series=replace(base.series, rows=rows, columns=columns))
    sources = [header_of(index) for index in range(4)]
    read = hd.seg.segread(io.BytesIO(written(built(score, sources, first))))
    pixels = read.pixel_array.reshape(-1, rows, columns)
    planes = counted(score, "LAD")
    assert len(pixels) == len(planes)
    assert all(np.array_equal(frame != 0, planes[index]) for frame, index in zip(pixels, sorted(planes), strict=True))


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_dciodvfy_finds_no_error_in_the_segmentation(
    name: str,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    written: Written,
    dciodvfy: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "seg.dcm"
    path.write_bytes(written(built(scores[name], sources, first)))
    assert "Segmentation" in dciodvfy(path)
