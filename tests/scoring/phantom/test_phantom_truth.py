from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage as ndi

from scoring.phantom import Calcification, Phantom, PhantomSpec, Truth, make_phantom
from scoring.phantom.calcium import MASS_FACTOR
from scoring.phantom.tissue import Tissue
from scoring.result import ARTERIES


def agatston(hu: np.ndarray, calcium: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Compute the Agatston score as in the paper, independently of the phantom: slice by slice, per threshold."""
    total = 0.0
    for image, where in zip(hu, calcium, strict=True):
        parts, count = ndi.label((image >= 130) & where, structure=np.ones((3, 3)))
        for part in range(1, count + 1):
            values = image[parts == part]
            area = values.size * spacing[1] * spacing[2]
            if area >= 1:
                total += area * sum(values.max() >= step for step in (130, 200, 300, 400))
    return total * spacing[0] / 3


def test_truth_is_the_agatston_of_the_added_calcium(clean: Phantom, calcified: Phantom) -> None:
    added = calcified.hu.astype(int) - clean.hu.astype(int)
    expected = agatston(calcified.hu, added > 1, calcified.spacing_mm)
    assert expected > 100
    assert calcified.truth.agatston.total == pytest.approx(expected, rel=0.01)


def test_the_truth_of_thin_slices_is_that_of_slabs() -> None:
    """The mean of three slices of 1 mm, without noise; two slices at the top fill no slab."""
    spec = PhantomSpec(
        matrix=128,
        slice_thickness_mm=1.0,
        slice_increment_mm=1.0,
        above_left_main_mm=10.0,
        below_left_main_mm=63.0,
        noise_sd_hu=0.0,
        distractors=False,
        calcifications=(Calcification("LAD", 0.2, 2.5, 500.0, 9.0), Calcification("RCA", 0.4, 2.5, 500.0, 9.0)),
    )
    made, clean = make_phantom(spec), make_phantom(replace(spec, calcifications=()))
    assert len(made.hu) == 74

    def averaged(hu: np.ndarray) -> np.ndarray:
        return np.rint(np.array([hu[k : k + 3].mean(axis=0) for k in range(0, 72, 3)]))

    z, y, x = made.spacing_mm
    added = averaged(made.hu) - averaged(clean.hu)
    expected = agatston(averaged(made.hu), added > 1, (3 * z, y, x))
    thin = agatston(made.hu, made.hu.astype(int) - clean.hu > 1, made.spacing_mm)
    assert made.truth.agatston.total == pytest.approx(expected, rel=0.01)
    assert made.truth.agatston.total != pytest.approx(thin, rel=0.01)
    assert made.spacing_mm[0] == 1.0


def test_mass_is_in_the_image(clean: Phantom, calcified: Phantom) -> None:
    added = calcified.hu.astype(int) - clean.hu.astype(int)
    mass = added.sum() * np.prod(calcified.spacing_mm) * MASS_FACTOR / 1000
    assert calcified.truth.mass_mg.total == pytest.approx(mass, rel=0.03)


def test_arteries_add_up_to_the_total(calcified: Phantom) -> None:
    truth = calcified.truth
    for name, lesion_name in (
        ("agatston", "agatston"),
        ("volume_mm3", "volume_mm3"),
        ("mass_mg", "mass_mg"),
        ("volume_score_mm3", "volume_score_mm3"),
    ):
        values = getattr(truth, name)
        assert values.total == pytest.approx(sum(values.of(a) for a in ARTERIES), abs=0.01)
        for artery in ARTERIES:
            own = sum(getattr(lesion, lesion_name) for lesion in truth.lesions if lesion.artery == artery)
            assert values.of(artery) == pytest.approx(own, abs=0.01)
    assert truth.category == "101-400"


def test_lesions_lie_where_the_truth_says_with_fat_beside_them(clean: Phantom, calcified: Phantom) -> None:
    assert clean.labels is not None
    added = calcified.hu.astype(int) - clean.hu.astype(int)
    for lesion in calcified.truth.lesions:
        z, y, x = (
            round((p - o) / d)
            for p, o, d in zip(lesion.centre_mm[::-1], calcified.origin_mm[::-1], calcified.spacing_mm, strict=True)
        )
        assert added[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].max() > 60
        around = clean.labels[z, y - 6 : y + 7, x - 6 : x + 7]
        fat = np.isin(around, (Tissue.EPICARDIAL_FAT, Tissue.MEDIASTINAL_FAT)).mean()
        assert fat > 0.1, lesion


def test_no_calcium_is_zero(clean: Phantom) -> None:
    truth = clean.truth
    assert (truth.agatston.total, truth.mass_mg.total, truth.category, truth.lesions) == (0, 0, "0", ())


def test_samplings_of_one_patient_agree() -> None:
    """Slices of another thickness, increment or phase sample the same calcium; large lesions score alike."""
    lesions = (Calcification("LAD", 0.6, 5.0, 700.0, 18.0), Calcification("RCA", 0.3, 5.0, 700.0, 18.0))
    truths = []
    for thickness, increment, offset in ((3.0, 3.0, 0.0), (3.0, 3.0, 1.5), (1.5, 1.5, 0.0), (3.0, 1.5, 0.0)):
        spec = PhantomSpec(
            seed=2,
            matrix=256,
            field_of_view_mm=135,
            slice_thickness_mm=thickness,
            slice_increment_mm=increment,
            z_offset_mm=offset,
            above_left_main_mm=15,
            below_left_main_mm=66,
            calcifications=lesions,
            noise_sd_hu=0,
        )
        truths.append(make_phantom(spec).truth)
    assert len({truth.mass_mg.total for truth in truths}) == 1
    assert len({truth.lesions[1].centre_mm for truth in truths}) == 1
    # The phase of the slices matters most for the one that lies in the fewest.
    for artery, limit in (("total", 0.12), ("LAD", 0.2), ("RCA", 0.12)):
        scores = [getattr(truth.agatston, artery) for truth in truths]
        assert max(scores) - min(scores) < limit * np.mean(scores)


def test_bigger_and_denser_calcium_scores_more() -> None:
    def score(diameter: float, hu: float) -> float:
        spec = PhantomSpec(
            seed=3,
            matrix=256,
            field_of_view_mm=135,
            above_left_main_mm=9,
            below_left_main_mm=24,
            calcifications=(Calcification("LAD", 0.2, diameter, hu),),
        )
        return make_phantom(spec).truth.agatston.LAD

    small, big, dense = score(3.0, 350.0), score(5.0, 350.0), score(3.0, 900.0)
    assert 0 < small < big
    assert small < dense


def test_truth_survives_json(calcified: Phantom) -> None:
    text = calcified.truth.to_json()
    assert Truth.from_json(text) == calcified.truth
    assert next(iter(json.loads(text))) == "schema"


@pytest.mark.parametrize("text", ["[]", '{"schema": "other/1"}', '{"schema": "coronode.phantom-truth/1"}', "{"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Truth.from_json(text)
