from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.phantom import (
    DEFAULT_DISTRACTORS,
    DISTRACTOR_KINDS,
    METAL,
    METAL_IN_HEART,
    Phantom,
    PhantomSpec,
    Truth,
    make_phantom,
    write_series,
)
from scoring.phantom.calcium import render_deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractor_kinds import DistractorKind
from scoring.phantom.distractors import build_distractors
from scoring.phantom.scan import Scan
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue

Points = NDArray[np.float64]
BARE = PhantomSpec(seed=1, matrix=144, noise_sd_hu=0, calcifications=(), distractors=False)
AORTA = (Tissue.ASCENDING_AORTA, Tissue.DESCENDING_AORTA)
BESIDE: dict[DistractorKind, tuple[Tissue, ...]] = {
    "aortic plaques": AORTA,
    "aortic root": (Tissue.ASCENDING_AORTA,),
    "coronary origin": (Tissue.ASCENDING_AORTA,),
    "aortic root ring": (Tissue.ASCENDING_AORTA,),
    "aortic valve": (Tissue.ASCENDING_AORTA,),
    "mitral annulus": (Tissue.LEFT_VENTRICLE, Tissue.LEFT_ATRIUM, Tissue.MYOCARDIUM),
    "papillary muscle": (Tissue.LEFT_VENTRICLE, Tissue.MYOCARDIUM),
    "pericardium": (Tissue.PERICARDIUM, Tissue.EPICARDIAL_FAT),
    "lymph node": (*AORTA, Tissue.MEDIASTINAL_FAT),
    "granuloma": (Tissue.LUNG,),
    "bronchial wall": (Tissue.AIRWAY, Tissue.AIRWAY_WALL),
    "pacemaker lead": (Tissue.VEIN, Tissue.RIGHT_ATRIUM, Tissue.RIGHT_VENTRICLE),
    "stent": (Tissue.CORONARY,),
    "bypass graft": (Tissue.EPICARDIAL_FAT, Tissue.MEDIASTINAL_FAT, Tissue.ASCENDING_AORTA, Tissue.LUNG),
    "sternal wires": (Tissue.STERNUM_CORTEX,),
    "mechanical valve": (Tissue.ASCENDING_AORTA, Tissue.LEFT_VENTRICLE, Tissue.LEFT_ATRIUM, Tissue.MYOCARDIUM),
}
CLOSER_MM = {
    "aortic root": 2.0,
    "coronary origin": 0.3,
    "aortic root ring": 0.8,
    "aortic valve": 2.0,
    "mitral annulus": 1.0,
    "pericardium": 3.0,
    "lymph node": 4.0,
    "hilar lymph node": 4.0,
    "surgical clip": 4.0,
    "pacemaker lead": 3.0,
    "bypass graft": 3.0,
    "mechanical valve": 2.0,
}


@pytest.fixture(scope="module")
def bare() -> Phantom:
    return make_phantom(BARE)


@pytest.fixture(scope="module")
def full() -> Phantom:
    """The same patient with everything that must not be counted."""
    return make_phantom(PhantomSpec(seed=1, matrix=144, noise_sd_hu=0, calcifications=(), distractors=DISTRACTOR_KINDS))


def around(phantom: Phantom, centre: tuple[float, float, float], reach: int = 3) -> tuple[slice, slice, slice]:
    at = [round((p - o) / d) for p, o, d in zip(centre, phantom.origin_mm, phantom.spacing_mm[::-1], strict=True)]
    z, y, x = (slice(max(0, v - n), v + n + 1) for v, n in zip(at[::-1], (1, reach, reach), strict=True))
    return z, y, x


def test_none_of_them_is_coronary_calcium(full: Phantom) -> None:
    assert full.truth.agatston.total == 0
    assert full.truth.category == "0"
    assert full.truth.lesions == ()
    assert {d.kind for d in full.truth.distractors} == set(DISTRACTOR_KINDS)


def test_each_is_bright_where_the_truth_says(full: Phantom, bare: Phantom) -> None:
    low, high = full.origin_mm[2], full.origin_mm[2] + (len(full.hu) - 1) * full.spacing_mm[0]
    for distractor in full.truth.distractors:
        if not low < distractor.centre_mm[2] < high:
            continue
        here = around(full, distractor.centre_mm)
        added = full.hu[here].astype(int) - bare.hu[here].astype(int)
        assert added.max() > 25, distractor


@pytest.mark.parametrize("kind", BESIDE)
def test_each_lies_in_what_it_is_named_after(kind: DistractorKind, full: Phantom) -> None:
    assert full.labels is not None
    for distractor in full.truth.distractors:
        if distractor.kind == kind:
            labels = full.labels[around(full, distractor.centre_mm, 5)]
            assert not labels.size or np.isin(labels, BESIDE[kind]).any(), distractor


def test_truth_of_coronary_calcium_does_not_depend_on_them() -> None:
    """Wherever the distractors are, the truth equals that of the calcium in the arteries without them."""
    alone, among = (
        make_phantom(PhantomSpec(seed=3, matrix=96, variation=1.0, noise_sd_hu=0, distractors=kinds)).truth
        for kinds in ((), DISTRACTOR_KINDS)
    )
    assert alone.agatston.total > 50
    assert among.agatston == alone.agatston
    assert among.mass_mg == alone.mass_mg


@pytest.mark.parametrize("variation", [0.0, 1.0])
def test_every_kind_finds_a_place_clear_of_the_arteries(variation: float) -> None:
    missing = 0
    for seed in range(4):
        thorax = Thorax.draw(seed, variation)
        tree = CoronaryTree.grow(thorax)
        distractors = build_distractors(thorax, tree, DISTRACTOR_KINDS, 1.0)
        missing += len(set(DISTRACTOR_KINDS) - {d.kind for d in distractors})
        vessels = np.concatenate([c.points for c in tree.curves])
        for d in distractors:
            gap = np.linalg.norm(d.deposit.line[::3, None] - vessels[None], axis=2).min() - d.deposit.radius
            assert gap > CLOSER_MM.get(d.kind, 6.0) - 0.5 or d.kind == "stent", d.kind
    assert missing <= 2


def drawn(kind: DistractorKind, seeds: Iterable[int], strength: float = 1.0) -> Iterator[tuple[CoronaryTree, Points]]:
    """Yield tree and points (n, 3) of a kind of distractor for some patients."""
    for seed in seeds:
        thorax = Thorax.draw(seed, 0.8)
        tree = CoronaryTree.grow(thorax)
        found = build_distractors(thorax, tree, (kind,), 1.0, strength)
        if found:
            yield tree, np.concatenate([d.deposit.line for d in found])


def test_calcium_of_the_root_comes_as_near_to_the_coronary_origins_as_real_calcium() -> None:
    away = [
        min(np.linalg.norm(points - tree.arteries[artery].points[0], axis=1).min() for artery in ("LM", "RCA"))
        for tree, points in drawn("coronary origin", range(30))
    ]
    assert len(away) > 25
    assert max(away) < 7.5
    assert np.mean(np.array(away) < 4) > 0.3


def test_a_ring_goes_round_the_root() -> None:
    for seed in range(6):
        thorax = Thorax.draw(seed, 0.8)
        ring = build_distractors(thorax, CoronaryTree.grow(thorax), ("aortic root ring",), 1.0, 4.0)
        points = np.concatenate([d.deposit.line for d in ring]) - thorax.root.valve
        first, second = thorax.root.across([0.0, np.pi / 2])
        octants = {int(np.floor(angle / (np.pi / 4))) for angle in np.arctan2(points @ second, points @ first)}
        assert len(octants) >= 3
        assert np.hypot(points @ first, points @ second) == pytest.approx(thorax.ascending_radius, rel=0.45)


def test_the_mitral_annulus_ranges_from_specks_to_millilitres() -> None:
    volumes = []
    for seed in range(40):
        thorax = Thorax.draw(seed, 0.8)
        parts = build_distractors(thorax, CoronaryTree.grow(thorax), ("mitral annulus",), 1.0)
        volumes.append(sum(np.pi * d.deposit.radius**2 * travelled(d.deposit.line) for d in parts) / 1000)
    assert np.quantile(volumes, 0.2) < 0.1
    assert 1.5 < max(volumes) < 6


def travelled(line: Points) -> float:
    """Return the length of a line (n, 3)."""
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def test_the_annulus_often_runs_beside_the_circumflex() -> None:
    gaps = [
        np.linalg.norm(points[:, None] - tree.arteries["LCX"].points[None], axis=2).min()
        for tree, points in drawn("mitral annulus", range(30))
    ]
    assert np.mean(np.array(gaps) < 8) > 0.35
    assert min(gaps) > 1


def test_greater_strength_is_more_calcium() -> None:
    few, many = (sum(len(p) for _, p in drawn("mitral annulus", range(20), strength)) for strength in (0.3, 4.0))
    assert many > 2 * few


def test_a_stent_is_a_tube_around_an_artery() -> None:
    for seed in range(8):
        thorax = Thorax.draw(seed, 0.5)
        tree = CoronaryTree.grow(thorax)
        for d in build_distractors(thorax, tree, ("stent",), 1.0):
            line = d.deposit.line
            artery = min(
                (c.points for c in tree.arteries.values()),
                key=lambda p: np.linalg.norm(line[:, None] - p[None], axis=2).min(axis=1).mean(),
            )
            fine = np.stack([np.interp(np.arange(0, len(artery) - 1, 0.2), range(len(artery)), v) for v in artery.T])
            away = np.linalg.norm(line[::5, None] - fine.T[None], axis=2)
            s = np.r_[0, np.cumsum(np.linalg.norm(np.diff(fine.T, axis=0), axis=1))][away.argmin(1)]
            assert 1.0 < np.median(away.min(1)) < 1.9
            assert 7 < s.max() - s.min() < 31


def test_a_stent_is_brighter_than_calcium() -> None:
    scan = Scan.of(PhantomSpec(matrix=384))
    peaks = []
    for seed in range(6):
        thorax = Thorax.draw(seed, 0.5)
        for d in build_distractors(thorax, CoronaryTree.grow(thorax), ("stent",), 1.0):
            rendered = render_deposit(d.deposit, scan)
            assert rendered is not None
            peaks.append(rendered[1].max())
    assert 450 < min(peaks) < 1000 < max(peaks) < 4000


def test_the_clips_of_a_graft_lie_in_a_row_over_the_heart() -> None:
    for seed in range(5):
        thorax = Thorax.draw(seed, 0.5)
        clips = [d.deposit.centre for d in build_distractors(thorax, CoronaryTree.grow(thorax), ("bypass graft",), 1.0)]
        assert len(clips) > 5
        steps = np.linalg.norm(np.diff(clips, axis=0), axis=1)
        assert np.median(steps) < 20


def test_wires_encircle_the_sternum() -> None:
    wires = build_distractors(Thorax.draw(1), CoronaryTree.grow(Thorax.draw(1)), ("sternal wires",), 1.0)
    assert 4 <= len(wires) <= 8
    for wire in wires:
        width, depth, _ = np.ptp(wire.deposit.line, axis=0)
        assert 28 < width < 42
        assert 11 < depth < 20


def test_truth_says_what_is_metal(full: Phantom, bare: Phantom) -> None:
    assert {d.kind for d in full.truth.distractors if d.is_metal} == METAL
    assert {d.kind for d in full.truth.distractors if not d.is_metal} == set(DISTRACTOR_KINDS) - METAL
    assert (full.truth.refusal, bare.truth.refusal) == ("metal", None)
    assert Truth.from_json(full.truth.to_json()) == full.truth


@pytest.mark.parametrize("kind", DISTRACTOR_KINDS)
def test_metal_in_the_heart_may_be_refused(kind: DistractorKind) -> None:
    assert PhantomSpec(distractors=(kind,)).has_metal_in_heart == (kind in METAL_IN_HEART)


def test_kinds_are_drawn_independently() -> None:
    thorax = Thorax.draw(4)
    tree = CoronaryTree.grow(thorax)
    alone = build_distractors(thorax, tree, ("granuloma",), 1.0)
    among = [d for d in build_distractors(thorax, tree, DISTRACTOR_KINDS, 1.0) if d.kind == "granuloma"]
    assert [d.deposit.line.tolist() for d in alone] == [d.deposit.line.tolist() for d in among]


def test_metal_causes_streaks(full: Phantom, bare: Phantom) -> None:
    """Calcium only adds; next to metal the image becomes darker."""
    added = full.hu.astype(int) - bare.hu.astype(int)
    assert added.max() > 900
    assert added.min() < -20


def test_true_means_the_default_kinds(tmp_path) -> None:
    files = []
    for name, kinds in (("true", True), ("named", DEFAULT_DISTRACTORS), ("turned", DEFAULT_DISTRACTORS[::-1])):
        spec = PhantomSpec(matrix=64, below_left_main_mm=40, distractors=kinds)
        paths = write_series(make_phantom(spec), tmp_path / name)
        files.append([p.read_bytes() for p in (*paths, tmp_path / name / "truth.json")])
    assert files[0] == files[1] == files[2]


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="tattoo"):
        PhantomSpec(distractors=("tattoo",))  # type: ignore[arg-type]
