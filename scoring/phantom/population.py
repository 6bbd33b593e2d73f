"""A population of patients and scans: one random spec for each seed."""

from __future__ import annotations

from typing import Final

from scoring.phantom.burden import calcifications
from scoring.phantom.distractor_kinds import DistractorKind
from scoring.phantom.protocol import Protocol
from scoring.phantom.shapes import stream
from scoring.phantom.spec import PhantomSpec

KINDS: Final[dict[DistractorKind, tuple[float, float]]] = {
    "aortic plaques": (0.28, 0.5),
    "aortic root": (0.14, 0.4),
    "coronary origin": (0.07, 0.35),
    "aortic root ring": (0.04, 0.15),
    "aortic valve": (0.13, 0.35),
    "mitral annulus": (0.09, 0.4),
    "papillary muscle": (0.03, 0.12),
    "pericardium": (0.04, 0.2),
    "lymph node": (0.15, 0.25),
    "hilar lymph node": (0.2, 0.25),
    "granuloma": (0.2, 0.2),
    "bronchial wall": (0.25, 0.3),
    "surgical clip": (0.03, 0.1),
    "pacemaker lead": (0.03, 0.06),
    "stent": (0.04, 0.06),
    "bypass graft": (0.03, 0.04),
    "mechanical valve": (0.015, 0.03),
}
"""Share of the patients that have a given kind of distractor, and that among hard ones.

Calcium of the aortic valve is found in 13 %, of the mitral annulus in 9 % (MESA, JACC Cardiovasc Imaging 2012;5:781),
of the wall of the thoracic aorta in 28 % (Am Heart J 2008;155:765).
"""

_OPENED: Final[frozenset[DistractorKind]] = frozenset({"bypass graft", "mechanical valve"})
_WIRED: Final = 0.9
_OTHERWISE_WIRED: Final = 0.01
"""Share of patients with sternal wires: after sternotomy with another visible trace, and without one."""


_STRENGTH: Final = 2.0
"""Hard patients have more severe distractors."""


def draw(seed: int, matrix: int | None = None, *, hard: bool = False) -> PhantomSpec:
    """Draw the patient and the scan of a seed; the same seed always gives the same result.

    More than half of the scans are calcium scans, the others cover the whole chest. `matrix` replaces the drawn
    one (512 or 768). `hard` draws a patient who is to teach or to test, with more calcium and more that
    resembles it. Raises ValueError for a seed or a matrix outside the limits of `PhantomSpec`.
    """
    rng = stream(seed, "population")
    variation = float(rng.uniform(0.3, 1.0))
    protocol = Protocol.draw(rng)
    return PhantomSpec(
        seed=seed,
        calcifications=calcifications(seed, hard=hard),
        distractors=draw_kinds(seed, hard=hard),
        variation=variation,
        distractor_strength=_STRENGTH if hard else 1.0,
        **protocol.settings(matrix),
    )


def draw_kinds(seed: int, *, hard: bool = False) -> tuple[DistractorKind, ...]:
    """Draw the kinds of distractors of a patient."""
    rng = stream(seed, "population distractors")
    kinds = tuple(kind for kind, shares in KINDS.items() if rng.random() < shares[hard])
    wired = rng.random() < (_OTHERWISE_WIRED if _OPENED.isdisjoint(kinds) else _WIRED)
    return (*kinds, "sternal wires") if wired else kinds
