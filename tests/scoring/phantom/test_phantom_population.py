from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.phantom import DISTRACTOR_KINDS, PhantomSpec, draw, make_phantom
from scoring.phantom.calcium import MASS_FACTOR, contrast
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue
from scoring.result import ARTERIES


@given(seed=st.integers(0, 2**31 - 1))
def test_every_seed_is_one_patient_with_one_scan(seed: int) -> None:
    spec = draw(seed)
    assert spec == draw(seed)
    assert spec.seed == seed
    assert 0.6 <= spec.slice_thickness_mm <= 5
    assert spec.slice_increment_mm <= spec.slice_thickness_mm
    assert 180 <= spec.field_of_view_mm <= 400
    assert spec.matrix in (512, 768)
    assert 6 <= spec.noise_sd_hu <= 30
    assert 80 <= spec.kvp <= 140
    for lesion in spec.lesions:
        assert 1.5 <= lesion.diameter_mm <= (lesion.length_mm or 0) <= 25
        assert 200 <= lesion.hu <= 1500


def test_population_is_mixed() -> None:
    specs = [draw(seed) for seed in range(400)]
    clean = sum(spec.lesions == () for spec in specs) / len(specs)
    assert 0.18 < clean < 0.32
    arteries = Counter(lesion.artery for spec in specs for lesion in spec.lesions)
    assert set(arteries) == set(ARTERIES)
    assert arteries.most_common(1)[0][0] == "LAD"
    assert max(len(spec.lesions) for spec in specs) > 12
    assert {spec.patient_position for spec in specs} == {"HFS", "HFP", "FFS", "FFP"}
    kinds = {kind for spec in specs for kind in spec.distractor_kinds}
    assert kinds >= set(DISTRACTOR_KINDS[3:])
    assert any(spec.slice_increment_mm < spec.slice_thickness_mm for spec in specs)


def test_matrix_can_be_chosen() -> None:
    assert draw(5, 256).matrix == 256
    assert draw(5, 256).lesions == draw(5).lesions


def test_calcium_follows_the_tube_voltage() -> None:
    low, usual, high = (
        make_phantom(
            PhantomSpec(seed=1, matrix=128, kvp=kvp, noise_sd_hu=0, above_left_main_mm=6, below_left_main_mm=15)
        ).truth
        for kvp in (80, 120, 140)
    )
    assert low.agatston.total > usual.agatston.total > high.agatston.total
    # The mass is the patient's, whatever the scanner.
    assert low.mass_mg.total == pytest.approx(usual.mass_mg.total, rel=1e-4)
    assert low.mass_factor * contrast(80) == pytest.approx(MASS_FACTOR)


def test_varied_bodies_differ_more() -> None:
    def spread(variation: float, name: str) -> float:
        return float(np.std([getattr(Thorax.draw(seed, variation), name) for seed in range(40)]))

    for name in ("heart_scale", "half_width", "fat", "ascending_radius", "right_dome_z", "epicardial_fat"):
        assert spread(1.0, name) > 1.3 * spread(0.0, name), name


@pytest.mark.parametrize("seed", [11, 12])
def test_a_varied_patient_is_consistent(seed: int) -> None:
    """Landmarks lie in what they name and a clean heart holds nothing bright, however the patient lies."""
    phantom = make_phantom(
        PhantomSpec(
            seed=seed,
            matrix=128,
            variation=1.0,
            noise_sd_hu=0,
            calcifications=(),
            distractors=False,
            field_of_view_mm=240,
        )
    )
    assert phantom.labels is not None
    heart = np.isin(phantom.labels, (Tissue.LEFT_VENTRICLE, Tissue.RIGHT_ATRIUM, Tissue.CORONARY))
    assert heart.sum() > 5000
    assert phantom.hu[heart].max() < 130
    for name, tissue in (("ascending", Tissue.ASCENDING_AORTA), ("descending", Tissue.DESCENDING_AORTA)):
        for k in range(len(phantom.hu) - 8, len(phantom.hu)):
            x, y, _ = (
                round((p - o) / d)
                for p, o, d in zip(
                    phantom.structures[f"{name}_centres"][k], phantom.origin_mm, phantom.spacing_mm[::-1], strict=True
                )
            )
            assert phantom.labels[k, y, x] == tissue


def test_lesions_of_a_turned_patient_are_where_the_truth_says() -> None:
    spec = {"seed": 12, "matrix": 128, "variation": 1.0, "noise_sd_hu": 0.0, "distractors": False}
    with_calcium, without = make_phantom(PhantomSpec(**spec)), make_phantom(PhantomSpec(**spec, calcifications=()))
    assert not Thorax.draw(12, 1.0).pose.is_straight
    assert with_calcium.labels is not None
    added = with_calcium.hu.astype(int) - without.hu.astype(int)
    for lesion in with_calcium.truth.lesions:
        x, y, z = (
            round((p - o) / d)
            for p, o, d in zip(lesion.centre_mm, with_calcium.origin_mm, with_calcium.spacing_mm[::-1], strict=True)
        )
        assert added[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].max() > 60
        near = with_calcium.labels[z - 1 : z + 2, y - 2 : y + 3, x - 2 : x + 3]
        assert (near == Tissue.CORONARY).any(), lesion


def test_a_softer_kernel_spreads_calcium() -> None:
    def score(fwhm: float) -> float:
        spec = PhantomSpec(
            seed=1,
            matrix=128,
            field_of_view_mm=110,
            noise_sd_hu=0,
            kernel_fwhm_mm=fwhm,
            above_left_main_mm=6,
            below_left_main_mm=15,
        )
        return make_phantom(spec).truth.agatston.total

    assert score(0.7) > score(1.4) > 0
