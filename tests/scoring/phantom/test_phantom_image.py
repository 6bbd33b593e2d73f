from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from scoring.phantom import Phantom, PhantomSpec, make_phantom
from scoring.phantom.tissue import Tissue

HEART = (
    Tissue.EPICARDIAL_FAT,
    Tissue.MYOCARDIUM,
    Tissue.LEFT_VENTRICLE,
    Tissue.RIGHT_VENTRICLE,
    Tissue.LEFT_ATRIUM,
    Tissue.RIGHT_ATRIUM,
    Tissue.CORONARY,
    Tissue.ASCENDING_AORTA,
    Tissue.PULMONARY_TRUNK,
)


def inner(phantom: Phantom, *tissues: Tissue, depth: int = 3) -> np.ndarray:
    """Voxels well inside a tissue, away from partial volume."""
    assert phantom.labels is not None
    block = np.ones((3, 2 * depth + 1, 2 * depth + 1), bool)
    return ndi.binary_erosion(np.isin(phantom.labels, tissues), block)


@pytest.mark.parametrize(
    ("tissue", "low", "high"),
    [
        (Tissue.AIR, -1005, -995),
        (Tissue.LUNG, -900, -830),
        (Tissue.FAT, -115, -90),
        (Tissue.MUSCLE, 45, 60),
        (Tissue.LEFT_VENTRICLE, 35, 45),
        (Tissue.ASCENDING_AORTA, 35, 45),
        (Tissue.DESCENDING_AORTA, 35, 45),
        (Tissue.LIVER, 50, 65),
        (Tissue.AIRWAY, -1000, -900),
    ],
)
def test_tissues_have_their_attenuation(clean: Phantom, tissue: Tissue, low: float, high: float) -> None:
    depth = 1 if tissue in (Tissue.FAT, Tissue.AIRWAY) else 3
    values = clean.hu[inner(clean, tissue, depth=depth)]
    assert values.size > 30
    assert low < np.median(values) < high


def test_bone_has_a_bright_rim_around_darker_marrow(clean: Phantom) -> None:
    assert clean.labels is not None
    rim = clean.hu[clean.labels == Tissue.VERTEBRA_CORTEX]
    marrow = clean.hu[inner(clean, Tissue.VERTEBRA_MARROW)]
    assert np.percentile(rim, 75) > 250
    assert 100 < np.median(marrow) < 250


def test_a_heart_without_calcium_holds_nothing_at_the_threshold(clean: Phantom) -> None:
    assert clean.labels is not None
    heart = np.isin(clean.labels, HEART)
    assert heart.sum() > 10_000
    assert clean.hu[heart].max() < 120


def test_lungs_are_large_and_carry_vessels(clean: Phantom) -> None:
    assert clean.labels is not None
    voxel = np.prod(clean.spacing_mm) / 1000
    lung = np.isin(clean.labels, (Tissue.LUNG, Tissue.LUNG_VESSEL))
    assert lung.sum() * voxel > 800
    share = (clean.labels == Tissue.LUNG_VESSEL).sum() / lung.sum()
    assert 0.01 < share < 0.15


def test_landmarks_lie_in_what_they_name(clean: Phantom) -> None:
    assert clean.labels is not None
    s = clean.structures
    assert s["left_main_ostium"][2] > s["aortic_valve"][2] + 8
    assert 60 < s["left_main_ostium"][2] - s["apex"][2] < 110
    for name, tissue in (("ascending", Tissue.ASCENDING_AORTA), ("descending", Tissue.DESCENDING_AORTA)):
        centres = s[f"{name}_centres"]
        assert len(centres) == len(clean.hu)
        for k in range(len(centres) - 10, len(centres)):
            x, y, z = ((p - o) / d for p, o, d in zip(centres[k], clean.origin_mm, clean.spacing_mm[::-1], strict=True))
            assert z == pytest.approx(k, abs=1e-3)
            assert clean.labels[k, round(y), round(x)] == tissue


def test_aorta_is_round_and_of_adult_size(clean: Phantom) -> None:
    assert clean.labels is not None
    for tissue, low, high in ((Tissue.ASCENDING_AORTA, 14, 20), (Tissue.DESCENDING_AORTA, 10, 15)):
        area = (clean.labels[-5] == tissue).sum() * clean.spacing_mm[1] * clean.spacing_mm[2]
        assert low < np.sqrt(area / np.pi) < high


def test_noise_has_the_requested_strength_and_a_grain() -> None:
    spec = PhantomSpec(seed=1, matrix=256, noise_sd_hu=18, above_left_main_mm=-20, below_left_main_mm=40)
    phantom = make_phantom(spec)
    blood = inner(phantom, Tissue.LEFT_VENTRICLE, depth=5)
    assert phantom.hu[blood].std() == pytest.approx(18, rel=0.1)
    image = phantom.hu[3].astype(float) - 40
    both = blood[3, :, 1:] & blood[3, :, :-1]
    neighbours = np.corrcoef(image[:, 1:][both], image[:, :-1][both])[0, 1]
    assert 0.05 < neighbours < 0.9


def test_contrast_fills_the_blood() -> None:
    spec = PhantomSpec(seed=1, matrix=128, contrast=True, above_left_main_mm=10, below_left_main_mm=40)
    phantom = make_phantom(spec)
    for tissue in (Tissue.LEFT_VENTRICLE, Tissue.DESCENDING_AORTA):
        assert np.median(phantom.hu[inner(phantom, tissue, depth=2)]) == pytest.approx(300, abs=15)
    assert np.median(phantom.hu[inner(phantom, Tissue.LUNG)]) < -800


def test_distractors_lie_in_the_aortic_wall() -> None:
    spec = PhantomSpec(seed=1, matrix=256, noise_sd_hu=0, calcifications=(), below_left_main_mm=80)
    phantom = make_phantom(spec)
    assert phantom.truth.agatston.total == 0
    assert len(phantom.truth.distractors) >= 2
    for distractor in phantom.truth.distractors:
        assert np.linalg.norm(np.subtract(distractor.centre_mm, phantom.truth.left_main_mm)) > 20
        x, y, z = (
            round((p - o) / d)
            for p, o, d in zip(distractor.centre_mm, phantom.origin_mm, phantom.spacing_mm[::-1], strict=True)
        )
        around = (slice(z - 1, z + 2), slice(y - 4, y + 5), slice(x - 4, x + 5))
        assert phantom.hu[around].max() > 130
        assert phantom.labels is not None
        assert np.isin(phantom.labels[around], (Tissue.ASCENDING_AORTA, Tissue.DESCENDING_AORTA)).any()
