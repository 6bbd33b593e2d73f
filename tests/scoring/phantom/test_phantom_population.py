from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.phantom import DISTRACTOR_KINDS, Calcification, PhantomSpec, draw, make_phantom
from scoring.phantom.burden import calcifications, expected_agatston
from scoring.phantom.calcium import MASS_FACTOR, contrast, place_calcification, render_deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.scan import Scan
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue
from scoring.phantom.truth import Placed, score_calcifications
from scoring.result import ARTERIES


@given(seed=st.integers(0, 2**31 - 1))
def test_every_seed_is_one_patient_with_one_scan(seed: int) -> None:
    spec = draw(seed)
    assert spec == draw(seed)
    assert spec.seed == seed
    assert 0.7 <= spec.slice_thickness_mm <= 6
    assert spec.slice_increment_mm <= spec.slice_thickness_mm
    assert 160 <= spec.field_of_view_mm <= 420
    assert spec.matrix in (512, 768)
    assert spec.slices * spec.matrix**2 < 1.5e8
    for lesion in spec.lesions:
        assert 1 <= lesion.diameter_mm <= (lesion.length_mm or 0) <= 55
        assert 180 <= lesion.hu <= 1500


@pytest.fixture(scope="module")
def specs() -> list[PhantomSpec]:
    return [draw(seed) for seed in range(600)]


def test_scanners_are_mixed(specs: list[PhantomSpec]) -> None:
    def share(holds: Callable[[PhantomSpec], bool], among: list[PhantomSpec] = specs) -> float:
        return sum(map(holds, among)) / len(among)

    gated, chests = [s for s in specs if s.gated], [s for s in specs if not s.gated]
    assert 0.48 < len(gated) / len(specs) < 0.62
    assert share(lambda s: s.slice_thickness_mm == 3 and s.kvp == 120, gated) > 0.5
    assert share(lambda s: s.field_of_view_mm <= 260, gated) == 1
    assert share(lambda s: s.field_of_view_mm >= 310 and s.motion_mm >= 1, chests) == 1
    assert share(lambda s: s.above_left_main_mm > 100 and s.below_left_main_mm > 135, chests) > 0.6
    assert 0.15 < share(lambda s: s.edge_enhancement > 0.2, chests) < 0.45
    assert {s.noise_texture for s in specs} == {"standard", "sharp", "smooth"}
    assert {s.patient_position for s in specs} == {"HFS", "HFP", "FFS", "FFP"}
    for holds in (
        lambda s: s.gantry_tilt_deg != 0,
        lambda s: s.flip_columns,
        lambda s: s.flip_rows,
        lambda s: s.matrix == 768,
        lambda s: s.slice_increment_mm < s.slice_thickness_mm,
        lambda s: s.kvp < 100,
    ):
        assert 0 < share(holds) < 0.4
    # All cover the heart.
    assert min(s.above_left_main_mm for s in specs) > 20
    assert min(s.below_left_main_mm for s in specs) > 105


def test_patients_are_mixed(specs: list[PhantomSpec]) -> None:
    scores = np.array([sum(map(expected_agatston, spec.lesions)) for spec in specs])
    for share, low, high in ((0.25, -1, 0), (0.30, 0, 100), (0.25, 100, 400), (0.20, 400, 1e9)):
        assert ((scores > low) & (scores <= high)).mean() == pytest.approx(share, abs=0.06)
    assert (scores > 1000).mean() > 0.02
    lesions = [lesion for spec in specs for lesion in spec.lesions]
    arteries = Counter(lesion.artery for lesion in lesions)
    assert set(arteries) == set(ARTERIES)
    assert arteries.most_common(1)[0][0] == "LAD"
    assert max(len(spec.lesions) for spec in specs) > 12
    assert any(x.artery == "LAD" and (x.length_mm or 0) > 30 for x in lesions)
    # Calcium at the origin of LAD or LCX is the end of a plate that comes from the left main.
    begun = [spec for spec in specs if any(x.artery in ("LAD", "LCX") and x.position == 0 for x in spec.lesions)]
    assert begun
    assert all(any(x.artery == "LM" and x.position == 1 for x in spec.lesions) for spec in begun)
    assert sum(x.artery == "RCA" and x.position == 0 for x in lesions) > 10
    assert min(x.diameter_mm for x in lesions) < 1.5
    assert max(x.diameter_mm for x in lesions) > 4
    kinds = {kind for spec in specs for kind in spec.distractor_kinds}
    assert kinds == set(DISTRACTOR_KINDS[3:])
    opened = [s for s in specs if {"bypass graft", "mechanical valve"} & set(s.distractor_kinds)]
    assert sum("sternal wires" in s.distractor_kinds for s in opened) > 0.7 * len(opened)


@pytest.fixture(scope="module")
def patients() -> list[tuple[Calcification, ...]]:
    """The calcifications of those patients who have any."""
    return [lesions for seed in range(1500) if (lesions := calcifications(seed))]


def test_calcium_is_shared_between_the_arteries_as_published(patients: list[tuple[Calcification, ...]]) -> None:
    amount: Counter[str] = Counter()
    for lesion in itertools.chain(*patients):
        amount[lesion.artery] += expected_agatston(lesion)
    largest = sum(amount[a] for a in ("LAD", "RCA", "LCX"))
    for artery, share in (("LAD", 0.58), ("RCA", 0.32), ("LCX", 0.10)):
        assert amount[artery] / largest == pytest.approx(share, abs=0.05), artery
    found = [{lesion.artery for lesion in lesions} for lesions in patients]
    assert np.mean(["LM" in arteries for arteries in found]) == pytest.approx(0.22, abs=0.04)
    single = [arteries for arteries in found if len(arteries) == 1]
    assert np.mean([arteries == {"LAD"} for arteries in single]) == pytest.approx(0.57, abs=0.08)
    assert 0.12 < np.mean([arteries >= {"LAD", "LCX", "RCA"} for arteries in found]) < 0.3


def test_few_vessels_are_calcified_near_their_origin(patients: list[tuple[Calcification, ...]]) -> None:
    def middle(vessels: int) -> float:
        chosen = [x for x in patients if len({y.artery for y in x} - {"LM"}) == vessels]
        return float(np.median([y.position for x in chosen for y in x if y.artery == "LAD" and not y.branch]))

    assert middle(1) < 0.8 * middle(3)


def test_calcium_lies_in_side_branches_too(patients: list[tuple[Calcification, ...]]) -> None:
    lesions = list(itertools.chain(*patients))
    assert np.mean([x.branch > 0 for x in lesions]) == pytest.approx(0.13, abs=0.03)
    assert {x.artery for x in lesions if x.branch} == {"LAD", "LCX", "RCA"}


def test_hard_patients_have_more_to_be_told_apart(patients: list[tuple[Calcification, ...]]) -> None:
    hard = [calcifications(seed, hard=True) for seed in range(600)]
    assert np.mean([len(x) > 0 for x in hard]) > 0.87
    assert np.mean([y.branch > 0 for x in hard for y in x]) > 0.2


def test_the_expected_score_is_about_right() -> None:
    """The estimate is more accurate for many rods together than for a single one."""
    rods = {
        "LAD": (Calcification("LAD", 0.15, 2.5, 600.0, 6.0), Calcification("LAD", 0.4, 3.0, 500.0, 9.0)),
        "LCX": (Calcification("LCX", 0.2, 2.0, 900.0, 5.0), Calcification("LCX", 0.45, 3.0, 700.0, 5.0)),
        "RCA": (Calcification("RCA", 0.2, 3.5, 400.0, 12.0), Calcification("RCA", 0.5, 2.5, 1000.0, 6.0)),
    }
    scan = Scan.of(PhantomSpec(above_left_main_mm=15, below_left_main_mm=100, matrix=384))
    thorax = Thorax.draw(1)
    tree = CoronaryTree.grow(thorax)
    background = np.zeros(scan.shape, np.float32)
    expected = scored = 0.0
    for number, rod in enumerate(itertools.chain(*rods.values())):
        deposit = place_calcification(thorax, tree, rod, 1, number)
        placed = Placed(rod, deposit, (0.0, 0.0, 0.0), render_deposit(deposit, scan))
        expected += expected_agatston(rod)
        scored += score_calcifications(background, (placed,), scan.spacing_mm)[0][0]
    assert scored == pytest.approx(expected, rel=0.35)


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
    """Landmarks lie in the structures they name and a clean heart holds nothing bright, whatever the pose."""
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
            calcifications=(Calcification("LM", 0.5, 2.0, 480.0),),
            above_left_main_mm=6,
            below_left_main_mm=15,
        )
        return make_phantom(spec).truth.agatston.total

    assert score(0.7) > score(1.4) > 0
