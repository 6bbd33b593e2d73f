"""From files to a score."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from config.errors import ConfigurationError
from config.settings import ScoringSettings, SelectionSettings
from scoring import engine
from scoring.judgement.calibration import Calibration
from scoring.judgement.hypotheses import load_weights
from scoring.judgement.noise import UNSURE
from scoring.report import seg
from scoring.report.common import words
from scoring.report.common.request import ReportRequest
from scoring.result import COUNTED, Flag, Score, SeriesInfo

SPHERE = {"radius_mm": 5.0, "hu": 600.0}


def everywhere(ct, paths, path, name: str = "LAD"):
    image = dcmread(paths[0], stop_before_pixels=True)
    return ct.segmentation(paths, {name: np.ones((len(paths), image.Rows, image.Columns), dtype=bool)}, path)


def scored(ct, paths, tmp_path, **options) -> Score:
    return engine.score(paths, mask=everywhere(ct, paths, tmp_path / "mask.dcm"), **options)


def test_hand_calculated(ct, series, tmp_path) -> None:
    hu = np.full((5, 12, 12), 40, dtype=np.int16)
    hu[1, 2:4, 2:4] = 150  # four pixels of 0.25 mm2, weight 1
    hu[2, 2:6, 2:4] = 350  # eight, weight 3
    hu[4, 9:11, 9:12] = 450  # six, weight 4
    paths = series(hu, step=1.5, CalciumScoringMassFactorDevice=[0.7, 0.8, 0.9])
    found = scored(ct, paths, tmp_path, version="1.2.3")
    assert found.status == "scored"
    # spacing 1.5 mm: half of what it is at 3 mm
    assert found.agatston.total == (4 * 0.25 * 1 + 8 * 0.25 * 3 + 6 * 0.25 * 4) / 2
    assert found.agatston.total == found.agatston.LAD
    assert found.volume_mm3.total == 18 * 0.25 * 1.5
    assert found.mass_mg.total == pytest.approx(0.8 * (4 * 150 + 8 * 350 + 6 * 450) * 0.25 * 1.5 / 1000, abs=1e-4)
    # the background is 40 HU, and nothing blurs
    excess = 4 * 110 + 8 * 310 + 6 * 410
    assert found.mass_integrated_mg.total == pytest.approx(0.8 * excess * 0.25 * 1.5 / 1000, abs=1e-4)
    assert [lesion.id for lesion in found.lesions] == [1, 2]
    first = found.lesions[0]
    assert (first.slices, first.max_hu, first.confidence) == ((1, 2), 350, 1.0)
    assert first.mean_hu == round((4 * 150 + 8 * 350) / 12, 2)
    assert first.runs == ((1, 2, 2, 2), (1, 3, 2, 2), (2, 2, 2, 2), (2, 3, 2, 2), (2, 4, 2, 2), (2, 5, 2, 2))
    assert [image.sop_instance_uid for image in first.images] == [dcmread(paths[z]).SOPInstanceUID for z in (1, 2)]
    # 1.64 standard deviations of a repeated scan on either side: half the root of the score at 1.5 mm
    low, high = found.agatston_range
    off = 1.645 * found.agatston.total**0.5 / 2
    assert (low, high) == pytest.approx((found.agatston.total - off, found.agatston.total + off), abs=0.3)
    assert (found.category, found.cac_drs) == ("1-100", "A1/N1")
    made = found.provenance
    assert (made.version, made.engine, made.convention, made.threshold_hu) == ("1.2.3", "mask", "standard", 130)
    assert made.mass_factor == 0.8
    assert (found.series.slices, found.series.spacing_mm, found.series.kvp) == (5, (1.5, 0.5, 0.5), 120)
    assert Score.from_json(found.to_json()) == found


@pytest.fixture
def thin(series) -> list:
    """Ten slices of 1 mm, three a slab: what lies in one of them alone is a third as bright over the tissue."""
    hu = np.full((10, 12, 12), 40, dtype=np.int16)
    hu[1, 8:11, 8:11] = 300  # 126.7 in the mean
    hu[4:6, 2:4, 2:6] = 390  # 273.3: eight pixels of 0.25 mm2, weight 2
    hu[6, 2:4, 2:4] = 520  # 200.0: four, weight 2
    hu[9, 2:6, 2:6] = 800  # in the one slice that fills no slab
    return series(hu, step=1.0, SliceThickness=1, CalciumScoringMassFactorDevice=[0.7, 0.8, 0.9])


def test_thin_slices_are_scored_as_slabs(ct, thin, tmp_path) -> None:
    found = scored(ct, thin, tmp_path)
    assert (found.series.slices, found.series.spacing_mm) == (10, (1.0, 0.5, 0.5))
    assert (found.provenance.slab_slices, found.provenance.slab_mm) == (3, 3.0)
    assert found.agatston.total == 8 * 0.25 * 2 + 4 * 0.25 * 2
    assert found.volume_mm3.total == 12 * 0.25 * 3
    assert found.mass_mg.total == pytest.approx(0.8 * (8 * 273 + 4 * 200) * 0.25 * 3 / 1000, abs=1e-4)
    (lesion,) = found.lesions
    assert (lesion.max_hu, lesion.mean_hu) == (273, round((8 * 273 + 4 * 200) / 12, 2))
    # every image of the two slabs is named, and shows the outline of its slab
    assert lesion.slices == (3, 4, 5, 6, 7, 8)
    assert [image.sop_instance_uid for image in lesion.images] == [dcmread(thin[z]).SOPInstanceUID for z in range(3, 9)]
    assert [image.slice for image in lesion.images] == list(lesion.slices)
    lower, upper = [(2, 2, 4), (3, 2, 4)], [(2, 2, 2), (3, 2, 2)]
    assert lesion.runs == tuple((z, *run) for z in range(3, 9) for run in (lower if z < 6 else upper))
    # in mm above the first slice: eight pixels at 4, four at 7
    assert lesion.centroid_mm[2] == pytest.approx((8 * 4 + 4 * 7) / 12, abs=0.01)
    flags = {flag.code: dict(flag.values) for flag in found.flags}
    assert flags["slabs"] == {"count": 3, "slab_mm": 3.0, "spacing_mm": 1.0, "reference_mm": 3.0}
    assert "thickness" not in flags
    assert Score.from_json(found.to_json()) == found


def test_slabs_do_not_depend_on_names_and_order(ct, thin, tmp_path) -> None:
    mask = everywhere(ct, thin, tmp_path / "mask.dcm")
    other = [shutil.copy(path, tmp_path / f"{9 - index}{path.name}") for index, path in enumerate(thin)]
    assert engine.score(other, mask=mask) == engine.score(thin, mask=mask)


def test_what_was_counted_on_slabs_counts_again_by_its_segmentation(ct, thin, tmp_path) -> None:
    found = scored(ct, thin, tmp_path)
    at = datetime(2026, 1, 5, tzinfo=UTC)
    drawn = seg.build(found, [dcmread(path, stop_before_pixels=True) for path in thin], ReportRequest(1, at))
    path = ct.write(drawn, tmp_path / "drawn.dcm")
    again = engine.score(thin, mask=path)
    assert (again.agatston, again.volume_mm3) == (found.agatston, found.volume_mm3)
    assert [lesion.runs for lesion in again.lesions] == [lesion.runs for lesion in found.lesions]


def test_a_mask_of_one_slice_counts_what_its_slab_shows(ct, thin, tmp_path) -> None:
    drawn = np.zeros((10, 12, 12), dtype=bool)
    drawn[5, 2:4, 2:4] = True
    mask = ct.segmentation(thin, {"RCA": drawn}, tmp_path / "mask.dcm")
    assert engine.score(thin, mask=mask).agatston.RCA == 4 * 0.25 * 2


def test_a_gap_in_a_thin_series_is_named_by_its_images(ct, series, tmp_path) -> None:
    positions = [*range(7), *range(9, 16)]
    paths = series(np.full((14, 8, 8), 40, np.int16), positions=positions, SliceThickness=1)
    found = scored(ct, paths, tmp_path)
    assert found.reason_code == "gap"
    assert found.flags[-1].values == {"count": 2, "after": 7, "before": 8}


def test_lesions_of_unnamed_segments_count_in_the_total_alone(ct, series, tmp_path) -> None:
    paths = series(ct.ball(thickness=3.0, step=3.0, **SPHERE))
    found = engine.score(paths, mask=everywhere(ct, paths, tmp_path / "mask.dcm", "calcium"))
    assert found.agatston.total > 0
    assert [found.agatston.of(artery) for artery in ("LM", "LAD", "LCX", "RCA")] == [0, 0, 0, 0]
    assert found.lesions[0].artery is None
    assert found.cac_drs == "A3"
    assert Score.from_json(found.to_json()) == found


def test_no_calcium_is_a_score_of_zero(ct, series, tmp_path) -> None:
    found = scored(ct, series(np.full((30, 8, 8), 40, dtype=np.int16)), tmp_path)
    assert found.status == "scored"
    assert (found.agatston.total, found.category, found.cac_drs, found.lesions) == (0.0, "0", "A0", ())
    assert found.mass_mg is None
    assert found.mass_integrated_mg is None


@pytest.mark.parametrize("shift", [0.0, 0.7, 1.3])
def test_overlap_and_thickness_do_not_change_the_score(ct, series, tmp_path, shift) -> None:
    totals = []
    for index, (thickness, step) in enumerate([(3.0, 3.0), (1.5, 1.5), (3.0, 1.5)]):
        folder = tmp_path / str(index)
        folder.mkdir()
        hu = ct.ball(thickness=thickness, step=step, shift_mm=shift, **SPHERE)
        paths = series(hu, step=step, folder=f"ball{index}", SliceThickness=thickness)
        totals.append(scored(ct, paths, folder).agatston.total)
    contiguous, thin, overlapping = totals
    assert contiguous > 300
    # the ball is met by three or four slices of 3 mm: sampling alone moves the sum by this much
    assert overlapping == pytest.approx(contiguous, rel=0.1)
    assert thin == pytest.approx(contiguous, rel=0.15)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turn=st.fixed_dictionaries(dict.fromkeys(("transpose", "flip_rows", "flip_columns"), st.booleans())),
    order=st.permutations(range(8)),
    deep=st.booleans(),
)
def test_the_same_scan_stored_otherwise_has_the_same_score(ct, tmp_path_factory, turn, order, deep) -> None:
    tmp_path = tmp_path_factory.mktemp("stored")
    hu = ct.ball(thickness=3.0, step=3.0, length_mm=24.0, size=32, **SPHERE)
    hu[3, 4, 9:14] = 300  # makes left and right, front and back differ
    plain, other = [], []
    for z, image in enumerate(hu):
        one = ct.image(image, ImagePositionPatient=[12.5, -30.25, 3 * z])
        plain.append(ct.write(one, tmp_path / "plain" / f"{z}.dcm"))
        folder = tmp_path / "other" / (f"deep/{z % 3}" if deep else "")
        other.append(ct.write(ct.turned(one, **turn), folder / f"{order[z]}"))
    mask = everywhere(ct, plain, tmp_path / "mask.dcm")
    first = engine.score(plain, mask=mask)
    again = engine.score([tmp_path / "other"], mask=mask)
    assert len(first.lesions) == 2
    assert without_runs(first) == without_runs(again)
    for one, two in zip(first.lesions, again.lesions, strict=True):
        assert counted_places(plain, one) == counted_places(other, two)


def without_runs(found: Score) -> str:
    plain = dataclasses.replace(
        found, lesions=tuple(dataclasses.replace(lesion, runs=()) for lesion in found.lesions)
    ).to_dict()
    # the size of the stored matrix is that of the files
    return json.dumps(plain)


def counted_places(paths, lesion) -> set:
    """Patient coordinates of the voxels in the stored runs, by each image's own header."""
    images = {image.SOPInstanceUID: image for image in map(dcmread, paths)}
    names = {ref.slice: ref.sop_instance_uid for ref in lesion.images}
    places = set()
    for z, row, start, length in lesion.runs:
        image = images[names[z]]
        right, down = np.asarray(image.ImageOrientationPatient, dtype=float).reshape(2, 3)
        for column in range(start, start + length):
            at = np.asarray(image.ImagePositionPatient, dtype=float)
            at = at + column * float(image.PixelSpacing[1]) * right + row * float(image.PixelSpacing[0]) * down
            places.add(tuple(np.round(at, 3).tolist()))
    return places


def test_what_is_no_image_is_ignored(ct, series, tmp_path) -> None:
    paths = series(ct.ball(thickness=3.0, step=3.0, **SPHERE))
    before = scored(ct, paths, tmp_path)
    folder = paths[0].parent
    (folder / "truth.json").write_text("{}")
    (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    scout = ct.image(np.zeros((4, 9), dtype=np.int16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    ct.write(scout, folder / "scout.dcm")
    shutil.copy(tmp_path / "mask.dcm", folder / "zmask.dcm")
    after = engine.score([folder], mask=tmp_path / "mask.dcm")
    assert after.agatston == before.agatston
    assert [flag.code for flag in after.flags if flag.code == "other_images"] == ["other_images"]


def refused(found: Score, code: str) -> None:
    assert found.status == "not_scorable"
    assert found.reason
    assert found.flags[-1].code == found.reason_code == code
    assert (found.flags[-1].severity, found.flags[-1].message) == ("reject", found.reason)
    numbers = (found.agatston, found.agatston_range, found.volume_mm3, found.mass_mg, found.category, found.cac_drs)
    assert numbers == (None,) * 6
    assert Score.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "not_ct"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not_axial"),
        ({"SliceThickness": 8}, "thickness"),
        ({"ContrastBolusAgent": "OMNIPAQUE"}, "contrast"),
        ({"ImagePositionPatient": None}, "no_positions"),
    ],
)
def test_a_series_that_cannot_be_scored_says_why(ct, tmp_path, attributes, code) -> None:
    for z in range(30):
        image = ct.image(np.zeros((8, 8), dtype=np.int16), **({"ImagePositionPatient": [0, 0, 3 * z]} | attributes))
        ct.write(image, tmp_path / f"{z}.dcm")
    found = engine.score([tmp_path])
    refused(found, code)
    if code != "not_ct":
        assert found.series.series_instance_uid == image.SeriesInstanceUID


def test_too_short_and_damaged_and_empty(ct, series, tmp_path) -> None:
    refused(engine.score(series(np.zeros((5, 8, 8), dtype=np.int16))), "too_few_slices")
    (tmp_path / "empty").mkdir()
    refused(engine.score([tmp_path / "empty"]), "not_ct")
    paths = series(np.zeros((30, 8, 8), dtype=np.int16), folder="damaged")
    image = dcmread(paths[3])
    image.PixelData = image.PixelData[:20]
    image.save_as(paths[3])
    found = engine.score(paths)
    refused(found, "unreadable_pixels")
    assert image.SOPInstanceUID in found.reason


def test_two_series_are_not_one(series) -> None:
    paths = series(np.zeros((30, 8, 8), dtype=np.int16))
    paths += series(np.zeros((30, 8, 8), dtype=np.int16), folder="other", SeriesInstanceUID="1.2.3.4")
    refused(engine.score(paths), "mixed_series")


def test_a_gap_counts_where_the_mask_is(ct, series, tmp_path) -> None:
    hu = np.full((8, 12, 12), 40, dtype=np.int16)
    hu[1, 2:4, 2:4] = 500
    places = [0, 3, 6, 9, 15, 18, 21, 24]
    paths = series(hu, positions=places)
    one = np.zeros(hu.shape, dtype=bool)
    one[1] = True
    found = engine.score(paths, mask=ct.segmentation(paths, {"LAD": one}, tmp_path / "below.dcm"))
    assert found.agatston.total == 4.0
    assert [flag.code for flag in found.flags if flag.severity == "warning"] == ["gap"]
    one[:] = False
    one[4] = True  # beside the gap: the lesion may go on in the missing slice
    refused(engine.score(paths, mask=ct.segmentation(paths, {"LAD": one}, tmp_path / "beside.dcm")), "gap")
    one[1] = True
    refused(engine.score(paths, mask=ct.segmentation(paths, {"LAD": one}, tmp_path / "both.dcm")), "gap")


def test_thickness_counts_with_a_mask_too(ct, series, tmp_path) -> None:
    paths = series(np.zeros((4, 8, 8), dtype=np.int16))
    refused(scored(ct, paths, tmp_path, selection=SelectionSettings(maximum_thickness_mm=2.5)), "thickness")


def test_convention_and_voltage(ct, series, tmp_path) -> None:
    hu = np.full((4, 8, 8), 40, dtype=np.int16)
    hu[1, 2:4, 2:4] = 150
    paths = series(hu, KVP=80)
    standard = scored(ct, paths, tmp_path)
    adapted = scored(ct, paths, tmp_path, settings=ScoringSettings(convention="kvp-adapted"))
    assert (standard.agatston.total, adapted.agatston.total) == (1.0, 0.0)
    assert (standard.provenance.threshold_hu, adapted.provenance.threshold_hu) == (130, 177)


def test_an_unknown_engine_is_a_configuration_error(series) -> None:
    paths = series(np.zeros((4, 8, 8), dtype=np.int16))
    with pytest.raises(ConfigurationError, match="there is no engine named 'other'; installed: default"):
        engine.score(paths, ScoringSettings(engine="other"))


MODULE = """
from config.errors import NotScorable


def find(volume):
    raise NotScorable("heart_not_covered", text=f"plug-in saw {volume.hu.shape[0]} slices")
"""


def test_an_engine_is_plugged_in_by_name(series, tmp_path, monkeypatch) -> None:
    """A distribution as it is installed: a module, and metadata with an entry point."""
    metadata = tmp_path / "others" / "theirs-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[coronode.anatomy]\nmine = theirs_of_tests:find\n")
    monkeypatch.syspath_prepend(metadata.parent)
    paths = series(np.zeros((30, 8, 8), dtype=np.int16))
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        engine.score(paths, ScoringSettings(engine="mine"))
    (metadata.parent / "theirs_of_tests.py").write_text(MODULE)
    importlib.invalidate_caches()
    refusal = engine.score(paths, ScoringSettings(engine="mine"))
    refused(refusal, "heart_not_covered")
    assert refusal.reason == "plug-in saw 30 slices"
    assert (refusal.provenance.engine, refusal.provenance.weights) == ("mine", None)
    assert isinstance(refusal.series, SeriesInfo)


def spots(*places) -> np.ndarray:
    """Thirty slices of fat with bright squares of 6 x 6 pixels, each at (slice, column)."""
    hu = np.full((30, 60, 60), -100, dtype=np.int16)
    for z, x in places:
        hu[z, 20:26, x : x + 6] = 600
    return hu


def test_the_anatomy_decides(series, given_anatomy) -> None:
    """The same two spots: which counts, and in which artery, follows from where the heart is said to be."""
    paths = series(np.maximum(spots((10, 12), (20, 44)), spots((11, 12), (21, 44))))
    results = []
    for artery, inside in (("LCX", slice(0, 15)), ("RCA", slice(15, 30))):
        distance = np.full(30, 30.0)
        distance[inside] = -3.0

        def find(volume, distance=distance, artery=artery):
            return given_anatomy(
                body=lambda points: distance[np.rint(points[:, 0] / volume.spacing_mm[0]).astype(int)],
                likely={artery: 0.97},
                slices=len(volume.hu),
            )

        results.append(engine.score(paths, finder=find))
        assert [lesion.artery for lesion in results[-1].lesions] == [artery]
    assert [result.lesions[0].slices for result in results] == [(10, 11), (20, 21)]
    # 36 pixels of 0.25 mm2, weight 4, two slices of 3 mm.
    assert [result.agatston.total for result in results] == [72.0, 72.0]


def test_the_weights_are_named(series, given_anatomy) -> None:
    paths = series(spots())
    named = dataclasses.replace(given_anatomy(), weights="chest 0123, heart 4567")
    result = engine.score(paths, finder=lambda _: named)
    assert (result.provenance.engine, result.provenance.weights) == ("default", "chest 0123, heart 4567")
    assert Score.from_json(result.to_json()) == result
    assert engine.score(paths, finder=lambda _: given_anatomy()).provenance.weights is None


def test_a_calibration_for_these_nets_is_named(series, given_anatomy) -> None:
    paths = series(spots())
    named = dataclasses.replace(given_anatomy(), weights="chest 0123, heart 4567")
    own = Calibration("site-2026-11", load_weights(), 0.5, nets="chest 0123, heart 4567")
    plain, result = (engine.score(paths, finder=lambda _: named, calibration=item) for item in (None, own))
    assert (plain.provenance.calibration, result.provenance.calibration) == (None, own.label)
    assert Score.from_json(result.to_json()) == result
    # half as sharp: as many lesions, each less certain
    assert result.agatston == plain.agatston
    assert all(one.confidence < other.confidence for one, other in zip(result.lesions, plain.lesions, strict=True))
    assert any(own.label in line for line in words.method(result))


def test_a_calibration_for_other_nets_is_not_used_and_that_is_told(series, given_anatomy) -> None:
    paths = series(spots())
    other = Calibration("site-2026-11", load_weights(), 0.5, nets="chest 9999, heart 4567")
    plain, result = (engine.score(paths, finder=lambda _: given_anatomy(), calibration=item) for item in (None, other))
    assert result.provenance.calibration is None
    assert result.lesions == plain.lesions
    assert [flag.severity for flag in result.flags if flag.code == "calibration_outdated"] == ["warning"]


# the nets see no artery near; blotchy noise, of which one grain can be as large as the spot
NO_ARTERY = {"likely": {"RCA": 0.001}}
BLOTCHY = {"smooth_noise_hu": 0.9 * 12.0}


def blotchy(times: float) -> dict[str, object]:
    """Noise that 560 HU over the blood exceed so many times, when all its doubt is taken."""
    return {"noise_by_slice": np.full(30, 560 / (times * UNSURE)), **BLOTCHY}


@pytest.mark.parametrize(
    ("z", "place", "listed"),
    [
        (10, NO_ARTERY | {"body": 5.0}, True),
        (10, NO_ARTERY | {"body": 5.1}, False),
        (10, NO_ARTERY | {"bone": 3.0}, True),
        (10, NO_ARTERY | {"bone": 2.9}, False),
        (2, NO_ARTERY, True),
        (1, NO_ARTERY, False),
        (27, NO_ARTERY, True),
        (28, NO_ARTERY, False),
        # not hopeless: odds of 3.5 for 8 mm off the heart
        (28, {"body": 8.0}, True),
        # noise: hopeless, and possible
        (10, blotchy(3.6), False),
        (10, blotchy(4.3), True),
    ],
)
def test_candidates_at_the_heart_that_do_not_count_are_listed(series, given_anatomy, z, place, listed) -> None:
    result = engine.score(series(spots((z, 20))), finder=lambda _: given_anatomy(**place))
    assert result.agatston.total == 0
    assert len(result.rejected) == listed
    assert all(item.confidence < COUNTED and item.reason.text for item in result.rejected)
    assert result.rejected_left_out == 0


def test_verdicts_become_lesions_and_a_range(series, given_anatomy) -> None:
    """Four spots at 9, 4.5, 3.6 and 2.1 mm from bone: sure, uncertain, possible, not quite hopeless."""
    hu = spots((3, 20), (9, 20), (15, 20), (21, 20))
    for z, columns in ((9, 4), (15, 3), (21, 2)):
        hu[z, 20:26, 20 + columns :] = -100

    def from_bone(points):
        return np.select([points[:, 0] < 3 * z for z in (6, 12, 18)], [9.0, 4.5, 3.6], 2.1)

    given = given_anatomy(bone=from_bone, likely={"RCA": 0.999})
    anatomy = dataclasses.replace(given, flags=(Flag("noise", "warning", "noisy"),))
    result = engine.score(series(hu), finder=lambda _: anatomy)
    # pixels of 0.25 mm2, weight 4
    points = {z: float((hu[z] >= 130).sum()) for z in (3, 9, 15, 21)}
    assert [lesion.slices for lesion in result.lesions] == [(3,), (9,)]
    assert result.agatston.RCA == result.agatston.total == points[3] + points[9]
    low, high = result.agatston_range
    assert low < points[3] < result.agatston.total < high
    assert high > 0.9 * (points[3] + points[9] + points[15])
    assert [(item.slices, item.reason.code) for item in result.rejected] == [((15,), "at_bone"), ((21,), "at_bone")]
    assert result.rejected[1].agatston == points[21]
    assert Score.from_json(result.to_json()) == result
    assert {"noise", "review"} <= {flag.code for flag in result.flags}
    # the same with a slice missing inside the heart, and outside of it
    inside = series(hu, positions=[3 * z + 3 * (z > 10) for z in range(30)], folder="inside")
    refused(engine.score(inside, finder=lambda _: anatomy), "gap")
    outside = engine.score(
        series(hu, positions=[3 * z + 3 * (z > 28) for z in range(30)], folder="outside"), finder=lambda _: anatomy
    )
    assert outside.agatston == result.agatston
    assert "gap" in {flag.code for flag in outside.flags}


def test_a_refusal_after_the_anatomy_keeps_its_flags_and_weights(series, given_anatomy) -> None:
    noisy = dataclasses.replace(
        given_anatomy(noise_hu=30.0),
        flags=(Flag.build("contrast_possible", "warning", blood_hu=80.0),),
        weights="net 1",
    )
    result = engine.score(series(spots()), finder=lambda _: noisy)
    refused(result, "noise")
    assert "contrast_possible" in {flag.code for flag in result.flags}
    assert result.provenance.weights == "net 1"


def test_a_path_that_does_not_exist(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        engine.score([tmp_path / "nowhere"])


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("attributes", "variant"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "CT_SOM5 MIP"]}, "header"),
        ({"SeriesDescription": "MIP 9 mm"}, "header"),
        ({"DerivationDescription": "Maximum-Intensitäts-Projektion"}, "header"),
        ({}, "pixels"),
    ],
)
def test_slabs_of_a_real_scan_are_refused_with_and_without_a_word(ct, tmp_path, attributes, variant) -> None:
    """Unnoticed, the maxima of three slices of this patient would score 964 instead of 367."""
    images = [dcmread(path) for path in (ct.reference / "coca" / "gated-1").iterdir()]
    images.sort(key=lambda image: float(image.ImagePositionPatient[2]))
    stored = [image.pixel_array for image in images]
    for z, image in enumerate(images):
        slab = np.max(stored[max(0, z - 1) : z + 2], axis=0)
        image.PixelData = slab.astype("<u2").tobytes()
        image.SpecificCharacterSet = "ISO_IR 192"
        for keyword, value in attributes.items():
            setattr(image, keyword, value)
        image.save_as(tmp_path / f"{z}.dcm")
    found = engine.score([tmp_path])
    refused(found, "projection")
    assert found.flags[-1].values["variant"] == variant
