"""Series that must not be scored: each is refused with the code that says why."""

from dataclasses import replace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring import agatston, conventions
from scoring.anatomy import find
from scoring.engine import score
from scoring.lesions import Verdict, judge, refuse_noise
from scoring.phantom import Calcification, PhantomSpec, make_phantom
from scoring.volume import Volume

AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
STANDARD = conventions.named("standard")
CALCIUM = (Calcification("LAD", 0.27, 3.5, 900.0, 6.0), Calcification("RCA", 0.22, 3.0, 900.0, 5.0))


def scan(**kwargs):
    phantom = make_phantom(PhantomSpec(matrix=160, noise_sd_hu=8.0, **kwargs))
    return Volume(phantom.hu, phantom.spacing_mm, phantom.origin_mm, AXES, ()), phantom.truth


def verdicts(volume):
    return judge(volume, find(volume), agatston.candidates(volume, STANDARD))


def refusal(volume):
    with pytest.raises(NotScorable) as raised:
        verdicts(volume)
    assert raised.value.reason.endswith(".")
    return raised.value.code


def noisy(volume, sd_hu):
    added = volume.hu + np.random.default_rng(5).normal(0.0, sd_hu, volume.hu.shape)
    return replace(volume, hu=np.clip(added.round(), -1024, 3071).astype(np.int16))


@pytest.fixture(scope="module")
def sick():
    return scan(calcifications=CALCIUM)


@pytest.fixture(scope="module")
def healthy():
    return scan(calcifications=())[0]


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
        (2, {"landmarks_disagree"}),
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


def test_abdomen():
    assert refusal(scan(above_left_main_mm=-75.0, below_left_main_mm=140.0)[0]) == "not_a_chest"


def test_contrast_by_its_brightness():
    assert refusal(scan(contrast=True)[0]) == "contrast"


def test_zero_in_noise(healthy):
    assert refusal(noisy(healthy, 40.0)) == "noise"


@pytest.mark.parametrize(
    ("noise_hu", "found", "refused"),
    [
        (40.0, [], True),
        (26.0, [], True),
        (24.0, [], False),
        (40.0, [(True, 0.6)], True),
        (40.0, [(True, 0.9)], False),
        (40.0, [(False, 0.4)], True),
    ],
)
def test_only_a_sure_lesion_stands_against_noise(noise_hu, found, refused):
    made = [Verdict(None, counted, "LAD", confidence, "") for counted, confidence in found]
    if refused:
        with pytest.raises(NotScorable, match=f"{noise_hu:.0f} HU"):
            refuse_noise(noise_hu, made)
    else:
        refuse_noise(noise_hu, made)


def test_metal_in_the_heart(sick):
    volume, truth = sick
    z, y, x = place_of(volume, truth)
    hu = volume.hu.copy()
    hu[z, y - 1 : y + 2, x - 1 : x + 2] = 2600
    assert refusal(replace(volume, hu=hu)) == "metal"


def test_metal_outside_the_heart(sick):
    volume, _ = sick
    hu = volume.hu.copy()
    hu[:, 3:6, 70:90] = 3000
    assert sum(item.counted for item in verdicts(replace(volume, hu=hu))) == sum(
        item.counted for item in verdicts(volume)
    )


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
    assert [flag.code for flag in made.flags if flag.severity == "reject"] == ["landmarks_disagree"]
    assert "no patient" in made.reason
