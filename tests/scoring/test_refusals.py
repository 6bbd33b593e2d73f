"""Series that must not be scored: each is refused with the code that says why."""

from dataclasses import replace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy import find
from scoring.candidates import agatston, conventions
from scoring.engine import score
from scoring.images.volume import Volume
from scoring.judgement.verdicts import judge
from scoring.phantom import PhantomSpec, make_phantom
from scoring.phantom.rendering import BLOOD
from scoring.phantom.tissue import Tissue
from scoring.way import ByAnatomy

STANDARD = conventions.named("standard")


def verdicts(volume):
    return judge(volume, find(volume), agatston.candidates(volume, STANDARD))


def refusal(volume):
    with pytest.raises(NotScorable) as raised:
        verdicts(volume)
    return raised.value.code


def noisy(volume, sd_hu):
    added = volume.hu + np.random.default_rng(5).normal(0.0, sd_hu, volume.hu.shape)
    return replace(volume, hu=np.clip(added.round(), -1024, 3071).astype(np.int16))


@pytest.fixture(scope="module")
def sick(patient, as_volume):
    return as_volume(patient), patient.truth


@pytest.fixture(scope="module")
def healthy(sick):
    """The same chest with what is bright at every calcification replaced by blood."""
    volume, truth = sick
    hu = volume.hu.copy()
    at = np.array([volume.to_index(np.array(lesion.centre_mm)) for lesion in truth.lesions])
    bright = np.argwhere(hu >= 100)
    away = (bright[:, None] - at) * volume.spacing_mm
    near = (np.linalg.norm(away, axis=2) < 8).any(axis=1)
    hu[tuple(bright[near].T)] = 40
    return replace(volume, hu=hu)


def place_of(volume, truth):
    """Index (z, y, x) of the largest calcification."""
    centre = max(truth.lesions, key=lambda lesion: lesion.agatston).centre_mm
    return np.rint(volume.to_index(np.array(centre))).astype(int)


def test_a_fit_scan_is_scored(sick):
    volume, truth = sick
    total = sum(item.candidate.agatston for item in verdicts(volume) if item.counted)
    assert total == pytest.approx(truth.agatston.total, rel=0.2)


def test_a_fit_scan_without_calcium_is_zero(healthy):
    assert not [item for item in verdicts(healthy) if item.counted]


@pytest.mark.parametrize(
    ("axis", "codes"),
    [
        (0, {"left_main_not_found", "landmarks_disagree", "aorta_not_found", "heart_not_covered", "heart_not_found"}),
        (1, {"landmarks_disagree", "no_spine"}),
        (2, {"landmarks_disagree", "aorta_not_found", "left_main_not_found"}),
    ],
)
def test_mirrored(sick, axis, codes):
    volume, _ = sick
    assert refusal(replace(volume, hu=np.ascontiguousarray(np.flip(volume.hu, axis)))) in codes


def test_cropped_above(sick):
    volume, truth = sick
    top = round(float(volume.to_index(np.array(truth.left_main_mm))[0]))
    assert refusal(replace(volume, hu=volume.hu[:top])) in {"heart_not_covered", "aorta_not_found"}


def test_cropped_below(sick):
    volume, truth = sick
    bottom = round(float(volume.to_index(np.array(truth.left_main_mm))[0] - 50 / volume.spacing_mm[0]))
    assert refusal(replace(volume, hu=volume.hu[bottom:])) in {
        "heart_not_covered",
        "heart_not_found",
        "not_a_chest",
        "landmarks_disagree",
    }


def test_abdomen(as_volume):
    spec = PhantomSpec(matrix=160, above_left_main_mm=-75.0, below_left_main_mm=140.0)
    assert refusal(as_volume(make_phantom(spec))) in {"not_a_chest", "heart_not_found"}


def test_contrast_by_its_brightness(sick, patient):
    """Blood of 300 HU instead of 40."""
    volume, _ = sick
    hu = np.where(np.isin(patient.labels, list(BLOOD)), volume.hu + 260, volume.hu)
    assert refusal(replace(volume, hu=hu.astype(np.int16))) == "contrast"


@pytest.mark.parametrize("over", [25, 55])
def test_venous_contrast(sick, patient, over):
    """Blood of 95 HU, muscle that has taken up 8 and a heart's wall that has taken up 40; or rich blood, of 65 HU."""
    volume, _ = sick
    taken = {Tissue.MUSCLE: 8, Tissue.MYOCARDIUM: 40} if over == 55 else {}
    hu = np.where(np.isin(patient.labels, list(BLOOD)), volume.hu + over, volume.hu)
    for tissue, more in taken.items():
        hu += more * (patient.labels == tissue)
    venous = replace(volume, hu=hu.astype(np.int16))
    if over == 55:
        assert refusal(venous) == "contrast"
    else:
        assert find(venous).heart_slices


def lower_end(volume, patient):
    """Index of the lowest slice that shows the heart's chambers or muscle."""
    chambers = ("MYOCARDIUM", "LEFT_VENTRICLE", "RIGHT_VENTRICLE", "RIGHT_ATRIUM", "EPICARDIAL_FAT", "PERICARDIUM")
    inside = np.isin(patient.labels, [Tissue[name] for name in chambers])
    area_cm2 = inside.sum(axis=(1, 2)) * volume.spacing_mm[1] * volume.spacing_mm[2] / 100
    return int(np.flatnonzero(area_cm2 > 1)[0])


def cut_below(volume, index):
    return replace(volume, hu=volume.hu[index:])


def test_a_heart_cut_by_some_millimetres(sick, healthy, patient):
    """At least what is seen of it, and never a plain 0."""
    volume, _ = sick
    bottom = lower_end(volume, patient) + round(8 / volume.spacing_mm[0])
    found = find(cut_below(volume, bottom))
    flagged = [flag.values for flag in found.flags if flag.code == "heart_cut"]
    assert len(flagged) == 1
    assert flagged[0]["cut_mm"] == pytest.approx(8, abs=4)
    for chest, zero in ((volume, False), (healthy, True)):
        judged = ByAnatomy("test", find).locate(cut_below(chest, bottom), "").judge
        if zero:
            with pytest.raises(NotScorable) as raised:
                judged(STANDARD)
            assert (raised.value.code, raised.value.values["variant"]) == ("heart_not_covered", "zero")
        else:
            assert any(item.counted for item in judged(STANDARD).findings)


def test_a_field_of_view_that_ends_before_spine_and_descending_aorta(sick, patient):
    volume, truth = sick
    behind = volume.to_index(patient.structures["descending_centres"])[:, 1].min()
    narrow = replace(volume, hu=volume.hu[:, : int(behind)])
    total = sum(item.candidate.agatston for item in verdicts(narrow) if item.counted)
    assert total == pytest.approx(truth.agatston.total, rel=0.25)


def test_water():
    y, x = np.mgrid[:128, :128]
    disc = np.where(np.hypot(y - 64, x - 64) < 50, 0, -1000)
    assert refusal(plain(disc * np.ones((40, 1, 1)))) == "not_a_chest"


def test_noise_and_nothing_else():
    assert refusal(plain(np.random.default_rng(1).normal(-300, 400, (40, 128, 128)))) in {
        "not_a_chest",
        "heart_not_found",
        "no_spine",
        "contrast",
        "aorta_not_found",
    }


def test_head():
    z, y, x = np.mgrid[:60, :128, :128]
    skull = ((y - 64) / 60.0) ** 2 + ((x - 64) / 48.0) ** 2
    hu = np.where(skull <= 1, 900, -1000)
    hu[skull <= 0.85] = 35
    hu[(np.hypot(y - 25, x - 64) < 14) & (z < 20)] = -990
    assert refusal(plain(hu)) in {"not_a_chest", "heart_not_found"}


def plain(hu):
    axes = np.eye(3)[::-1]
    return Volume(np.asarray(hu, np.int16), (3.0, 1.5, 1.5), (0.0, 0.0, 0.0), axes, ())


def test_zero_in_noise(healthy):
    assert refusal(noisy(healthy, 40.0)) == "noise"


def test_metal_in_the_heart(sick):
    volume, truth = sick
    z, y, x = place_of(volume, truth)
    hu = volume.hu.copy()
    hu[z, y - 1 : y + 2, x - 1 : x + 2] = 2600
    assert refusal(replace(volume, hu=hu)) == "metal"


def test_metal_outside_the_heart(sick):
    volume, _ = sick
    hu = volume.hu.copy()
    hu[:, 3:6, 80:110] = 3000
    counted = [sum(item.counted for item in verdicts(part)) for part in (volume, replace(volume, hu=hu))]
    assert counted[0] == counted[1] > 0


@pytest.mark.parametrize(
    ("code", "attributes"),
    [
        ("thickness", {"step": 8.0, "SliceThickness": 8.0}),
        ("localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
        ("contrast", {"ContrastBolusAgent": "OMNIPAQUE 350"}),
    ],
)
def test_by_the_header(series, code, attributes):
    paths = series(np.zeros((24, 32, 32), np.int16), **attributes)
    made = score(paths)
    assert made.status == "not_scorable"
    assert [flag.code for flag in made.flags if flag.severity == "reject"] == [code]


@pytest.mark.realdata
def test_calcium_phantom_without_a_mask(ct):
    folder = ct.reference / "qrm" / "dicom"
    if not folder.is_dir():
        pytest.skip("the reference scans are not beside the checkout")
    made = score([folder])
    assert made.status == "not_scorable"
    assert [flag.code for flag in made.flags if flag.severity == "reject"] in (
        ["landmarks_disagree"],
        ["aorta_not_found"],
        ["heart_not_found"],
        ["not_a_chest"],
    )
