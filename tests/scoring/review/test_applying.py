"""What edits do to a result: values by hand from the deposits of `conftest.draw`."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.risk import RiskSettings
from scoring.result import ARTERIES
from scoring.review.applying import apply_all
from scoring.review.correction import correct
from scoring.review.edits import Accept, Add, EditRefused, Move, Numbered, Reject, Split, Trim
from scoring.review.region import list_regions

# 16 pixels of 0.25 mm2 in two slices of 3 mm, weight 4
ADDED = 16 * 0.25 * 2 * 4
# 24 pixels in three slices, weight 3
BAR = 24 * 0.25 * 3 * 3
PLACE = (5, 31, 41)


def total(score):
    return score.agatston.total


def test_without_an_edit_everything_but_the_certainty_is_as_it_was(case):
    score = case.correct()
    same = [dataclasses.replace(lesion, confidence=item.confidence) for lesion, item in zip_lesions(score, case)]
    assert tuple(same) == case.automatic.lesions
    assert (score.agatston, score.volume_mm3, score.mass_mg) == (
        case.automatic.agatston,
        case.automatic.volume_mm3,
        case.automatic.mass_mg,
    )
    assert {lesion.confidence for lesion in score.lesions} == {1.0}


def zip_lesions(score, case):
    return zip(score.lesions, case.automatic.lesions, strict=True)


def test_a_rejected_lesion_is_listed_and_counts_no_more(case):
    score = case.correct(Reject("2"))
    assert total(score) == total(case.automatic) - BAR
    assert score.agatston.LAD == 0
    (rejected,) = score.rejected
    assert (rejected.agatston, rejected.confidence, rejected.reason.code) == (BAR, 0.0, "rejected_by_reader")
    assert rejected.reason.text == "Rejected by a reader"
    assert rejected.runs == case.automatic.lesions[1].runs
    assert score.agatston_range[1] < case.automatic.agatston_range[1]


def test_a_rejection_is_taken_back_by_accepting(case):
    assert case.correct(Reject("2"), Accept("2")) == case.correct()


def test_a_lesion_moves_to_another_artery(case):
    score = case.correct(Move("2", "RCA"))
    assert total(score) == total(case.automatic)
    assert (score.agatston.LAD, score.agatston.RCA) == (0, BAR + case.automatic.agatston.RCA)


@pytest.mark.parametrize("place", [PLACE, (5, 31, 46), (6, 28, 40)], ids=["on it", "1.5 mm beside", "1 mm above"])
def test_a_click_adds_what_was_missed(case, place):
    score = case.correct(Add(place, "LM"))
    (added,) = [lesion for lesion in score.lesions if lesion.artery == "LM"]
    assert (added.agatston, added.volume_mm3, added.max_hu, added.slices) == (ADDED, 32 * 0.25 * 3, 450, (5, 6))
    assert added.runs == tuple((z, row, 40, 4) for z in (5, 6) for row in range(30, 34))
    assert added.mass_mg == pytest.approx(0.8 * 450 * 24 / 1000, abs=1e-4)
    assert [lesion.id for lesion in score.lesions] == [1, 2, 3, 4]
    assert total(score) == total(case.automatic) + ADDED


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (Add((5, 60, 10), "LM"), "nothing_bright"),
        (Add((4, 31, 41), "LM"), "nothing_bright"),
        (Add((12, 31, 41), "LM"), "outside"),
        (Add((-1, 31, 41), "LM"), "outside"),
        (Add((5, 64, 41), "LM"), "outside"),
        (Add((4, 6, 6), "LM"), "already_counted"),
        (Accept("2"), "already_counted"),
        (Reject("9"), "unknown_lesion"),
        (Reject("C1"), "unknown_lesion"),
        (Move("2", "LAD"), "same_artery"),
        (Trim("2", 8), "not_in_slice"),
        (Trim("2", 4, keep=True), "not_trimmed"),
        (Trim("3", 7), "nothing_left"),
        (Trim("2", 99), "outside"),
        (Split("2", (4, 40, 40)), "not_in_lesion"),
        (Split("2", (8, 6, 6)), "not_in_lesion"),
    ],
)
def test_what_cannot_be_done_is_refused(case, edit, code):
    with pytest.raises(EditRefused) as refused:
        case.apply(edit)
    assert refused.value.code == code


def test_what_is_rejected_twice_or_lacks_an_outline_is_refused(case):
    with pytest.raises(EditRefused, match="not_counted"):
        case.apply(Reject("2"), Reject("2"))
    (rejected,) = case.correct(Reject("2")).rejected
    older = dataclasses.replace(rejected, runs=(), images=(), artery=None)
    regions = list_regions(case.scan, dataclasses.replace(case.automatic, rejected=(older,)))
    with pytest.raises(EditRefused, match="not_drawable"):
        apply_all(case.scan, regions, [Numbered(1, Accept("C1"))])


def test_a_click_on_a_listed_candidate_accepts_it(case):
    (rejected,) = case.correct(Reject("2")).rejected
    fewer = tuple(item for item in case.automatic.lesions if item.id != 2)
    regions = list_regions(case.scan, dataclasses.replace(case.automatic, lesions=fewer, rejected=(rejected,)))
    after = apply_all(case.scan, regions, [Numbered(1, Add((4, 6, 6), "LM"))])
    assert [(item.id, item.counted, item.artery) for item in after if item.id == "C1"] == [("C1", True, "LM")]
    assert len(after) == len(regions)


def test_bone_is_no_plaque(make_case):
    hu = np.full((12, 64, 64), 40, dtype=np.int16)
    hu[:, 10:24, 10:24] = 400  # 14 x 14 x 36 mm
    hu[3, 50:54, 50:54] = 300
    case = make_case(hu, {"LAD": (slice(40, 64), slice(40, 64))}, PixelSpacing=[1, 1])
    with pytest.raises(EditRefused) as refused:
        case.apply(Add((3, 15, 15), "LAD"))
    assert (refused.value.code, refused.value.values["volume"]) == ("too_large", 14 * 14 * 36)


def test_a_lesion_loses_a_slice_and_gets_it_back(case):
    trimmed = case.correct(Trim("2", 3))
    assert total(trimmed) == total(case.automatic) - BAR / 3
    assert trimmed.lesions[1].slices == (4, 5)
    assert case.correct(Trim("2", 3), Trim("2", 3, keep=True)) == case.correct()
    with pytest.raises(EditRefused, match="trimmed_here"):
        case.apply(Trim("2", 3), Add((3, 6, 6), "LM"))
    with pytest.raises(EditRefused, match="nothing_left"):
        case.apply(Trim("2", 3), Trim("2", 4), Trim("2", 5))


def test_what_is_left_of_a_deposit_is_added_without_what_counts(make_case):
    hu = np.full((12, 64, 64), 40, dtype=np.int16)
    hu[4, 10:14, 10:30] = 350
    case = make_case(hu, {"LAD": (slice(0, 64), slice(0, 18))})
    # the mask counted 8 of 20 columns; the rest shares the component's score
    score = case.correct(Add((4, 12, 25), "LCX"))
    added = score.lesions[1]
    assert added.runs == tuple((4, row, 18, 12) for row in range(10, 14))
    assert added.agatston == pytest.approx(4 * 12 * 0.25 * 3)
    assert total(score) == pytest.approx(4 * 20 * 0.25 * 3)


def find_counted(regions):
    return [tuple(voxel) for item in regions if item.counted for voxel in item.voxels[item.kept].tolist()]


names = st.sampled_from(["1", "2", "3", "1a", "1b", "2a", "2b", "A1", "A2", "A3"])
places = st.one_of(
    st.sampled_from([PLACE, (4, 6, 6), (7, 20, 21), (2, 47, 30), (4, 48, 24), (4, 48, 36), (3, 6, 10)]),
    st.tuples(st.integers(0, 11), st.integers(0, 63), st.integers(0, 63)),
)
arteries = st.sampled_from(ARTERIES)
edits = st.one_of(
    st.builds(Reject, names),
    st.builds(Accept, names),
    st.builds(Move, names, arteries),
    st.builds(Add, places, arteries),
    st.builds(Trim, names, st.integers(0, 11), st.booleans()),
    st.builds(Split, names, places),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(edits, max_size=12))
def test_any_edits_leave_a_consistent_score(case, wanted):
    """What cannot be done is refused and changes nothing; what can be is consistent, and the same when repeated."""
    done: list[Numbered] = []
    regions = case.regions
    for edit in wanted:
        made = Numbered(len(done) + 1, edit)
        try:
            regions = apply_all(case.scan, regions, [made])
        except EditRefused:
            continue
        done.append(made)
    score = correct(case.scan, case.automatic, regions, RiskSettings())
    counted = find_counted(regions)
    assert len(counted) == len(set(counted)), "no voxel counts twice"
    assert all(case.scan.volume.hu[voxel] >= 130 for voxel in counted)
    assert total(score) == pytest.approx(sum(lesion.agatston for lesion in score.lesions), abs=1e-3)
    for artery in ARTERIES:
        own = [lesion.agatston for lesion in score.lesions if lesion.artery == artery]
        assert score.agatston.of(artery) == pytest.approx(sum(own), abs=1e-3)
    assert score.volume_mm3.total == pytest.approx(len(counted) * 0.75, abs=0.01)
    low, high = score.agatston_range
    assert low <= total(score) <= high
    again = apply_all(case.scan, case.regions, done)
    assert correct(case.scan, case.automatic, again, RiskSettings()) == score


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(edits, max_size=6))
def test_rejecting_all_leaves_nothing(case, wanted):
    done: list[Numbered] = []
    for edit in wanted:
        try:
            apply_all(case.scan, case.regions, [*done, Numbered(len(done) + 1, edit)])
        except EditRefused:
            continue
        done.append(Numbered(len(done) + 1, edit))
    number = itertools.count(len(done) + 1)
    left = [item.id for item in apply_all(case.scan, case.regions, done) if item.counted]
    every = [*done, *(Numbered(next(number), Reject(name)) for name in left)]
    score = correct(case.scan, case.automatic, apply_all(case.scan, case.regions, every), RiskSettings())
    assert (total(score), score.category, score.cac_drs, score.lesions) == (0, "0", "A0", ())
    assert score.agatston_range == (0, 0)
    assert not any(flag.code == "review" for flag in score.flags)
