"""Distractors: bright structures near the heart that are not coronary calcium."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.phantom import calcified, implants
from scoring.phantom.calcium import Deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.shapes import stream
from scoring.phantom.spec import METAL, DistractorKind
from scoring.phantom.thorax import Thorax

_LONG_MM: Final = 12.0
_CLEAR_MM: Final = 6.0
_TRIES: Final = 60


@dataclass(frozen=True, slots=True)
class Distractor:
    """A bright structure that must not be counted."""

    kind: DistractorKind
    deposit: Deposit

    @property
    def is_metal(self) -> bool:
        """Whether it causes streaks and has an attenuation that does not depend on tube voltage like calcium's."""
        return self.kind in METAL

    @property
    def is_long(self) -> bool:
        """Whether its bounding box is large."""
        return bool(np.ptp(self.deposit.line, axis=0).max() > _LONG_MM)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of distractor: its smallest and largest number, how one is drawn, its clearance in mm.

    A distractor has one or several parts. A part closer to a coronary artery than `clear_mm` is left out; if none is
    left, the distractor is drawn again.
    """

    few: int
    many: int
    draw: Callable[[Thorax, CoronaryTree, np.random.Generator], Sequence[Deposit]]
    clear_mm: float = _CLEAR_MM


def build_distractors(
    thorax: Thorax, tree: CoronaryTree, kinds: tuple[DistractorKind, ...], contrast: float
) -> tuple[Distractor, ...]:
    """Build the distractors of a thorax; each kind is drawn independently, so that none affects another.

    All except stents keep clear of the coronary arteries: a kind for which no such place is found is left out.
    `contrast` is the attenuation of calcium relative to that at 120 kVp.
    """
    arteries = np.concatenate([curve.points for curve in tree.arteries.values()])[::2]
    distractors = []
    for kind in kinds:
        rng = stream(thorax.seed, f"distractor {kind}")
        form = _KINDS[kind]
        for _ in range(int(rng.integers(form.few, form.many + 1))):
            for _ in range(_TRIES):
                parts = form.draw(thorax, tree, rng)
                parts = [d for d in parts if _gap_mm(d, arteries) > form.clear_mm]
                if parts:
                    scale = 1.0 if kind in METAL else contrast
                    distractors += [Distractor(kind, dataclasses.replace(d, hu=d.hu * scale)) for d in parts]
                    break
    return tuple(distractors)


def _gap_mm(deposit: Deposit, arteries: calcified.Points) -> float:
    """Return the distance from a deposit's surface to the nearest arterial centreline."""
    nearest = min(
        float(np.linalg.norm(points[:, None] - arteries[None], axis=2).min())
        for points in np.array_split(deposit.line, len(deposit.line) // 100 + 1)
    )
    return nearest - deposit.radius


def _single(draw: calcified.Draw) -> Callable[[Thorax, CoronaryTree, np.random.Generator], Sequence[Deposit]]:
    return lambda thorax, _tree, rng: [draw(thorax, rng)]


def _several(
    draw: Callable[[Thorax, np.random.Generator], list[Deposit]],
) -> Callable[[Thorax, CoronaryTree, np.random.Generator], Sequence[Deposit]]:
    return lambda thorax, _tree, rng: draw(thorax, rng)


_KINDS: Final[dict[DistractorKind, _Kind]] = {
    "ascending aorta wall": _Kind(1, 1, _single(calcified.default("ascending", 24.0, 200.0, 34.0, 1.1, 620.0))),
    "descending aorta wall": _Kind(1, 1, _single(calcified.default("descending", -34.0, 20.0, 50.0, 1.2, 700.0))),
    "descending aorta wall, low": _Kind(1, 1, _single(calcified.default("descending", -72.0, 120.0, 30.0, 1.0, 560.0))),
    "aortic plaques": _Kind(1, 5, _single(calcified.aortic_plaque)),
    "aortic root": _Kind(1, 3, _single(calcified.aortic_root)),
    "aortic valve": _Kind(1, 4, _single(calcified.aortic_valve)),
    "mitral annulus": _Kind(1, 2, _single(calcified.mitral_annulus)),
    "pericardium": _Kind(1, 2, _single(calcified.pericardium)),
    "lymph node": _Kind(1, 3, _single(calcified.node)),
    "hilar lymph node": _Kind(1, 3, _single(calcified.hilar_node)),
    "granuloma": _Kind(1, 3, _single(calcified.granuloma)),
    "bronchial wall": _Kind(1, 4, _single(calcified.bronchial_wall)),
    "surgical clip": _Kind(2, 5, _single(implants.clip)),
    "pacemaker lead": _Kind(1, 1, _single(implants.lead)),
    "stent": _Kind(1, 2, lambda _thorax, tree, rng: [implants.stent(tree, rng)], -np.inf),
    "bypass graft": _Kind(1, 2, _several(implants.bypass_graft), 3.0),
    "sternal wires": _Kind(1, 1, _several(implants.sternal_wires)),
    "mechanical valve": _Kind(1, 1, _several(implants.mechanical_valve), 2.0),
}
