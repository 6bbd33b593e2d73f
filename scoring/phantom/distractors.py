"""Distractors: bright structures near the heart that are not coronary calcium."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.phantom import annulus, calcified, implants, root_calcium
from scoring.phantom.calcium import Deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractor_kinds import METAL, DistractorKind
from scoring.phantom.shapes import stream
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


Draw = Callable[[Thorax, CoronaryTree, np.random.Generator, float], Sequence[Deposit]]
"""Draws the parts of a distractor; the last argument is its severity, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of distractor: its smallest and largest number, how one is drawn, its clearance in mm.

    A distractor has one or several parts. A part closer to a coronary artery than `clear_mm` is left out; if none is
    left, the distractor is drawn again.
    """

    few: int
    many: int
    draw: Draw
    clear_mm: float = _CLEAR_MM


def build_distractors(
    thorax: Thorax, tree: CoronaryTree, kinds: tuple[DistractorKind, ...], contrast: float, strength: float = 1.0
) -> tuple[Distractor, ...]:
    """Build the distractors of a thorax; each kind is drawn independently, so that none affects another.

    All except stents keep clear of the coronary arteries: a kind for which no such place is found is left out.
    `contrast` is the attenuation of calcium relative to that at 120 kVp; `strength` is as in `PhantomSpec`.
    """
    arteries = np.concatenate([curve.points for curve in tree.curves])[::2]
    distractors = []
    for kind in kinds:
        rng = stream(thorax.seed, f"distractor {kind}")
        form = _KINDS[kind]
        severity = float(stream(thorax.seed, f"severity {kind}").random() ** (1 / strength))
        for _ in range(int(rng.integers(form.few, form.many + 1))):
            for _ in range(_TRIES):
                parts = form.draw(thorax, tree, rng, severity)
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


def _single(draw: calcified.Draw) -> Draw:
    return lambda thorax, _tree, rng, _severity: [draw(thorax, rng)]


def _several(draw: Callable[[Thorax, np.random.Generator], list[Deposit]]) -> Draw:
    return lambda thorax, _tree, rng, _severity: draw(thorax, rng)


def _graded(draw: Callable[[Thorax, np.random.Generator, float], list[Deposit]]) -> Draw:
    return lambda thorax, _tree, rng, severity: draw(thorax, rng, severity)


_KINDS: Final[dict[DistractorKind, _Kind]] = {
    "ascending aorta wall": _Kind(1, 1, _single(calcified.default("ascending", 24.0, 200.0, 34.0, 1.1, 620.0))),
    "descending aorta wall": _Kind(1, 1, _single(calcified.default("descending", -34.0, 20.0, 50.0, 1.2, 700.0))),
    "descending aorta wall, low": _Kind(1, 1, _single(calcified.default("descending", -72.0, 120.0, 30.0, 1.0, 560.0))),
    "aortic plaques": _Kind(1, 5, _single(calcified.aortic_plaque)),
    "aortic root": _Kind(1, 3, _single(root_calcium.plaque), 2.0),
    "coronary origin": _Kind(
        1, 2, lambda thorax, tree, rng, _severity: [root_calcium.beside_origin(thorax, tree, rng)], 0.3
    ),
    "aortic root ring": _Kind(1, 1, _graded(root_calcium.ring), 0.8),
    "aortic valve": _Kind(1, 1, _graded(root_calcium.valve), 2.0),
    "mitral annulus": _Kind(1, 1, annulus.mitral_annulus, 1.0),
    "papillary muscle": _Kind(1, 2, _single(annulus.papillary_muscle)),
    "pericardium": _Kind(1, 2, _single(calcified.pericardium), 3.0),
    "lymph node": _Kind(1, 3, _single(calcified.node), 4.0),
    "hilar lymph node": _Kind(1, 3, _single(calcified.hilar_node), 4.0),
    "granuloma": _Kind(1, 3, _single(calcified.granuloma)),
    "bronchial wall": _Kind(1, 4, _single(calcified.bronchial_wall)),
    "surgical clip": _Kind(2, 5, _single(implants.clip), 4.0),
    "pacemaker lead": _Kind(1, 1, _single(implants.lead), 3.0),
    "stent": _Kind(1, 2, lambda _thorax, tree, rng, _severity: [implants.stent(tree, rng)], -np.inf),
    "bypass graft": _Kind(1, 2, _several(implants.bypass_graft), 3.0),
    "sternal wires": _Kind(1, 1, _several(implants.sternal_wires)),
    "mechanical valve": _Kind(1, 1, _several(implants.mechanical_valve), 2.0),
}
