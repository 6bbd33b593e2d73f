from __future__ import annotations

import numpy as np
import pytest

from scoring.phantom import DEFAULT_DISTRACTORS, DISTRACTOR_KINDS, Phantom, PhantomSpec, make_phantom, write_series
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractors import METAL, built
from scoring.phantom.spec import DistractorKind
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue

BARE = PhantomSpec(seed=1, matrix=144, noise_sd_hu=0, calcifications=(), distractors=False)
AORTA = (Tissue.ASCENDING_AORTA, Tissue.DESCENDING_AORTA)
BESIDE: dict[DistractorKind, tuple[Tissue, ...]] = {
    "aortic plaques": AORTA,
    "aortic root": (Tissue.ASCENDING_AORTA,),
    "aortic valve": (Tissue.ASCENDING_AORTA,),
    "mitral annulus": (Tissue.LEFT_VENTRICLE, Tissue.LEFT_ATRIUM, Tissue.MYOCARDIUM),
    "pericardium": (Tissue.PERICARDIUM, Tissue.EPICARDIAL_FAT),
    "lymph node": (*AORTA, Tissue.MEDIASTINAL_FAT),
    "granuloma": (Tissue.LUNG,),
    "bronchial wall": (Tissue.AIRWAY, Tissue.AIRWAY_WALL),
    "pacemaker lead": (Tissue.VEIN, Tissue.RIGHT_ATRIUM, Tissue.RIGHT_VENTRICLE),
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
        assert added.max() > 60, distractor


@pytest.mark.parametrize("kind", BESIDE)
def test_each_lies_in_what_it_is_named_after(kind: DistractorKind, full: Phantom) -> None:
    assert full.labels is not None
    for distractor in full.truth.distractors:
        if distractor.kind == kind:
            labels = full.labels[around(full, distractor.centre_mm, 5)]
            assert not labels.size or np.isin(labels, BESIDE[kind]).any(), distractor


def test_truth_of_coronary_calcium_does_not_depend_on_them() -> None:
    """However the distractors lie, what is counted is what calcium in the arteries gives without them."""
    alone, among = (
        make_phantom(PhantomSpec(seed=3, matrix=96, variation=1.0, noise_sd_hu=0, distractors=kinds)).truth
        for kinds in ((), tuple(k for k in DISTRACTOR_KINDS if k not in METAL))
    )
    assert alone.agatston.total > 50
    assert among.agatston == alone.agatston
    assert among.mass_mg == alone.mass_mg


@pytest.mark.parametrize("variation", [0.0, 1.0])
def test_every_kind_finds_its_place_clear_of_the_arteries(variation: float) -> None:
    missing = 0
    for seed in range(6):
        thorax = Thorax.draw(seed, variation)
        tree = CoronaryTree.grow(thorax)
        made = built(thorax, tree, DISTRACTOR_KINDS, 1.0)
        missing += len(set(DISTRACTOR_KINDS) - {d.kind for d in made})
        vessels = np.concatenate([c.points for c in tree.arteries.values()])
        for d in made:
            gap = np.linalg.norm(d.deposit.line[:, None] - vessels[None], axis=2).min() - d.deposit.radius
            assert gap > 5.5, d.kind
    assert missing <= 2


def test_a_kind_does_not_move_another() -> None:
    thorax = Thorax.draw(4)
    tree = CoronaryTree.grow(thorax)
    alone = built(thorax, tree, ("granuloma",), 1.0)
    among = [d for d in built(thorax, tree, DISTRACTOR_KINDS, 1.0) if d.kind == "granuloma"]
    assert [d.deposit.line.tolist() for d in alone] == [d.deposit.line.tolist() for d in among]


def test_metal_throws_streaks(full: Phantom, bare: Phantom) -> None:
    """Calcium only adds; beside metal the image is darker than it was."""
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
